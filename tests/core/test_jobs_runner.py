from __future__ import annotations

import asyncio
import collections
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kinoshelf.app import Hub, Role, open_hub
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext, JobProgress
from kinoshelf.core.jobs.models import Job, JobState
from kinoshelf.core.jobs.queries import count_jobs_by_state, get_job
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.jobs.runner import JobRunner
from kinoshelf.core.settings import SettingsStore

pytestmark = pytest.mark.system_clock


@pytest.fixture
def registry() -> JobRegistry:
    return JobRegistry()


@pytest.fixture
def make_runner(data_dir: Path, registry: JobRegistry) -> Iterator[Callable[..., JobRunner]]:
    """Start a runner in a hub; it ends with the test."""
    with ExitStack() as stack:

        def make(hub: Hub, *, registry: JobRegistry = registry, **options: Any) -> JobRunner:
            runner = JobRunner(hub.database, hub.clock, hub.seat.name, registry, data_dir=data_dir, **options)
            stack.callback(runner.stop)
            runner.start()
            return runner

        yield make


def listen(hub: Hub) -> None:
    """Take part in the talk of the processes, without the other rooms of a worker."""
    hub.seat.take()
    hub.bus.start()


def enqueue(hub: Hub, name: str, arguments: dict[str, Any] | None = None, **options: Any) -> str:
    return hub.database.run_write(
        lambda session: queue.enqueue(session, name, arguments, clock=hub.clock, **options)
    ).id


def job_of(hub: Hub, job_id: str) -> Job:
    return hub.database.run_read(lambda session: get_job(session, job_id))


@pytest.fixture
def ended(hub: Hub, wait_until) -> Callable[[str], Job]:
    """Wait until a job has ended and return it."""

    def wait(job_id: str) -> Job:
        wait_until(lambda: job_of(hub, job_id).finished_at is not None, "the job ends")
        return job_of(hub, job_id)

    return wait


