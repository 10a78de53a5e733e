"""The wish list: discs somebody would like to own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.clock import iso
from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import Conflict, NotFound
from kinoshelf.discs.adding import add
from kinoshelf.discs.copies import copy_key
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import FIELDS, label
from kinoshelf.discs.models import Disc, DiscWish
from kinoshelf.titles.naming import folded, sort_name

# A wish has fields of a disc; `most_price` is read as one.
WISH_FIELDS = {
    "name": "name",
    "release_year": "release_year",
    "tmdb_id": "tmdb_id",
    "disk_type": "disk_type",
    "most_price": "purchase_price",
    "notes": "notes",
}


class WishNotFound(NotFound):
    def __init__(self, wish_id: int) -> None:
        super().__init__(f"there is no wish {wish_id}")


class AlreadyWished(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"\u00ab{name}\u00bb is on the wish list already")


def add_wish(session: Session, values: Mapping[str, Any], now: datetime) -> DiscWish:
    """Write down a wish. Raises DiscInvalid, AlreadyWished (the same film on the same kind of disc)."""
    cleaned = _clean(values, is_partial=False)
    wait_turn(session, "discs.wishes")
    key = _key(cleaned["name"], cleaned["release_year"], cleaned["tmdb_id"])
    for other in session.scalars(_alike(cleaned)):
        if _key(other.name, other.release_year, other.tmdb_id) == key and other.disk_type == cleaned["disk_type"]:
            raise AlreadyWished(other.name)
    wish = DiscWish(**cleaned, created_at=now)
    session.add(wish)
    session.flush()
    return wish


def edit_wish(session: Session, wish_id: int, values: Mapping[str, Any]) -> DiscWish:
    """Raises WishNotFound, DiscInvalid."""
    wish = get_wish(session, wish_id)
    for name, value in _clean(values, is_partial=True).items():
        setattr(wish, name, value)
    session.flush()
    return wish


def remove_wish(session: Session, wish_id: int) -> str:
    """Remove a wish and return its name. Raises WishNotFound."""
    wish = get_wish(session, wish_id)
    session.delete(wish)
    session.flush()
    return wish.name


def get_wish(session: Session, wish_id: int) -> DiscWish:
    """Raises WishNotFound."""
    wish = session.get(DiscWish, wish_id, with_for_update=True)
    if wish is None:
        raise WishNotFound(wish_id)
    return wish


def list_wishes(session: Session, *, order: str = "created", limit: int = 500, offset: int = 0) -> Sequence[DiscWish]:
    """Return wishes, the newest first, or by `name`."""
    if order == "name":
        found = sorted(session.scalars(select(DiscWish)), key=lambda wish: (sort_name(wish.name), wish.id))
        return found[offset : offset + limit]
    query = select(DiscWish).order_by(DiscWish.created_at.desc(), DiscWish.id.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def count_wishes(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(DiscWish)) or 0


def owned_copies(session: Session, wish: DiscWish) -> list[Disc]:
    """Return the discs of the wished film that are kept already."""
    key = copy_key(wish.name, wish.release_year, wish.tmdb_id)
    return list(session.scalars(select(Disc).where(Disc.copy_key == key, Disc.status != "disposed").order_by(Disc.id)))


def fulfil(
    session: Session,
    wish_id: int,
    values: Mapping[str, Any],
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
) -> Disc:
    """Turn a wish into a disc; `values` come on top of what the wish says. Raises WishNotFound and what `add` raises."""
    wish = get_wish(session, wish_id)
    known: dict[str, Any] = {"name": wish.name, "release_year": wish.release_year, "tmdb_id": wish.tmdb_id}
    if facts is not None:
        # TMDB writes the name better than whoever wished.
        known = {"tmdb_id": wish.tmdb_id}
    if wish.disk_type:
        known["disk_type"] = wish.disk_type
    if wish.notes:
        known["notes"] = wish.notes
    disc = add(session, {**known, **values}, now, facts=facts)
    session.delete(wish)
    session.flush()
    return disc


def wish_as_json(wish: DiscWish) -> dict[str, Any]:
    return {
        "id": wish.id,
        "title_id": wish.title_id,
        "name": wish.name,
        "release_year": wish.release_year,
        "tmdb_id": wish.tmdb_id,
        "disk_type": wish.disk_type,
        "most_price": None if wish.most_price is None else float(wish.most_price),
        "notes": wish.notes,
        "created_at": iso(wish.created_at),
    }


def _clean(values: Mapping[str, Any], *, is_partial: bool) -> dict[str, Any]:
    errors = [(name, f"{name} is no field of a wish") for name in values if name not in WISH_FIELDS]
    found: dict[str, Any] = {}
    for name, as_field in WISH_FIELDS.items():
        field = FIELDS[as_field]
        if name not in values and is_partial:
            continue
        value = values.get(name)
        if name == "disk_type" and (value is None or not str(value).strip()):
            found[name] = ""
            continue
        try:
            found[name] = field.read(value)
        except ValueError as problem:
            errors.append((name, f"{label(as_field)} {problem}"))
    if errors:
        raise DiscInvalid(errors)
    return found


def _alike(cleaned: Mapping[str, Any]) -> Any:
    query = select(DiscWish)
    if cleaned["tmdb_id"] is not None:
        return query.where(DiscWish.tmdb_id == cleaned["tmdb_id"])
    return query.where(DiscWish.tmdb_id.is_(None))


def _key(name: str, year: int | None, tmdb_id: int | None) -> tuple[Any, ...]:
    return ("tmdb", tmdb_id) if tmdb_id is not None else ("name", folded(name), year)
