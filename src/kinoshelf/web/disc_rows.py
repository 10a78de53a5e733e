"""Reads of the shelf's pages that the collection itself does not need: posters of sets, who has what, downloads beside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from kinoshelf.discs.filters import DiscFilter, conditions
from kinoshelf.discs.models import Disc, DiscLoan
from kinoshelf.discs.queries import count
from kinoshelf.downloads.models import Download
from kinoshelf.images.models import Artwork, ArtworkState

MOST_FOUND = 5_000
NO_DISC = 0


def searched_once(session: Session, wanted: DiscFilter) -> DiscFilter:
    """Return a filter that shows the same and names what the search found, unless that is a lot.

    A page asks some ten questions about the same discs, and looking through all texts is the dear part of each.
    """
    if not wanted.search.strip():
        return wanted
    looked_for = DiscFilter(search=wanted.search, ids=wanted.ids)
    ids = session.scalars(select(Disc.id).where(*conditions(looked_for)).limit(MOST_FOUND + 1)).all()
    return wanted if len(ids) > MOST_FOUND else wanted.but(search="", ids=tuple(ids) or (NO_DISC,))


def count_flag(session: Session, wanted: DiscFilter, name: str) -> int:
    """Count the discs with a mark that no column holds, as they would be with all other filters in force."""
    return count(session, wanted.but(**{name: True}))


class Lent(NamedTuple):
    borrower: str
    lent_on: Any
    due_on: Any


def open_loans(session: Session, ids: Collection[int]) -> dict[int, Lent]:
    """Return who has which of these discs."""
    query = select(DiscLoan.disc_id, DiscLoan.borrower, DiscLoan.lent_on, DiscLoan.due_on).where(
        DiscLoan.disc_id.in_(ids), DiscLoan.returned_on.is_(None)
    )
    return {row.disc_id: Lent(row.borrower, row.lent_on, row.due_on) for row in session.execute(query)}


class ShownDisc:
    """A row of a list with what stands in other tables."""

    __slots__ = ("_row", "is_poster_waiting", "loan")

    def __init__(self, row: Any, loan: Lent | None, *, is_poster_waiting: bool) -> None:
        self._row = row
        self.loan = loan
        self.is_poster_waiting = is_poster_waiting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    @property
    def is_on_loan(self) -> bool:
        return self.loan is not None


def shown(session: Session, rows: Iterable[Any]) -> list[ShownDisc]:
    kept = list(rows)
    loans = open_loans(session, [row.id for row in kept])
    posters = {row.poster_id for row in kept if row.poster_id is not None}
    query = select(Artwork.id).where(Artwork.id.in_(posters), Artwork.state == ArtworkState.WANTED)
    waiting = set(session.scalars(query)) if posters else set()
    return [ShownDisc(row, loans.get(row.id), is_poster_waiting=row.poster_id in waiting) for row in kept]


@dataclass(frozen=True, slots=True)
class Group:
    """A box set or a storage box: its name, its discs, and up to four posters of them."""

    name: str
    count: int
    kept_count: int
    poster_ids: tuple[int, ...]


POSTERS = 4


def groups(session: Session, field: str) -> list[Group]:
    """Return the box sets (`box_set_name`) or the storage boxes (`storage_box`), by name."""
    column = getattr(Disc, field)
    kept = func.sum(case((Disc.status == "kept", 1), else_=0))
    rows = session.execute(select(column, func.count(), kept).where(column != "").group_by(column))
    posters = posters_of(session, field)
    found = [Group(name, number, int(kept_number), posters.get(name, ())) for name, number, kept_number in rows]
    return sorted(found, key=lambda group: group.name.casefold())


def posters_of(session: Session, field: str) -> Mapping[str, tuple[int, ...]]:
    column = getattr(Disc, field)
    place = func.row_number().over(partition_by=column, order_by=(Disc.release_year, Disc.id)).label("place")
    ranked = select(column.label("name"), Disc.poster_id, place).where(column != "", Disc.poster_id.is_not(None))
    first = ranked.subquery()
    found: dict[str, tuple[int, ...]] = {}
    query = (
        select(first.c.name, first.c.poster_id).where(first.c.place <= POSTERS).order_by(first.c.name, first.c.place)
    )
    for name, poster_id in session.execute(query):
        found[name] = (*found.get(name, ()), poster_id)
    return found


def downloads_of(session: Session, tmdb_id: int | None, limit: int = 10) -> list[Any]:
    """Return the downloads of the same film, the latest first."""
    if tmdb_id is None:
        return []
    columns = (Download.id, Download.filename, Download.state, Download.size_bytes)
    query = select(*columns).where(Download.tmdb_id == tmdb_id).order_by(Download.created_at.desc(), Download.id)
    return list(session.execute(query.limit(limit)))
