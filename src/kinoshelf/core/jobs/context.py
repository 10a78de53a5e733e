"""What a job is given: its arguments, a way to say how far it is, and a way to learn that it should stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from kinoshelf.core.jobs.errors import JobStopped

MOST_CHARACTERS = 1000


def storable(text: str) -> str:
    """Return `text` as both databases take it: of a sane length, without NUL and halves of characters."""
    return text[:MOST_CHARACTERS].replace("\0", "").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A sample of progress, for rooms. `total` is None while the job does not know it."""

    job_id: str
    job_name: str
    done: int = 0
    total: int | None = None
    text: str = ""


@dataclass
class JobContext:
    """Usable from the coroutine or the thread the job runs in."""

    job_id: str
    name: str
    arguments: dict[str, Any]
    trigger: str = "user"
    attempt: int = 1
    latest: JobProgress = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self.latest = JobProgress(self.job_id, self.name)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Say how far the job is. As cheap as an assignment: it is sampled, not sent."""
        self.latest = JobProgress(self.job_id, self.name, done, total, storable(text))

    @property
    def is_stopping(self) -> bool:
        """Whether the job was cancelled or the process ends."""
        return self._stopping.is_set()

    def check(self) -> None:
        """Raise JobStopped when the job should end. A job in a thread calls this between its steps."""
        if self._stopping.is_set():
            raise JobStopped

    def stop(self) -> None:
        self._stopping.set()
