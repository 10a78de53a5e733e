"""What can be wrong with background work.

NotFound
├── JobNotFound
├── JobUnknown          no code declares a job of this name
└── ScheduleNotFound
JobNotCancellable       409    it is finished
RetryLater                     raised by a job: try again, at the latest when told
JobStopped                     raised inside a job by `JobContext.check`; not an error
"""

from __future__ import annotations

from datetime import timedelta

from kinoshelf.core.errors import Conflict, KinoshelfError, NotFound


class JobNotFound(NotFound):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id}")


class JobUnknown(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"this version has no job called {name}")


class ScheduleNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"there is no schedule called {name}")


class JobNotCancellable(Conflict):
    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(f"the job {job_id} is {state} and cannot be cancelled")


class RetryLater(KinoshelfError):
    """A job cannot go on now. Without `after` the usual steps between attempts apply."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = None if after is None else after.total_seconds()


class JobStopped(BaseException):
    """Ends a job that was cancelled, as CancelledError ends a coroutine: `except Exception` must not swallow it."""
