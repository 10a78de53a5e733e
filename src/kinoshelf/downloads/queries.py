"""Reads of the download queue: column queries, a page at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, case, func, nulls_last, or_, select
from sqlalchemy.orm import Session

from kinoshelf.downloads.models import Batch, Download, DownloadError
from kinoshelf.downloads.progress import percent_of
from kinoshelf.downloads.states import ACTIVE, GROUPS, OPEN, State, batch_state

CHUNK = 500
Sort = Literal["added", "status", "filename", "size", "progress", "queue"]

COLUMNS = (*Download.__table__.c, Batch.name.label("batch_name"))

_PROGRESS = case((Download.size_bytes > 0, Download.downloaded_bytes * 1000 / Download.size_bytes), else_=0)
_STATE_RANK = case(
    {
        State.DOWNLOADING: 0,
        State.STARTING: 1,
        State.EXTRACTING: 2,
        State.QUEUED: 3,
        State.WAITING: 4,
        State.PAUSED: 5,
        State.FAILED: 6,
        State.COMPLETED: 7,
    },
    value=Download.state,
    else_=8,
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. `states` empty means all; `search` looks in file names and links."""

    states: frozenset[State] = frozenset()
    batch_id: str | None = None
    standalone_only: bool = False
    search: str = ""


def _select() -> Select[Any]:
    return select(*COLUMNS).select_from(Download).outerjoin(Batch, Batch.id == Download.batch_id)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states:
        found.append(Download.state.in_(sorted(wanted.states)))
    if wanted.batch_id is not None:
        found.append(Download.batch_id == wanted.batch_id)
    if wanted.standalone_only:
        found.append(Download.batch_id.is_(None))
    if wanted.search:
        found.append(or_(contains(Download.filename, wanted.search), contains(Download.original_url, wanted.search)))
    return found


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """The condition that `column` holds `text`, whatever the case of its letters."""
    # File names are stored composed (NFC); macOS types them decomposed.
    text = unicodedata.normalize("NFC", text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    # SQLite, and PostgreSQL by its locale, know the case of ASCII letters only: the others are looked for small, large
    # and as they were typed.
    forms = {
        "".join(letter.lower() if letter.isascii() else change(letter) for letter in text)
        for change in (str.lower, str.upper, str)
    }
    return or_(*(func.lower(column).like(f"%{form}%", escape="\\") for form in sorted(forms)))


def _order(sort: Sort, *, descending: bool) -> tuple[Any, ...]:
    if sort == "queue":
        # The order in which the engine takes them.
        return (
            (Download.priority.desc(), Download.position)
            if not descending
            else (Download.priority, Download.position.desc())
        )
    key: Any = {
        "added": Download.created_at,
        "status": _STATE_RANK,
        "filename": func.lower(Download.filename),
        "size": Download.size_bytes,
        "progress": _PROGRESS,
    }[sort]
    second = Download.position.desc() if descending else Download.position
    if sort == "added":
        return (key.desc() if descending else key, second)
    return (nulls_last(key.desc() if descending else key), second, Download.id)


def list_downloads(
    session: Session,
    wanted: Filter,
    *,
    page: int = 1,
    limit: int = 50,
    sort: Sort = "added",
    descending: bool = True,
    offset: int | None = None,
) -> Sequence[Row[Any]]:
    """Return one page of rows with the columns of `downloads` and `batch_name`; `offset` begins anywhere instead."""
    order = _order(sort, descending=descending)
    first = (page - 1) * limit if offset is None else offset
    ids = select(Download.id).where(*_conditions(wanted)).order_by(*order).limit(limit).offset(first)
    # Rows are read for the page only: skipping to a deep page walks an index, not the table.
    found = session.scalars(ids).all()
    rows = {row.id: row for row in session.execute(_select().where(Download.id.in_(found)))}
    return [rows[one] for one in found if one in rows]


def count_downloads(session: Session, wanted: Filter) -> int:
    return session.scalar(select(func.count()).select_from(Download).where(*_conditions(wanted))) or 0


def find_download(session: Session, download_id: str) -> Row[Any] | None:
    return session.execute(_select().where(Download.id == download_id)).one_or_none()


def get_downloads(session: Session, ids: Iterable[str]) -> list[Row[Any]]:
    """Return the rows of `ids` that exist, in queue order."""
    wanted = list(ids)
    rows: list[Row[Any]] = []
    for begin in range(0, len(wanted), CHUNK):
        chunk = wanted[begin : begin + CHUNK]
        rows.extend(session.execute(_select().where(Download.id.in_(chunk)).order_by(Download.position)).all())
    return rows


def list_open(session: Session) -> Sequence[Row[Any]]:
    """Return every download that is not final, running ones first."""
    return [row for part in iter_open(session) for row in part]


def iter_open(session: Session) -> Iterator[Sequence[Row[Any]]]:
    """Yield what `list_open` returns in parts, so that a long queue is never in memory as a whole."""
    running = case((Download.state.in_(sorted(ACTIVE)), 0), else_=1)
    query = _select().where(Download.state.in_(sorted(OPEN)))
    query = query.order_by(running, Download.priority.desc(), Download.position)
    yield from session.execute(query.execution_options(yield_per=CHUNK)).partitions()


def get_states(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Return the state of each of `ids` that exists."""
    wanted = list(ids)
    found: dict[str, str] = {}
    for begin in range(0, len(wanted), CHUNK):
        query = select(Download.id, Download.state).where(Download.id.in_(wanted[begin : begin + CHUNK]))
        found.update({row.id: row.state for row in session.execute(query)})
    return found


def list_active_in(session: Session, batch_ids: Collection[str]) -> Sequence[Any]:
    """Return id, batch and sizes of what runs in some batches: the rows whose figures are behind the live ones."""
    columns = (Download.id, Download.batch_id, Download.state, Download.size_bytes, Download.downloaded_bytes)
    query = select(*columns).where(Download.batch_id.in_(batch_ids), Download.state.in_(sorted(ACTIVE)))
    return session.execute(query).all()


def get_batch_names(session: Session, ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Batch.id, Batch.name).where(Batch.id.in_(ids)))
    return {row.id: row.name for row in rows}


def list_errors(session: Session, download_id: str) -> Sequence[Any]:
    """Return the failures of one download, oldest first."""
    columns = (DownloadError.at, DownloadError.message, DownloadError.category, DownloadError.retry_attempt)
    return session.execute(
        select(*columns).where(DownloadError.download_id == download_id).order_by(DownloadError.id)
    ).all()


def count_by_state(session: Session) -> dict[State, int]:
    rows = session.execute(select(Download.state, func.count()).group_by(Download.state))
    return {State(state): number for state, number in rows}


def count_by_group(counts: dict[State, int]) -> dict[str, int]:
    """Return the counts a person filters by, `all` included."""
    groups = {name: sum(counts.get(state, 0) for state in states) for name, states in GROUPS.items()}
    return {"all": sum(counts.values()), **groups}


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """One batch in sums. Sizes in bytes; what is not known yet counts as nothing."""

    id: str
    name: str
    created_at: Any
    counts: dict[State, int]
    total_bytes: int
    downloaded_bytes: int
    expected_bytes: int = 0
    """What all of it will be, unknown sizes taken as the mean of the known ones, without what will never come."""

    @property
    def total_items(self) -> int:
        return sum(self.counts.values())

    @property
    def state(self) -> State:
        return batch_state(self.counts)

    @property
    def percent(self) -> float:
        """By bytes where any size is known, by items where none is."""
        if self.expected_bytes:
            return percent_of(self.downloaded_bytes, self.expected_bytes)
        return percent_of(self.counts.get(State.COMPLETED, 0), self.total_items)

    def count(self, group: str) -> int:
        return sum(self.counts.get(state, 0) for state in GROUPS[group])


def list_batches(
    session: Session, *, page: int = 1, limit: int = 100, ids: Sequence[str] | None = None
) -> list[BatchSummary]:
    """Return one page of batches, newest first, or just the batches named by `ids`."""
    query = select(Batch.id, Batch.name, Batch.created_at).order_by(Batch.created_at.desc(), Batch.id)
    query = query.where(Batch.id.in_(ids)) if ids is not None else query.limit(limit).offset((page - 1) * limit)
    batches = session.execute(query).all()
    sums: dict[str, dict[State, Any]] = {row.id: {} for row in batches}
    grouped = (
        select(
            Download.batch_id,
            Download.state,
            func.count().label("items"),
            func.count(Download.size_bytes).label("sized"),
            func.coalesce(func.sum(Download.size_bytes), 0).label("total"),
            func.coalesce(func.sum(Download.downloaded_bytes), 0).label("downloaded"),
        )
        .where(Download.batch_id.in_(list(sums)))
        .group_by(Download.batch_id, Download.state)
    )
    for row in session.execute(grouped):
        sums[row.batch_id][State(row.state)] = row
    return [_summary(row, sums[row.id]) for row in batches]


def _summary(batch: Any, sums: dict[State, Any]) -> BatchSummary:
    coming = [row for state, row in sums.items() if state not in GROUPS["cancelled"]]
    items, sized = sum(row.items for row in coming), sum(row.sized for row in coming)
    return BatchSummary(
        batch.id,
        batch.name,
        batch.created_at,
        {state: row.items for state, row in sums.items()},
        sum(int(row.total) for row in sums.values()),
        sum(int(row.downloaded) for row in sums.values()),
        sum(int(row.total) for row in coming) * items // sized if sized else 0,
    )


def count_batches(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Batch)) or 0
