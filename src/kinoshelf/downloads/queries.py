"""Reads of the download queue: column queries, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, case, func, nulls_last, or_, select
from sqlalchemy.orm import Session

from kinoshelf.downloads.models import Batch, Download, DownloadError
from kinoshelf.downloads.progress import percent_of
from kinoshelf.downloads.states import ACTIVE, GROUPS, State, batch_state

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
        pattern = "%" + wanted.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").lower() + "%"
        found.append(
            or_(
                func.lower(Download.filename).like(pattern, escape="\\"),
                func.lower(Download.original_url).like(pattern, escape="\\"),
            )
        )
    return found


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
    session: Session, wanted: Filter, *, page: int = 1, limit: int = 50, sort: Sort = "added", descending: bool = True
) -> Sequence[Row[Any]]:
    """Return one page of rows with the columns of `downloads` and `batch_name`."""
    order = _order(sort, descending=descending)
    ids = select(Download.id).where(*_conditions(wanted)).order_by(*order).limit(limit).offset((page - 1) * limit)
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
    states = sorted(set(State) - {State.COMPLETED, State.FAILED, State.CANCELLED, State.SKIPPED})
    running = case((Download.state.in_(sorted(ACTIVE)), 0), else_=1)
    query = _select().where(Download.state.in_(states))
    return session.execute(query.order_by(running, Download.priority.desc(), Download.position)).all()


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

    @property
    def total_items(self) -> int:
        return sum(self.counts.values())

    @property
    def state(self) -> State:
        return batch_state(self.counts)

    @property
    def percent(self) -> float:
        """By bytes where sizes are known, by items where none is."""
        if self.total_bytes:
            return percent_of(self.downloaded_bytes, self.total_bytes)
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
    sums: dict[str, dict[State, tuple[int, int, int]]] = {row.id: {} for row in batches}
    grouped = (
        select(
            Download.batch_id,
            Download.state,
            func.count().label("items"),
            func.coalesce(func.sum(Download.size_bytes), 0).label("total"),
            func.coalesce(func.sum(Download.downloaded_bytes), 0).label("downloaded"),
        )
        .where(Download.batch_id.in_(list(sums)))
        .group_by(Download.batch_id, Download.state)
    )
    for row in session.execute(grouped):
        sums[row.batch_id][State(row.state)] = (row.items, int(row.total), int(row.downloaded))
    return [
        BatchSummary(
            row.id,
            row.name,
            row.created_at,
            {state: found[0] for state, found in sums[row.id].items()},
            sum(found[1] for found in sums[row.id].values()),
            sum(found[2] for found in sums[row.id].values()),
        )
        for row in batches
    ]


def count_batches(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Batch)) or 0
