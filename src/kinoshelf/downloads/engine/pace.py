"""Speed limits: of the engine, of the hour, of one download."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time

from kinoshelf.core.settings import WEEKDAYS, EngineSettings, SpeedWindow

# A connection may run ahead of its limit by this much of a second.
BURST_SECONDS = 0.25


def limit_at(settings: EngineSettings, local: datetime) -> int:
    """Return the limit of the engine at a local time in bytes per second; 0 = none. The first window that fits decides."""
    for window in settings.speed_schedule:
        if _fits(window, local):
            return window.limit_bytes_per_second
    return settings.speed_limit_bytes_per_second


def _fits(window: SpeedWindow, local: datetime) -> bool:
    begin, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    now = local.time()
    today = WEEKDAYS[local.weekday()]
    if begin < end:
        return today in window.days and begin <= now < end
    # Past midnight: the evening belongs to its day, the morning to the day before.
    yesterday = WEEKDAYS[(local.weekday() - 1) % 7]
    return (today in window.days and now >= begin) or (yesterday in window.days and now < end)


class Bucket:
    """Bytes that may be taken now. `limit` 0 takes everything."""

    def __init__(self, limit_bytes_per_second: int = 0) -> None:
        self.limit = limit_bytes_per_second
        self._available = 0.0

    @property
    def is_open(self) -> bool:
        return not self.limit or self._available > 0

    def take(self, amount: int) -> None:
        if self.limit:
            self._available -= amount

    def refill(self, seconds: float) -> None:
        if self.limit:
            self._available = min(self._available + self.limit * seconds, self.limit * BURST_SECONDS)


class Pace:
    """What one download asks before it takes bytes: its own bucket and the engine's."""

    def __init__(self, shared: Bucket, limit_bytes_per_second: int) -> None:
        self._shared = shared
        self.own = Bucket(limit_bytes_per_second)
        self._held: list[Callable[[], None]] = []

    @property
    def is_limited(self) -> bool:
        return bool(self._shared.limit or self.own.limit)

    def may_take(self, amount: int) -> bool:
        """Take `amount` bytes if a byte is left; running into debt is paid by waiting longer."""
        if self._shared.is_open and self.own.is_open:
            self._shared.take(amount)
            self.own.take(amount)
            return True
        return False

    def hold(self, resume: Callable[[], None]) -> None:
        """Remember who waits."""
        self._held.append(resume)

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def refill(self, seconds: float) -> None:
        """Refill the own bucket and let those who waited go on, if they may."""
        self.own.refill(seconds)
        if self._held and self._shared.is_open and self.own.is_open:
            held, self._held = self._held, []
            for resume in held:
                resume()
