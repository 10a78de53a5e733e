"""How often an upstream may be asked, by the numbers its vendor states."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyrate_limiter import Decision, InMemoryBucket, Rate, RateItem

from kinoshelf.core.clock import Clock

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in any span of `per`; of one method, or of all."""

    count: int
    per: timedelta
    method: str | None = None


class RateLimiter:
    """Lets a request pass when every limit has room. Shared by all threads and event loops of the process."""

    def __init__(self, limits: Sequence[Limit], clock: Clock, sleep: Sleep) -> None:
        self._buckets = [
            (limit.method, InMemoryBucket([Rate(limit.count, round(limit.per.total_seconds() * 1000))]))
            for limit in limits
        ]
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nobody pass for so long, as after an answer that says to come back later."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    async def turn(self, method: str) -> None:
        """Wait until a request of this method may be sent, and count it."""
        while (seconds := self._paused_until - self._clock.monotonic()) > 0:
            await self._sleep(seconds)
        for of, bucket in self._buckets:
            if of in {None, method}:
                while (seconds := self._count(bucket, method)) > 0:
                    await self._sleep(seconds)

    def _count(self, bucket: InMemoryBucket, method: str) -> float:
        """Count a request and return 0, or count nothing and return the seconds to wait."""
        with self._lock:
            now = int(self._clock.monotonic() * 1000)
            bucket.leak(now)
            decision = bucket.put_decision(RateItem(method, now))
        if not isinstance(decision, Decision) or decision.allowed:
            return 0.0
        return max(1, decision.retry_after_ms or 1) / 1000
