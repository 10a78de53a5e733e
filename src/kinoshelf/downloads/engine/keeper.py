"""The engine's side of the database: what ended is recorded and what comes next is claimed, in one short transaction.

Everything here runs on the engine's keeper thread, one call at a time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from kinoshelf.core import claims
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.events import publish
from kinoshelf.core.files import inside
from kinoshelf.core.processes import bury_dead
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.checksums import Checksum, parse_checksum
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.fetch import Job, storage_failure
from kinoshelf.downloads.engine.partfile import PartFile, PartFileBusy, part_path, remove_sidecar
from kinoshelf.downloads.events import DownloadCompleted, DownloadsChanged
from kinoshelf.downloads.models import Download, DownloadError
from kinoshelf.downloads.retry import Cause, Failure, retry_delay
from kinoshelf.downloads.states import ACTIVE, State

CHUNK = 500
TABLE: Any = Download.__table__
C = TABLE.c
JOB_COLUMNS = (
    C.id,
    C.url,
    C.host,
    C.filename,
    C.is_filename_given,
    C.folder,
    C.part_path,
    C.size_bytes,
    C.downloaded_bytes,
    C.checksum,
    C.speed_limit_bytes_per_second,
    C.max_segments,
    C.retry_count,
    C.retries_by_cause,
    C.priority,
    C.position,
)


@dataclass(slots=True)
class Ended:
    """One attempt that is over. With neither `failure` nor `is_complete` it was stopped from outside."""

    job: Job
    part: PartFile | None
    size_bytes: int | None
    downloaded_bytes: int
    filename: str
    etag: str = ""
    failure: Failure | None = None
    is_complete: bool = False
    is_synced: bool = False
    checked: Checksum | None = None
    average_speed_bytes_per_second: int | None = None
    final: Path | None = None


@dataclass(slots=True)
class Position:
    """How far a running download is, for the database."""

    id: str
    downloaded_bytes: int
    size_bytes: int | None
    filename: str
    part_path: str


@dataclass(slots=True)
class Turn:
    """What one visit to the database is to do."""

    ended: list[Ended] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    free: int = 0
    ahead: int = 0
    host_limit: int = 0
    """Most downloads at once from one host; 0 = no limit."""
    active_by_host: dict[str, int] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    must_renew: bool = False


@dataclass(slots=True)
class Visit:
    """What came of it. The first `free` jobs are to start now, the rest when there is room."""

    jobs: list[Job] = field(default_factory=list)
    next_due: datetime | None = None
    lost: frozenset[str] = frozenset()
    has_more: bool | None = None
    """Whether as much was claimed as asked for; None when nothing was asked for."""


def _wish(ended: Ended) -> finish.Wish:
    assert ended.part is not None
    job, checked = ended.job, ended.checked.text if ended.checked else ""
    return finish.Wish(job.id, ended.part.path, job.directory, ended.filename, ended.size_bytes or 0, checked)


def _placement(ended: Ended) -> finish.Placement:
    assert ended.part is not None
    assert ended.final is not None
    checked = ended.checked.text if ended.checked else ""
    return finish.Placement(ended.job.id, ended.part.path, ended.final, ended.size_bytes or 0, checked)


def _parameters(*names: str) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


# Statements are made once: to build one takes longer than to run it.
# The name a host gave, but never over the one a user gave meanwhile.
_NAME_UNLESS_GIVEN = case((C.is_filename_given, C.filename), else_=bindparam("filename", type_=C.filename.type))
_FIRST_START = func.coalesce(C.started_at, bindparam("started_at", type_=C.started_at.type))
_BY_ID = update(TABLE).where(C.id == bindparam("b_id"))
_AT: Any = bindparam("b_now", type_=C.updated_at.type)
_RELEASED = {"claimed_by": null(), "lease_until": null(), "updated_at": _AT}
_WRITE_COMPLETED = _BY_ID.values(
    _RELEASED
    | {
        "state": literal_column(f"'{State.COMPLETED.value}'"),
        "part_path": null(),
        "error_message": null(),
        "error_category": null(),
        "wait_until": null(),
        "started_at": _FIRST_START,
        # The same moment.
        "completed_at": _AT,
    }
    | _parameters(
        "filename",
        "destination",
        "size_bytes",
        "downloaded_bytes",
        "checksum",
        "is_verified",
        "average_speed_bytes_per_second",
    )
)
_WRITE_STOPPED = _BY_ID.values(
    _RELEASED | {"filename": _NAME_UNLESS_GIVEN} | _parameters("state", "part_path", "size_bytes", "downloaded_bytes")
)
_WRITE_FAILED = _BY_ID.values(
    _RELEASED
    | {"filename": _NAME_UNLESS_GIVEN, "started_at": _FIRST_START}
    | _parameters(
        "state",
        "part_path",
        "size_bytes",
        "downloaded_bytes",
        "retry_count",
        "retries_by_cause",
        "wait_until",
        "error_message",
        "error_category",
        "completed_at",
    )
)
_NOW: Any = bindparam("now", type_=C.updated_at.type)
_LIMIT: Any = bindparam("limit", type_=Integer())
_ORDER = (C.priority.desc(), C.position)
_IS_QUEUED = C.state == State.QUEUED.value
_IS_DUE = and_(C.state == State.WAITING.value, or_(C.wait_until.is_(None), C.wait_until <= _NOW))
_NEXT_QUEUED = claims.candidates(TABLE, JOB_COLUMNS, _IS_QUEUED, _ORDER, _LIMIT, _NOW)
_NEXT_DUE = claims.candidates(TABLE, JOB_COLUMNS, _IS_DUE, _ORDER, _LIMIT, _NOW)
# What is due already waits for a place; the end of a download brings it, not the clock.
_DUE_AT = select(func.min(C.wait_until)).where(C.state == State.WAITING.value, C.wait_until > _NOW)


class Keeper:
    """Claims, records, recovers."""

    def __init__(self, database: Database, clock: Clock, data_dir: Path, worker: str) -> None:
        self._database = database
        self._clock = clock
        self._data_dir = data_dir
        self._worker = worker
        self._known_folders: set[Path] = set()
        self._buried: set[str] = set()
        self.has_buried = False
        """A worker died since this was last set back."""

    # Recovery.

    def recover(self, settings: Settings, was_away: bool = False) -> int:
        """Free what dead workers held and record the files they finished; return how many rows were freed.

        After the database was away, nobody could renew a lease: then the living get the time to.
        """
        dead = bury_dead(self._data_dir)
        now = self._clock.now()
        silent_since = now - claims.LEASE if was_away else now
        orphaned = and_(claims.orphaned(TABLE, silent_since, dead), C.claimed_by != self._worker)
        with self._database.read() as session:
            silent = set(session.scalars(select(C.claimed_by).where(orphaned).distinct()))
        news = set(dead) - self._buried
        if not silent and not news:
            return 0
        finished, journals = finish.recover(settings.download_dir, lambda name: name in dead or name in silent)

        def work(session: Session) -> int:
            self._record_recovered(session, finished, now)
            self._discard_cancelled(session, orphaned, settings)
            values = {"claimed_by": None, "lease_until": None}
            active = and_(orphaned, C.state.in_(sorted(ACTIVE)))
            again = session.scalars(
                update(TABLE).where(active).values(state=State.QUEUED.value, updated_at=now, **values).returning(C.id)
            ).all()
            others = session.scalars(update(TABLE).where(orphaned).values(**values).returning(C.id)).all()
            if again:
                publish(session, DownloadsChanged(tuple(again)))
            return len(again) + len(others)

        freed = self._database.run_write(work)
        self._buried |= news
        self.has_buried |= bool(news)
        for journal in journals:
            # That of a worker which is only silent is its own to clear.
            if finish.owner_of(journal) in dead:
                journal.unlink(missing_ok=True)
        return freed

    @staticmethod
    def _discard_cancelled(session: Session, orphaned: ColumnElement[bool], settings: Settings) -> None:
        """What had arrived of cancelled downloads, which their worker did not come to clear away."""
        query = select(C.id, C.part_path, C.folder, C.filename)
        for row in session.execute(query.where(orphaned, C.state == State.CANCELLED.value)):
            finish.discard(row.part_path or str(part_path(settings.download_dir / row.folder, row.filename, row.id)))

    def sweep(self, found: Sequence[tuple[str, Path]]) -> None:
        """Clear away the part files of downloads that left the list while nobody could do it."""
        known: set[str] = set()
        with self._database.read() as session:
            for begin in range(0, len(found), CHUNK):
                ids = [download_id for download_id, _part in found[begin : begin + CHUNK]]
                known.update(session.scalars(select(C.id).where(C.id.in_(ids))))
        for download_id, part in found:
            if download_id not in known:
                finish.discard_unheld(part)

    def _record_recovered(self, session: Session, finished: list[finish.Placement], now: datetime) -> None:
        for one in finished:
            open_still = and_(C.id == one.download_id, C.state.not_in([State.COMPLETED.value, State.CANCELLED.value]))
            values = {
                "state": State.COMPLETED.value,
                "destination": str(one.final),
                "filename": one.final.name,
                "size_bytes": one.size_bytes,
                "downloaded_bytes": one.size_bytes,
                "part_path": None,
                "checksum": one.checked or C.checksum,
                "is_verified": bool(one.checked),
                "error_message": None,
                "error_category": None,
                "wait_until": None,
                "completed_at": now,
                "updated_at": now,
                "claimed_by": None,
                "lease_until": None,
            }
            if session.scalars(update(TABLE).where(open_still).values(**values).returning(C.id)).all():
                publish(session, DownloadsChanged((one.download_id,)))
                publish(session, DownloadCompleted(one.download_id))
            elif not session.scalar(select(C.id).where(C.id == one.download_id, C.state != State.CANCELLED.value)):
                # Deleted or cancelled before the commit that did not come: as the worker would have done.
                one.final.unlink(missing_ok=True)
            remove_sidecar(one.part)

    # One visit.

    def visit(self, turn: Turn, settings: Settings) -> Visit:
        """Place finished files, write what happened, claim what comes next, open its part files."""
        journal = finish.Journal(settings.download_dir, self._worker)
        placed = self._place(turn, settings, journal)
        now = self._clock.now()
        visit = self._database.run_write(lambda session: self._write(session, turn, settings, now))
        for ended in turn.ended:
            self._tidy(ended)
        if placed:
            # Last: whoever finds the journal clears away the sidecars too.
            journal.clear()
        return visit

    def _place(self, turn: Turn, settings: Settings, journal: finish.Journal) -> bool:
        """Give complete files their names; tell whether there are any that the commit has to record."""
        complete = [ended for ended in turn.ended if ended.is_complete]
        # Placed on a visit before, whose commit failed: they stay in the journal.
        before = [_placement(ended) for ended in complete if ended.final is not None]
        fresh: list[Ended] = []
        for ended in complete:
            if ended.final is not None:
                continue
            assert ended.part is not None
            try:
                if settings.engine.sync_to_disk and not ended.is_synced:
                    ended.part.sync()
                if ended.job.directory != ended.part.path.parent:
                    self._make_folder(ended.job.directory, settings)
                fresh.append(ended)
            except OSError as error:
                self._fail(ended, storage_failure(error, ended.part.path))
            except KinoshelfError as error:
                self._fail(ended, Failure(Cause.STORAGE, error.message))
        for ended, outcome in zip(fresh, finish.place_all([_wish(one) for one in fresh], journal, before), strict=True):
            assert ended.part is not None
            if isinstance(outcome, finish.Placement):
                ended.final = outcome.final
            elif isinstance(outcome, finish.PartGone):
                ended.part.restart()
                words = "the part file was removed before it was finished"
                self._fail(ended, Failure(Cause.UNKNOWN, words, must_restart=True))
            else:
                self._fail(ended, storage_failure(outcome, ended.job.directory / ended.filename))
        if settings.engine.sync_to_disk:
            finish.sync_folders({ended.job.directory for ended in fresh if ended.final is not None})
        return any(ended.final is not None for ended in complete)

    @staticmethod
    def _fail(ended: Ended, failure: Failure) -> None:
        ended.is_complete = False
        ended.failure = failure

    def _tidy(self, ended: Ended) -> None:
        """Close the part file; remove it where nobody wants it, or nothing is in it."""
        part = ended.part
        if part is None:
            return
        if ended.final is not None:
            if part.has_sidecar:
                remove_sidecar(part.path)
        elif ended.job.may_resume is False or not part.ranges.total:
            finish.discard(str(part.path))
        part.close()

    def _write(self, session: Session, turn: Turn, settings: Settings, now: datetime) -> Visit:
        visit = Visit()
        changed: list[str] = []
        if turn.must_renew:
            visit.lost = self._renew(session, turn.held, now)
        if turn.ended:
            changed.extend(self._write_ended(session, turn.ended, settings, now))
        if turn.started:
            self._write_started(session, turn.started, now)
            changed.extend(turn.started)
        if turn.positions:
            self._write_positions(session, turn.positions, now)
        if turn.given_back:
            self._give_back(session, turn.given_back, now)
        if turn.free or turn.ahead:
            rows = self._claim(session, turn, now)
            folders: dict[str, Path] = {}
            visit.jobs = [self._job(row, settings.download_dir, folders, now) for row in rows]
            visit.has_more = len(rows) == turn.free + turn.ahead
            changed.extend(job.id for job in visit.jobs[: turn.free])
        if changed:
            publish(session, DownloadsChanged(tuple(changed)))
        visit.next_due = session.scalar(_DUE_AT, {"now": now})
        return visit

    def _give_back(self, session: Session, ids: list[str], now: datetime) -> None:
        """Return claims that were not used; what was to start at once is queued again."""
        for begin in range(0, len(ids), CHUNK):
            chunk = ids[begin : begin + CHUNK]
            starting = and_(C.id.in_(chunk), C.claimed_by == self._worker, C.state == State.STARTING.value)
            session.execute(update(TABLE).where(starting).values(state=State.QUEUED.value, updated_at=now))
            claims.release(session, TABLE, chunk, self._worker)

    def _renew(self, session: Session, held: frozenset[str], now: datetime) -> frozenset[str]:
        claims.renew(session, TABLE, self._worker, now)
        # A fact that was lost on the way shows here: what is paused or cancelled is not wanted any more.
        wanted = C.state.in_(sorted({*ACTIVE, State.QUEUED, State.WAITING}))
        return held - set(session.scalars(select(C.id).where(C.claimed_by == self._worker, wanted)))

    # Recording.

    def _write_ended(self, session: Session, ended: list[Ended], settings: Settings, now: datetime) -> list[str]:
        rows = {row.id: row for row in self._locked(session, [one.job.id for one in ended])}
        completed: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        stopped: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for one in ended:
            row = rows.get(one.job.id)
            if row is None or row.claimed_by != self._worker:
                # Deleted, or taken over after this machine slept: nothing here is wanted any more.
                one.job.may_resume = row is not None
                if row is None or row.destination != str(one.final):
                    # Else another worker read the journal of this one, and recorded the file.
                    self._unplace(one)
                if row is None:
                    self._discard(one)
                continue
            state = State(row.state)
            if state is State.CANCELLED:
                one.job.may_resume = False
                self._unplace(one)
                self._discard(one)
                stopped.append(self._stopped_values(one, state, now) | {"downloaded_bytes": 0, "part_path": None})
            elif one.is_complete:
                completed.append(self._completed_values(one, now))
            elif one.failure is not None and state is not State.PAUSED:
                failed.append(self._failed_values(one, one.failure, settings, now))
                errors.append(self._error_values(one, one.failure, now))
            else:
                stopped.append(self._stopped_values(one, state, now))
        groups = ((_WRITE_COMPLETED, completed), (_WRITE_FAILED, failed), (_WRITE_STOPPED, stopped))
        for statement, values in groups:
            if values:
                session.connection().execute(statement, values)
        if errors:
            session.connection().execute(insert(DownloadError), errors)
        for values_of_one in completed:
            publish(session, DownloadCompleted(values_of_one["b_id"]))
        return [values["b_id"] for _statement, group in groups for values in group]

    @staticmethod
    def _unplace(ended: Ended) -> None:
        if ended.final is not None:
            ended.final.unlink(missing_ok=True)

    @staticmethod
    def _discard(ended: Ended) -> None:
        """Before the commit: after it, a kill would leave a file that no row knows."""
        if ended.part is not None:
            finish.discard(str(ended.part.path))

    def _locked(self, session: Session, ids: list[str]) -> Iterable[Any]:
        for begin in range(0, len(ids), CHUNK):
            chunk = ids[begin : begin + CHUNK]
            query = select(C.id, C.state, C.claimed_by, C.destination).where(C.id.in_(chunk)).with_for_update()
            yield from session.execute(query)

    @staticmethod
    def _released(one: Ended, now: datetime) -> dict[str, Any]:
        return {"b_id": one.job.id, "b_now": now}

    def _completed_values(self, one: Ended, now: datetime) -> dict[str, Any]:
        assert one.final is not None
        return self._released(one, now) | {
            "filename": one.final.name,
            "destination": str(one.final),
            "size_bytes": one.size_bytes,
            "downloaded_bytes": one.size_bytes or 0,
            "checksum": one.checked.text if one.checked else (one.job.checksum.text if one.job.checksum else None),
            "is_verified": one.checked is not None,
            "average_speed_bytes_per_second": one.average_speed_bytes_per_second,
            "started_at": one.job.started_at,
        }

    def _failed_values(self, one: Ended, failure: Failure, settings: Settings, now: datetime) -> dict[str, Any]:
        delay = retry_delay(failure, one.job.retries_by_cause, settings.engine.max_retries)
        counts = dict(one.job.retries_by_cause)
        wait_until = None
        if delay is not None:
            counts[failure.cause] = counts.get(failure.cause, 0) + 1
            wait_until = now + timedelta(seconds=delay * settings.engine.retry_delay_factor)
        return self._released(one, now) | {
            "state": (State.FAILED if delay is None else State.WAITING).value,
            "filename": one.filename,
            "part_path": str(one.part.path) if one.part else one.job.stored_part_path,
            "size_bytes": one.size_bytes,
            "downloaded_bytes": 0 if failure.must_restart else one.downloaded_bytes,
            "retry_count": one.job.retry_count + (delay is not None),
            "retries_by_cause": json.dumps(counts),
            "wait_until": wait_until,
            "error_message": failure.sentence,
            "error_category": failure.cause.value,
            "started_at": one.job.started_at,
            "completed_at": now if delay is None else None,
        }

    @staticmethod
    def _error_values(one: Ended, failure: Failure, now: datetime) -> dict[str, Any]:
        return {
            "download_id": one.job.id,
            "at": now,
            "message": failure.sentence,
            "category": failure.cause.value,
            "retry_attempt": one.job.retry_count,
        }

    def _stopped_values(self, one: Ended, state: State, now: datetime) -> dict[str, Any]:
        return self._released(one, now) | {
            # Stopped with the engine: it goes back into the queue.
            "state": (State.QUEUED if state in ACTIVE else state).value,
            "filename": one.filename,
            "part_path": str(one.part.path) if one.part else one.job.stored_part_path,
            "size_bytes": one.size_bytes,
            "downloaded_bytes": one.downloaded_bytes,
        }

    @staticmethod
    def _write_started(session: Session, ids: list[str], now: datetime) -> None:
        for begin in range(0, len(ids), CHUNK):
            chunk = ids[begin : begin + CHUNK]
            mine = and_(C.id.in_(chunk), C.state.in_([State.QUEUED.value, State.STARTING.value]))
            values = {
                "state": State.DOWNLOADING.value,
                "started_at": func.coalesce(C.started_at, literal(now, C.started_at.type)),
                "updated_at": now,
            }
            session.execute(update(TABLE).where(mine).values(**values))

    def _write_positions(self, session: Session, positions: Sequence[Position], now: datetime) -> None:
        mine = and_(C.id == bindparam("b_id"), C.claimed_by == self._worker)
        columns: dict[str, Any] = {
            # Written with the name: where to look for it after a kill must not hang on a name that changed.
            name: bindparam(name)
            for name in ("downloaded_bytes", "size_bytes", "part_path")
        }
        columns["filename"] = _NAME_UNLESS_GIVEN
        values = [
            {
                "b_id": one.id,
                "downloaded_bytes": one.downloaded_bytes,
                "size_bytes": one.size_bytes,
                "filename": one.filename,
                "part_path": one.part_path,
            }
            for one in positions
        ]
        session.connection().execute(update(TABLE).where(mine).values(columns | {"updated_at": now}), values)

    # Claiming.

    def _claim(self, session: Session, turn: Turn, now: datetime) -> list[Any]:
        rows = self._choose(session, turn, now)
        first, later = [row.id for row in rows[: turn.free]], [row.id for row in rows[turn.free :]]
        started = func.coalesce(C.started_at, literal(now, C.started_at.type))
        claims.take(
            session,
            TABLE,
            first,
            self._worker,
            now,
            state=State.STARTING.value,
            started_at=started,
            updated_at=now,
            wait_until=None,
        )
        claims.take(session, TABLE, later, self._worker, now, wait_until=None)
        return rows

    def _choose(self, session: Session, turn: Turn, now: datetime) -> list[Any]:
        """Lock what comes next, in order, with no more of a host than it may have."""
        rows: list[Any] = []
        counts = Counter(turn.active_by_host)
        while (missing := turn.free + turn.ahead - len(rows)) > 0:
            full = [host for host, number in counts.items() if turn.host_limit and number >= turn.host_limit]
            chosen = 0
            found = self._next_rows(session, missing, full, [row.id for row in rows], now)
            for row in found:
                if not turn.host_limit or counts[row.host] < turn.host_limit:
                    counts[row.host] += 1
                    chosen += 1
                    rows.append(row)
            if chosen == len(found):
                break
        rows.sort(key=lambda row: (-row.priority, row.position))
        return rows

    @staticmethod
    def _next_rows(session: Session, limit: int, full_hosts: list[str], chosen: list[str], now: datetime) -> list[Any]:
        due, queued = _NEXT_DUE, _NEXT_QUEUED
        if full_hosts or chosen:
            free = and_(C.host.not_in(full_hosts) if full_hosts else true(), C.id.not_in(chosen) if chosen else true())
            due, queued = due.where(free), queued.where(free)
        # Asked apart, each in the order of the index; together they would sort the whole queue.
        values = {"limit": limit, "now": now}
        rows = [*session.execute(due, values), *session.execute(queued, values)]
        rows.sort(key=lambda row: (-row.priority, row.position))
        return rows[:limit]

    @staticmethod
    def _job(row: Any, root: Path, folders: dict[str, Path], now: datetime) -> Job:
        """Build the job of a row. Jobs of one folder share its path, which is found in `folders` or put there."""
        directory = folders.get(row.folder)
        if directory is None:
            directory = folders[row.folder] = root / row.folder if row.folder else root
        part = None
        if row.part_path:
            stored = Path(row.part_path)
            part = stored if stored.parent == directory else None
        return Job(
            id=row.id,
            url=row.url,
            host=row.host,
            filename=row.filename,
            is_filename_given=row.is_filename_given,
            directory=directory,
            part_path=part or part_path(directory, row.filename, row.id),
            stored_part_path=row.part_path,
            size_bytes=row.size_bytes,
            downloaded_bytes=row.downloaded_bytes,
            checksum=parse_checksum(row.checksum) if row.checksum else None,
            speed_limit_bytes_per_second=row.speed_limit_bytes_per_second,
            max_segments=row.max_segments,
            retry_count=row.retry_count,
            retries_by_cause=json.loads(row.retries_by_cause) if row.retries_by_cause not in {"", "{}"} else {},
            started_at=now,
        )

    def open_part(self, job: Job, settings: Settings) -> PartFile | Failure:
        """Make the folder and open the part file, or say why not."""
        try:
            if job.directory in self._known_folders:
                try:
                    return self._opened(job)
                except FileNotFoundError:
                    # Somebody cleared the empty folder away: it is made again.
                    self._known_folders.discard(job.directory)
            self._make_folder(job.directory, settings)
            return self._opened(job)
        except PartFileBusy as error:
            return Failure(Cause.BUSY, str(error))
        except OSError as error:
            return storage_failure(error, job.part_path)
        except KinoshelfError as error:
            return Failure(Cause.STORAGE, error.message)

    @staticmethod
    def _opened(job: Job) -> PartFile:
        stored = Path(job.stored_part_path) if job.stored_part_path else job.part_path
        if stored != job.part_path and stored.exists():
            # The user chose another folder meanwhile.
            finish.move_part(stored, job.part_path)
            job.stored_part_path = str(job.part_path)
        return PartFile(job.part_path, download_id=job.id)

    def _make_folder(self, directory: Path, settings: Settings) -> None:
        """Make it below the root, whatever links lie on the way. Raises OSError or Forbidden."""
        root = settings.download_dir
        root.mkdir(parents=True, exist_ok=True)
        inside(root, str(directory.relative_to(root)))
        directory.mkdir(parents=True, exist_ok=True)
        inside(root, str(directory.relative_to(root)))
        self._known_folders.add(directory)

    @staticmethod
    def follow(job: Job, row: Any, settings: Settings) -> None:
        """Take over what a user changed of a running download."""
        job.directory = settings.download_dir / row.folder if row.folder else settings.download_dir
        job.checksum = parse_checksum(row.checksum) if row.checksum else None

    def states(self, ids: Iterable[str]) -> dict[str, Any]:
        """Return state, owner and live settings of rows, by id."""
        wanted = list(ids)
        found: dict[str, Any] = {}
        columns = (
            C.id,
            C.state,
            C.claimed_by,
            C.speed_limit_bytes_per_second,
            C.filename,
            C.is_filename_given,
            C.folder,
            C.checksum,
        )
        with self._database.read() as session:
            for begin in range(0, len(wanted), CHUNK):
                query = select(*columns).where(C.id.in_(wanted[begin : begin + CHUNK]))
                found.update({row.id: row for row in session.execute(query)})
        return found
