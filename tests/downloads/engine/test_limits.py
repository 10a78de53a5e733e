"""Speed limits: of the engine, of one download, of the hour, changed while bytes come."""

from __future__ import annotations

import time

import pytest

from kinoshelf.downloads.adding import NewDownload
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.running import wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

KIB = 1024
MIB = 1024 * KIB
CONTENT = pseudo_random(6 * MIB, seed=1)

pytestmark = pytest.mark.databases("sqlite")


def rate(queue: Queue, *ids: str, seconds: float = 1.0) -> float:
    """Bytes per second that arrive in the next `seconds`."""

    def total() -> int:
        lives = [queue.live(one) for one in ids]
        return sum(live.downloaded_bytes for live in lives if live is not None)

    begin, before = time.monotonic(), total()
    wait(lambda: time.monotonic() - begin >= seconds, "time passes")
    return (total() - before) / (time.monotonic() - begin)


@both
class TestOfOneDownload:
    def test_is_kept_and_follows_the_user(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        other = faulty.add("other.mkv", CONTENT)
        limited = queue.add(file.url, speed_limit_bytes_per_second=200 * KIB)
        queue.finish(queue.add(other.url))
        queue.arrive(limited, 100 * KIB)
        assert 0.1 * 200 * KIB < rate(queue, limited) < 1.6 * 200 * KIB
        queue.edit(limited, speed_limit_bytes_per_second=800 * KIB)
        queue.arrive(limited, queue.live(limited).downloaded_bytes + 300 * KIB)
        assert 0.1 * 800 * KIB < rate(queue, limited) < 1.6 * 800 * KIB
        queue.edit(limited, speed_limit_bytes_per_second=0)
        queue.finish(limited, seconds=5)
        assert queue.files == {"film.mkv": file.sha256, "other.mkv": other.sha256}

    @pytest.mark.environ(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="1")
    def test_is_no_stall_however_low(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = queue.add(file.url, speed_limit_bytes_per_second=2 * KIB)
        queue.arrive(download)
        assert rate(queue, download, seconds=3) < 30 * KIB
        assert queue.errors(download) == []
        queue.edit(download, speed_limit_bytes_per_second=0)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}

    @pytest.mark.environ(KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS="1")
    def test_hides_no_stall_of_the_host(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT[:MIB])
        file.next(stall_after=100 * KIB)
        download = queue.add(file.url, speed_limit_bytes_per_second=2 * MIB)
        queue.finish(download)
        assert [category for category, _words in queue.errors(download)] == ["stalled"]
        assert queue.files == {"film.mkv": file.sha256}


class TestOfTheEngine:
    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="4")
    def test_is_shared_fairly_and_followed_at_once(self, queue: Queue, faulty: FaultyServer) -> None:
        queue.hub.store.update({"engine.speed_limit_bytes_per_second": MIB})
        files = [faulty.add(f"{number}.mkv", CONTENT) for number in range(4)]
        ids = queue.add_many([NewDownload(file.url) for file in files])
        for one in ids:
            queue.arrive(one)
        assert 0.6 * MIB < rate(queue, *ids, seconds=1.5) < 1.6 * MIB
        shares = [queue.live(one).downloaded_bytes for one in ids]
        assert max(shares) < 3 * min(shares), shares
        queue.hub.store.update({"engine.speed_limit_bytes_per_second": 0})
        for one in ids:
            queue.finish(one, seconds=5)
        assert queue.files == {file.path: file.sha256 for file in files}

    def test_set_while_bytes_come_takes_hold(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=2 * MIB)
        download = queue.add(file.url, max_segments=1)
        queue.arrive(download, MIB)
        queue.hub.store.update({"engine.speed_limit_bytes_per_second": 200 * KIB})
        wait(lambda: rate(queue, download, seconds=0.5) < 500 * KIB, "it slows down", 5)
        assert queue.state(download) is State.DOWNLOADING
        queue.hub.store.update({"engine.speed_limit_bytes_per_second": 0})
        queue.finish(download)

    def test_means_no_more_connections(self, queue: Queue, faulty: FaultyServer) -> None:
        queue.hub.store.update({"engine.speed_limit_bytes_per_second": 4 * MIB})
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=8 * MIB)
        queue.finish(queue.add(file.url))
        assert len(file.requests) == 1

    @pytest.mark.environ(
        KINOSHELF_ENGINE_SPEED_SCHEDULE='[{"start": "00:00", "end": "00:00", "limit_bytes_per_second": 200000}]'
    )
    def test_of_the_hour_is_kept(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = queue.add(file.url)
        queue.arrive(download, 50_000)
        assert 0.6 * 200_000 < rate(queue, download) < 1.6 * 200_000


class TestSpeedShown:
    def test_is_that_of_the_last_seconds(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=MIB, stall_after=2 * MIB)
        download = queue.add(file.url, max_segments=1)
        queue.arrive(download, MIB)
        live = queue.live(download)
        assert 0.5 * MIB < live.speed_bytes_per_second < 1.6 * MIB
        assert 2 <= live.eta_seconds <= 10
        assert (live.size_bytes, live.connections) == (len(CONTENT), 1)
