"""Two rows that are one title become one, with everything that hangs on them; and part again as they were."""

from __future__ import annotations

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Column, Table, and_, delete, func, insert, null, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.database import Base, UTCDateTime, wait_turn
from kinoshelf.core.errors import Conflict, NotFound
from kinoshelf.core.events import publish
from kinoshelf.titles.events import TitleMerged, TitleSplit
from kinoshelf.titles.identity import TURN, TitleNotFound
from kinoshelf.titles.models import Title, TitleId, TitleMerge, TitleName

Row = dict[str, Any]

TITLES: Table = Title.__table__  # type: ignore[assignment]
# What the kept row takes over where it knows nothing itself.
FACTS = (
    "original_name", "year", "released_on", "overview", "tagline", "runtime_minutes", "genres", "directors", "companies",
    "certificate", "original_language", "score", "vote_count", "popularity", "budget", "revenue", "status", "poster_path",
    "backdrop_path", "facts", "facts_fetched_at",
)  # fmt: skip


class MergeRefused(Conflict):
    pass


class NotMerged(NotFound):
    def __init__(self, title_id: int) -> None:
        super().__init__(f"title {title_id} was not joined into another")


class Link(NamedTuple):
    """A column of some table that names a title."""

    table: Table
    column: Column[Any]


def links() -> list[Link]:
    """Return every column of the hub's tables that names a title, whoever declared it; parts of a series apart."""
    found = [
        Link(table, column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column is TITLES.c.id for key in column.foreign_keys)
    ]
    return [link for link in found if link.column is not TITLES.c.parent_id]


def merge(session: Session, keep_id: int, gone_id: int, *, now: datetime, is_manual: bool = False) -> None:
    """Join `gone_id` into `keep_id`: what hung on it hangs on the kept one, and its number leads there.

    Where both have the same (say, a rating by one user), the kept one's stays and the other is remembered. Seasons and
    episodes are joined with their counterparts. A machine (not `is_manual`) moves nothing that a person has said.
    Raises TitleNotFound, MergeRefused.
    """
    wait_turn(session, TURN)
    session.flush()
    keep, gone = _locked(session, keep_id, gone_id)
    _refuse(session, keep, gone, is_manual=is_manual)
    before: Row = {"kept_id": keep.id, "row": _packed_row(_row(session, TITLES, TITLES.c.id == gone.id))}
    before["parts"] = _merge_parts(session, keep.id, gone.id, now, is_manual=is_manual)
    moved: dict[str, list[Row]] = {}
    dropped: dict[str, list[Row]] = {}
    for link in links():
        went, stayed = _move_all(session, link, gone.id, keep.id)
        if went:
            moved[str(link.column)] = [_packed_row(key) for key in went]
        if stayed:
            dropped.setdefault(link.table.name, []).extend(_packed_row(row) for row in stayed)
    before["moved"], before["dropped"] = moved, dropped
    before["taken"], before["name_id"] = _take_over(session, keep, gone, now)
    session.execute(delete(TITLES).where(TITLES.c.id == gone.id))
    session.add(TitleMerge(gone_id=gone_id, title_id=keep.id, before=before, merged_at=now))
    session.flush()
    session.expire_all()
    publish(session, TitleMerged(keep_id, gone_id))


