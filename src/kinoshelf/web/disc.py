"""The page of one disc, its form, and what its dialogs ask."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import Conflict, NotConfigured
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.discs.editing import unlock
from kinoshelf.discs.looking_up import DiscNotMatched
from kinoshelf.discs.queries import get
from kinoshelf.discs.torrents import Torrents
from kinoshelf.web.disc_view import form_groups, read_disc
from kinoshelf.web.disc_words import language_name
from kinoshelf.web.films import MOST_FILMS, ArtworkDep, CatalogueDep, pictures_of
from kinoshelf.web.pages import render
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)
T = TypeVar("T")

MOST_POSTERS = 60

DiscId = Annotated[int, Path(ge=1, le=2**53)]


class TMDBNotReady(Conflict):
    """A key is missing or wrong: the user can change that, waiting cannot."""


class FieldsToUnlock(BaseModel):
    fields: list[str] = Field(max_length=100)


@router.get("/dvd/{disc_id}/", dependencies=[Depends(page_for_signed_in)])
async def show(
    disc_id: DiscId, database: DatabaseDep, store: StoreDep, torrents: Annotated[Torrents, Depends(use(Torrents))]
) -> HTMLResponse:
    settings = store.current
    view = await database.reading(lambda session: read_disc(session, disc_id, settings))
    answer = render("disc.html", view=view)
    # Once a day, and nobody waits for it: the next look at the page shows what came.
    answer.background = BackgroundTask(torrents.look, disc_id, is_forced=False)
    return answer


@router.get("/dvd/{disc_id}/edit/", dependencies=[Depends(page_for_signed_in)])
async def edit(disc_id: DiscId, database: DatabaseDep) -> HTMLResponse:
    def read(session: Session) -> tuple[Any, Any]:
        disc = get(session, disc_id)
        return disc, form_groups(disc)

    disc, groups = await database.reading(read)
    return render("disc_edit.html", disc=disc, groups=groups)


@router.post("/dvd/{disc_id}/unlock", dependencies=[Depends(local_or_signed_in)])
async def unlock_fields(
    disc_id: DiscId, body: FieldsToUnlock, database: DatabaseDep, clock: Annotated[Clock, Depends(use(Clock))]
) -> JSONBytes:
    """Let refreshes write these facts again."""
    locked = await database.writing(
        lambda session: list(unlock(session, disc_id, body.fields, clock.now()).edited_fields)
    )
    return JSONBytes({"edited_fields": locked})


@router.get("/dvd/{disc_id}/posters", dependencies=[Depends(local_or_signed_in)])
async def list_posters(
    disc_id: DiscId, database: DatabaseDep, catalogue: CatalogueDep, artwork: ArtworkDep
) -> JSONBytes:
    """Return TMDB's posters of the film with addresses of ours: the browser asks nobody else."""
    disc = await database.reading(lambda session: get(session, disc_id))
    if disc.tmdb_id is None:
        raise DiscNotMatched(disc.name)
    images = await _told(catalogue.movie_images(disc.tmdb_id))
    shown = sorted(images.posters, key=lambda image: -image.vote_average)[:MOST_POSTERS]
    pictures = await pictures_of(database, artwork, [image.file_path for image in shown], "w185")
    return JSONBytes(
        [
            {
                "file_path": image.file_path,
                "picture": picture,
                "language": language_name(image.iso_639_1 or "xx"),
                "width": image.width,
                "height": image.height,
            }
            for image, picture in zip(shown, pictures, strict=True)
        ]
    )


@router.get("/collection/films", dependencies=[Depends(local_or_signed_in)])
async def search_films(
    database: DatabaseDep,
    catalogue: CatalogueDep,
    artwork: ArtworkDep,
    q: Annotated[str, Query(max_length=200)] = "",
    year: Annotated[int | None, Query(ge=1870, le=2100)] = None,
) -> JSONBytes:
    """Search films at TMDB for a list with pictures."""
    found = await _told(catalogue.search_movies(q.strip(), year=year))
    hits = found.results[:MOST_FILMS]
    pictures = await pictures_of(database, artwork, [hit.poster_path or "" for hit in hits], "w92")
    return JSONBytes(
        [
            {
                "id": hit.id,
                "title": hit.title,
                "original_title": hit.original_title if hit.original_title != hit.title else "",
                "year": int(hit.release_date[:4]) if hit.release_date else None,
                "overview": hit.overview,
                "picture": picture,
            }
            for hit, picture in zip(hits, pictures, strict=True)
        ]
    )


async def _told(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except NotConfigured as error:
        raise TMDBNotReady(error.message) from error
