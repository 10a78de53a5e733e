"""What the engine holds besides what runs: jobs that were claimed and have not begun, ends nobody has recorded yet."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from kinoshelf.core import claims
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.engine.figures import Running
from kinoshelf.downloads.engine.job import Job
from kinoshelf.downloads.engine.turns import Ended, Position, Turn, Visit

POSITION_SECONDS = 5.0
# Downloads shorter than this are not told of before their end.
UNTOLD_SECONDS = 0.25
# Downloads this short are claimed ahead, so that the database is visited once for many of them.
MAX_AHEAD = 256
AHEAD_SECONDS = 1.0


class Backlog:
    """Decides what each visit to the database is for, and in which order what it brought begins."""

    def __init__(self, running: Mapping[str, Running]) -> None:
        self._running = running
        self._reserved: deque[tuple[float, Job]] = deque()
        self._given_back: list[str] = []
        self._has_more = True
        self._ahead = 0
        self._renewed_at = 0.0
        self._positions_at = 0.0
        self.ended: list[Ended] = []
        self.must_claim = True
        self.next_due: datetime | None = None

    @property
    def reserved(self) -> int:
        """How many jobs were claimed and have not begun."""
        return len(self._reserved)

    def begin(self, now: float) -> None:
        """The first download runs: what was claimed with it is fresh."""
        self._renewed_at = self._positions_at = now

    # Visits.

    def turn(self, settings: Settings) -> Turn | None:
        """Take what the next visit is to tell and to ask; None when there is nothing of either."""
        now = time.monotonic()
        holds = bool(self._running or self._reserved)
        must_renew = holds and now - self._renewed_at >= claims.HEARTBEAT.total_seconds()
        must_position = bool(self._running) and now - self._positions_at >= POSITION_SECONDS
        free = settings.engine.max_active_downloads - len(self._running) - len(self._reserved)
        wants = free + self._ahead if self.must_claim or (self._has_more and free + self._ahead > 0) else 0
        if not (self.ended or self._given_back or must_renew or must_position or wants > 0 or self._untold()):
            return None
        turn = Turn(ended=self.ended, given_back=self._given_back, must_renew=must_renew)
        self.ended, self._given_back = [], []
        turn.started = self._untold()
        for download_id in turn.started:
            self._running[download_id].is_told = True
        if wants > 0:
            # What is said from here on asks for another look.
            self.must_claim = False
            turn.free = max(0, free)
            turn.ahead = max(0, wants - turn.free)
            turn.host_limit = _host_limit(settings)
            turn.active_by_host = self._active_by_host()
            for _at, job in self._reserved:
                turn.active_by_host[job.host] += 1
        if must_renew:
            self._renewed_at = now
            turn.held = frozenset([*self._running, *(job.id for _at, job in self._reserved)])
        if must_position:
            self._positions_at = now
        # A size that became known is worth a row at once: batches add it up.
        turn.positions = [
            Position(
                one.job.id,
                one.fetch.downloaded_bytes,
                one.fetch.size_bytes,
                one.fetch.filename,
                str(one.fetch.part.path),
            )
            for one in (self._running.values() if must_position else map(self._running.__getitem__, turn.started))
        ]
        return turn

    def last_turn(self) -> Turn:
        """Take everything, and give back what has not begun."""
        self._given_back.extend(job.id for _at, job in self._reserved)
        self._reserved.clear()
        return Turn(ended=self.ended, given_back=self._given_back)

    def take_back(self, turn: Turn) -> None:
        """Nothing of it is recorded: it is told again, and leases are renewed before anything else."""
        self.ended[:0] = turn.ended
        self._given_back[:0] = turn.given_back
        for download_id in turn.started:
            if download_id in self._running:
                self._running[download_id].is_told = False
        self._renewed_at = 0.0
        self.must_claim = True

    def hear(self, turn: Turn, visit: Visit) -> None:
        """Take in what a visit brought."""
        self.next_due = visit.next_due
        self._ahead = min(MAX_AHEAD, 4 * len(turn.ended)) if turn.ended else 0
        now = time.monotonic()
        self._reserved.extend((now, job) for job in visit.jobs)
        if visit.has_more is not None:
            self._has_more = visit.has_more

    def has_news(self, now: float) -> bool:
        """Whether running downloads have something to tell."""
        return bool(self._untold()) or now - self._positions_at >= POSITION_SECONDS

    def _untold(self) -> list[str]:
        """Downloads whose bytes arrive and whose row does not say so yet. Short ones end before anybody asks."""
        now = time.monotonic()
        return [
            one.job.id
            for one in self._running.values()
            if one.fetch.has_answer and not one.is_told and now - one.fetch.started_at > UNTOLD_SECONDS
        ]

    def _active_by_host(self) -> Counter[str]:
        return Counter(one.job.host for one in self._running.values())

    # What was claimed.

    def startable(self, settings: Settings) -> Iterator[Job]:
        """Yield what is to begin now, in order, for as long as there is room; whoever asks starts each at once."""
        limit = _host_limit(settings)
        active = self._active_by_host() if limit else Counter()
        passed_over: list[tuple[float, Job]] = []
        while self._reserved and len(self._running) < settings.engine.max_active_downloads:
            at, job = self._reserved.popleft()
            if limit and active[job.host] >= limit:
                passed_over.append((at, job))
            else:
                if limit:
                    active[job.host] += 1
                yield job
        self._reserved.extendleft(reversed(passed_over))

    def give_back_late(self, now: float) -> bool:
        """Free what was claimed ahead and waited too long, others may have room for it; tell whether to visit."""
        if not self._reserved:
            return False
        while self._reserved and now - self._reserved[0][0] > AHEAD_SECONDS:
            self._given_back.append(self._reserved.popleft()[1].id)
        return bool(self._given_back)

    def drop(self, ids: Collection[str]) -> None:
        """Give back what was claimed and has not begun; it is claimed again if it is still wanted."""
        self._given_back.extend(job.id for _at, job in self._reserved if job.id in ids)
        self._reserved = deque(pair for pair in self._reserved if pair[1].id not in ids)


def _host_limit(settings: Settings) -> int:
    """Return how many downloads of one host may run (each has a connection at least); 0 = no limit of its own."""
    engine = settings.engine
    limit = min(engine.max_active_per_host or engine.max_connections_per_host, engine.max_connections_per_host)
    # One that the engine's own limit keeps anyway would only stand in the way of claiming ahead.
    return limit if limit < engine.max_active_downloads else 0
