"""Reads of the collection: a page at a time, by key or by number; single discs, copies, suggestions and counts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select, tuple_
from sqlalchemy.orm import Session

from kinoshelf.core.database import UTCDateTime
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.facets import Facets, facets
from kinoshelf.discs.fields import STATUSES
from kinoshelf.discs.filters import DiscFilter, Narrowed, conditions, narrowed
from kinoshelf.discs.models import Disc
from kinoshelf.downloads.queries import contains

DEFAULT_ORDER = "-created"
MOST_ROWS = 500
CHUNK = 500
MOST_SUGGESTIONS = 10

COLUMNS = tuple(column for column in Disc.__table__.c if column.name != "search_text")
"""What a row of a page holds: all but what only the search reads."""


@dataclass(frozen=True, slots=True)
class Order:
    """By `column`, then by id. Rows without a value come last in both directions."""

    name: str
    label: str
    column: Any
    descending: bool
    can_be_empty: bool = False
    empty_text: bool = False

    @property
    def is_empty(self) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self.column == "" if self.empty_text else self.column.is_(None)
        return found


_KEYS: tuple[tuple[str, str, Any, bool, bool], ...] = (
    ("created", "Date added", Disc.created_at, False, False),
    ("name", "Name", Disc.sort_name, False, False),
    ("year", "Year", Disc.release_year, True, False),
    ("rating", "Rating", Disc.rating, True, False),
    ("runtime", "Running time", Disc.runtime, True, False),
    ("storage_box", "Storage box", Disc.storage_box, True, True),
    ("purchased", "Date of purchase", Disc.purchased_on, True, False),
    ("price", "Price", Disc.purchase_price, True, False),
    ("updated", "Date changed", Disc.updated_at, False, False),
)

ORDERS: dict[str, Order] = {
    sign + name: Order(sign + name, label, column, bool(sign), can_be_empty, empty_text)
    for name, label, column, can_be_empty, empty_text in _KEYS
    for sign in ("", "-")
}
"""By what a list can be put in order; a hyphen in front turns it round."""


@dataclass(frozen=True, slots=True)
class Page:
    """`next_cursor` leads to the rows after these; None at the end. `total` counts all rows of the filter."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None
    total: int
    number: int = 1
    pages: int = 1


def order_named(name: str) -> Order:
    """Raises DiscInvalid."""
    order = ORDERS.get(name or DEFAULT_ORDER)
    if order is None:
        raise DiscInvalid([("order", f"discs cannot be put in order by {name[:50]}; try one of {', '.join(ORDERS)}")])
    return order


def page(
    session: Session,
    wanted: DiscFilter,
    order: str = DEFAULT_ORDER,
    cursor: str | None = None,
    limit: int = 60,
    *,
    with_total: bool = True,
) -> Page:
    """Return the rows after `cursor`. What was added or removed meanwhile makes no row come twice or be left out."""
    by = order_named(order)
    limit = max(1, min(limit, MOST_ROWS))
    after = _read_cursor(by, cursor)
    rows = narrowed(session, wanted)
    found = _ids_after(session, rows.where, by, after, limit + 1)
    ids = [one for one, _value in found[:limit]]
    following = _cursor(by, *found[limit - 1]) if len(found) > limit else None
    total = _total(session, rows) if with_total else -1
    return Page(rows_of(session, ids), following, total)


