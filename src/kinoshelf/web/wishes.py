"""The wish list page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import page_for_signed_in
from kinoshelf.discs import wishes
from kinoshelf.discs.fields import DISK_TYPES
from kinoshelf.discs.models import DiscWish
from kinoshelf.titles.models import Title
from kinoshelf.web import disc_words
from kinoshelf.web.films import ArtworkDep, OwnedCopy, owned_copy, pictures_of
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue import DatabaseDep

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 1000


@dataclass(frozen=True)
class ShownWish:
    wish: DiscWish
    copies: list[OwnedCopy]
    poster_path: str

    @property
    def price(self) -> str:
        return disc_words.price(self.wish.most_price, "")

    @property
    def own_href(self) -> str:
        """The form that makes a disc of it."""
        wish = self.wish
        about: dict[str, Any] = {"wish": wish.id, "disk_type": wish.disk_type, "notes": wish.notes[:300]}
        if wish.tmdb_id:
            return url(f"/add/tmdb/{wish.tmdb_id}", **about)
        return url("/add/by-hand", name=wish.name, release_year=wish.release_year, **about)


def read_wishes(session: Session, order: str) -> list[ShownWish]:
    found = []
    for wish in wishes.list_wishes(session, order=order, limit=MOST_SHOWN):
        title = session.get(Title, wish.title_id) if wish.title_id else None
        copies = [owned_copy(disc) for disc in wishes.owned_copies(session, wish)]
        found.append(ShownWish(wish, copies, (title.poster_path or "") if title else ""))
    return found


@router.get("/wishes", dependencies=[Depends(page_for_signed_in)])
async def wish_list(request: Request, database: DatabaseDep, artwork: ArtworkDep) -> HTMLResponse:
    order = "name" if request.query_params.get("order") == "name" else "created"
    found = await database.reading(lambda session: read_wishes(session, order))
    return render(
        "wishes.html",
        wishes=found,
        pictures=await pictures_of(database, artwork, [one.poster_path for one in found], "w92"),
        order=order,
        kinds=[(kind, disc_words.said("disk_type", kind)) for kind in DISK_TYPES],
    )
