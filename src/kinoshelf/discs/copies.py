"""Several copies of one film: what makes them copies, and their numbers."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.discs.errors import DiscConflict
from kinoshelf.discs.fields import MOST_COPIES
from kinoshelf.discs.links import TURN
from kinoshelf.discs.models import Disc
from kinoshelf.titles.naming import folded

MOST_KEY_CHARACTERS = 300


def copy_key(name: str, year: int | None, tmdb_id: int | None) -> str:
    """Return what copies of one film have in common: its TMDB number, else name and year. Pure."""
    if tmdb_id is not None:
        return f"tmdb:{tmdb_id}"
    return f"name:{year or ''}:{folded(name)}"[:MOST_KEY_CHARACTERS]


def next_copy_number(session: Session, key: str, *, besides: int | None = None) -> int:
    """Return one more than the highest number among the copies; they cannot change before the commit.

    Raises DiscConflict at the hundredth.
    """
    wait_turn(session, TURN)
    query = select(func.max(Disc.copy_number)).where(Disc.copy_key == key)
    if besides is not None:
        query = query.where(Disc.id != besides)
    highest = session.scalar(query) or 0
    if highest >= MOST_COPIES:
        raise DiscConflict(
            [("copy_number", f"there is a copy number {MOST_COPIES} of this film, and none comes after it")]
        )
    return highest + 1
