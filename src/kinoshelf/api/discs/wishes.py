"""/ajax/wishes: discs somebody would like to own."""

from __future__ import annotations

from typing import Literal

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Instant, answered
from kinoshelf.api.discs.disc_shape import disc_read
from kinoshelf.api.discs.discs import DiscAdded, DiscValues
from kinoshelf.api.discs.parts import (
    CONFLICT,
    NOT_FOUND,
    UPSTREAM,
    ClockDep,
    DatabaseDep,
    LookUpDep,
    RowNumber,
    writable,
)
from kinoshelf.api.discs.requests import WishRequest
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.web import JSONBytes, base_of
from kinoshelf.discs import wishes

router = SurfaceRouter(prefix="/ajax/wishes", tags=["wishes"])

MOST_WISHES = 1000


class WishRead(BaseModel):
    id: int
    title_id: int | None
    name: str
    release_year: int | None
    tmdb_id: int | None
    disk_type: str
    most_price: float | None
    notes: str
    created_at: Instant


class OneWish(Answer):
    wish: WishRead


class Wishes(Answer):
    wishes: list[WishRead]


@router.get("/", response_model=Wishes)
async def list_wishes(database: DatabaseDep, order: Literal["created", "name"] = "created") -> Response:
    """Return the wish list, the newest first."""

    def read(session: Session) -> list[dict[str, object]]:
        found = wishes.list_wishes(session, order=order, limit=MOST_WISHES)
        return [wishes.wish_as_json(wish) for wish in found]

    found = await database.reading(read)
    return answered(found, wishes=found)


@router.post("/", status_code=201, response_model=OneWish, responses={**CONFLICT, **UPSTREAM})
async def add_wish(body: WishRequest, database: DatabaseDep, clock: ClockDep, look_up: LookUpDep) -> Response:
    """Put a disc on the wish list; with a `tmdb_id` alone TMDB is asked for its name."""
    given = body.model_dump(exclude_unset=True)
    if body.tmdb_id is not None and not (body.name or "").strip():
        more = {name: value for name, value in given.items() if name not in {"tmdb_id", "name"}}
        wish = wishes.wish_as_json(await look_up.wish(body.tmdb_id, more))
    else:
        wish = await database.writing(lambda session: wishes.wish_as_json(wishes.add_wish(session, given, clock.now())))
    return answered(wish, f"\u00ab{wish['name']}\u00bb is on the wish list", status_code=201, wish=wish)


@router.post(
    "/{wish_id}/fulfil/", status_code=201, response_model=DiscAdded, responses={**NOT_FOUND, **CONFLICT, **UPSTREAM}
)
async def fulfil(wish_id: RowNumber, body: DiscValues, request: Request, look_up: LookUpDep) -> Response:
    """Turn a wish into a disc; the body comes on top of what the wish says."""
    added = await look_up.fulfil(wish_id, writable(body))
    return JSONBytes({**disc_read(added.disc, base_of(request.scope)), "note": added.note}, status_code=201)


@router.patch("/{wish_id}/", response_model=OneWish, responses=NOT_FOUND)
async def change_wish(wish_id: RowNumber, body: WishRequest, database: DatabaseDep) -> Response:
    """Change the fields the body names."""
    given = body.model_dump(exclude_unset=True)
    wish = await database.writing(lambda session: wishes.wish_as_json(wishes.edit_wish(session, wish_id, given)))
    return answered(wish, wish=wish)


@router.delete("/{wish_id}/", response_model=Answer, responses=NOT_FOUND)
async def remove_wish(wish_id: RowNumber, database: DatabaseDep) -> Response:
    """Take a disc off the wish list."""
    name = await database.writing(lambda session: wishes.remove_wish(session, wish_id))
    return answered(message=f"\u00ab{name}\u00bb is off the wish list")
