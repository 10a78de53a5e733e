"""When more connections for one file pay, found by trying; and what was learned of a host. Pure but for the memory.

A file begins with one connection. When it would still take a while, a few more are tried: if the bytes of the whole
engine then come clearly faster, the host limits each connection and more are opened; if not, the line or the host is
the limit and the extra ones are closed again. The verdict is kept for the host's next files.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

PROBE_CONNECTIONS = 4
MIN_SPLIT_BYTES = 1024 * 1024
# A host that gives one connection this much does not limit connections; trying would only disturb.
FAST_BYTES_PER_SECOND = 150 * 1024 * 1024
MIN_REMAINING_SECONDS = 0.7
CLEAR_GAIN = 1.6
SOME_GAIN = 1.15
MEMORY_SECONDS = 600.0
MIN_WINDOW_SECONDS = 0.1
MAX_WINDOW_SECONDS = 2.0
WINDOW_ROUND_TRIPS = 3


@dataclass(slots=True)
class HostVerdict:
    """What a host's files taught: how many connections a file should have."""

    connections: int
    at: float


class HostMemory:
    """Verdicts by host, for a while; and how many connections a host takes at the most."""

    def __init__(self) -> None:
        self._verdicts: dict[str, HostVerdict] = {}
        self._ceilings: dict[str, HostVerdict] = {}

    def verdict(self, host: str, now: float) -> int | None:
        found = self._verdicts.get(host)
        return found.connections if found and now - found.at < MEMORY_SECONDS else None

    def learn(self, host: str, connections: int, now: float) -> None:
        self._verdicts[host] = HostVerdict(connections, now)

    def refused(self, host: str, connections: int, now: float) -> None:
        """The host refused a connection while `connections` were open to it."""
        self._ceilings[host] = HostVerdict(max(1, connections), now)

    def ceiling(self, host: str, now: float) -> int:
        found = self._ceilings.get(host)
        return found.connections if found and now - found.at < MEMORY_SECONDS else 1_000


class Phase(enum.Enum):
    FIRST = "first"
    PROBING = "probing"
    FULL = "full"
    SETTLED = "settled"


class Growth:
    """The plan of one file. `step` is asked now and then and answers how many connections there should be."""

    def __init__(self, limit: int, known: int | None) -> None:
        self._limit = limit
        self.phase = Phase.FIRST
        self.learned: int | None = None
        self._began_at = -1.0
        self._began_total = 0
        self._rate_before = 0.0
        self.target = 1
        if limit <= 1 or known == 1:
            self.phase = Phase.SETTLED
        elif known is not None:
            self.phase, self.target = Phase.SETTLED, min(limit, known)

    @property
    def is_watching(self) -> bool:
        return self.phase is not Phase.SETTLED

    def step(self, now: float, engine_bytes: int, remaining_bytes: int, head_seconds: float) -> int:
        """Measure and answer the wanted number of connections.

        `engine_bytes` is the running total of everything this engine received, so that one download taking from
        another is not mistaken for a gain. `head_seconds` is how long the host took to begin.
        """
        if self.phase is Phase.SETTLED:
            return self.target
        if self._began_at < 0:
            self._begin(now, engine_bytes)
            return self.target
        window = min(max(MIN_WINDOW_SECONDS, head_seconds * WINDOW_ROUND_TRIPS), MAX_WINDOW_SECONDS)
        span = now - self._began_at
        if span < window:
            return self.target
        rate = (engine_bytes - self._began_total) / span
        if self.phase is Phase.FIRST:
            self._after_first(now, engine_bytes, remaining_bytes, rate)
        elif self.phase is Phase.PROBING:
            self._after_probe(now, engine_bytes, rate)
        else:
            self._settle(self.target if rate >= self._rate_before * SOME_GAIN else PROBE_CONNECTIONS)
        return self.target

    def _begin(self, now: float, engine_bytes: int) -> None:
        self._began_at, self._began_total = now, engine_bytes

    def _after_first(self, now: float, engine_bytes: int, remaining_bytes: int, rate: float) -> None:
        is_short = rate > 0 and remaining_bytes / rate < MIN_REMAINING_SECONDS
        if is_short or rate > FAST_BYTES_PER_SECOND or remaining_bytes < 2 * MIN_SPLIT_BYTES:
            self.phase = Phase.SETTLED
            return
        self._rate_before = rate
        self.target = min(self._limit, PROBE_CONNECTIONS)
        self.phase = Phase.PROBING
        self._begin(now, engine_bytes)

    def _after_probe(self, now: float, engine_bytes: int, rate: float) -> None:
        if rate < self._rate_before * CLEAR_GAIN:
            self._settle(1)
            return
        self._rate_before = rate
        if self._limit <= self.target:
            self._settle(self.target)
            return
        self.target = self._limit
        self.phase = Phase.FULL
        self._begin(now, engine_bytes)

    def _settle(self, connections: int) -> None:
        self.target = self.learned = connections
        self.phase = Phase.SETTLED

    def refused(self, connections: int) -> None:
        """The host does not want this many."""
        self._limit = min(self._limit, max(1, connections))
        self._settle(min(self.target, self._limit))
