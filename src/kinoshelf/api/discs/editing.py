"""/ajax: changing and removing discs, one or many."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, IMDbFound, answered
from kinoshelf.api.discs.disc_shape import DiscRead, disc_read
from kinoshelf.api.discs.discs import removed
from kinoshelf.api.discs.parts import (
    CONFLICT,
    NOT_FOUND,
    UPSTREAM,
    ClockDep,
    DatabaseDep,
    DiscNumber,
    LookUpDep,
    writable,
)
from kinoshelf.api.discs.requests import DiscChosen, DiscsChosen, DiscsUpdate, FieldsChosen, FieldUpdate, MatchRequest
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.errors import NotFound
from kinoshelf.core.web import JSONBytes, base_of
from kinoshelf.discs import editing
from kinoshelf.discs.errors import DiscConflict

router = SurfaceRouter(tags=["discs"])


class Refusal(BaseModel):
    id: int
    message: str


class ManyChanged(Answer):
    changed: int
    refused: list[Refusal]


class ManyRemoved(Answer):
    deleted: int


@router.post("/ajax/fetch-imdb-id/{pk}/", response_model=IMDbFound, responses={**NOT_FOUND, **UPSTREAM})
@router.post("/dvd/{pk}/fetch-imdb/", include_in_schema=False)
async def fetch_imdb_id(pk: DiscNumber, look_up: LookUpDep) -> Response:
    """Ask TMDB for the IMDb id of a disc, and write it down."""
    imdb_id = await look_up.fetch_imdb_id(pk)
    if not imdb_id:
        raise NotFound("TMDB knows no IMDb id of this film")
    return answered({"imdb_id": imdb_id}, f"IMDB ID updated to {imdb_id}", imdb_id=imdb_id)


@router.post("/ajax/bulk-update-dvd/", response_model=Answer, responses={**NOT_FOUND, **CONFLICT})
@router.post("/api/bulk-update-dvd/", include_in_schema=False)
async def update_field(body: FieldUpdate, database: DatabaseDep, clock: ClockDep) -> Response:
    """Change one field of one disc."""
    values = writable({body.field: body.value})

    def write(session: Session) -> None:
        disc = editing.edit(session, body.dvd_id, values, clock.now())
        if body.field == "location" and body.value and not disc.location:
            raise DiscConflict([("location", "only an unboxed disc has a location")])

    await database.writing(write)
    return answered({"dvd_id": body.dvd_id, "field": body.field}, f"Updated {body.field} successfully")


@router.post("/ajax/bulk-update-dvds/", response_model=ManyChanged, responses={**NOT_FOUND, **CONFLICT})
async def update_many(body: DiscsUpdate, database: DatabaseDep, clock: ClockDep) -> Response:
    """Change the same fields of many discs. Those that could not be changed are named; the others are."""
    values = writable(body.values)
    refused = await database.writing(lambda session: editing.edit_many(session, body.ids, values, clock.now()))
    found = [{"id": disc_id, "message": message} for disc_id, message in refused]
    changed = len(set(body.ids)) - len(found)
    return answered({"changed": changed, "refused": found}, f"Updated {changed}", changed=changed, refused=found)


@router.post("/ajax/delete-dvd/", response_model=Answer, responses=NOT_FOUND)
@router.post("/api/delete-dvd/", include_in_schema=False)
async def delete_one(body: DiscChosen, database: DatabaseDep) -> Response:
    """Remove one disc."""
    return answered({"dvd_id": body.dvd_id}, await removed(database, body.dvd_id))


@router.post("/ajax/delete-dvds/", response_model=ManyRemoved)
async def delete_many(body: DiscsChosen, database: DatabaseDep) -> Response:
    """Remove many discs; unknown ones are left out of the count."""
    names = await database.writing(lambda session: editing.remove(session, body.ids))
    return answered({"deleted": len(names)}, f"Deleted {len(names)}", deleted=len(names))


@router.post("/ajax/fix-match/{pk}/", response_model=DiscRead, responses={**NOT_FOUND, **UPSTREAM})
async def fix_match(pk: DiscNumber, body: MatchRequest, request: Request, look_up: LookUpDep) -> Response:
    """Make a disc one of another film: all facts of the wrong one go, what a person wrote stays."""
    return JSONBytes(disc_read(await look_up.fix_match(pk, body.tmdb_id), base_of(request.scope)))


@router.post("/ajax/unlock-fields/{pk}/", response_model=DiscRead, responses=NOT_FOUND)
async def unlock_fields(
    pk: DiscNumber, body: FieldsChosen, request: Request, database: DatabaseDep, clock: ClockDep
) -> Response:
    """Let refreshes write fields again that a person had changed."""
    base = base_of(request.scope)

    def write(session: Session) -> dict[str, Any]:
        return disc_read(editing.unlock(session, pk, body.fields, clock.now()), base)

    return JSONBytes(await database.writing(write))
