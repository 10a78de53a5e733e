"""The engine's side of the database: what ended is recorded and what comes next is claimed, in one short transaction.

Everything here runs on the engine's keeper thread, one call at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from kinoshelf.core import claims
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.events import publish
from kinoshelf.core.files import inside
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.checksums import parse_checksum
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.claiming import Claims
from kinoshelf.downloads.engine.job import Job
from kinoshelf.downloads.engine.partfile import PartFile, PartFileBusy, remove_sidecar
from kinoshelf.downloads.engine.recording import Records
from kinoshelf.downloads.engine.storage import storage_failure
from kinoshelf.downloads.engine.turns import Ended, Turn, Visit
from kinoshelf.downloads.events import DownloadsChanged
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.retry import Cause, Failure
from kinoshelf.downloads.states import ACTIVE, State

CHUNK = 500
TABLE: Any = Download.__table__
C = TABLE.c
_NOW: Any = bindparam("now", type_=C.updated_at.type)
# What is due already waits for a place; the end of a download brings it, not the clock.
_DUE_AT = select(func.min(C.wait_until)).where(C.state == State.WAITING.value, C.wait_until > _NOW)


def _wish(ended: Ended) -> finish.Wish:
    assert ended.part is not None
    job, checked = ended.job, ended.checked.text if ended.checked else ""
    return finish.Wish(job.id, ended.part.path, job.directory, ended.filename, ended.size_bytes or 0, checked)


def _placement(ended: Ended) -> finish.Placement:
    assert ended.part is not None
    assert ended.final is not None
    checked = ended.checked.text if ended.checked else ""
    return finish.Placement(ended.job.id, ended.part.path, ended.final, ended.size_bytes or 0, checked)


class Keeper:
    """Places what is complete, has it recorded, and brings what comes next."""

    def __init__(self, database: Database, clock: Clock, worker: str) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._records = Records(worker)
        self._claims = Claims(worker)
        self._known_folders: set[Path] = set()

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
            changed.extend(self._records.write_ended(session, turn.ended, settings, now))
        if turn.started:
            self._records.write_started(session, turn.started, now)
            changed.extend(turn.started)
        if turn.positions:
            self._records.write_positions(session, turn.positions, now)
        if turn.given_back:
            self._give_back(session, turn.given_back, now)
        if turn.free or turn.ahead:
            rows = self._claims.claim(session, turn, now)
            folders: dict[str, Path] = {}
            visit.jobs = [self._claims.job(row, settings.download_dir, folders, now) for row in rows]
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
