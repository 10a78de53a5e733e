"""Tables of background work."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.claims import Claimable
from kinoshelf.core.database import Base


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


class Job(Claimable, Base):
    """One piece of background work. `arguments` are ids and short words, never rows."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    dedupe_key: Mapped[str | None] = mapped_column(String(200))
    exclusive_key: Mapped[str | None] = mapped_column(String(200))
    """Jobs that share it never run at the same time."""
    state: Mapped[str] = mapped_column(String(10))
    """One of `JobState`."""
    priority: Mapped[int] = mapped_column(Integer, default=0)
    trigger: Mapped[str] = mapped_column(String(10))
    """user, schedule, event"""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    max_attempts: Mapped[int] = mapped_column(Integer, default=1)
    not_before: Mapped[datetime | None]
    is_cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    progress_done: Mapped[int] = mapped_column(BigInteger, default=0)
    progress_total: Mapped[int | None] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_jobs_queue", "state", priority.desc(), "created_at"),
        Index("ix_jobs_name", "name", "created_at"),
    )


# At most one unfinished job a dedupe key, whoever enqueues at the same moment.
Index(
    "uq_jobs_dedupe_key",
    Job.dedupe_key,
    unique=True,
    sqlite_where=Job.state.in_(["queued", "running"]),
    postgresql_where=Job.state.in_(["queued", "running"]),
)
# Two workers that claim at the same moment cannot see each other's claim; this refuses the second.
Index(
    "uq_jobs_exclusive_key",
    Job.exclusive_key,
    unique=True,
    sqlite_where=Job.state == "running",
    postgresql_where=Job.state == "running",
)


class Schedule(Base):
    """When a job starts by itself. The process that moves `next_run_at` on is the one that enqueues it."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    cron: Mapped[str] = mapped_column(String(100))
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    next_run_at: Mapped[datetime | None]
    last_run_at: Mapped[datetime | None]
