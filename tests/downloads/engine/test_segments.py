"""More connections for one file: where a host limits each of them, and nowhere else."""

from __future__ import annotations

import pytest

from kinoshelf.downloads import control
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.running import wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import Nginx, pseudo_random, sha256

MIB = 1024 * 1024
CONTENT = pseudo_random(12 * MIB, seed=1)
# Of each connection: six seconds for the whole.
RATE = 2 * MIB

pytestmark = pytest.mark.databases("sqlite")


def connections_of(queue: Queue, download_id: str) -> list[int]:
    """Wait for the completed file; return how many connections it had at each look."""
    seen: list[int] = []

    def is_done() -> bool:
        live = queue.live(download_id)
        # Before the first connection and while the finished file is recorded there is none.
        if live is not None and live.connections:
            seen.append(live.connections)
        return queue.state(download_id) is State.COMPLETED

    wait(is_done, "it arrives")
    return seen


class TestHostThatLimitsConnections:
    def test_of_nginx_is_asked_over_several(self, queue: Queue, nginx: Nginx) -> None:
        # Large enough for figures to be shown while all connections run.
        served = nginx.add("segments/limited.mkv", 96 * MIB)
        assert max(connections_of(queue, queue.add(nginx.url(served.name, "limited")))) >= 4
        assert queue.files == {"limited.mkv": served.sha256}

    @both
    def test_each_asks_for_a_part_of_the_same_file(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=RATE)
        download = queue.add(file.url, checksum=f"sha256:{file.sha256}")
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert queue.row(download).is_verified
        assert 4 <= faulty.most_connections <= 16
        first, *others = file.requests
        assert first.range is None
        assert {other.headers["if-range"] for other in others} == {file.etag()}
        assert all(other.range and not other.range.startswith("bytes=0-") for other in others)
        # On a busy machine the extra connections may look useless, and are closed: then the first asks for what the
        # last of them left, to the end of the file.
        assert sum(other.range.endswith("-") for other in others) <= 1

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_SEGMENTS_PER_DOWNLOAD="3")
    def test_is_asked_over_no_more_than_the_user_allows(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=RATE)
        one = faulty.add("one.mkv", CONTENT[: 4 * MIB], bytes_per_second=RATE)
        assert max(connections_of(queue, queue.add(file.url))) == 3
        # One may still be closing while the next opens.
        assert faulty.most_connections <= 4
        queue.finish(queue.add(one.url, max_segments=1))
        assert len(one.requests) == 1

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_CONNECTIONS_PER_HOST="5")
    def test_is_asked_over_no_more_than_it_may_have(self, queue: Queue, faulty: FaultyServer) -> None:
        files = [faulty.add(f"{number}.mkv", CONTENT[: 6 * MIB], bytes_per_second=RATE) for number in range(3)]
        for one in [queue.add(file.url) for file in files]:
            queue.finish(one)
        assert faulty.most_connections <= 6
        assert queue.files == {file.path: file.sha256 for file in files}

    def test_is_remembered_for_the_next_file(self, queue: Queue, faulty: FaultyServer) -> None:
        first, second = (faulty.add(f"{number}.mkv", CONTENT, bytes_per_second=RATE) for number in range(2))
        queue.finish(queue.add(first.url))
        queue.finish(queue.add(second.url))
        assert len(second.requests) > 4

    def test_goes_on_after_a_pause_from_all_the_parts(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, bytes_per_second=RATE)
        download = queue.add(file.url)
        wait(lambda: (live := queue.live(download)) is not None and live.connections > 3, "it is split")
        queue.arrive(download, 4 * MIB)
        queue.act(control.pause, download)
        row = queue.let_go(download)
        before = len(file.requests)
        file.hurry()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        after = file.requests[before:]
        assert all(request.range is not None for request in after)
        assert sum(request.sent_bytes for request in after) < len(CONTENT) - row.downloaded_bytes + 2 * MIB


