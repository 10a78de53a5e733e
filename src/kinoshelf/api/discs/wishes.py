"""/ajax/wishes: discs somebody would like to own."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Instant, answered
from kinoshelf.api.discs.parts import CONFLICT, NOT_FOUND, ClockDep, DatabaseDep, RowNumber
from kinoshelf.api.discs.requests import WishRequest
from kinoshelf.api.discs.routes import SurfaceRouter
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


@router.post("/", status_code=201, response_model=OneWish, responses=CONFLICT)
async def add_wish(body: WishRequest, database: DatabaseDep, clock: ClockDep) -> Response:
    """Put a disc on the wish list."""
    given = body.model_dump(exclude_unset=True)
    wish = await database.writing(lambda session: wishes.wish_as_json(wishes.add_wish(session, given, clock.now())))
    return answered(wish, f"\u00ab{wish['name']}\u00bb is on the wish list", status_code=201, wish=wish)


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
