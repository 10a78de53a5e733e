"""Facts of background work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event


@dataclass(frozen=True, slots=True)
class JobQueued(Event):
    """A job waits for a worker: it is new, was brought forward, or is to be tried again."""

    name: ClassVar[str] = "jobs.queued"
    job_id: str
    job_name: str


@dataclass(frozen=True, slots=True)
class JobStarted(Event):
    """A worker began a job."""

    name: ClassVar[str] = "jobs.started"
    job_id: str
    job_name: str


@dataclass(frozen=True, slots=True)
class JobFinished(Event):
    """A job ended: done, failed or cancelled."""

    name: ClassVar[str] = "jobs.finished"
    job_id: str
    job_name: str
    state: str


@dataclass(frozen=True, slots=True)
class JobCancelRequested(Event):
    """The worker that runs this job is to stop it."""

    name: ClassVar[str] = "jobs.cancel_requested"
    job_id: str


@dataclass(frozen=True, slots=True)
class SchedulesChanged(Event):
    """A schedule fires at other times than before."""

    name: ClassVar[str] = "jobs.schedules_changed"
