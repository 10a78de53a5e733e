"""Speed limits: of the engine, of the hour, of one download."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, time

from kinoshelf.core.settings import WEEKDAYS, EngineSettings, SpeedWindow

# A connection may run ahead of its limit by this much of a second.
BURST_SECONDS = 0.25
MIN_BUFFER_BYTES = 4 * 1024


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
        self._line: deque[tuple[Pace, Callable[[], None]]] = deque()

    @property
    def is_open(self) -> bool:
        return not self.limit or self._available > 0

    def take(self, amount: int) -> None:
        if self.limit:
            self._available -= amount

    def refill(self, seconds: float) -> None:
        if self.limit:
            self._available = min(self._available + self.limit * seconds, self.limit * BURST_SECONDS)

    def stand_in_line(self, pace: Pace, resume: Callable[[], None]) -> None:
        self._line.append((pace, resume))

    def leave_line(self, pace: Pace) -> None:
        self._line = deque(one for one in self._line if one[0] is not pace)

    def has_in_line(self, pace: Pace) -> bool:
        return any(one[0] is pace for one in self._line)

    def let_on(self) -> None:
        """Let those who wait go on while there is something left, the longest waiting first."""
        for _ in range(len(self._line)):
            if not self.is_open:
                return
            pace, resume = self._line.popleft()
            if pace.own.is_open:
                resume()
            else:
                self._line.append((pace, resume))


class Pace:
    """What one download asks before it takes bytes: its own bucket and the engine's."""

    def __init__(self, shared: Bucket, limit_bytes_per_second: int) -> None:
        self._shared = shared
        self.own = Bucket(limit_bytes_per_second)

    @property
    def is_limited(self) -> bool:
        return bool(self._shared.limit or self.own.limit)

    @property
    def buffer_bytes(self) -> int:
        """How much should arrive at a time, so that no gulp is paid for with a long silence; 0 = as it comes."""
        limits = [limit for limit in (self._shared.limit, self.own.limit) if limit]
        return max(MIN_BUFFER_BYTES, int(min(limits) * BURST_SECONDS)) if limits else 0

    def may_take(self, amount: int) -> bool:
        """Take `amount` bytes if a byte is left; running into debt is paid by waiting longer."""
        if self._shared.is_open and self.own.is_open:
            self._shared.take(amount)
            self.own.take(amount)
            return True
        return False

    def hold(self, resume: Callable[[], None]) -> None:
        """Remember who waits."""
        self._shared.stand_in_line(self, resume)

    @property
    def is_holding(self) -> bool:
        return self._shared.has_in_line(self)

    def refill(self, seconds: float) -> None:
        """Refill the own bucket and let those who waited go on, if they may."""
        self.own.refill(seconds)
        self._shared.let_on()

    def leave(self) -> None:
        """The download is over: nobody waits any more."""
        self._shared.leave_line(self)
