from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from kinoshelf.core.claims import LEASE
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.database import Database
from kinoshelf.core.events import Event
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobProgress
from kinoshelf.core.jobs.errors import JobNotCancellable, JobNotFound, JobUnknown
from kinoshelf.core.jobs.events import JobCancelRequested, JobFinished, JobQueued
from kinoshelf.core.jobs.kinds import MAX_KEY_LENGTH, JobKind, declare
from kinoshelf.core.jobs.models import Job, JobState
from kinoshelf.core.jobs.queries import count_jobs_by_state, get_job, list_jobs

SCAN = declare(JobKind("test.scan_shelf", exclusive="shelf:{shelf_id}"))
MAIL = declare(JobKind("test.send_mail", dedupe=False))
ONCE = declare(JobKind("test.tidy_attic", exclusive=True, max_attempts=2))
NAMES = (SCAN.name, MAIL.name, ONCE.name)


@pytest.fixture
def enqueue(database: Database, clock: FrozenClock) -> Callable[..., Job]:
    def put(name: str, arguments: dict[str, Any] | None = None, **options: Any) -> Job:
        return database.run_write(lambda session: queue.enqueue(session, name, arguments, clock=clock, **options))

    return put


@pytest.fixture
def claim(database: Database, clock: FrozenClock) -> Callable[..., list[queue.ClaimedJob]]:
    def take(worker: str = "one", limit: int = 10) -> list[queue.ClaimedJob]:
        return database.run_write(lambda session: queue.claim(session, worker, NAMES, limit, clock.now()))

    return take


@pytest.fixture
def reload(database: Database) -> Callable[[str], Job]:
    return lambda job_id: database.run_read(lambda session: get_job(session, job_id))


class TestEnqueue:
    def test_is_undone_with_its_transaction(self, database: Database, clock: FrozenClock) -> None:
        def fail(session: Any) -> None:
            queue.enqueue(session, MAIL.name, {"to": 1}, clock=clock)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.run_write(fail)
        assert database.run_read(list_jobs) == []

    def test_keeps_what_was_asked(self, enqueue, reload, clock: FrozenClock) -> None:
        at = clock.now() + timedelta(hours=1)
        job = reload(enqueue(SCAN.name, {"shelf_id": 7}, trigger="event", priority=3, not_before=at).id)
        assert (job.arguments, job.trigger, job.priority, job.not_before) == ({"shelf_id": 7}, "event", 3, at)
        assert (job.state, job.exclusive_key, job.max_attempts) == ("queued", "shelf:7", 3)

    def test_an_equal_unfinished_one_is_returned(self, enqueue, claim) -> None:
        first = enqueue(SCAN.name, {"shelf_id": 1, "deep": True})
        assert enqueue(SCAN.name, {"deep": True, "shelf_id": 1}).id == first.id
        assert enqueue(SCAN.name, {"shelf_id": 2}).id != first.id
        claim()
        assert enqueue(SCAN.name, {"shelf_id": 1, "deep": True}).id == first.id

    def test_a_finished_one_does_not_count(self, database: Database, enqueue, claim, clock: FrozenClock) -> None:
        first = enqueue(SCAN.name, {"shelf_id": 1})
        job = claim()[0]
        with database.write() as session:
            queue.finish(session, job, "one", clock.now(), JobState.DONE, progress=JobProgress(job.id, job.name))
        assert enqueue(SCAN.name, {"shelf_id": 1}).id != first.id

    def test_what_is_not_deduplicated_is_added_every_time(self, enqueue) -> None:
        assert enqueue(MAIL.name, {"to": 1}).id != enqueue(MAIL.name, {"to": 1}).id

    def test_asking_again_brings_a_waiting_one_forward(self, enqueue, reload, clock: FrozenClock) -> None:
        later = clock.now() + timedelta(hours=1)
        job = enqueue(SCAN.name, {"shelf_id": 1}, not_before=later)
        enqueue(SCAN.name, {"shelf_id": 1}, not_before=later + timedelta(hours=1))
        assert reload(job.id).not_before == later
        enqueue(SCAN.name, {"shelf_id": 1}, priority=5)
        assert (reload(job.id).not_before, reload(job.id).priority) == (None, 5)

    def test_callers_at_the_same_moment_get_the_same_job(
        self, make_hub: Callable[..., Any], database: Database, clock: FrozenClock
    ) -> None:
        databases = [make_hub().database for _ in range(4)]
        together = threading.Barrier(len(databases))
        found: list[str] = []

        def ask(one: Database) -> None:
            together.wait(timeout=20)
            for number in range(10):
                job = one.run_write(
                    lambda session, number=number: queue.enqueue(session, SCAN.name, {"shelf_id": number}, clock=clock)
                )
                found.append(f"{number} {job.id}")

        threads = [threading.Thread(target=ask, args=(one,)) for one in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert len(found) == 40
        assert len(set(found)) == 10
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(Job)) == 10

    def test_a_name_nobody_declared_is_refused(self, enqueue) -> None:
        with pytest.raises(JobUnknown, match="no job called"):
            enqueue("test.never_declared")

    def test_long_keys_stay_different(self) -> None:
        keys = {SCAN.dedupe_key({"path": "x" * 500 + end}) for end in "ab"}
        assert len(keys) == 2
        assert all(key is not None and len(key) == MAX_KEY_LENGTH for key in keys)


