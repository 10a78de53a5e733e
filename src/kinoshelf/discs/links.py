"""Which title a disc is of: what joins it with what was watched and what lies in a library."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.titles.identity import ensure_film

TURN = "discs.numbers"
"""Whoever gives copy numbers, locations or titles to discs waits for this turn, before any other."""


def title_of(
    session: Session, *, name: str, year: int | None, tmdb_id: int | None, imdb_id: str | None, now: datetime
) -> int:
    """Return the title of a film by its numbers, else by name and year; made where there is none."""
    wait_turn(session, TURN)
    return ensure_film(session, now=now, tmdb_id=tmdb_id, imdb_id=imdb_id, name=name, year=year)
