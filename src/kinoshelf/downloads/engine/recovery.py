"""What dead workers left behind: claims to free, finished files to record, part files nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from kinoshelf.core import claims
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.events import publish
from kinoshelf.core.processes import bury_dead
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.partfile import part_path, remove_sidecar
from kinoshelf.downloads.events import DownloadCompleted, DownloadsChanged
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.states import ACTIVE, State

CHUNK = 500
TABLE: Any = Download.__table__
C = TABLE.c


class Recovery:
    """Sets right what workers that died were at."""

    def __init__(self, database: Database, clock: Clock, data_dir: Path, worker: str) -> None:
        self._database = database
        self._clock = clock
        self._data_dir = data_dir
        self._worker = worker
        self._buried: set[str] = set()
        self.has_buried = False
        """A worker died since this was last set back."""

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