class TestRunning:
    def test_a_coroutine_and_a_plain_function_end_with_their_result(self, hub, registry, make_runner, ended) -> None:
        @registry.job("test.count_async")
        async def count_async(context: JobContext) -> dict[str, int]:
            await asyncio.sleep(0)
            return {"counted": context.arguments["upto"]}

        @registry.job("test.count_sync")
        def count_sync(context: JobContext) -> dict[str, int]:
            context.check()
            return {"counted": context.arguments["upto"], "attempt": context.attempt}

        make_runner(hub)
        first, second = (enqueue(hub, name, {"upto": 3}) for name in ("test.count_async", "test.count_sync"))
        assert (ended(first).state, ended(first).result) == ("done", {"counted": 3})
        assert (ended(second).state, ended(second).result) == ("done", {"counted": 3, "attempt": 1})

    def test_waits_for_its_time(self, hub, registry, make_runner, ended) -> None:
        registry.add("test.nothing", lambda _context: None)
        make_runner(hub)
        at = hub.clock.now() + timedelta(seconds=0.4)
        job = ended(enqueue(hub, "test.nothing", not_before=at))
        assert job.started_at is not None
        assert job.started_at >= at

    def test_an_error_is_kept_in_words(self, hub, registry, make_runner, ended, expected_logs) -> None:
        @registry.job("test.refuse")
        def refuse(_context: JobContext) -> None:
            raise InvalidInput("the shelf has no number")

        make_runner(hub)
        job = ended(enqueue(hub, "test.refuse"))
        assert (job.state, job.error, job.attempts) == ("failed", "the shelf has no number", 1)
        expected_logs.expect("jobs.failed")

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("problem", [ValueError("a secret of ours"), SystemExit(3), asyncio.CancelledError()])
    def test_a_defect_ends_the_job_and_nothing_else(
        self, hub, registry, make_runner, ended, expected_logs, problem
    ) -> None:
        @registry.job("test.break_async")
        async def break_async(_context: JobContext) -> None:
            raise problem

        @registry.job("test.break_sync")
        def break_sync(_context: JobContext) -> None:
            raise problem

        registry.add("test.nothing", lambda _context: None)
        make_runner(hub)
        for name in ("test.break_async", "test.break_sync"):
            job = ended(enqueue(hub, name))
            assert job.state == "failed"
            assert "inside this job" in (job.error or "")
            assert "secret" not in (job.error or "")
        assert ended(enqueue(hub, "test.nothing")).state == "done"
        expected_logs.expect("jobs.defect")

    def test_what_no_database_takes_does_not_leave_it_running(
        self, hub, registry, make_runner, ended, expected_logs
    ) -> None:
        @registry.job("test.boast")
        def boast(context: JobContext) -> dict[str, Any]:
            context.progress(2**70, 2**70, "\0 \ud800" + "x" * 5000)
            return {"much": 2**70}

        @registry.job("test.mutter")
        def mutter(context: JobContext) -> None:
            context.progress(1, 2**40, "\0 \ud800")
            raise InvalidInput("\0 \ud800 is no name")

        make_runner(hub)
        assert ended(enqueue(hub, "test.boast")).state == "failed"
        job = ended(enqueue(hub, "test.mutter"))
        assert (job.state, job.error, job.progress_total) == ("failed", " ? is no name", 2**40)
        expected_logs.expect("jobs.end_refused", "jobs.failed")

    def test_one_that_takes_too_long_is_stopped(self, hub, registry, make_runner, ended, expected_logs) -> None:
        @registry.job("test.hang", timeout=timedelta(seconds=0.1))
        async def hang(_context: JobContext) -> None:
            await asyncio.Event().wait()

        make_runner(hub)
        job = ended(enqueue(hub, "test.hang"))
        assert job.state == "failed"
        assert "was stopped after" in (job.error or "")
        expected_logs.expect("jobs.overdue")

    def test_no_more_at_once_than_there_are_workers(self, hub, registry, make_runner, wait_until) -> None:
        running, most = collections.Counter[str](), []
        go_on = threading.Event()

        @registry.job("test.hold")
        async def hold(_context: JobContext) -> None:
            running["now"] += 1
            most.append(running["now"])
            await asyncio.to_thread(go_on.wait, 20)
            running["now"] -= 1

        runner = make_runner(hub, workers=2)
        for number in range(6):
            enqueue(hub, "test.hold", {"n": number})
        wait_until(lambda: running["now"] == 2, "two run")
        assert runner.running_count == 2
        go_on.set()
        wait_until(lambda: hub.database.run_read(count_jobs_by_state)[JobState.DONE] == 6, "all are done")
        assert max(most) == 2

    @pytest.mark.databases("sqlite")
    def test_outlives_a_database_that_is_away(self, hub, registry, make_runner, ended, expected_logs) -> None:
        registry.add("test.nothing", lambda _context: None)
        runner = make_runner(hub)
        original = hub.database.run_read
        failures = []

        def away(work: Any) -> Any:
            if threading.current_thread().name.startswith("db-read") and not failures:
                failures.append(True)
                raise DatabaseUnavailable("it is away")
            return original(work)

        hub.database.run_read = away
        job_id = enqueue(hub, "test.nothing")
        runner.wake()
        assert ended(job_id).state == "done"
        assert failures
        expected_logs.expect("jobs.interrupted")


class TestRetry:
    def test_tries_again_later_and_then_gives_up(
        self, make_hub, registry, make_runner, wait_until, expected_logs
    ) -> None:
        hub = make_hub(clock=FrozenClock())

        @registry.job("test.call", max_attempts=3)
        async def call(_context: JobContext) -> None:
            raise UpstreamUnavailable("nobody answers")

        def has_failed(attempt: int) -> bool:
            job = job_of(hub, job_id)
            return job.state == "queued" and job.attempts == attempt

        runner = make_runner(hub)
        job_id = enqueue(hub, "test.call")
        for attempt, seconds in ((1, 10), (2, 60)):
            wait_until(lambda attempt=attempt: has_failed(attempt), "the attempt failed")
            job = job_of(hub, job_id)
            assert job.not_before == hub.clock.now() + timedelta(seconds=seconds)
            assert job.error == "nobody answers"
            hub.clock.advance(seconds)
            runner.wake()
        wait_until(lambda: job_of(hub, job_id).state == "failed", "it gives up")
        assert job_of(hub, job_id).attempts == 3
        expected_logs.expect("jobs.failed")

    def test_obeys_the_time_it_was_told(self, make_hub, registry, make_runner, wait_until) -> None:
        hub = make_hub(clock=FrozenClock())

        @registry.job("test.call")
        async def call(_context: JobContext) -> None:
            raise UpstreamUnavailable("busy", retry_after_seconds=777)

        make_runner(hub)
        job_id = enqueue(hub, "test.call")
        wait_until(lambda: job_of(hub, job_id).not_before is not None, "the attempt failed")
        assert job_of(hub, job_id).not_before == hub.clock.now() + timedelta(seconds=777)


