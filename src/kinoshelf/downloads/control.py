"""What users do to downloads: pause, resume, retry, cancel, delete, reorder, edit.

These functions change rows inside a write transaction and answer what they changed; the engine follows the rows. A
running download keeps its claim until its worker lets go, so that two workers never write one file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, not_, or_, select, update
from sqlalchemy.orm import Session

from kinoshelf.core.claims import is_free
from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.events import publish
from kinoshelf.downloads.checksums import parse_checksum
from kinoshelf.downloads.errors import BatchNotFound, DownloadNotFound, TransitionRefused
from kinoshelf.downloads.events import DownloadsChanged, DownloadsRemoved, QueueReordered
from kinoshelf.downloads.models import POSITION_STEP, Batch, Download
from kinoshelf.downloads.naming import safe_filename, safe_folder
from kinoshelf.downloads.states import CANCELLABLE, PAUSABLE, RESUMABLE, RETRYABLE, State

CHUNK = 500
SPREAD_ROWS = 64
MIN_SPREAD_STEP = 16
TABLE: Any = Download.__table__
# Whoever gives out places in the queue waits for its turn of this name: two at once would give the same place twice.
PLACES = "downloads.places"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which downloads an action means: by id, of a batch, or all of them."""

    ids: tuple[str, ...] | None = None
    batch_id: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield conditions that together select; ids come in chunks that every database takes."""
        if self.ids is not None:
            for begin in range(0, len(self.ids), CHUNK):
                yield Download.id.in_(self.ids[begin : begin + CHUNK])
        elif self.batch_id is not None:
            yield Download.batch_id == self.batch_id
        else:
            yield Download.id.is_not(None)


@dataclass(slots=True)
class Removed:
    """Rows that left the list, and the files that are to be cleared away after the commit."""

    ids: list[str] = field(default_factory=list)
    part_paths: list[str] = field(default_factory=list)
    finished_paths: list[str] = field(default_factory=list)


def _move(session: Session, selection: Selection, states: Collection[State], values: dict[str, Any]) -> list[str]:
    changed: list[str] = []
    for condition in selection.conditions():
        statement = (
            update(Download)
            .where(condition, Download.state.in_(sorted(states)))
            .values(**values)
            .returning(Download.id)
        )
        changed.extend(session.scalars(statement).all())
    if changed:
        publish(session, DownloadsChanged(tuple(changed)))
    return changed


def pause(session: Session, selection: Selection, now: datetime) -> list[str]:
    """Pause what can be paused; return the ids."""
    return _move(session, selection, PAUSABLE, {"state": State.PAUSED.value, "wait_until": None, "updated_at": now})


def resume(session: Session, selection: Selection, now: datetime) -> list[str]:
    """Put paused, waiting and skipped downloads back into the queue with their tries reset; return the ids."""
    return _move(session, selection, RESUMABLE, _queued(now) | {"retry_count": 0})


def retry(session: Session, selection: Selection, now: datetime, states: Collection[State] = RETRYABLE) -> list[str]:
    """Start waiting and final downloads again, completed ones from the beginning; return the ids."""
    again = {"retry_count": Download.retry_count + 1, "completed_at": None, "is_verified": False}
    is_done = Download.state == State.COMPLETED.value
    again["downloaded_bytes"] = case((is_done, 0), else_=Download.downloaded_bytes)
    again["destination"] = case((is_done, None), else_=Download.destination)
    return _move(session, selection, states, _queued(now) | again)


def _queued(now: datetime) -> dict[str, Any]:
    return {
        "state": State.QUEUED.value,
        "wait_until": None,
        "error_message": None,
        "error_category": None,
        "retries_by_cause": "{}",
        "updated_at": now,
    }


def cancel(session: Session, selection: Selection, now: datetime, states: Collection[State] = CANCELLABLE) -> Removed:
    """Cancel what is not finished. What has arrived is thrown away; the rows stay in the list."""
    cancelled = Removed()
    for condition in selection.conditions():
        wanted = and_(condition, Download.state.in_(sorted(states)))
        # A part file in a worker's hands is cleared away by that worker.
        cancelled.part_paths.extend(_free_part_paths(session, wanted, now))
    values = {
        "state": State.CANCELLED.value,
        "wait_until": None,
        "downloaded_bytes": 0,
        "completed_at": now,
        "updated_at": now,
    }
    cancelled.ids = _move(session, selection, states, values)
    return cancelled


def remove(session: Session, selection: Selection, now: datetime, states: Collection[State] | None = None) -> Removed:
    """Take downloads out of the list. Running ones are stopped by their worker. Finished files stay where they are;
    `finished_paths` names them for a caller who asked to delete them too.
    """
    gone = Removed()
    for condition in selection.conditions():
        wanted = condition if states is None else and_(condition, Download.state.in_(sorted(states)))
        gone.part_paths.extend(_free_part_paths(session, wanted, now))
        finished = and_(wanted, Download.state == State.COMPLETED.value, Download.destination.is_not(None))
        gone.finished_paths.extend(session.scalars(select(Download.destination).where(finished)).all())  # type: ignore[arg-type]
        gone.ids.extend(session.scalars(delete(Download).where(wanted).returning(Download.id)).all())
    if gone.ids:
        remove_empty_batches(session)
        publish(session, DownloadsRemoved(tuple(gone.ids)))
    return gone


def _free_part_paths(session: Session, wanted: ColumnElement[bool], now: datetime) -> list[str]:
    unfinished = Download.state != State.COMPLETED.value
    query = select(Download.part_path).where(wanted, unfinished, Download.part_path.is_not(None), is_free(TABLE, now))
    return [path for path in session.scalars(query) if path]


def remove_empty_batches(session: Session) -> None:
    """A batch lives as long as it has downloads."""
    used = select(Download.id).where(Download.batch_id == Batch.id).exists()
    session.execute(delete(Batch).where(not_(used)))


def refuse_unchanged(session: Session, download_id: str, changed: Collection[str], action: str) -> None:
    """Explain why an action on one download changed nothing: it does not exist, or its state does not allow it."""
    if changed:
        return
    state = session.scalar(select(Download.state).where(Download.id == download_id))
    if state is None:
        raise DownloadNotFound(download_id)
    raise TransitionRefused(action, state)


def require_batch(session: Session, batch_id: str) -> None:
    if session.scalar(select(Batch.id).where(Batch.id == batch_id)) is None:
        raise BatchNotFound(batch_id)


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes to one download; None leaves a field as it is."""

    priority: int | None = None
    speed_limit_bytes_per_second: int | None = None
    filename: str | None = None
    folder: str | None = None
    checksum: str | None = None
    max_segments: int | None = None


