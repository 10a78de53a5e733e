from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kinoshelf.app import Hub, Role
from kinoshelf.core.access.models import AccessLimit, AccessSession
from kinoshelf.core.bus import BusMessage
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.cron import machine_zone, next_run
from kinoshelf.core.jobs.errors import JobUnknown, ScheduleNotFound
from kinoshelf.core.jobs.models import Job, JobState, Schedule
from kinoshelf.core.jobs.queries import count_jobs_by_state, list_jobs
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.jobs.runner import JobRunner
from kinoshelf.core.jobs.schedules import Schedules
from kinoshelf.core.jobs.tidy import KEEP_FINISHED_JOBS, TIDY, Tidy

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
NIGHTLY = "30 2 * * *"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


class TestNextRun:
    @pytest.mark.parametrize(
        ("cron", "after", "expected"),
        [
            pytest.param(NIGHTLY, utc(2026, 6, 1, 12), utc(2026, 6, 2, 0, 30), id="summer"),
            pytest.param(NIGHTLY, utc(2026, 1, 1, 12), utc(2026, 1, 2, 1, 30), id="winter"),
            pytest.param(NIGHTLY, utc(2026, 6, 2, 0, 30), utc(2026, 6, 3, 0, 30), id="never the moment itself"),
            pytest.param(NIGHTLY, utc(2026, 3, 28, 12), utc(2026, 3, 29, 1), id="an hour that does not exist"),
            pytest.param(NIGHTLY, utc(2026, 10, 24, 12), utc(2026, 10, 25, 0, 30), id="an hour that comes twice"),
            pytest.param(NIGHTLY, utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30), id="fires in it once"),
            pytest.param("0 * * * *", utc(2026, 10, 25, 0), utc(2026, 10, 25, 1), id="hourly goes on in it"),
            pytest.param("0 3 * * mon,wed", utc(2026, 6, 1, 12), utc(2026, 6, 3, 1), id="days of the week"),
        ],
    )
    def test_keeps_the_users_clock(self, cron: str, after: datetime, expected: datetime) -> None:
        assert next_run(cron, after, BERLIN) == expected

    @pytest.mark.parametrize(
        "cron", ["", "x", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@daily", "a b c d e"]
    )
    def test_says_what_cannot_be_read(self, cron: str) -> None:
        with pytest.raises(InvalidInput, match="schedule"):
            next_run(cron, utc(2026, 1, 1), UTC)

    def test_the_machine_has_a_zone(self) -> None:
        assert next_run(NIGHTLY, utc(2026, 1, 1), machine_zone()) > utc(2026, 1, 1)


@pytest.fixture
def registry() -> JobRegistry:
    registry = JobRegistry()
    registry.add("test.nightly", lambda _context: None)
    registry.schedule("test.nightly", NIGHTLY)
    return registry


@pytest.fixture
def schedules(registry: JobRegistry, clock: FrozenClock, database: Database) -> Schedules:
    schedules = Schedules(registry, clock, lambda: BERLIN)
    database.run_write(schedules.install)
    return schedules


def names(database: Database) -> list[str]:
    return [job.name for job in database.run_read(list_jobs)]


class TestSchedules:
    def test_fires_when_due_and_moves_on(self, schedules: Schedules, database: Database, clock: FrozenClock) -> None:
        due = database.run_read(schedules.next_due)
        assert due == next_run(NIGHTLY, clock.now(), BERLIN)
        assert database.run_write(schedules.fire_due) == []
        clock.advance(due - clock.now())
        (job,) = database.run_write(schedules.fire_due)
        assert (job.name, job.trigger) == ("test.nightly", "schedule")
        assert database.run_write(schedules.fire_due) == []
        (row,) = database.run_read(schedules.list_all)
        assert (row.last_run_at, row.next_run_at) == (due, due + timedelta(days=1))

    def test_what_was_missed_is_caught_up_once(
        self, schedules: Schedules, database: Database, clock: FrozenClock
    ) -> None:
        clock.advance(timedelta(days=9))
        database.run_write(schedules.install)
        assert len(database.run_write(schedules.fire_due)) == 1
        assert database.run_write(schedules.fire_due) == []
        assert database.run_read(schedules.next_due) > clock.now()

    def test_processes_at_the_same_moment_fire_once(
        self, schedules: Schedules, make_hub: Callable[..., Hub], registry: JobRegistry, clock: FrozenClock
    ) -> None:
        hubs = [make_hub() for _ in range(4)]
        clock.advance(timedelta(days=1))
        together = threading.Barrier(len(hubs))
        fired: list[Job] = []

        def fire(hub: Hub) -> None:
            together.wait(timeout=20)
            fired.extend(hub.database.run_write(Schedules(registry, clock, lambda: BERLIN).fire_due))

        threads = [threading.Thread(target=fire, args=(hub,)) for hub in hubs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert len(fired) == 1
        assert names(hubs[0].database) == ["test.nightly"]

    def test_is_changed_while_it_lives(self, schedules: Schedules, database: Database, clock: FrozenClock) -> None:
        def change(**changes: object) -> Schedule:
            return database.run_write(lambda session: schedules.change(session, "test.nightly", **changes))

        assert change(is_enabled=False).next_run_at is None
        clock.advance(timedelta(days=3))
        assert database.run_write(schedules.fire_due) == []
        assert database.run_read(schedules.next_due) is None
        assert change(is_enabled=True).next_run_at == next_run(NIGHTLY, clock.now(), BERLIN)
        assert change(cron="0 12 * * *").next_run_at == next_run("0 12 * * *", clock.now(), BERLIN)
        with pytest.raises(InvalidInput):
            change(cron="at noon")
        with pytest.raises(ScheduleNotFound):
            database.run_write(lambda session: schedules.change(session, "nobody", is_enabled=True))

    def test_the_users_change_outlives_a_restart(
        self, schedules: Schedules, database: Database, registry: JobRegistry, clock: FrozenClock
    ) -> None:
        database.run_write(lambda session: schedules.change(session, "test.nightly", cron="0 12 * * *"))
        again = Schedules(registry, clock, lambda: BERLIN)
        assert database.run_read(again.is_installed)
        database.run_write(again.install)
        assert database.run_read(again.list_all)[0].cron == "0 12 * * *"

    def test_follows_the_users_time_zone(
        self, schedules: Schedules, database: Database, registry: JobRegistry, clock: FrozenClock
    ) -> None:
        tokyo = Schedules(registry, clock, lambda: ZoneInfo("Asia/Tokyo"))
        assert not database.run_read(tokyo.is_installed)
        database.run_write(tokyo.install)
        assert database.run_read(tokyo.next_due) == next_run(NIGHTLY, clock.now(), ZoneInfo("Asia/Tokyo"))

    def test_one_that_became_unreadable_stops_no_other(
        self, schedules: Schedules, registry: JobRegistry, database: Database, clock: FrozenClock, expected_logs
    ) -> None:
        registry.schedule("test.other", "* * * * *", job="test.nightly", arguments={"other": True})
        database.run_write(schedules.install)
        with database.write() as session:
            session.get(Schedule, "test.nightly").cron = "broken by hand"
        clock.advance(timedelta(days=1))
        assert len(database.run_write(schedules.fire_due)) == 2
        clock.advance(timedelta(days=1))
        assert len(database.run_write(schedules.fire_due)) == 1
        expected_logs.expect("jobs.schedule_unreadable")

    def test_can_be_started_by_hand(self, schedules: Schedules, database: Database) -> None:
        before = database.run_read(schedules.next_due)
        job = database.run_write(lambda session: schedules.start_now(session, "test.nightly"))
        assert (job.trigger, database.run_read(schedules.next_due)) == ("user", before)
        with pytest.raises(ScheduleNotFound):
            database.run_write(lambda session: schedules.start_now(session, "nobody"))


class TestRunnerAndSchedules:
    def test_two_runners_fire_once_and_follow_a_change(
        self, make_hub: Callable[..., Hub], data_dir: Path, clock: FrozenClock, wait_until
    ) -> None:
        registry = JobRegistry()
        registry.add("test.nightly", lambda _context: None)
        registry.schedule("test.nightly", NIGHTLY)
        hubs = [make_hub() for _ in range(2)]
        database, runners = hubs[0].database, []
        try:
            for hub in hubs:
                hub.seat.take()
                hub.bus.start()
                runner = JobRunner(hub.database, clock, hub.seat.name, registry, data_dir=data_dir, zone=lambda: BERLIN)
                runner.start()
                runners.append(runner)

            def pass_time(step: timedelta, count: int) -> None:
                clock.advance(step)
                for runner in runners:
                    runner.wake()
                wait_until(lambda: database.run_read(count_jobs_by_state)[JobState.DONE] == count, "it ran")

            schedules = runners[0].schedules
            wait_until(lambda: database.run_read(schedules.next_due) is not None, "the schedule is there")
            pass_time(timedelta(days=1), 1)
            pass_time(timedelta(days=1), 2)
            database.run_write(lambda session: schedules.change(session, "test.nightly", cron="*/5 * * * *"))
            pass_time(timedelta(minutes=5), 3)
        finally:
            for runner in runners:
                runner.stop()
        assert len(database.run_read(list_jobs)) == 3

    def test_a_schedule_without_its_job_is_noticed_at_the_start(self, make_hub, data_dir: Path) -> None:
        hub, registry = make_hub(), JobRegistry()
        registry.schedule("test.never_declared", NIGHTLY)
        with pytest.raises(JobUnknown):
            JobRunner(hub.database, hub.clock, hub.seat.name, registry, data_dir=data_dir).start()


class TestTidy:
    def test_removes_what_only_mattered_for_a_while(self, database: Database, clock: FrozenClock) -> None:
        now = clock.now()
        with database.write() as session:
            for name, at in (("old", now - HOUR), ("new", now + HOUR)):
                session.add(
                    AccessSession(id=name, client="x", user_agent="x", created_at=now - 9 * HOUR, expires_at=at)
                )
                session.add(AccessLimit(bucket=name, count=1, window_ends_at=at))
                session.add(BusMessage(origin=name, payload="{}", at=at))
            for name, at in (("old", now - KEEP_FINISHED_JOBS - HOUR), ("new", now - HOUR)):
                session.add(_job(name, JobState.DONE, created_at=at, finished_at=at))
            session.add(_job("unknown", JobState.QUEUED, created_at=now - timedelta(days=8)))
        tidy = Tidy(database, clock)
        tidy.add("shelves", lambda _session, at: 7 if at == now else 0)
        context = JobContext("id", TIDY, {})
        assert tidy.run(context) == {
            "sessions": 1,
            "limits": 1,
            "messages": 1,
            "jobs": 1,
            "unknown_jobs": 1,
            "shelves": 7,
        }
        assert (context.latest.done, context.latest.total) == (6, 6)
        with database.read() as session:
            assert session.get(AccessSession, "new")
            assert session.get(AccessLimit, "new")
            unknown = session.get(Job, "unknown")
            assert unknown
            assert (unknown.state, unknown.error) == ("failed", "this version has no job called test.gone")

    def test_runs_in_a_started_hub(self, make_hub: Callable[..., Hub], wait_until) -> None:
        hub = make_hub(Role.WORKER)
        hub.start()
        schedules = hub.jobs.schedules
        wait_until(lambda: hub.database.run_read(schedules.next_due) is not None, "the schedules are there")
        assert TIDY in [row.name for row in hub.database.run_read(schedules.list_all)]
        job = hub.database.run_write(lambda session: schedules.start_now(session, TIDY))
        wait_until(lambda: hub.jobs.get_job(job.id).state == JobState.DONE, "it ran")

    def test_is_scheduled_every_night(self, database: Database, clock: FrozenClock) -> None:
        registry = JobRegistry()
        Tidy(database, clock).register(registry)
        assert TIDY in registry.names
        assert TIDY in registry.plans


def _job(name: str, state: JobState, **values: object) -> Job:
    return Job(id=name, name="test.gone", arguments={}, state=state, trigger="user", **values)
