"""The daily tidying: rows that only matter for a while go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from kinoshelf.core.access.models import AccessLimit, AccessSession
from kinoshelf.core.bus import KEEP as KEEP_MESSAGES
from kinoshelf.core.bus import BusMessage
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.queue import fail_unknown, remove_finished, rows_changed
from kinoshelf.core.jobs.registry import JobRegistry

log = structlog.get_logger()

TIDY = "core.tidy"
EARLY_IN_THE_MORNING = "17 4 * * *"
KEEP_FINISHED_JOBS = timedelta(days=30)
WAIT_FOR_UNKNOWN_JOBS = timedelta(days=7)

TidyStep = Callable[[Session, datetime], int]


class Tidy:
    """A job of small steps, each a transaction of its own. Rooms add theirs: `(session, now) -> rows removed`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._steps: dict[str, TidyStep] = {
            "sessions": _remove_sessions,
            "limits": _remove_limits,
            "messages": _remove_messages,
            "jobs": lambda session, now: remove_finished(session, now - KEEP_FINISHED_JOBS),
            "unknown_jobs": lambda session, now: fail_unknown(session, now, now - WAIT_FOR_UNKNOWN_JOBS),
        }

    def add(self, name: str, step: TidyStep) -> None:
        self._steps[name] = step

    def register(self, registry: JobRegistry) -> None:
        registry.add(TIDY, self.run, exclusive=True, max_attempts=2)
        registry.schedule(TIDY, EARLY_IN_THE_MORNING)

    def run(self, context: JobContext) -> dict[str, int]:
        removed: dict[str, int] = {}
        for number, (name, step) in enumerate(self._steps.items()):
            context.check()
            context.progress(number, len(self._steps), name)
            removed[name] = self._database.run_write(partial(self._one, step))
        context.progress(len(self._steps), len(self._steps))
        self._optimize()
        return removed

    def _one(self, step: TidyStep, session: Session) -> int:
        return step(session, self._clock.now())

    def _optimize(self) -> None:
        # PostgreSQL keeps its statistics by itself; the statement exists on SQLite only.
        if self._database.is_sqlite:
            with self._database.write() as session:
                session.connection().exec_driver_sql("PRAGMA optimize")


def _remove_sessions(session: Session, now: datetime) -> int:
    ended = or_(AccessSession.expires_at < now, AccessSession.revoked_at < now)
    return rows_changed(session, delete(AccessSession).where(ended))


def _remove_limits(session: Session, now: datetime) -> int:
    return rows_changed(session, delete(AccessLimit).where(AccessLimit.window_ends_at < now))


def _remove_messages(session: Session, now: datetime) -> int:
    return rows_changed(session, delete(BusMessage).where(BusMessage.at < now - KEEP_MESSAGES))
