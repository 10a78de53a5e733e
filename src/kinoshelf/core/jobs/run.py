"""One job in the works: calling its function, on the loop or in a thread, and stopping it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from kinoshelf.core.jobs.context import JobContext, JobProgress
from kinoshelf.core.jobs.queue import ClaimedJob
from kinoshelf.core.jobs.registry import RegisteredJob

StopReason = Literal["cancelled", "stopping", "lost", "overdue"]


@dataclass
class Run:
    """`told` and `written` are the samples of progress that rooms and row have."""

    job: ClaimedJob
    registered: RegisteredJob
    context: JobContext
    begun_at: float
    task: asyncio.Task[Any] | None = None
    reason: StopReason | None = None
    told: JobProgress | None = None
    written: JobProgress | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, reason: StopReason) -> None:
        if self.reason is None:
            self.reason = reason
            self.context.stop()
            if self.task is not None:
                self.task.cancel()

    async def call(self) -> tuple[Any, BaseException | None]:
        """Run the function to its end; return its result or what it raised."""
        if inspect.iscoroutinefunction(self.registered.run):
            return await self._in_loop(self.registered.run)
        return await self._in_thread()

    async def _in_loop(self, function: Callable[[JobContext], Awaitable[Any]]) -> tuple[Any, BaseException | None]:
        async def guarded() -> Any:
            try:
                return await function(self.context)
            except (SystemExit, KeyboardInterrupt) as error:
                # Either would end the loop, and with it every other job.
                raise RuntimeError("the job tried to end the process") from error

        self.task = asyncio.create_task(guarded())
        if self.reason is not None:
            self.task.cancel()
        await asyncio.wait({self.task})
        if self.task.cancelled():
            return None, asyncio.CancelledError()
        error = self.task.exception()
        return (None, error) if error is not None else (self.task.result(), None)

    async def _in_thread(self) -> tuple[Any, BaseException | None]:
        # Not a pool: its threads would be waited for at the end of the process.
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        surroundings = contextvars.copy_context()

        def work() -> None:
            value: Any = None
            failure: BaseException | None = None
            try:
                value = surroundings.run(self.registered.run, self.context)
            except BaseException as error:
                failure = error
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(arrive, (value, failure))

        def arrive(found: tuple[Any, BaseException | None]) -> None:
            if not outcome.done():
                outcome.set_result(found)

        threading.Thread(target=work, name=f"job {self.job.name}", daemon=True).start()
        return await outcome