def split(session: Session, gone_id: int, *, now: datetime) -> int:
    """Part a title that was joined, under its old number; return the number of the one it stood in.

    What came with it goes back, unless it was given to another title since. Raises NotMerged.
    """
    wait_turn(session, TURN)
    session.flush()
    merged = session.get(TitleMerge, gone_id)
    if merged is None:
        raise NotMerged(gone_id)
    keep_id, before = merged.title_id, merged.before
    session.execute(insert(TITLES).values(_unpacked_row(TITLES, before["row"])))
    session.delete(merged)
    session.flush()
    for part_id in before["parts"]["joined"]:
        if session.get(TitleMerge, part_id) is not None:
            split(session, part_id, now=now)
    for part_id in before["parts"]["moved"]:
        is_there = and_(TITLES.c.id == part_id, TITLES.c.parent_id == keep_id)
        session.execute(update(TITLES).where(is_there).values(parent_id=gone_id))
    for link in links():
        for key in before["moved"].get(str(link.column), ()):
            _move_back(session, link, _unpacked_row(link.table, key), keep_id, gone_id)
    for table in Base.metadata.sorted_tables:
        for row in before["dropped"].get(table.name, ()):
            _put_back(session, table, _unpacked_row(table, row))
    if keep_id == before["kept_id"]:
        _give_back(session, keep_id, before, now)
    session.flush()
    session.expire_all()
    publish(session, TitleSplit(keep_id, gone_id))
    return keep_id


def gone_into(session: Session, title_id: int) -> list[TitleMerge]:
    """Return what was joined into a title, the latest first."""
    query = select(TitleMerge).where(TitleMerge.title_id == title_id)
    return list(session.scalars(query.order_by(TitleMerge.merged_at.desc(), TitleMerge.gone_id.desc())))


# Joining -------------------------------------------------------------------------------------------


def _locked(session: Session, keep_id: int, gone_id: int) -> tuple[Title, Title]:
    # Nobody hangs anything on either while it is being moved.
    query = select(Title).where(Title.id.in_((keep_id, gone_id))).order_by(Title.id).with_for_update()
    found = {title.id: title for title in session.scalars(query)}
    for title_id in (keep_id, gone_id):
        if title_id not in found:
            raise TitleNotFound(title_id)
    return found[keep_id], found[gone_id]


def _refuse(session: Session, keep: Title, gone: Title, *, is_manual: bool) -> None:
    if keep.id == gone.id:
        raise MergeRefused("a title cannot be joined with itself")
    if keep.kind != gone.kind:
        raise MergeRefused(f"a {gone.kind} cannot be joined into a {keep.kind}")
    if is_manual:
        return
    said = session.scalar(
        select(func.count()).select_from(TitleId).where(TitleId.title_id == gone.id, TitleId.is_manual)
    )
    if said:
        raise MergeRefused("a person has said what this title is; only a person can join it")


def _merge_parts(session: Session, keep_id: int, gone_id: int, now: datetime, *, is_manual: bool) -> Row:
    """Join each season and episode with its counterpart, and move those that have none."""
    theirs = {
        (row.season_number, row.episode_number): row.id
        for row in session.execute(
            select(Title.id, Title.season_number, Title.episode_number).where(Title.parent_id == keep_id)
        )
    }
    mine = session.execute(
        select(Title.id, Title.season_number, Title.episode_number).where(Title.parent_id == gone_id).order_by(Title.id)
    ).all()
    joined, moved = [], []
    for row in mine:
        counterpart = theirs.get((row.season_number, row.episode_number))
        if counterpart is None:
            session.execute(update(TITLES).where(TITLES.c.id == row.id).values(parent_id=keep_id))
            moved.append(row.id)
        else:
            merge(session, counterpart, row.id, now=now, is_manual=is_manual)
            joined.append(row.id)
    return {"joined": joined, "moved": moved}


def _move_all(session: Session, link: Link, gone_id: int, keep_id: int) -> tuple[list[Row], list[Row]]:
    """Move what names the one title to the other. Return the keys of what moved, and the rows that had no place."""
    table, column = link
    keys = [
        dict(row._mapping)  # noqa: SLF001 -- how SQLAlchemy names it
        for row in session.execute(select(*table.primary_key.columns).where(column == gone_id))
    ]
    if not keys:
        return [], []
    if _tried(session, update(table).where(column == gone_id).values({column.name: keep_id})):
        return [_after(key, column, keep_id) for key in keys], []
    moved: list[Row] = []
    dropped: list[Row] = []
    for key in keys:
        if _tried(session, update(table).where(_is(table, key)).values({column.name: keep_id})):
            moved.append(_after(key, column, keep_id))
        else:
            dropped.append(_row(session, table, _is(table, key)))
            session.execute(delete(table).where(_is(table, key)))
    return moved, dropped


