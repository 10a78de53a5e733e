"""What is looked after some times a second while downloads run: limits, stalls, the disk, checkpoints, figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import structlog

from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.clock import Clock
from kinoshelf.core.settings import Settings, SettingsStore
from kinoshelf.downloads.engine.backlog import Backlog
from kinoshelf.downloads.engine.figures import Running, lives_of, sample_of, send_quietly
from kinoshelf.downloads.engine.pace import Bucket, limit_at
from kinoshelf.downloads.engine.partfile import PartFile
from kinoshelf.downloads.progress import ProgressBoard

log = structlog.get_logger()

TICK_SECONDS = 0.25
QUICK_TICK_SECONDS = 0.05
BOARD_SECONDS = 0.25
SAMPLE_SECONDS = 0.5
DISK_LOOK_SECONDS = 1.0
CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the figures go."""

    worker: str
    board: ProgressBoard
    bus: ProcessBus | None
    """Other processes that show them; None where there are none."""


class Ticks:
    """Ticks from the first running download to the last."""

    def __init__(
        self,
        *,
        store: SettingsStore,
        clock: Clock,
        running: Mapping[str, Running],
        backlog: Backlog,
        shared: Bucket,
        shown: Shown,
        threads: Executor,
        in_thread: Callable[..., Awaitable[Any]],
        wake: Callable[[], object],
        look_again: Callable[[], object],
    ) -> None:
        self._store = store
        self._clock = clock
        self._running = running
        self._backlog = backlog
        self._shared = shared
        self._shown = shown
        self._threads = threads
        self._in_thread = in_thread
        self._wake = wake
        self._look_again = look_again
        self._next: asyncio.TimerHandle | None = None
        self._ticked_at = self._board_at = self._sampled_at = self._disk_at = 0.0

    @property
    def are_on(self) -> bool:
        return self._next is not None

    def begin(self, now: float, settings: Settings) -> None:
        """A download runs."""
        self._ticked_at = now
        self._refill(0.0, settings)
        self._schedule()

    def cancel(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _schedule(self) -> None:
        is_quick = bool(self._shared.limit) or any(
            one.fetch.is_growing or one.fetch.pace.is_limited for one in self._running.values()
        )
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(QUICK_TICK_SECONDS if is_quick else TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        settings = self._store.current
        now = time.monotonic()
        self._refill(now - self._ticked_at, settings)
        self._ticked_at = now
        looks_at_disk = now - self._disk_at >= DISK_LOOK_SECONDS
        for running in list(self._running.values()):
            running.fetch.tick(now)
            if looks_at_disk:
                running.fetch.check_disk()
            if now - running.checkpointed_at >= running.checkpoint_seconds:
                running.checkpointed_at = now
                running.checkpoint_seconds = min(2 * running.checkpoint_seconds, CHECKPOINT_SECONDS)
                self._checkpoint(running)
        if looks_at_disk:
            self._disk_at = now
        if now - self._board_at >= BOARD_SECONDS:
            self._board_at = now
            self._show()
        if self._shown.bus is not None and now - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = now
            self._send_sample(self._shown.bus)
        if self._backlog.has_news(now):
            self._wake()
        if self._backlog.give_back_late(now):
            self._look_again()
        if self._running:
            self._schedule()
        else:
            self._next = None
            self._show()

    def _refill(self, seconds: float, settings: Settings) -> None:
        zone = settings.zone
        local = self._clock.now().astimezone(zone)
        self._shared.limit = limit_at(settings.engine, local)
        self._shared.refill(seconds)
        for running in self._running.values():
            running.fetch.pace.refill(seconds)

    def _checkpoint(self, running: Running) -> None:
        if running.checkpoint is None or running.checkpoint.done():
            running.checkpoint = asyncio.ensure_future(self._checkpointed(running.fetch.part))

    async def _checkpointed(self, part: PartFile) -> None:
        try:
            await self._in_thread(part.checkpoint)
        except OSError as error:
            # The transfer itself will meet the same problem and say it to the user.
            log.warning("engine.checkpoint_failed", error=str(error))

    def _show(self) -> None:
        self._shown.board.put(self._shown.worker, lives_of(self._running.values()))

    def _send_sample(self, bus: ProcessBus) -> None:
        sample = sample_of(self._shown.worker, lives_of(self._running.values()))
        self._threads.submit(send_quietly, bus, sample)
