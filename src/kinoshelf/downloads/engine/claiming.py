"""Which downloads come next: found in their order, no more of a host than it may have, and claimed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, and_, bindparam, func, literal, or_, true
from sqlalchemy.orm import Session

from kinoshelf.core import claims
from kinoshelf.downloads.checksums import parse_checksum
from kinoshelf.downloads.engine.job import Job
from kinoshelf.downloads.engine.partfile import part_path
from kinoshelf.downloads.engine.turns import Turn
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.states import State

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
# Statements are made once: to build one takes longer than to run it.
_NOW: Any = bindparam("now", type_=C.updated_at.type)
_LIMIT: Any = bindparam("limit", type_=Integer())
_ORDER = (C.priority.desc(), C.position)
_IS_QUEUED = C.state == State.QUEUED.value
_IS_DUE = and_(C.state == State.WAITING.value, or_(C.wait_until.is_(None), C.wait_until <= _NOW))
_NEXT_QUEUED = claims.candidates(TABLE, JOB_COLUMNS, _IS_QUEUED, _ORDER, _LIMIT, _NOW)
_NEXT_DUE = claims.candidates(TABLE, JOB_COLUMNS, _IS_DUE, _ORDER, _LIMIT, _NOW)


class Claims:
    """Claims rows for one worker."""

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def claim(self, session: Session, turn: Turn, now: datetime) -> list[Any]:
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
    def job(row: Any, root: Path, folders: dict[str, Path], now: datetime) -> Job:
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
