"""Rows of background work."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from kinoshelf.core.jobs.models import Job, Schedule

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def add_job(session: Session, **fields: Any) -> Job:
    """Add a job, queued unless told."""
    derived = {
        "id": str(uuid.uuid4()),
        "name": "tests.do_nothing",
        "arguments": {},
        "state": "queued",
        "trigger": "user",
        "created_at": MADE_AT,
    }
    job = Job(**{**derived, **fields})
    session.add(job)
    session.flush()
    return job


def add_schedule(session: Session, **fields: Any) -> Schedule:
    """Add a schedule for every day at four, due unless told."""
    schedule = Schedule(**{"name": "tests.do_nothing", "cron": "0 4 * * *", "next_run_at": MADE_AT, **fields})
    session.add(schedule)
    session.flush()
    return schedule