def edit(session: Session, download_id: str, wanted: Edit, now: datetime) -> None:
    """Change one download. Name, folder and checksum can change until it is completed.

    Raises DownloadNotFound, InvalidInput, TransitionRefused.
    """
    state = session.scalar(select(Download.state).where(Download.id == download_id))
    if state is None:
        raise DownloadNotFound(download_id)
    values: dict[str, Any] = {}
    if wanted.priority is not None:
        values["priority"] = wanted.priority
    if wanted.speed_limit_bytes_per_second is not None:
        if wanted.speed_limit_bytes_per_second < 0:
            raise InvalidInput("the speed limit cannot be negative")
        values["speed_limit_bytes_per_second"] = wanted.speed_limit_bytes_per_second
    if wanted.max_segments is not None:
        if not 1 <= wanted.max_segments <= 32:
            raise InvalidInput("segments must lie between 1 and 32")
        values["max_segments"] = wanted.max_segments
    if wanted.filename is not None:
        name = safe_filename(wanted.filename, "")
        if not name:
            raise InvalidInput("the file name is empty")
        values |= {"filename": name, "is_filename_given": True}
    if wanted.folder is not None:
        values["folder"] = safe_folder(wanted.folder)
    if wanted.checksum is not None:
        values["checksum"] = parse_checksum(wanted.checksum).text if wanted.checksum.strip() else None
    if state == State.COMPLETED and values.keys() & {"filename", "folder", "checksum"}:
        raise TransitionRefused("renamed, moved or checked", state)
    if values:
        session.execute(update(Download).where(Download.id == download_id).values(**values, updated_at=now))
        publish(session, DownloadsChanged((download_id,)))


def put_first(session: Session, ids: Sequence[str]) -> None:
    """Move the named downloads to the front of the queue, in the given order; the others keep theirs.

    Raises DownloadNotFound for an unknown id; then nothing moves.
    """
    wait_turn(session, PLACES)
    wanted = list(dict.fromkeys(ids))
    for begin in range(0, len(wanted), CHUNK):
        chunk = wanted[begin : begin + CHUNK]
        known = set(session.scalars(select(Download.id).where(Download.id.in_(chunk))))
        for download_id in chunk:
            if download_id not in known:
                raise DownloadNotFound(download_id)
    lowest = session.scalar(select(func.min(Download.position))) or 0
    tops = (
        session.scalar(select(func.max(Download.priority)).where(Download.state == one)) for one in _waiting_states()
    )
    top = max((one for one in tops if one is not None), default=0)
    base = lowest - POSITION_STEP * len(wanted)
    rows = [{"b_id": one, "position": base + POSITION_STEP * step, "priority": top} for step, one in enumerate(wanted)]
    _write_places(session, rows)