def _tried(session: Session, statement: Any) -> bool:
    """Execute it; return False, with nothing changed, where a rule of the table forbids it."""
    try:
        with session.begin_nested():
            session.execute(statement, execution_options={"synchronize_session": False})
    except IntegrityError:
        return False
    return True


def _take_over(session: Session, keep: Title, gone: Title, now: datetime) -> tuple[Row, int | None]:
    """Fill what the kept row does not know. Return its former values, and the name it got."""
    former = {name: getattr(keep, name) for name in FACTS if _is_empty(getattr(keep, name))}
    taken = {name: getattr(gone, name) for name in former if not _is_empty(getattr(gone, name))}
    if taken:
        session.execute(update(TITLES).where(TITLES.c.id == keep.id).values({**taken, "updated_at": now}))
    name_id = None
    if gone.search_name != keep.search_name and not session.scalar(
        select(TitleName.id).where(TitleName.title_id == keep.id, TitleName.search_name == gone.search_name).limit(1)
    ):
        name = TitleName(title_id=keep.id, name=gone.name, search_name=gone.search_name, country=None)
        session.add(name)
        session.flush()
        name_id = name.id
    return {name: [_packed(former[name]), _packed(value)] for name, value in taken.items()}, name_id


# Parting -------------------------------------------------------------------------------------------


def _move_back(session: Session, link: Link, key: Row, keep_id: int, gone_id: int) -> None:
    table, column = link
    if column.primary_key:
        key = {**key, column.name: keep_id}
    _tried(session, update(table).where(_is(table, key), column == keep_id).values({column.name: gone_id}))


def _put_back(session: Session, table: Table, row: Row) -> None:
    # Its place may be taken since, or what it belonged to be gone.
    _tried(session, insert(table).values(row))


def _give_back(session: Session, keep_id: int, before: Row, now: datetime) -> None:
    """Empty again what was taken over, where nobody has changed it since."""
    current = _row(session, TITLES, TITLES.c.id == keep_id)
    values = {
        name: _unpacked(TITLES.c[name], former)
        for name, (former, taken) in before["taken"].items()
        if _packed(current[name]) == taken
    }
    if values:
        session.execute(update(TITLES).where(TITLES.c.id == keep_id).values({**values, "updated_at": now}))
    if before["name_id"] is not None:
        session.execute(delete(TitleName).where(TitleName.id == before["name_id"]))


# Rows as JSON --------------------------------------------------------------------------------------


def _is(table: Table, key: Row) -> Any:
    return and_(*(table.c[column.name] == key[column.name] for column in table.primary_key.columns))


def _after(key: Row, column: Column[Any], keep_id: int) -> Row:
    return {**key, column.name: keep_id} if column.name in key else key


def _row(session: Session, table: Table, where: Any) -> Row:
    return dict(session.execute(select(table).where(where)).one()._mapping)  # noqa: SLF001


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _packed(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _unpacked(column: Column[Any], value: Any) -> Any:
    if value is None:
        # For a JSON column None would be a null inside, not an empty field.
        return null()
    kind = column.type.python_type
    if isinstance(column.type, UTCDateTime):
        return datetime.fromisoformat(value)
    if kind is date:
        return date.fromisoformat(value)
    if kind is Decimal:
        return Decimal(value)
    if kind is bytes:
        return base64.b64decode(value)
    return value


def _packed_row(row: Row) -> Row:
    return {name: _packed(value) for name, value in row.items()}


def _unpacked_row(table: Table, row: Row) -> Row:
    # Columns that are no more are left out.
    return {name: _unpacked(table.c[name], value) for name, value in row.items() if name in table.c}
