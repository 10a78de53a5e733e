"""What this process can run: a function for each job, and the schedules the rooms declare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.kinds import JobKind, declare

Result = Mapping[str, Any] | None
JobFunction = Callable[[JobContext], Awaitable[Result]] | Callable[[JobContext], Result]
F = TypeVar("F", bound=JobFunction)


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule as its room declares it. `cron` and `is_enabled` hold until the user changes them."""

    name: str
    cron: str
    job: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    kind: JobKind
    run: JobFunction


class JobRegistry:
    """Filled by the rooms while the process is built. A job's function takes a JobContext and returns ids and counts.

    A coroutine function runs on the loop of the jobs and must not block it; a plain function runs in a thread.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, RegisteredJob] = {}
        self._plans: dict[str, Plan] = {}

    def add(self, kind: JobKind | str, run: JobFunction, **flags: Any) -> JobKind:
        """Register `run` under a declared kind, or under a name and the flags of JobKind."""
        kind = declare(JobKind(kind, **flags) if isinstance(kind, str) else kind)
        self._jobs[kind.name] = RegisteredJob(kind, run)
        return kind

    def job(self, name: str, **flags: Any) -> Callable[[F], F]:
        """Register the decorated function: `@registry.job("library.scan_folder", exclusive=True)`."""

        def register(run: F) -> F:
            self.add(name, run, **flags)
            return run

        return register

    def schedule(
        self,
        name: str,
        cron: str,
        *,
        job: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        is_enabled: bool = True,
    ) -> None:
        """Let the job of that name (or `job`) start by itself, in the user's time zone."""
        self._plans[name] = Plan(name, cron, job or name, dict(arguments or {}), is_enabled)

    def get(self, name: str) -> RegisteredJob:
        return self._jobs[name]

    @property
    def names(self) -> Collection[str]:
        return self._jobs.keys()

    @property
    def plans(self) -> Mapping[str, Plan]:
        return self._plans