class TestProgress:
    def test_is_sampled_for_rooms_and_complete_at_the_end(self, hub, registry, make_runner, ended) -> None:
        heard: list[JobProgress] = []
        go_on = threading.Event()

        @registry.job("test.step")
        def step(context: JobContext) -> None:
            for number in range(10_000):
                context.progress(number, 10_000, "halfway")
            go_on.wait(20)
            context.progress(10_000, 10_000, "all of it")

        def on_progress(sample: JobProgress) -> None:
            heard.append(sample)
            go_on.set()

        make_runner(hub, on_progress=on_progress)
        job = ended(enqueue(hub, "test.step"))
        assert (job.progress_done, job.progress_total, job.message) == (10_000, 10_000, "all of it")
        assert [sample.done for sample in heard] == [9_999, 10_000]

    def test_is_written_while_it_runs(self, hub, registry, make_runner, ended, wait_until) -> None:
        go_on = threading.Event()

        @registry.job("test.step")
        def step(context: JobContext) -> None:
            context.progress(1, 2, "halfway")
            go_on.wait(20)

        make_runner(hub)
        job_id = enqueue(hub, "test.step")
        wait_until(lambda: job_of(hub, job_id).progress_done == 1, "the row shows it")
        assert job_of(hub, job_id).state == "running"
        go_on.set()
        ended(job_id)


class TestCancel:
    def test_a_running_coroutine_is_cancelled(self, hub, registry, make_runner, ended, wait_until) -> None:
        begun, cleaned = threading.Event(), threading.Event()

        @registry.job("test.wait")
        async def wait(_context: JobContext) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.set()

        runner = make_runner(hub)
        job_id = enqueue(hub, "test.wait")
        wait_until(begun.is_set, "it runs")
        runner.cancel(job_id)
        assert ended(job_id).state == "cancelled"
        assert cleaned.is_set()

    def test_a_running_thread_stops_where_it_checks(self, hub, registry, make_runner, ended, wait_until) -> None:
        begun = threading.Event()

        @registry.job("test.wait")
        def wait(context: JobContext) -> None:
            begun.set()
            while True:
                try:
                    context.check()
                except Exception:
                    continue

        runner = make_runner(hub)
        job_id = enqueue(hub, "test.wait")
        wait_until(begun.is_set, "it runs")
        runner.cancel(job_id)
        assert ended(job_id).state == "cancelled"

    def test_from_another_process(self, make_hub, hub, registry, make_runner, ended, wait_until) -> None:
        begun = threading.Event()

        @registry.job("test.wait")
        async def wait(_context: JobContext) -> None:
            begun.set()
            await asyncio.Event().wait()

        worker = make_hub()
        listen(worker)
        make_runner(worker)
        job_id = enqueue(hub, "test.wait")
        wait_until(begun.is_set, "it runs elsewhere")
        hub.database.run_write(lambda session: queue.cancel(session, job_id, clock=hub.clock))
        assert ended(job_id).state == "cancelled"

    def test_what_was_completed_counts(self, hub, registry, make_runner, ended, wait_until) -> None:
        begun, go_on = threading.Event(), threading.Event()

        @registry.job("test.finish_anyway")
        def finish_anyway(_context: JobContext) -> dict[str, bool]:
            begun.set()
            go_on.wait(20)
            return {"complete": True}

        runner = make_runner(hub)
        job_id = enqueue(hub, "test.finish_anyway")
        wait_until(begun.is_set, "it runs")
        runner.cancel(job_id)
        go_on.set()
        assert (ended(job_id).state, ended(job_id).result) == ("done", {"complete": True})


