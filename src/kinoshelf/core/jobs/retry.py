"""Whether a failed job is tried again, and when. Pure."""

from __future__ import annotations

from datetime import timedelta

from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.jobs.context import storable
from kinoshelf.core.jobs.errors import RetryLater
from kinoshelf.core.jobs.kinds import JobKind

ALWAYS: tuple[type[Exception], ...] = (RetryLater, UpstreamUnavailable, DatabaseUnavailable)
STEPS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=1),
)


def retry_delay(error: BaseException, attempt: int, kind: JobKind) -> timedelta | None:
    """Return how long to wait before the next attempt; None when there is none. `attempt` counts from 1."""
    if attempt >= kind.max_attempts or not isinstance(error, ALWAYS + kind.retry_on):
        return None
    step = STEPS[min(attempt, len(STEPS)) - 1]
    asked = getattr(error, "retry_after_seconds", None)
    return step if asked is None else timedelta(seconds=max(0.0, asked))


def in_words(error: BaseException) -> str:
    """Return what went wrong as a person may read it; defects of ours are named, not quoted."""
    if isinstance(error, KinoshelfError):
        return storable(error.message)
    return f"something went wrong inside this job ({type(error).__name__}); the log has the details"
