"""Where discs are: the numbered places of unboxed discs, storage boxes and box sets."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.discs.errors import DiscConflict, DiscInvalid
from kinoshelf.discs.models import Disc

# Longer numbers are somebody's own scheme; the next free one is looked for among those people count with.
COUNTED_DIGITS = 9


def next_free_location(session: Session) -> str:
    """Return the lowest number without a disc, from 1 on."""
    query = select(Disc.location).where(Disc.location != "", func.length(Disc.location) <= COUNTED_DIGITS)
    taken = {int(location) for location in session.scalars(query)}
    return str(next(number for number in range(1, len(taken) + 2) if number not in taken))


def holder_of(session: Session, location: str, *, besides: int | None = None) -> Disc | None:
    """Return the disc at a place."""
    query = select(Disc).where(Disc.location == location)
    if besides is not None:
        query = query.where(Disc.id != besides)
    return session.scalars(query.limit(1)).first()


def settled_location(
    session: Session, *, status: str, given: str | None, present: str = "", disc_id: int | None = None
) -> str:
    """Return the place a disc of this status has; it stays free for it until the commit.

    Only unboxed discs have one. `given` is what the caller wrote: None leaves the place as it is, and takes the next
    free number where there is none yet. Raises DiscInvalid for an empty one, DiscConflict for one that is taken.
    """
    if status != "unboxed":
        return ""
    wait_turn(session, "discs.numbers")
    if given is None:
        return present or next_free_location(session)
    if not given:
        free = next_free_location(session)
        raise DiscInvalid([("location", f"an unboxed disc needs a location; {free} is free")])
    if given != present:
        holder = holder_of(session, given, besides=disc_id)
        if holder is not None:
            free = next_free_location(session)
            raise DiscConflict([("location", f"location {given} holds \u00ab{holder.name}\u00bb; {free} is free")])
    return given