def move_between(session: Session, download_id: str, before: str | None, after: str | None) -> None:
    """Put one download right before `before`, or right after `after`; with neither it goes to the end.

    It takes the priority of its new neighbour, as priority decides first. Raises DownloadNotFound.
    """
    wait_turn(session, PLACES)
    _place_of(session, download_id)
    neighbour = before or after
    if neighbour is None:
        last = session.scalar(select(func.max(Download.position))) or 0
        lowest_priority = (
            session.scalar(select(func.min(Download.priority)).where(Download.state.in_(_waiting_states()))) or 0
        )
        _write_places(session, [{"b_id": download_id, "position": last + POSITION_STEP, "priority": lowest_priority}])
        return
    priority, position = _place_of(session, neighbour)
    place = _gap(session, priority, position, download_id, is_before=before is not None)
    if place is None:
        _spread(session, position)
        priority, position = _place_of(session, neighbour)
        place = _gap(session, priority, position, download_id, is_before=before is not None)
    assert place is not None
    _write_places(session, [{"b_id": download_id, "position": place, "priority": priority}])


def _waiting_states() -> list[str]:
    return [State.QUEUED.value, State.WAITING.value, State.PAUSED.value]


def _place_of(session: Session, download_id: str) -> tuple[int, int]:
    row = session.execute(select(Download.priority, Download.position).where(Download.id == download_id)).one_or_none()
    if row is None:
        raise DownloadNotFound(download_id)
    return row.priority, row.position


def _gap(session: Session, priority: int, position: int, moving: str, *, is_before: bool) -> int | None:
    """Return a free position beside `position`; None when the neighbours touch."""
    others = and_(Download.priority == priority, Download.id != moving)
    if is_before:
        other = session.scalar(select(func.max(Download.position)).where(others, Download.position < position))
        return position - POSITION_STEP if other is None else (other + position) // 2 if position - other > 1 else None
    other = session.scalar(select(func.min(Download.position)).where(others, Download.position > position))
    return position + POSITION_STEP if other is None else (other + position) // 2 if other - position > 1 else None


def _spread(session: Session, position: int) -> None:
    """Give the places around `position` room again; needed after some ten moves into the same gap.

    Only as many neighbours move as it takes to find room, so that a long queue is not written anew.
    """
    width = SPREAD_ROWS
    while True:
        below = _around(session, Download.position <= position, Download.position.desc(), width)
        above = _around(session, Download.position > position, Download.position, width)
        rows = [*reversed(below), *above]
        # The outermost rows stay where they are, unless the list ends there.
        first = rows[0].position if len(below) == width else rows[0].position - POSITION_STEP * len(rows)
        last = rows[-1].position if len(above) == width else rows[-1].position + POSITION_STEP * len(rows)
        step = (last - first) // max(len(rows) - 1, 1)
        if step >= MIN_SPREAD_STEP:
            break
        width *= 4
    places = [{"b_id": row.id, "position": first + step * number} for number, row in enumerate(rows)]
    session.connection().execute(
        update(TABLE).where(TABLE.c.id == bindparam("b_id")).values(position=bindparam("position")), places
    )


def _around(session: Session, condition: ColumnElement[bool], order: Any, limit: int) -> Sequence[Any]:
    query = select(Download.id, Download.position).where(condition).order_by(order, Download.id)
    return session.execute(query.limit(limit)).all()


def _write_places(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        statement = (
            update(TABLE)
            .where(TABLE.c.id == bindparam("b_id"))
            .values(position=bindparam("position"), priority=bindparam("priority"))
        )
        session.connection().execute(statement, rows)
        publish(session, QueueReordered())


def clear_history(session: Session, before: datetime, now: datetime) -> Removed:
    """Remove final downloads that ended before a moment."""
    final = [State.COMPLETED, State.FAILED, State.CANCELLED, State.SKIPPED]
    gone = Removed()
    ended = or_(Download.completed_at < before, and_(Download.completed_at.is_(None), Download.updated_at < before))
    wanted = and_(Download.state.in_([state.value for state in final]), ended)
    gone.part_paths = _free_part_paths(session, wanted, now)
    gone.ids = list(session.scalars(delete(Download).where(wanted).returning(Download.id)).all())
    if gone.ids:
        remove_empty_batches(session)
        publish(session, DownloadsRemoved(tuple(gone.ids)))
    return gone