class TestHostThatDoesNot:
    def test_is_asked_over_one(self, queue: Queue, nginx: Nginx) -> None:
        served = nginx.add("segments/free.mkv", 24 * MIB)
        assert set(connections_of(queue, queue.add(nginx.url(served.name)))) <= {1}
        assert queue.files == {"free.mkv": served.sha256}

    def test_but_is_slow_itself_is_left_alone_soon(self, queue: Queue, faulty: FaultyServer) -> None:
        """The line is the limit: extra connections bring nothing and are closed again."""
        file = faulty.add("film.mkv", CONTENT, shared_bytes_per_second=6 * MIB)
        seen = connections_of(queue, queue.add(file.url))
        assert len(file.requests) > 1, "it was not tried"
        assert seen[-1] == 1, "it was not given up"
        assert queue.files == {"film.mkv": file.sha256}
        again = faulty.add("again.mkv", CONTENT[: 4 * MIB], shared_bytes_per_second=6 * MIB)
        queue.finish(queue.add(again.url))
        assert len(again.requests) == 1


class TestSmallFile:
    def test_is_never_split(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT[: 2 * MIB - 1], bytes_per_second=RATE)
        queue.finish(queue.add(file.url))
        assert len(file.requests) == 1


class TestWithoutRangesOrValidator:
    @pytest.mark.parametrize(
        "behaviour",
        [{"ranges": "ignore"}, {"etag": "none", "last_modified": False}, {"framing": "chunked"}],
    )
    def test_a_file_is_never_split(self, queue: Queue, faulty: FaultyServer, behaviour) -> None:
        file = faulty.add("film.mkv", CONTENT[: 4 * MIB], bytes_per_second=4 * MIB, **behaviour)
        queue.finish(queue.add(file.url))
        assert [request.range for request in file.requests] == [None]
        assert queue.files == {"film.mkv": file.sha256}


class TestHostThatRefusesMore:
    @pytest.mark.parametrize("limit", [1, 2])
    def test_still_gives_the_file(self, queue: Queue, faulty: FaultyServer, limit: int) -> None:
        faulty.max_connections = limit
        file = faulty.add("film.mkv", CONTENT[: 6 * MIB], bytes_per_second=RATE)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert queue.errors(download) == []
        refused = len([request for request in file.requests if request.status == 503])
        assert 0 < refused <= 8, "it was not asked, or asked again and again"

    @pytest.mark.parametrize(
        "refusal",
        [
            {"status": 429},
            {"status": 403},
            {"ranges": "refuse"},
            {"ranges": "ignore"},
            {"ranges": "shifted"},
            {"ranges": "without-content-range"},
            {"drop_before_headers": True},
            {"truncate_after": 100_000},
        ],
    )
    def test_of_parts_still_gives_the_file(self, queue: Queue, faulty: FaultyServer, refusal) -> None:
        file = faulty.add("film.mkv", CONTENT[: 5 * MIB], bytes_per_second=RATE)

        def refuse_parts() -> None:
            if file.requests[-1].range is not None:
                file.next(**refusal)

        file.on_request = refuse_parts
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert len(file.requests) < 20


class TestFileThatChanges:
    @pytest.mark.parametrize("ranges", ["honour", "despite-if-range"])
    @pytest.mark.parametrize("after", [2, 4, 6])
    def test_while_its_parts_arrive_is_never_mixed(self, queue: Queue, faulty, ranges: str, after: int) -> None:
        old, new = CONTENT[: 6 * MIB], pseudo_random(6 * MIB, seed=2)
        file = faulty.add("film.mkv", old, bytes_per_second=RATE, ranges=ranges)

        def change() -> None:
            if len(file.requests) == after:
                file.change(new)
                file.hurry()

        file.on_request = change
        queue.finish(queue.add(file.url))
        assert queue.files["film.mkv"] in {sha256(new), sha256(old)}