def numbered_page(
    session: Session, wanted: DiscFilter, order: str = DEFAULT_ORDER, number: int | str = 1, limit: int = 12
) -> Page:
    """Return a page by its number; one that is too high shows the last, one that is no number the first."""
    by = order_named(order)
    limit = max(1, min(limit, MOST_ROWS))
    rows = narrowed(session, wanted)
    total = _total(session, rows)
    pages = max(1, -(-total // limit))
    text = str(number).strip()
    at = min(max(1, int(text)), pages) if text.isascii() and text.isdigit() and len(text) < 18 else 1
    where = rows.where
    offset = (at - 1) * limit
    filled = [*where, ~by.is_empty] if by.can_be_empty else where
    ids = _plain_ids(session, filled, by, limit, offset)
    if by.can_be_empty and len(ids) < limit:
        filled_count = session.scalar(select(func.count()).select_from(Disc).where(*filled)) or 0
        rest = max(0, offset - filled_count)
        ids += _plain_ids(session, [*where, by.is_empty], None, limit - len(ids), rest, descending=by.descending)
    return Page(rows_of(session, ids), None, total, at, pages)


def _plain_ids(
    session: Session,
    where: Sequence[ColumnElement[bool]],
    by: Order | None,
    limit: int,
    offset: int,
    *,
    descending: bool = False,
) -> list[int]:
    descending = by.descending if by else descending
    keys = [by.column, Disc.id] if by else [Disc.id]
    query = select(Disc.id).where(*where).order_by(*(key.desc() if descending else key for key in keys))
    return list(session.scalars(query.limit(limit).offset(offset)))


def _ids_after(
    session: Session,
    where: Sequence[ColumnElement[bool]],
    by: Order,
    after: tuple[Any, int] | None,
    limit: int,
) -> list[tuple[int, Any]]:
    """Return ids with their key: rows with a value by an index on it, then those without."""
    found: list[tuple[int, Any]] = []
    if after is None or after[0] is not None:
        query = select(Disc.id, by.column).where(*where)
        if by.can_be_empty:
            query = query.where(~by.is_empty)
        if after is not None:
            here = tuple_(by.column, Disc.id)
            there = tuple_(literal(after[0], by.column.type), literal(after[1], Disc.id.type))
            query = query.where(here < there if by.descending else here > there)
        keys = (by.column.desc(), Disc.id.desc()) if by.descending else (by.column, Disc.id)
        found = [(row[0], row[1]) for row in session.execute(query.order_by(*keys).limit(limit))]
    if by.can_be_empty and len(found) < limit:
        rest = select(Disc.id).where(*where, by.is_empty)
        if after is not None and after[0] is None:
            rest = rest.where(Disc.id < after[1] if by.descending else Disc.id > after[1])
        rest = rest.order_by(Disc.id.desc() if by.descending else Disc.id).limit(limit - len(found))
        found += [(one, None) for one in session.scalars(rest)]
    return found


def _cursor(by: Order, disc_id: int, value: Any) -> str:
    if isinstance(value, datetime | date):
        value = value.isoformat()
    elif isinstance(value, Decimal):
        value = str(value)
    packed = json.dumps([by.name, value, disc_id], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _read_cursor(by: Order, cursor: str | None) -> tuple[Any, int] | None:
    if not cursor:
        return None
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name, value, disc_id = json.loads(packed)
        if name != by.name or not isinstance(disc_id, int):
            raise ValueError(name)
        return _typed(by, value), disc_id
    except (ValueError, TypeError, ArithmeticError):
        raise DiscInvalid([("cursor", "this place in the list is not known; begin at its start")]) from None


def _typed(by: Order, value: Any) -> Any:
    if value is None:
        if not by.can_be_empty:
            raise ValueError(by.name)
        return None
    if isinstance(by.column.type, UTCDateTime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    kind = by.column.type.python_type
    if kind is date:
        return date.fromisoformat(value)
    if kind is Decimal:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError(value)
        return number
    if not isinstance(value, kind):
        raise TypeError(by.name)
    return value


def rows_of(session: Session, ids: Sequence[int]) -> list[Row[Any]]:
    """Return the rows of these discs that exist, in this order."""
    found: dict[int, Row[Any]] = {}
    for begin in range(0, len(ids), CHUNK):
        part = ids[begin : begin + CHUNK]
        found.update({row.id: row for row in session.execute(select(*COLUMNS).where(Disc.id.in_(part)))})
    return [found[one] for one in ids if one in found]


def count(session: Session, wanted: DiscFilter | None = None) -> int:
    return _total(session, Narrowed(conditions(wanted or DiscFilter())))


def _total(session: Session, rows: Narrowed) -> int:
    if rows.total is not None:
        return rows.total
    return session.scalar(select(func.count()).select_from(Disc).where(*rows.where)) or 0


def count_by_status(session: Session) -> dict[str, int]:
    """Return a number for every status, 0 included."""
    found = {row[0]: row[1] for row in session.execute(select(Disc.status, func.count()).group_by(Disc.status))}
    return {status: found.get(status, 0) for status in STATUSES}


def get(session: Session, disc_id: int) -> Disc:
    """Raises DiscNotFound."""
    disc = session.get(Disc, disc_id) if 0 < disc_id < 2**63 else None
    if disc is None:
        raise DiscNotFound(disc_id)
    return disc


def copies_of(session: Session, disc: Any) -> list[Disc]:
    """Return the other copies of the same film, by their number."""
    query = select(Disc).where(Disc.copy_key == disc.copy_key, Disc.id != disc.id)
    return list(session.scalars(query.order_by(Disc.copy_number, Disc.id)))


def suggest_box_sets(session: Session, part: str, limit: int = MOST_SUGGESTIONS) -> list[str]:
    """Return names of box sets that hold `part`; from two characters on."""
    return _suggest(session, Disc.box_set_name, part, 2, limit)


def suggest_storage_boxes(session: Session, part: str, limit: int = MOST_SUGGESTIONS) -> list[str]:
    """Return names of the boxes of kept discs that hold `part`; from one character on."""
    return _suggest(session, Disc.storage_box, part, 1, limit, Disc.status == "kept")


def _suggest(
    session: Session, column: Any, part: str, least: int, limit: int, *where: ColumnElement[bool]
) -> list[str]:
    part = part.strip()
    if len(part) < least:
        return []
    query = select(column).where(column != "", contains(column, part), *where).distinct().order_by(column).limit(limit)
    return list(session.scalars(query))


def box_sets(session: Session) -> list[tuple[str, int]]:
    """Return every box set with the number of its discs, by name."""
    return _counted(session, Disc.box_set_name)


def storage_boxes(session: Session) -> list[tuple[str, int]]:
    """Return every storage box with the number of its discs, by name."""
    return _counted(session, Disc.storage_box)


def _counted(session: Session, column: Any) -> list[tuple[str, int]]:
    query = select(column, func.count()).where(column != "").group_by(column)
    return sorted(((name, number) for name, number in session.execute(query)), key=lambda found: found[0].casefold())


__all__ = [
    "COLUMNS",
    "DEFAULT_ORDER",
    "ORDERS",
    "DiscFilter",
    "Facets",
    "Order",
    "Page",
    "box_sets",
    "copies_of",
    "count",
    "count_by_status",
    "facets",
    "get",
    "numbered_page",
    "order_named",
    "page",
    "rows_of",
    "storage_boxes",
    "suggest_box_sets",
    "suggest_storage_boxes",
]
