"""/ajax: the poster of a disc: one of TMDB's, or one of your own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, File, Request, UploadFile
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, answered
from kinoshelf.api.discs.disc_shape import DiscRead, disc_read
from kinoshelf.api.discs.parts import NOT_FOUND, UPSTREAM, CatalogueDep, ClockDep, DatabaseDep, DiscNumber, StoreDep
from kinoshelf.api.discs.requests import PosterChoice
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.web import JSONBytes, base_of, use
from kinoshelf.discs import editing, queries
from kinoshelf.discs.looking_up import DiscNotMatched
from kinoshelf.images.sizes import tmdb_address, tmdb_key
from kinoshelf.images.store import MOST_UPLOAD_BYTES, ArtworkStore

router = SurfaceRouter(prefix="/ajax", tags=["discs"])

ArtworkDep = Annotated[ArtworkStore, Depends(use(ArtworkStore))]
SMALL, LARGE = "w185", "w500"


class PosterRead(BaseModel):
    file_path: str
    language: str | None
    width: int
    height: int
    vote_average: float
    preview_url: str
    poster_url: str


class Posters(Answer):
    posters: list[PosterRead]


@router.get("/posters/{pk}/", response_model=Posters, responses={**NOT_FOUND, **UPSTREAM})
async def list_posters(pk: DiscNumber, database: DatabaseDep, catalogue: CatalogueDep, store: StoreDep) -> Response:
    """Return the posters TMDB has of the film: in your language, in English, without words, then the others."""
    disc = await database.reading(lambda session: queries.get(session, pk))
    if disc.tmdb_id is None:
        raise DiscNotMatched(disc.name)
    images = await catalogue.movie_images(disc.tmdb_id)
    base = store.current.tmdb.image_base_url
    order = list(dict.fromkeys((catalogue.language[:2], "en", None)))
    found = [
        {
            "file_path": image.file_path,
            "language": image.iso_639_1,
            "width": image.width,
            "height": image.height,
            "vote_average": image.vote_average,
            "preview_url": tmdb_address(base, SMALL, image.file_path),
            "poster_url": tmdb_address(base, LARGE, image.file_path),
        }
        for image in sorted(
            images.posters,
            key=lambda image: (
                order.index(image.iso_639_1) if image.iso_639_1 in order else len(order),
                -image.vote_average,
            ),
        )
    ]
    return answered(found, posters=found)


@router.post("/choose-poster/{pk}/", response_model=DiscRead, responses=NOT_FOUND)
async def choose_poster(
    pk: DiscNumber, body: PosterChoice, request: Request, database: DatabaseDep, clock: ClockDep, artwork: ArtworkDep
) -> Response:
    """Take one of TMDB's posters. No refresh takes another one then."""
    base = base_of(request.scope)

    def write(session: Session) -> dict[str, Any]:
        queries.get(session, pk)
        poster_id = artwork.want(session, tmdb_key(body.file_path))
        return disc_read(editing.edit(session, pk, {"poster_id": poster_id}, clock.now()), base)

    return JSONBytes(await database.writing(write))


@router.post("/upload-poster/{pk}/", response_model=DiscRead, responses=NOT_FOUND)
async def upload_poster(
    pk: DiscNumber,
    poster: Annotated[UploadFile, File(description="JPEG, PNG, GIF or WebP of at most 5 MB.")],
    request: Request,
    database: DatabaseDep,
    clock: ClockDep,
    artwork: ArtworkDep,
) -> Response:
    """Take a picture of your own."""
    base = base_of(request.scope)
    await database.reading(lambda session: queries.get(session, pk))
    poster_id = await artwork.keep_upload(await poster.read(MOST_UPLOAD_BYTES + 1))

    def write(session: Session) -> dict[str, Any]:
        return disc_read(editing.edit(session, pk, {"poster_id": poster_id}, clock.now()), base)

    return JSONBytes(await database.writing(write))


@router.post("/remove-poster/{pk}/", response_model=DiscRead, responses=NOT_FOUND)
async def remove_poster(pk: DiscNumber, request: Request, database: DatabaseDep, clock: ClockDep) -> Response:
    """Show no poster; a refresh may bring one again once the field is unlocked."""
    base = base_of(request.scope)

    def write(session: Session) -> dict[str, Any]:
        return disc_read(editing.edit(session, pk, {"poster_id": None}, clock.now()), base)

    return JSONBytes(await database.writing(write))