class TestClaim:
    def test_goes_by_priority_then_age(self, enqueue, claim, clock: FrozenClock) -> None:
        wanted = {}
        for label, priority in (("old", 0), ("young", 0), ("urgent", 9)):
            wanted[label] = enqueue(MAIL.name, {"to": label}, priority=priority).id
            clock.advance(1)
        assert [job.id for job in claim()] == [wanted["urgent"], wanted["old"], wanted["young"]]

    def test_leaves_what_is_not_due(self, enqueue, claim, clock: FrozenClock, database: Database) -> None:
        enqueue(MAIL.name, not_before=clock.now() + timedelta(minutes=5))
        assert claim() == []
        assert not database.run_read(lambda session: queue.has_runnable(session, NAMES, clock.now()))
        clock.advance(timedelta(minutes=5))
        assert database.run_read(lambda session: queue.has_runnable(session, NAMES, clock.now()))
        assert len(claim()) == 1

    def test_leaves_what_this_process_cannot_run(self, enqueue, database: Database, clock: FrozenClock) -> None:
        enqueue(MAIL.name)
        with database.write() as session:
            assert queue.claim(session, "one", (SCAN.name,), 10, clock.now()) == []
            assert queue.claim(session, "one", (), 10, clock.now()) == []

    def test_one_at_a_time_for_each_exclusive_key(self, enqueue, claim, database: Database, clock: FrozenClock) -> None:
        for deep in (False, True):
            enqueue(SCAN.name, {"shelf_id": 1, "deep": deep})
            enqueue(SCAN.name, {"shelf_id": 2, "deep": deep})
        first = claim()
        assert sorted(job.arguments["shelf_id"] for job in first) == [1, 2]
        assert claim("other") == []
        ended = next(job for job in first if job.arguments["shelf_id"] == 1)
        with database.write() as session:
            queue.finish(session, ended, "one", clock.now(), JobState.DONE, progress=JobProgress(ended.id, ended.name))
        assert [job.arguments["shelf_id"] for job in claim("other")] == [1]

    def test_claimers_at_the_same_moment_never_run_one_key_twice(
        self, make_hub: Callable[..., Any], enqueue, database: Database, clock: FrozenClock
    ) -> None:
        for deep in range(8):
            enqueue(SCAN.name, {"shelf_id": 1, "deep": deep})
        databases = [make_hub().database for _ in range(4)]
        together = threading.Barrier(len(databases))
        taken: list[queue.ClaimedJob] = []

        def work(number: int) -> None:
            together.wait(timeout=20)
            taken.extend(
                databases[number].run_write(lambda session: queue.claim(session, f"w{number}", NAMES, 4, clock.now()))
            )

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(databases))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert len(taken) == 1
        assert database.run_read(count_jobs_by_state)[JobState.RUNNING] == 1


class TestFinish:
    def test_writes_the_end_and_tells(self, database: Database, enqueue, claim, reload, clock: FrozenClock) -> None:
        told: list[Event] = []
        database.bus.subscribe(JobFinished, told.append)
        enqueue(MAIL.name)
        job = claim()[0]
        with database.write() as session:
            assert queue.finish(
                session,
                job,
                "one",
                clock.now(),
                JobState.DONE,
                progress=JobProgress(job.id, job.name, 3, 3, "sent"),
                result={"sent": 3},
            )
        row = reload(job.id)
        assert (row.state, row.result, row.progress_done, row.message) == ("done", {"sent": 3}, 3, "sent")
        assert (row.claimed_by, row.lease_until, row.finished_at) == (None, None, clock.now())
        assert told == [JobFinished(job.id, job.name, "done")]

    def test_a_worker_that_lost_its_claim_changes_nothing(
        self, database: Database, enqueue, claim, reload, clock: FrozenClock
    ) -> None:
        enqueue(MAIL.name)
        job = claim("one")[0]
        clock.advance(LEASE + timedelta(seconds=1))
        with database.write() as session:
            queue.rescue(session, "other", clock.now(), [])
        claim("other")
        with database.write() as session:
            assert not queue.finish(
                session, job, "one", clock.now(), JobState.FAILED, progress=JobProgress(job.id, job.name)
            )
            assert not queue.put_back(session, job, "one", not_before=None, error=None)
        assert (reload(job.id).state, reload(job.id).claimed_by) == ("running", "other")