class TestStop:
    def test_gives_back_what_runs_and_another_goes_on(self, make_hub, hub, registry, make_runner, ended) -> None:
        begun, is_first = threading.Event(), threading.Event()

        @registry.job("test.wait")
        async def wait(_context: JobContext) -> dict[str, str]:
            if is_first.is_set():
                return {"by": "the second"}
            is_first.set()
            begun.set()
            await asyncio.Event().wait()
            return {}

        first = make_runner(hub)
        job_id = enqueue(hub, "test.wait")
        assert begun.wait(20)
        first.stop()
        assert not first.is_alive
        assert (job_of(hub, job_id).state, job_of(hub, job_id).attempts) == ("queued", 0)
        make_runner(make_hub())
        assert ended(job_id).result == {"by": "the second"}

    def test_an_idle_runner_writes_nothing(self, hub, registry, make_runner, ended, wait_until) -> None:
        registry.add("test.nothing", lambda _context: None)
        registry.schedule("test.nothing", "0 0 1 1 *")
        runner = make_runner(hub)
        ended(enqueue(hub, "test.nothing"))
        looks, writes = [], []
        read, write = hub.database.run_read, hub.database.run_write
        hub.database.run_read = lambda work: looks.append(work) or read(work)
        hub.database.run_write = lambda work: writes.append(work) or write(work)
        for _ in range(3):
            before = len(looks)
            runner.wake()
            wait_until(lambda before=before: len(looks) > before, "it looks")
        runner.stop()
        assert writes == []


class TestManyProcesses:
    def test_two_runners_lose_and_double_none_of_300(
        self, make_hub: Callable[..., Hub], make_runner, wait_until
    ) -> None:
        ran: list[int] = []
        hubs = [make_hub() for _ in range(2)]
        at_work = [threading.Event(), threading.Event()]
        for hub in hubs:
            listen(hub)
        for mine, others, hub in ((at_work[0], at_work[1], hubs[0]), (at_work[1], at_work[0], hubs[1])):
            registry = JobRegistry()

            def note(context: JobContext, mine: threading.Event = mine, others: threading.Event = others) -> None:
                mine.set()
                assert others.wait(20)
                ran.append(context.arguments["number"])

            registry.add("test.note", note)
            make_runner(hub, registry=registry, workers=8)
        with hubs[0].database.write() as session:
            for number in range(300):
                queue.enqueue(session, "test.note", {"number": number}, clock=hubs[0].clock)
        wait_until(
            lambda: hubs[0].database.run_read(count_jobs_by_state)[JobState.DONE] == 300, "all are done", seconds=40
        )
        assert sorted(ran) == list(range(300))

    def test_the_job_of_a_killed_process_runs_again_elsewhere(
        self, hub: Hub, registry, make_runner, ended, process: Process
    ) -> None:
        registry.add("test.survive", lambda _context: {"by": "the survivor"})
        job_id = enqueue(hub, "test.survive")
        process.run_until(job_id)
        process.kill()
        assert job_of(hub, job_id).state == "running"
        make_runner(hub)
        job = ended(job_id)
        assert (job.state, job.attempts, job.result) == ("done", 2, {"by": "the survivor"})

    def test_a_runner_that_was_there_all_the_time_notices(
        self, hub: Hub, registry, make_runner, ended, process: Process
    ) -> None:
        registry.add("test.survive", lambda context: {"attempt": context.attempt})
        job_id = enqueue(hub, "test.survive")
        process.run_until(job_id)
        make_runner(hub)
        process.kill()
        assert ended(job_id).result == {"attempt": 2}


class Process:
    """A real process that begins jobs and never ends them."""

    def __init__(self, environ: dict[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._begun = context.Queue()
        self._process = context.Process(target=_work_until_killed, args=(environ, self._begun), daemon=True)

    def run_until(self, job_id: str) -> None:
        self._process.start()
        assert self._begun.get(timeout=30) == job_id

    def kill(self) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join(timeout=20)


@pytest.fixture
def process(environ: dict[str, str]) -> Iterator[Process]:
    process = Process(environ)
    yield process
    process.kill()


def _work_until_killed(environ: dict[str, str], begun: Any) -> None:
    hub = open_hub(SettingsStore.load(environ), Role.COMMAND)
    listen(hub)
    registry = JobRegistry()

    @registry.job("test.survive")
    async def survive(context: JobContext) -> None:
        begun.put(context.job_id)
        await asyncio.Event().wait()

    JobRunner(hub.database, hub.clock, hub.seat.name, registry, data_dir=Path(environ["KINOSHELF_DATA_DIR"])).start()
    signal.pause()
