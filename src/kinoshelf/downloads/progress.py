"""How far the running downloads are: sampled in memory, never written to the database at this pace."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from kinoshelf.downloads.states import State

WINDOW_SECONDS = 5.0
# Samples of a worker that fell silent are worth nothing after this long.
STALE_SECONDS = 6.0
# What a page that opens draws of the time before.
REMEMBERED_SECONDS = 300.0
POINT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Live:
    """One running download at this moment. `eta_seconds` is None when it cannot be known."""

    id: str
    state: State
    downloaded_bytes: int
    size_bytes: int | None
    speed_bytes_per_second: int
    eta_seconds: int | None
    connections: int
    filename: str

    @property
    def percent(self) -> float:
        return percent_of(self.downloaded_bytes, self.size_bytes)


def percent_of(downloaded_bytes: int, size_bytes: int | None) -> float:
    if not size_bytes:
        return 0.0
    return round(min(downloaded_bytes / size_bytes * 100, 100.0), 1)


class SpeedMeter:
    """Bytes per second over a sliding window."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, at: float, total_bytes: int) -> None:
        """Take the running total at a monotonic time. A total that shrank (a restart) begins anew."""
        if self._samples and total_bytes < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((at, total_bytes))
        while len(self._samples) > 2 and at - self._samples[0][0] > WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def bytes_per_second(self) -> int:
        if len(self._samples) < 2:
            return 0
        (begin, first), (end, last) = self._samples[0], self._samples[-1]
        return round((last - first) / (end - begin)) if end > begin else 0


def eta(downloaded_bytes: int, size_bytes: int | None, speed_bytes_per_second: int) -> int | None:
    if not size_bytes or speed_bytes_per_second <= 0:
        return None
    return max(0, -(-(size_bytes - downloaded_bytes) // speed_bytes_per_second))


class ProgressBoard:
    """The running downloads of all workers, as far as this process knows. Safe from any thread."""

    def __init__(self) -> None:
        self._by_worker: dict[str, tuple[float, dict[str, Live]]] = {}
        self._speeds: deque[tuple[float, int]] = deque()
        self._lock = Lock()

    def put(self, worker: str, lives: Iterable[Live]) -> None:
        """Replace what `worker` runs."""
        found = {live.id: live for live in lives}
        now = time.monotonic()
        with self._lock:
            if found:
                self._by_worker[worker] = (now, found)
            else:
                self._by_worker.pop(worker, None)
            self._note_speed(now)

    def _note_speed(self, now: float) -> None:
        speed = sum(
            live.speed_bytes_per_second
            for at, lives in self._by_worker.values()
            if now - at <= STALE_SECONDS
            for live in lives.values()
        )
        points = self._speeds
        if points and now - points[-1][0] < POINT_SECONDS:
            points[-1] = (points[-1][0], speed)
        elif speed or (points and points[-1][1]):
            points.append((now, speed))
        while points and now - points[0][0] > REMEMBERED_SECONDS:
            points.popleft()

    def speeds(self) -> list[tuple[float, int]]:
        """Return the speed of all downloads in the last minutes, oldest first: seconds ago, bytes per second."""
        now = time.monotonic()
        with self._lock:
            return [(round(now - at, 1), speed) for at, speed in self._speeds if now - at <= REMEMBERED_SECONDS]

    def get(self, download_id: str) -> Live | None:
        now = time.monotonic()
        found = [
            (at, lives[download_id])
            for at, lives in list(self._by_worker.values())
            if download_id in lives and now - at <= STALE_SECONDS
        ]
        # Of a download that went from one worker to another, the later word counts.
        return max(found, key=lambda one: one[0])[1] if found else None

    def everything(self) -> dict[str, Live]:
        """Return all running downloads by id. Workers that fell silent are forgotten."""
        now = time.monotonic()
        merged: dict[str, Live] = {}
        with self._lock:
            for worker, (at, lives) in sorted(self._by_worker.items(), key=lambda one: one[1][0]):
                if now - at > STALE_SECONDS:
                    del self._by_worker[worker]
                else:
                    merged.update(lives)
        return merged

    @property
    def total_speed_bytes_per_second(self) -> int:
        return sum(live.speed_bytes_per_second for live in self.everything().values())
