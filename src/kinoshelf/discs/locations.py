"""Where discs are: the numbered places of unboxed discs, storage boxes and box sets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import NotFound
from kinoshelf.discs.errors import DiscConflict, DiscInvalid
from kinoshelf.discs.events import DiscChanged, tell
from kinoshelf.discs.fields import FIELDS, label
from kinoshelf.discs.links import TURN
from kinoshelf.discs.models import Disc
from kinoshelf.discs.words import SEARCHED, search_text

# Longer numbers are somebody's own scheme; the next free one is looked for among those people count with.
COUNTED_DIGITS = 9


class NoSuchBox(NotFound):
    """Boxes and sets are there as long as a disc names them."""

    def __init__(self, field: str, name: str) -> None:
        super().__init__(f"{label(field)} \u00ab{name}\u00bb holds no disc")


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
    wait_turn(session, TURN)
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


def check_location(session: Session, location: str, *, disc_id: int | None = None) -> tuple[bool, str]:
    """Tell whether a disc could have this location, and say it in words."""
    try:
        number = FIELDS["location"].read(location)
    except ValueError as problem:
        return False, f"the location {problem}"
    if not number:
        return False, f"give a number; {next_free_location(session)} is free"
    holder = holder_of(session, number, besides=disc_id)
    if holder is not None:
        return False, f"location {number} holds \u00ab{holder.name}\u00bb; {next_free_location(session)} is free"
    return True, f"location {number} is free"


def last_storage_box(session: Session) -> str:
    """Return the box named last for a kept disc; what the next one most likely goes into."""
    query = select(Disc.storage_box).where(Disc.storage_box != "", Disc.status == "kept")
    return session.scalar(query.order_by(Disc.created_at.desc(), Disc.id.desc()).limit(1)) or ""


def box_contents(session: Session) -> list[dict[str, Any]]:
    """Return each storage box by name: `name`, `count`, how many of them are `kept`, and `updated_at`."""
    kept = func.sum(case((Disc.status == "kept", 1), else_=0))
    query = select(Disc.storage_box, func.count(), kept, func.max(Disc.updated_at)).where(Disc.storage_box != "")
    rows = session.execute(query.group_by(Disc.storage_box))
    found = [{"name": row[0], "count": row[1], "kept": int(row[2]), "updated_at": row[3]} for row in rows]
    return sorted(found, key=lambda box: box["name"].casefold())


def rename_storage_box(session: Session, name: str, new_name: str, now: datetime) -> int:
    """Give a box another name, or put its discs into a box that is there; return how many. Raises NoSuchBox, DiscInvalid."""
    return _rename(session, "storage_box", name, new_name, now, can_be_empty=False)


def empty_storage_box(session: Session, name: str, now: datetime) -> int:
    """Take every disc out of a box, which is gone then; return how many. Raises NoSuchBox."""
    return _rename(session, "storage_box", name, "", now, can_be_empty=True)


def rename_box_set(session: Session, name: str, new_name: str, now: datetime) -> int:
    """Give a box set another name, or join it with one that is there; return how many discs. Raises NoSuchBox, DiscInvalid."""
    return _rename(session, "box_set_name", name, new_name, now, can_be_empty=False)


def break_up_box_set(session: Session, name: str, now: datetime) -> int:
    """Let its discs belong to no set; return how many. Raises NoSuchBox."""
    return _rename(session, "box_set_name", name, "", now, can_be_empty=True)


def _rename(session: Session, field: str, name: str, new_name: str, now: datetime, *, can_be_empty: bool) -> int:
    try:
        cleaned = FIELDS[field].read(new_name)
    except ValueError as problem:
        raise DiscInvalid([(field, f"{label(field)} {problem}")]) from None
    if not cleaned and not can_be_empty:
        raise DiscInvalid([(field, f"{label(field)} needs a name")])
    discs = list(session.scalars(select(Disc).where(getattr(Disc, field) == name).with_for_update()))
    if not discs or not name:
        raise NoSuchBox(field, name)
    for disc in discs:
        setattr(disc, field, cleaned)
        if field == "box_set_name" and not cleaned:
            disc.is_box_set = False
        disc.search_text = search_text({one: getattr(disc, one) for one in SEARCHED}, disc.tags)
        disc.updated_at = now
    session.flush()
    tell(session, DiscChanged, [disc.id for disc in discs])
    return len(discs)
