"""Many, long, and interrupted: the engine as a whole."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from kinoshelf.app import Role
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.downloads import control
from kinoshelf.downloads.adding import NewDownload
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.running import wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(2_000_000, seed=1)


def count(queue: Queue, state: State) -> int:
    with queue.hub.database.read() as session:
        return session.scalar(select(func.count()).where(Download.state == state)) or 0


class TestTenThousandTinyFiles:
    @pytest.mark.databases("sqlite")
    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="16")
    def test_all_arrive(self, make_queue, make_hub, faulty: FaultyServer) -> None:
        number = 10_000
        still = Queue(make_hub(Role.COMMAND))
        content = faulty.add_tiny("tiny", 300)
        ids = still.add_many([NewDownload(f"{faulty.url}/tiny/{one}", filename=f"{one}.bin") for one in range(number)])
        queue = make_queue()
        wait(lambda: count(queue, State.COMPLETED) == number, "all arrive", 55)
        names = {path.name for path in queue.folder.iterdir() if not path.name.startswith(".")}
        assert names == {f"{one}.bin" for one in range(number)}
        for one in range(0, number, 97):
            assert (queue.folder / f"{one}.bin").read_bytes() == content(one)
        assert len(faulty.requests) == number
        assert faulty.connections < number / 10
        assert len(ids) == number


class TestStop:
    @both
    @pytest.mark.databases("sqlite")
    def test_takes_seconds_and_the_next_start_goes_on(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
        files = [faulty.add(f"{number}.mkv", CONTENT, stall_after=1_000_000) for number in range(4)]
        silent = faulty.add("silent.mkv", CONTENT, stall_before_headers=True)
        ids = [queue.add(file.url) for file in [*files, silent]]
        for one in ids[:4]:
            queue.arrive(one, 1_000_000)
        assert silent.stalled.wait(10)
        begin = time.monotonic()
        queue.hub.close()
        assert time.monotonic() - begin < 5
        for file in [*files, silent]:
            file.release()
        again = make_queue()
        for one in ids:
            again.finish(one)
        assert again.files == {file.path: file.sha256 for file in [*files, silent]}
        for file in files:
            assert file.requests[-1].range is not None

    @pytest.mark.databases("sqlite")
    def test_right_after_the_start(self, make_hub) -> None:
        for _ in range(5):
            hub = make_hub(Role.WORKER)
            hub.start()
            begin = time.monotonic()
            hub.engine.stop()
            assert time.monotonic() - begin < 3
            hub.close()

    @pytest.mark.databases("sqlite")
    def test_while_a_large_file_is_checked(self, make_queue, nginx) -> None:
        served = nginx.add("endurance/large.mkv", 200 << 20)
        queue = make_queue()
        download = queue.add(nginx.url(served.name), checksum=f"sha512:{'0' * 128}")
        queue.arrive(download, 1 << 20)
        queue.act(control.pause, download)
        queue.let_go(download)
        queue.act(control.resume, download)
        wait(lambda: (live := queue.live(download)) is not None and live.state is State.EXTRACTING, "it is checked", 20)
        queue.act(control.pause, download)
        assert queue.let_go(download, seconds=2).state == State.PAUSED
        assert queue.row(download).downloaded_bytes == served.size_bytes


class TestIdle:
    @pytest.mark.databases("sqlite")
    def test_with_one_that_is_due_and_finds_no_place_costs_nothing(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="1", KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
        first = faulty.add("first.mkv", CONTENT, stall_after=1000)
        running = queue.add(first.url)
        assert first.stalled.wait(10)
        waiting = queue.add(faulty.add("second.mkv", CONTENT).url)
        with queue.hub.database.write() as session:
            due = queue.hub.clock.now() + timedelta(seconds=0.1)
            session.execute(update(Download).where(Download.id == waiting).values(state=State.WAITING, wait_until=due))
        queue.hub.engine.wake()
        turns = counted(queue)
        begin = time.monotonic()
        wait(lambda: time.monotonic() - begin > 1.5, "time passes")
        assert turns() < 20
        first.release()
        queue.finish(running)
        queue.finish(waiting)


def counted(queue: Queue):
    """Count how often the engine looks whether there is something to do."""
    backlog, calls = queue.hub.engine._backlog, []
    genuine = backlog.turn

    def turn(settings):
        calls.append(1)
        return genuine(settings)

    backlog.turn = turn
    return lambda: len(calls)


@pytest.mark.databases("postgres")
class TestDatabaseAway:
    @pytest.mark.environ(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
    def test_for_a_while_loses_and_doubles_nothing(self, make_queue, faulty, expected_logs, cluster, database_url):
        expected_logs.expect("engine.database_away")
        expected_logs.allow("bus.interrupted", "jobs.interrupted")
        queue = make_queue()
        slow = faulty.add("slow.mkv", CONTENT, stall_after=1_000_000)
        soon = faulty.add("soon.mkv", CONTENT, stall_after=1_000_000)
        ids = [queue.add(file.url) for file in (slow, soon)]
        for one in ids:
            queue.arrive(one, 1_000_000)
            queue.reach(one, State.DOWNLOADING)
        with unreachable(cluster, database_url):
            soon.release()
            wait((queue.folder / "soon.mkv").exists, "the file is placed")
            wait(lambda: any(event == "engine.database_away" for _, event, _ in expected_logs.records), "it is noticed")
            slow.release()
            wait(lambda: queue.part_of(ids[0]).stat().st_size == len(CONTENT), "the other file arrives")
        for one in ids:
            queue.finish(one, seconds=30)
        assert queue.files == {"slow.mkv": slow.sha256, "soon.mkv": soon.sha256}
        assert [len(file.requests) for file in (slow, soon)] == [1, 1]
        later = faulty.add("later.mkv", CONTENT)
        queue.finish(queue.add(later.url))


def unreachable(cluster, url: str):
    """End all connections to this database and let nobody in."""
    from contextlib import contextmanager

    name = url.rpartition("/")[2]

    @contextmanager
    def away():
        administrator = cluster._administrator
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

    return away()


class TestDatabaseLocked:
    @pytest.mark.databases("sqlite")
    def test_for_a_moment_is_waited_for(self, make_queue, faulty, expected_logs, monkeypatch) -> None:
        """Every write fails for a while, as it does when another program holds the file."""
        expected_logs.expect("engine.database_away")
        expected_logs.allow("jobs.interrupted")
        queue = make_queue()
        file = faulty.add("film.mkv", CONTENT)
        genuine, is_locked = queue.hub.database.run_write, threading.Event()

        def run_write(work):
            if is_locked.is_set():
                raise DatabaseUnavailable("the database does not answer: locked")
            return genuine(work)

        monkeypatch.setattr(queue.hub.database, "run_write", run_write)
        is_locked.set()
        download = queue.add(file.url)
        wait(lambda: any(event == "engine.database_away" for _, event, _ in expected_logs.records), "it is noticed")
        is_locked.clear()
        # Nobody wakes the engine: it looks again by itself.
        queue.finish(download, seconds=5)


class TestDefect:
    @pytest.mark.databases("sqlite")
    def test_in_one_turn_loses_nothing(self, make_queue, faulty: FaultyServer, expected_logs, monkeypatch) -> None:
        expected_logs.expect("engine.turn_failed")
        queue = make_queue()
        file = faulty.add("film.mkv", CONTENT, stall_after=1_000_000)
        download = queue.add(file.url)
        queue.arrive(download, 1_000_000)
        queue.reach(download, State.DOWNLOADING)
        keeper = queue.hub.engine._keeper
        genuine, failures = keeper._write, iter([True, True])

        def write(*arguments):
            if next(failures, False):
                raise RuntimeError("a defect")
            return genuine(*arguments)

        monkeypatch.setattr(keeper, "_write", write)
        file.release()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}


class TestSeveralWorkers:
    @pytest.mark.databases("postgres")
    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="3")
    def test_share_one_queue(self, make_queue, faulty: FaultyServer) -> None:
        queues = [make_queue() for _ in range(3)]
        files = [faulty.add(f"{number}.mkv", CONTENT[:100_000], bytes_per_second=200_000) for number in range(24)]
        ids = queues[0].add_many([NewDownload(file.url) for file in files])
        seen: set[str] = set()

        def is_done() -> bool:
            with queues[0].hub.database.read() as session:
                seen.update(session.scalars(select(Download.claimed_by).where(Download.claimed_by.is_not(None))))
            return count(queues[0], State.COMPLETED) == len(ids)

        wait(is_done, "all arrive")
        assert seen == {queue.hub.seat.name for queue in queues}
        assert queues[0].files == {file.path: file.sha256 for file in files}
        assert {len(file.requests) for file in files} == {1}

    @pytest.mark.databases("postgres")
    def test_obey_whoever_speaks(self, make_queue, make_hub, faulty: FaultyServer) -> None:
        """Pause and cancel in one process reach the worker that runs the download in another."""
        speaker, worker = Queue(make_hub(Role.SERVER)), make_queue()
        speaker.hub.bus.start()
        files = [faulty.add(f"{number}.mkv", CONTENT, bytes_per_second=300_000) for number in range(2)]
        paused, cancelled = (speaker.add(file.url) for file in files)
        for one in (paused, cancelled):
            worker.arrive(one)
        speaker.act(control.pause, paused)
        speaker.act(control.cancel, cancelled)
        assert speaker.let_go(paused).state == State.PAUSED
        assert speaker.let_go(cancelled).state == State.CANCELLED
        wait(lambda: len(worker.files) == 2, "only the part of the paused one and its sidecar stay", 5)
