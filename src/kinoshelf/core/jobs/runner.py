"""Runs jobs: a thread with an event loop of its own that claims, starts, watches and finishes them.

It sleeps until the next moment anything is due or somebody wakes it; an idle hub neither writes nor computes. Of the
database it asks only what it must: it looks (a read) before it claims (a write).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic_core import to_jsonable_python
from sqlalchemy.orm import Session

from kinoshelf.core.claims import HEARTBEAT
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, DatabaseUnavailable
from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext, JobProgress
from kinoshelf.core.jobs.errors import JobStopped
from kinoshelf.core.jobs.events import JobCancelRequested, JobFinished, JobQueued, SchedulesChanged
from kinoshelf.core.jobs.kinds import kind_of
from kinoshelf.core.jobs.models import Job, JobState
from kinoshelf.core.jobs.queries import get_job, list_jobs
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.jobs.retry import in_words, retry_delay
from kinoshelf.core.jobs.run import Run, StopReason
from kinoshelf.core.jobs.schedules import Schedules
from kinoshelf.core.processes import bury_dead

log = structlog.get_logger()
T = TypeVar("T")

TELL_SECONDS = 0.25
WRITE_SECONDS = 2.0
HEARTBEAT_SECONDS = HEARTBEAT.total_seconds()
# A machine that slept, or a clock that was set, is noticed after this long. It costs no look at the database.
CLOCK_LOOK_SECONDS = 60.0
# PostgreSQL may have lost a notification together with a connection.
SAFETY_LOOK = timedelta(seconds=30)
# While others work, their death is looked for this often.
WATCH = timedelta(seconds=5)
STOP_SECONDS = 10.0
MOST_EARLY_CANCELS = 1000


class JobRunner:
    """The jobs of one process. `worker_name` is its seat (`processes.py`), so that its death is seen.

    `on_progress` hears samples of progress, at most a few a second for each job, on the runner's thread.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        worker_name: str,
        registry: JobRegistry,
        *,
        data_dir: Path,
        workers: int = 4,
        zone: Callable[[], tzinfo | None] = lambda: None,
        on_progress: Callable[[JobProgress], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker_name
        self._registry = registry
        self._data_dir = data_dir
        self._workers = workers
        self._on_progress = on_progress
        self.schedules = Schedules(registry, clock, zone)
        self._active: dict[str, Run] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._begun = asyncio.Event()
        self._cancelled_early: set[str] = set()
        self._is_stopping = False
        self._must_install = True
        self._must_rescue_own = True
        self._unsubscribe: list[Callable[[], None]] = []

    # For the process ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work, on a thread of its own. Raises JobUnknown for a schedule without its job."""
        for plan in self._registry.plans.values():
            kind_of(plan.job)
        self._is_stopping, self._must_install, self._must_rescue_own = False, True, True
        bus = self._database.bus
        self._unsubscribe = [
            bus.subscribe(JobQueued, lambda _fact: self.wake()),
            bus.subscribe(JobFinished, lambda _fact: self.wake()),
            bus.subscribe(SchedulesChanged, lambda _fact: self.wake()),
            bus.subscribe(JobCancelRequested, self._on_cancel_requested),
        ]
        started = threading.Event()
        self._thread = threading.Thread(target=self._run_loop, args=(started,), name="jobs", daemon=True)
        self._thread.start()
        started.wait(timeout=STOP_SECONDS)

    def stop(self) -> None:
        """Claim nothing more, stop what runs, give it back and end the thread. A job in a thread gets some seconds."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        self._is_stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS + 10)
            self._thread = None

    def wake(self) -> None:
        """Look for work now. May be called from any thread."""
        self._on_loop(self._wake.set)

    def follow_time_zone(self) -> None:
        """Compute the schedules anew after the user's time zone changed."""
        self._must_install = True
        self.wake()

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def running_count(self) -> int:
        return len(self._active)

    # For screens --------------------------------------------------------------------------------

    def cancel(self, job_id: str) -> Job:
        """End a waiting job or stop a running one, wherever it runs. Raises JobNotFound, JobNotCancellable."""
        return self._database.run_write(lambda session: queue.cancel(session, job_id, clock=self._clock))

    def get_job(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        return self._database.run_read(lambda session: get_job(session, job_id))

    def list_jobs(self, **filters: Any) -> list[Job]:
        """Return jobs, newest first; see `queries.list_jobs` for the filters."""
        return self._database.run_read(lambda session: list_jobs(session, **filters))

    # The loop -----------------------------------------------------------------------------------

    def _on_loop(self, call: Callable[..., object], *arguments: Any) -> None:
        loop = self._loop
        if loop is not None:
            # Between the check and the call the loop may end; then nobody needs to be told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call, *arguments)

    def _on_cancel_requested(self, fact: JobCancelRequested) -> None:
        self._on_loop(self._cancel_run, fact.job_id)

    def _cancel_run(self, job_id: str) -> None:
        if job_id in self._active:
            self._stop_run(job_id, "cancelled")
        elif len(self._cancelled_early) < MOST_EARLY_CANCELS:
            # It may be claimed already and not begun yet.
            self._cancelled_early.add(job_id)

    def _stop_run(self, job_id: str, reason: StopReason) -> None:
        run = self._active.get(job_id)
        if run is not None:
            run.stop(reason)

    def _run_loop(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._wake, self._begun = asyncio.Event(), asyncio.Event()
            self._loop = runner.get_loop()
            started.set()
            try:
                runner.run(self._work())
            except Exception:
                log.exception("jobs.ended")
            finally:
                self._loop = None

    async def _work(self) -> None:
        watching = asyncio.create_task(self._watch())
        failures = 0
        while not self._is_stopping:
            self._wake.clear()
            try:
                due = await self._turn()
                failures = 0
            except Exception as error:
                # The loop outlives every failure, as of a database that is away for a while.
                if failures == 0:
                    self._log_interruption(error)
                failures += 1
                due = self._clock.now() + timedelta(seconds=min(30, 2**failures))
            await self._sleep_until(due)
        await self._stop_active()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    @staticmethod
    def _log_interruption(error: Exception) -> None:
        if isinstance(error, DatabaseUnavailable):
            log.warning("jobs.interrupted", error=error.message)
        else:
            log.error("jobs.interrupted", exc_info=error)

    async def _turn(self) -> datetime | None:
        """Do what is due now; return when to look again, None for not before somebody wakes us."""
        if self._must_install:
            self._must_install = False
            if not await self._database.reading(self.schedules.is_installed):
                await self._database.writing(self.schedules.install)
        now = self._clock.now()
        upcoming = await self._database.reading(self.schedules.next_due)
        if upcoming is not None and upcoming <= now:
            await self._database.writing(self.schedules.fire_due)
        dead = await asyncio.to_thread(bury_dead, self._data_dir)
        restarted, self._must_rescue_own = self._must_rescue_own, False
        if await self._database.reading(
            lambda session: queue.has_orphans(session, self._worker, now, dead, restarted=restarted)
        ):
            freed = await self._database.writing(
                lambda session: queue.rescue(session, self._worker, self._clock.now(), dead, restarted=restarted)
            )
            if freed:
                log.info("jobs.rescued", count=freed)
        while (free := self._workers - len(self._active)) > 0 and not self._is_stopping:
            if not await self._claim(free):
                break
        return await self._database.reading(self._next_look)

    async def _claim(self, limit: int) -> bool:
        names = tuple(self._registry.names)
        now = self._clock.now()
        if not await self._database.reading(lambda session: queue.has_runnable(session, names, now)):
            return False
        claimed = await self._database.writing(
            lambda session: queue.claim(session, self._worker, names, limit, self._clock.now())
        )
        for job in claimed:
            self._begin(job)
        self._cancelled_early.clear()
        return bool(claimed)

    def _next_look(self, session: Session) -> datetime | None:
        now = self._clock.now()
        moments = [self.schedules.next_due(session)]
        if len(self._active) < self._workers:
            moments.append(queue.next_due(session, tuple(self._registry.names), now))
        until = queue.others_run_until(session, self._worker)
        if until is not None:
            moments.append(min(now + WATCH, max(until, now)) + timedelta(milliseconds=1))
        if not self._database.is_sqlite:
            moments.append(now + SAFETY_LOOK)
        return min((moment for moment in moments if moment is not None), default=None)

    async def _sleep_until(self, due: datetime | None) -> None:
        while not self._wake.is_set():
            seconds = CLOCK_LOOK_SECONDS
            if due is not None:
                seconds = min(seconds, (due - self._clock.now()).total_seconds())
                if seconds <= 0:
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    async def _stop_active(self) -> None:
        runs = list(self._active.values())
        for run in runs:
            run.stop("stopping")
        endings = [asyncio.ensure_future(run.done.wait()) for run in runs]
        if endings:
            _, late = await asyncio.wait(endings, timeout=STOP_SECONDS)
            for ending in late:
                ending.cancel()
        for run in self._active.values():
            # Its thread cannot be ended from outside. The claim is left to run out, so that nobody does it twice at once.
            log.warning("jobs.abandoned", job=run.job.name, job_id=run.job.id)

    # One job ------------------------------------------------------------------------------------

    def _begin(self, job: queue.ClaimedJob) -> None:
        context = JobContext(job.id, job.name, job.arguments, job.trigger, job.attempt)
        run = Run(job, self._registry.get(job.name), context, time.monotonic(), told=context.latest)
        run.written = context.latest
        self._active[job.id] = run
        self._begun.set()
        if job.id in self._cancelled_early:
            run.stop("cancelled")
        following = asyncio.create_task(self._follow(run), name=f"job {job.name}")
        following.add_done_callback(lambda _task: self._ended(run))

    def _ended(self, run: Run) -> None:
        del self._active[run.job.id]
        run.done.set()
        self._wake.set()

    async def _follow(self, run: Run) -> None:
        loop = asyncio.get_running_loop()
        overdue = loop.call_later(run.registered.kind.timeout.total_seconds(), run.stop, "overdue")
        with structlog.contextvars.bound_contextvars(job=run.job.name, job_id=run.job.id):
            log.debug("jobs.started", attempt=run.job.attempt)
            try:
                value, error = await run.call()
            finally:
                overdue.cancel()
            self._tell(run)
            try:
                await self._settle(run, value, error)
            except Exception:
                # As for a result no database takes. Its claim would be renewed for ever.
                log.exception("jobs.end_refused")
                run.context.latest = JobProgress(run.job.id, run.job.name)
                await self._finish(run, JobState.FAILED, error="what this job came to could not be written")

    async def _settle(self, run: Run, value: Any, error: BaseException | None) -> None:
        """Write how the job ended. What it completed counts, even where it was asked to stop."""
        result: dict[str, Any] | None = None
        if error is None:
            try:
                result = None if value is None else dict(to_jsonable_python(value))
            except (TypeError, ValueError) as unfit:
                error = unfit
        milliseconds = round((time.monotonic() - run.begun_at) * 1000)
        if error is None:
            await self._finish(run, JobState.DONE, result=result)
            log.info("jobs.done", milliseconds=milliseconds)
        elif run.reason == "lost":
            log.warning("jobs.lost")
        elif run.reason == "cancelled":
            await self._finish(run, JobState.CANCELLED)
            log.info("jobs.cancelled", milliseconds=milliseconds)
        elif run.reason == "stopping":
            await self._put_back(run, None, None)
            log.info("jobs.given_back")
        elif run.reason == "overdue":
            hours = run.registered.kind.timeout.total_seconds() / 3600
            await self._finish(run, JobState.FAILED, error=f"the job was stopped after {hours:g} hours")
            log.warning("jobs.overdue", milliseconds=milliseconds)
        else:
            await self._fail(run, error)

    async def _fail(self, run: Run, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError | JobStopped):
            error = RuntimeError("the job stopped without being asked to")
        words = in_words(error)
        delay = retry_delay(error, run.job.attempt, run.registered.kind)
        if delay is not None:
            log.info("jobs.to_be_retried", error=words, attempt=run.job.attempt, seconds=delay.total_seconds())
            await self._put_back(run, self._clock.now() + delay, words)
            return
        if isinstance(error, KinoshelfError):
            log.warning("jobs.failed", error=words, attempt=run.job.attempt)
        else:
            log.error("jobs.defect", attempt=run.job.attempt, exc_info=error)
        await self._finish(run, JobState.FAILED, error=words)

    async def _finish(
        self, run: Run, state: JobState, *, result: dict[str, Any] | None = None, error: str | None = None
    ) -> None:
        await self._surely(
            run,
            lambda session: queue.finish(
                session,
                run.job,
                self._worker,
                self._clock.now(),
                state,
                progress=run.context.latest,
                result=result,
                error=error,
            ),
        )

    async def _put_back(self, run: Run, not_before: datetime | None, error: str | None) -> None:
        await self._surely(
            run,
            lambda session: queue.put_back(session, run.job, self._worker, not_before=not_before, error=error),
        )

    async def _surely(self, run: Run, write: Callable[[Session], bool]) -> None:
        """Write the end of a run, waiting for the database as long as nobody else can have taken the job."""
        pause = 0.5
        while True:
            try:
                if not await self._database.writing(write):
                    log.warning("jobs.lost")
                return
            except DatabaseUnavailable as error:
                if self._is_stopping or run.reason == "lost":
                    log.warning("jobs.end_not_written", error=error.message)
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, HEARTBEAT_SECONDS)

    # Watching -----------------------------------------------------------------------------------

    def _tell(self, run: Run) -> None:
        latest = run.context.latest
        if latest is run.told or self._on_progress is None:
            return
        run.told = latest
        try:
            self._on_progress(latest)
        except Exception:
            log.exception("jobs.progress_not_told")

    async def _watch(self) -> None:
        """While anything runs: tell and write its progress, keep its claim, notice that it was cancelled elsewhere."""
        written_at = beaten_at = time.monotonic()
        while True:
            if not self._active:
                await self._until_active()
                written_at = beaten_at = time.monotonic()
            await asyncio.sleep(TELL_SECONDS)
            for run in self._active.values():
                self._tell(run)
            now = time.monotonic()
            try:
                if now - written_at >= WRITE_SECONDS:
                    written_at = now
                    await self._write_progress()
                if now - beaten_at >= HEARTBEAT_SECONDS:
                    beaten_at = now
                    await self._beat()
            except DatabaseUnavailable as error:
                # The next round tries again; until then the claims stand as they are.
                log.info("jobs.heartbeat_missed", error=error.message)
            except Exception:
                log.exception("jobs.watch_failed")

    async def _until_active(self) -> None:
        while not self._active:
            self._begun.clear()
            await self._begun.wait()

    async def _write_progress(self) -> None:
        changed = [run for run in self._active.values() if run.context.latest is not run.written]
        samples = [run.context.latest for run in changed]
        if samples:
            await self._database.writing(lambda session: queue.write_progress(session, self._worker, samples))
            for run, sample in zip(changed, samples, strict=True):
                run.written = sample

    async def _beat(self) -> None:
        watched = list(self._active)
        held = await self._database.writing(lambda session: queue.heartbeat(session, self._worker, self._clock.now()))
        for job_id in watched:
            if job_id not in held:
                self._stop_run(job_id, "lost")
            elif held[job_id]:
                self._stop_run(job_id, "cancelled")
