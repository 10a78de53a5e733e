"""Whether an upstream that failed should be asked again yet.

A failure moves it one step up, a success one step down; the step decides how long it is left alone. The first minutes
of trouble do not count, and a connection that cannot be made does not escalate: that is more often our own network.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import UpstreamError
from kinoshelf.core.http.errors import UpstreamChanged, UpstreamUnavailable

log = structlog.get_logger()

STEPS = tuple(
    timedelta(seconds=seconds) for seconds in (0, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
)
# Trouble shorter than this is not worth a pause.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    step: int = 0
    first_failure_at: datetime | None = None
    last_failure_at: datetime | None = None
    blocked_until: datetime | None = None
    message: str = ""


def after_failure(
    status: UpstreamStatus, now: datetime, message: str, *, escalates: bool, at_least: timedelta | None = None
) -> UpstreamStatus:
    """Return the status after a failure. `at_least` is a wait the upstream asked for itself. Pure."""
    first = status.first_failure_at or now
    step = status.step
    is_in_grace = now - first < GRACE
    if status.step == 0:
        step = 1
    elif escalates and not is_in_grace:
        step = min(step + 1, len(STEPS) - 1)
    wait = STEPS[step]
    if at_least is not None:
        wait = max(wait if not is_in_grace else timedelta(), at_least)
    elif is_in_grace:
        return UpstreamStatus(step, first, now, status.blocked_until, message)
    return UpstreamStatus(step, first, now, now + wait, message)


def after_success(status: UpstreamStatus) -> UpstreamStatus:
    """Return the status after a success: a step down, and no wait. Pure."""
    if status.step <= 1:
        return UpstreamStatus()
    return replace(status, step=status.step - 1, blocked_until=None)


class UpstreamStatuses:
    """What this process knows of each upstream, by name. Logs when trouble begins and when it ends, once each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._statuses: dict[str, UpstreamStatus] = {}

    def get(self, name: str) -> UpstreamStatus:
        return self._statuses.get(name, UpstreamStatus())

    def all(self) -> dict[str, UpstreamStatus]:
        with self._lock:
            return dict(self._statuses)

    def is_blocked(self, name: str) -> bool:
        """Tell whether work that nobody waits for should leave the upstream alone for now."""
        until = self.get(name).blocked_until
        return until is not None and self._clock.now() < until

    def record_success(self, name: str) -> None:
        with self._lock:
            status = self._statuses.get(name)
            if status is None:
                return
            after = after_success(status)
            if after.step == 0:
                del self._statuses[name]
            else:
                self._statuses[name] = after
        if after.step == 0:
            log.info("upstream.recovered", upstream=name)

    def record_failure(self, name: str, error: UpstreamError) -> None:
        """Count what tells about the upstream's health; other errors are answers like any other."""
        if not isinstance(error, UpstreamUnavailable | UpstreamChanged):
            self.record_success(name)
            return
        asked = getattr(error, "retry_after_seconds", None)
        with self._lock:
            before = self._statuses.get(name, UpstreamStatus())
            self._statuses[name] = after_failure(
                before,
                self._clock.now(),
                error.message,
                escalates=not getattr(error, "is_connection", False),
                at_least=None if asked is None else timedelta(seconds=asked),
            )
        if before.step == 0:
            log.info("upstream.failing", upstream=name, error=error.message)