class TestPutBack:
    def test_given_back_unharmed_does_not_count_as_an_attempt(self, database: Database, enqueue, claim, reload) -> None:
        enqueue(MAIL.name)
        job = claim()[0]
        with database.write() as session:
            queue.put_back(session, job, "one", not_before=None, error=None)
        assert (reload(job.id).state, reload(job.id).attempts) == ("queued", 0)

    def test_a_failed_attempt_counts_and_is_told(
        self, database: Database, enqueue, claim, reload, clock: FrozenClock
    ) -> None:
        enqueue(MAIL.name)
        job = claim()[0]
        told: list[Event] = []
        database.bus.subscribe(JobQueued, told.append)
        at = clock.now() + timedelta(minutes=1)
        with database.write() as session:
            queue.put_back(session, job, "one", not_before=at, error="the post is closed")
        row = reload(job.id)
        assert (row.attempts, row.not_before, row.error) == (1, at, "the post is closed")
        assert told == [JobQueued(job.id, job.name)]


class TestRescue:
    def test_frees_the_jobs_of_a_dead_worker_only(
        self, database: Database, enqueue, claim, reload, clock: FrozenClock
    ) -> None:
        first, second = enqueue(MAIL.name), enqueue(MAIL.name)
        claim("dead", 1)
        claim("alive", 1)
        with database.write() as session:
            assert queue.has_orphans(session, "me", clock.now(), ["dead"])
            assert queue.rescue(session, "me", clock.now(), ["dead"]) == 1
            assert not queue.has_orphans(session, "me", clock.now(), ["dead"])
        assert sorted((reload(first.id).state, reload(second.id).state)) == ["queued", "running"]

    def test_one_that_outlives_its_workers_again_and_again_fails(
        self, database: Database, enqueue, claim, reload, clock: FrozenClock
    ) -> None:
        job = enqueue(ONCE.name)
        for _ in range(2):
            assert len(claim("one")) == 1
            clock.advance(LEASE + timedelta(seconds=1))
            with database.write() as session:
                queue.rescue(session, "other", clock.now(), [])
        row = reload(job.id)
        assert (row.state, row.error) == ("failed", "the process that ran this job ended before it was done, 2 times")

    def test_one_that_was_to_be_cancelled_is(self, database: Database, enqueue, claim, reload, clock) -> None:
        job = enqueue(MAIL.name)
        claim("dead")
        with database.write() as session:
            queue.cancel(session, job.id, clock=clock)
        with database.write() as session:
            queue.rescue(session, "other", clock.now(), ["dead"])
        assert reload(job.id).state == "cancelled"


class TestCancel:
    def test_a_waiting_job_ends_at_once(self, database: Database, enqueue, claim, clock: FrozenClock) -> None:
        job = enqueue(MAIL.name)
        with database.write() as session:
            assert queue.cancel(session, job.id, clock=clock).state == JobState.CANCELLED
        assert claim() == []

    def test_a_running_one_is_asked_to_stop(self, database: Database, enqueue, claim, clock: FrozenClock) -> None:
        told: list[Event] = []
        database.bus.subscribe(JobCancelRequested, told.append)
        job = enqueue(MAIL.name)
        claim()
        with database.write() as session:
            queue.cancel(session, job.id, clock=clock)
        assert told == [JobCancelRequested(job.id)]
        assert database.run_write(lambda session: queue.heartbeat(session, "one", clock.now())) == {job.id: True}

    def test_a_finished_or_unknown_one_cannot_be(self, database: Database, enqueue, clock: FrozenClock) -> None:
        job = enqueue(MAIL.name)
        database.run_write(lambda session: queue.cancel(session, job.id, clock=clock))
        with pytest.raises(JobNotCancellable, match="cancelled"):
            database.run_write(lambda session: queue.cancel(session, job.id, clock=clock))
        with pytest.raises(JobNotFound):
            database.run_write(lambda session: queue.cancel(session, "nobody", clock=clock))


class TestQueries:
    def test_lists_newest_first_and_counts_every_state(self, database: Database, enqueue, claim, clock) -> None:
        jobs = []
        for number in range(3):
            jobs.append(enqueue(MAIL.name, {"to": number}))
            clock.advance(1)
        claim(limit=1)
        with database.read() as session:
            assert [job.id for job in list_jobs(session)] == [job.id for job in reversed(jobs)]
            assert [job.id for job in list_jobs(session, states=[JobState.RUNNING])] == [jobs[0].id]
            assert list_jobs(session, name=SCAN.name) == []
            assert count_jobs_by_state(session) == {
                JobState.QUEUED: 2,
                JobState.RUNNING: 1,
                JobState.DONE: 0,
                JobState.FAILED: 0,
                JobState.CANCELLED: 0,
            }
            with pytest.raises(JobNotFound):
                get_job(session, "nobody")
