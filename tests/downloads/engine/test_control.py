"""What users do while downloads run, and in which order those come."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kinoshelf.app import Role
from kinoshelf.downloads import control
from kinoshelf.downloads.adding import NewDownload
from kinoshelf.downloads.control import Selection
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.running import wait
from tests.simulators.faulty import FaultyServer, File
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(2_000_000, seed=1)
RATE = 1_000_000

pytestmark = pytest.mark.databases("sqlite")


def open_files(folder: Path) -> list[str]:
    """The files below `folder` that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = descriptor.readlink()
        except FileNotFoundError:
            continue
        if target.is_relative_to(folder):
            found.append(target.name)
    return found


@pytest.fixture
def slow(faulty: FaultyServer) -> File:
    """A file that takes two seconds."""
    return faulty.add("film.mkv", CONTENT, bytes_per_second=RATE)


@both
class TestPause:
    def test_keeps_what_has_arrived_and_resume_goes_on(self, queue: Queue, slow: File) -> None:
        download = queue.add(slow.url)
        queue.arrive(download, 300_000)
        queue.act(control.pause, download)
        row = queue.let_go(download)
        assert row.state == State.PAUSED
        assert row.downloaded_bytes >= 300_000
        assert queue.part_of(download).stat().st_size == row.downloaded_bytes
        assert open_files(queue.folder) == []
        wait(lambda: queue.live(download) is None, "it is no longer shown as running", 2)
        asked = len(slow.requests)
        slow.hurry()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": slow.sha256}
        assert len(slow.requests) == asked + 1
        assert slow.requests[-1].range is not None
        assert slow.requests[-1].sent_bytes <= len(CONTENT) - 300_000 + 64 * 1024

    def test_of_a_silent_one_is_quick(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
        before = faulty.add("before.mkv", CONTENT, stall_before_headers=True)
        within = faulty.add("within.mkv", CONTENT, stall_after=100_000)
        ids = [queue.add(file.url) for file in (before, within)]
        for file in (before, within):
            assert file.stalled.wait(10)
        queue.arrive(ids[1], 100_000)
        begin = time.monotonic()
        queue.act(control.pause, *ids)
        rows = [queue.let_go(one) for one in ids]
        assert time.monotonic() - begin < 2
        assert [row.downloaded_bytes for row in rows] == [0, 100_000]

    def test_of_one_that_waits_for_its_retry_lets_it_rest(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0.02")
        file = faulty.add("film.mkv", CONTENT, status=503)
        download = queue.add(file.url)
        queue.reach(download, State.WAITING)
        queue.act(control.pause, download)
        asked = len(file.requests)
        other = faulty.add("other.mkv", CONTENT, status=503)
        queue.fail(queue.add(other.url))
        assert queue.state(download) == State.PAUSED
        assert len(file.requests) <= asked + 1


class TestPauseAndResume:
    def test_at_once_loses_nothing(self, queue: Queue, slow: File) -> None:
        download = queue.add(slow.url)
        queue.arrive(download, 200_000)
        for _ in range(5):
            queue.act(control.pause, download)
            queue.act(control.resume, download)
        queue.reach(download, State.DOWNLOADING)
        slow.hurry()
        queue.finish(download)
        assert queue.files == {"film.mkv": slow.sha256}
        assert slow.sent_bytes < 2 * len(CONTENT)


@both
class TestCancel:
    def test_stops_it_and_throws_away_what_arrived(self, queue: Queue, slow: File) -> None:
        download = queue.add(slow.url, folder="below/deeper")
        queue.arrive(download, 200_000)
        queue.act(control.cancel, download)
        row = queue.let_go(download)
        assert (row.state, row.downloaded_bytes, row.part_path) == (State.CANCELLED, 0, None)
        wait(lambda: not open_files(queue.folder), "the files are closed", 5)
        assert queue.files == {}

    def test_of_a_paused_one_throws_away_what_arrived(self, queue: Queue, slow: File) -> None:
        download = queue.add(slow.url)
        queue.arrive(download, 200_000)
        queue.act(control.pause, download)
        queue.let_go(download)
        queue.act(control.cancel, download)
        assert queue.files == {}
        slow.hurry()
        queue.act(control.retry, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": slow.sha256}


@both
class TestDelete:
    def test_stops_it_and_leaves_nothing_behind(self, queue: Queue, slow: File, expected_logs) -> None:
        expected_logs.allow("downloads.file_kept")
        download = queue.add(slow.url)
        queue.arrive(download, 200_000)
        queue.act(control.remove, download)
        wait(lambda: queue.files == {}, "the part file goes", 5)
        wait(lambda: not open_files(queue.folder), "it is closed", 5)
        again = queue.add(slow.url)
        slow.hurry()
        queue.finish(again)
        assert queue.files == {"film.mkv": slow.sha256}

    def test_of_many_at_once(self, queue: Queue, faulty: FaultyServer, expected_logs) -> None:
        expected_logs.allow("downloads.file_kept")
        ids = [
            queue.add(faulty.add(f"{number}.mkv", CONTENT, bytes_per_second=RATE).url, folder="below")
            for number in range(8)
        ]
        for one in ids[:5]:
            queue.arrive(one)
        queue.act(control.remove, *ids)
        wait(lambda: queue.files == {}, "the part files go", 5)
        after = faulty.add("after.mkv", CONTENT)
        queue.finish(queue.add(after.url, folder="below"))
        assert queue.files == {"below/after.mkv": after.sha256}


class TestEdit:
    def test_of_the_name_while_it_runs(self, queue: Queue, slow: File) -> None:
        slow.always(bytes_per_second=RATE, disposition="attachment; filename=hosts.mkv")
        download = queue.add(slow.url)
        queue.arrive(download, 200_000)
        queue.edit(download, filename="mine.mkv")
        slow.hurry()
        queue.finish(download)
        assert queue.files == {"mine.mkv": slow.sha256}

    @pytest.mark.parametrize("is_paused", [False, True])
    def test_of_the_folder_takes_what_arrived_along(self, queue: Queue, slow: File, is_paused: bool) -> None:
        download = queue.add(slow.url, folder="here")
        queue.arrive(download, 500_000)
        if is_paused:
            queue.act(control.pause, download)
            queue.let_go(download)
        queue.edit(download, folder="there/deeper")
        slow.hurry()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.files == {"there/deeper/film.mkv": slow.sha256}
        assert slow.sent_bytes < len(CONTENT) + 400_000

    @pytest.mark.parametrize("is_right", [True, False])
    def test_of_the_checksum_while_it_runs(self, queue: Queue, slow: File, is_right: bool) -> None:
        download = queue.add(slow.url)
        queue.arrive(download, 200_000)
        queue.edit(download, checksum=slow.sha256 if is_right else "0" * 64)
        slow.hurry()
        if is_right:
            queue.finish(download)
            assert queue.row(download).is_verified
        else:
            assert queue.fail(download).error_category == "checksum"
            assert "film.mkv" not in queue.files


class TestOrder:
    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="1")
    def test_is_priority_then_place_in_the_queue(self, make_queue, make_hub, faulty: FaultyServer) -> None:
        still = Queue(make_hub(Role.COMMAND))
        files = {name: faulty.add(f"{name}.mkv", CONTENT[:1000]) for name in "abcdef"}
        ids = {name: still.add(file.url) for name, file in files.items()}
        still.edit(ids["d"], priority=5)
        still.edit(ids["b"], priority=-1)
        with still.hub.database.write() as session:
            control.move_between(session, ids["f"], before=ids["a"], after=None)
        queue = make_queue()
        for one in ids.values():
            queue.finish(one)
        assert [request.path for request in faulty.requests] == [f"/{name}.mkv" for name in "dfaceb"]

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="2")
    def test_of_many_is_kept_by_a_worker_that_claims_ahead(self, make_queue, make_hub, faulty: FaultyServer) -> None:
        still = Queue(make_hub(Role.COMMAND))
        faulty.add_tiny("tiny")
        ids = still.add_many([NewDownload(f"{faulty.url}/tiny/{number}") for number in range(100)])
        queue = make_queue()
        for one in ids:
            queue.finish(one)
        order = [int(request.path.rpartition("/")[2]) for request in faulty.requests]
        assert all(abs(number - place) <= 3 for place, number in enumerate(order))


class TestHowManyAtOnce:
    def test_is_the_setting_and_follows_it(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
        queue.hub.store.update({"engine.max_active_downloads": 2})
        files = [faulty.add(f"{number}.mkv", CONTENT, stall_after=1000) for number in range(8)]
        ids = [queue.add(file.url) for file in files]

        def running() -> int:
            return sum(bool(file.requests) for file in files)

        wait(lambda: running() == 2, "two run")
        queue.hub.store.update({"engine.max_active_downloads": 5})
        wait(lambda: running() == 5, "five run")
        queue.hub.store.update({"engine.max_active_downloads": 1})
        for file in files[:4]:
            file.release()
        for one in ids[:4]:
            queue.finish(one)
        assert running() == 5
        for file in files:
            file.release()
        for one in ids:
            queue.finish(one)

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_PER_HOST="2", KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="60")
    def test_of_one_host_leaves_the_places_to_others(self, make_queue, make_hub, faulty: FaultyServer) -> None:
        still = Queue(make_hub(Role.COMMAND))
        files = [faulty.add(f"{number}.mkv", CONTENT, stall_after=1000) for number in range(6)]
        ids = [still.add(file.url) for file in files]
        with FaultyServer() as other:
            elsewhere = other.add("other.mkv", CONTENT, stall_after=1000)
            far = still.add(elsewhere.url)
            queue = make_queue()
            wait(lambda: bool(elsewhere.requests), "the other host is asked")
            wait(lambda: sum(bool(file.requests) for file in files) == 2, "two of the host run")
            queue.reach(far, State.DOWNLOADING)
            assert [queue.state(one) for one in ids[2:]] == [State.QUEUED] * 4
            for file in files:
                file.release()
            elsewhere.release()
            for one in [*ids, far]:
                queue.finish(one)
        assert faulty.most_connections <= 3

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_CONNECTIONS_PER_HOST="1")
    def test_of_one_host_never_means_more_connections_than_it_may_have(self, queue: Queue, faulty) -> None:
        faulty.max_connections = 1
        files = [faulty.add(f"{number}.mkv", CONTENT) for number in range(4)]
        for one in [queue.add(file.url) for file in files]:
            queue.finish(one)
        assert {request.status for request in faulty.requests} == {200}


class TestAll:
    def test_pause_and_resume_of_everything(self, queue: Queue, faulty: FaultyServer) -> None:
        files = [faulty.add(f"{number}.mkv", CONTENT, bytes_per_second=RATE) for number in range(8)]
        ids = [queue.add(file.url) for file in files]
        for one in ids[:5]:
            queue.arrive(one)
        now = queue.hub.clock.now()
        with queue.hub.database.write() as session:
            assert set(control.pause(session, Selection(), now)) == set(ids)
        for one in ids:
            assert queue.let_go(one).state == State.PAUSED
        for file in files:
            file.hurry()
        with queue.hub.database.write() as session:
            control.resume(session, Selection(), now)
        for one in ids:
            queue.finish(one)
        assert queue.files == {file.path: file.sha256 for file in files}
