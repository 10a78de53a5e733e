"""How what happened to downloads is written into their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, literal, literal_column, null, select, update
from sqlalchemy.orm import Session

from kinoshelf.core.events import publish
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.turns import Ended, Position
from kinoshelf.downloads.events import DownloadCompleted
from kinoshelf.downloads.models import Download, DownloadError
from kinoshelf.downloads.retry import Failure, retry_delay
from kinoshelf.downloads.states import ACTIVE, State

CHUNK = 500
TABLE: Any = Download.__table__
C = TABLE.c


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


class Records:
    """Writes the rows one worker holds."""

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def write_ended(self, session: Session, ended: list[Ended], settings: Settings, now: datetime) -> list[str]:
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
    def write_started(session: Session, ids: list[str], now: datetime) -> None:
        for begin in range(0, len(ids), CHUNK):
            chunk = ids[begin : begin + CHUNK]
            mine = and_(C.id.in_(chunk), C.state.in_([State.QUEUED.value, State.STARTING.value]))
            values = {
                "state": State.DOWNLOADING.value,
                "started_at": func.coalesce(C.started_at, literal(now, C.started_at.type)),
                "updated_at": now,
            }
            session.execute(update(TABLE).where(mine).values(**values))

    def write_positions(self, session: Session, positions: Sequence[Position], now: datetime) -> None:
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
