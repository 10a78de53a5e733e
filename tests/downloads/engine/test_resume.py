"""What breaks off is resumed, and never with the bytes of another file."""

from __future__ import annotations

import pytest

from kinoshelf.downloads import control
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.simulators.faulty import FaultyServer, File
from tests.simulators.nginx import pseudo_random

OLD = pseudo_random(1_000_000, seed=1)
NEW = pseudo_random(1_000_000, seed=2)
HALF = 500_000

pytestmark = pytest.mark.databases("sqlite")


@both
class TestBrokenOff:
    @pytest.mark.parametrize(
        ("how", "category"),
        [
            ({"drop_after": HALF, "bytes_per_second": 4_000_000}, "connection_broken"),
            ({"truncate_after": HALF}, "connection_broken"),
            ({"stall_after": HALF}, "stalled"),
        ],
    )
    def test_continues_where_it_ended(self, queue: Queue, faulty: FaultyServer, how, category) -> None:
        file = faulty.add("film.mkv", OLD)
        file.next(**how)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == [category]
        first, second = file.requests
        assert (first.range, second.headers["if-range"]) == (None, file.etag())
        # A reset throws away what was not read yet.
        spare = HALF if "drop_after" in how else HALF / 4
        assert file.sent_bytes < len(OLD) + spare, "it began anew"

    def test_of_unknown_length_never_passes_for_whole(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD, framing="chunked")
        file.next(truncate_after=HALF, times=2).next(drop_after=HALF)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == ["connection_broken"] * 3

    def test_again_and_again_still_arrives(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD)
        file.next(truncate_after=150_000, times=8)
        queue.finish(queue.add(file.url))
        assert queue.files == {"film.mkv": file.sha256}
        assert file.sent_bytes < 2 * len(OLD)


class TestLyingLength:
    def test_that_promises_more_than_comes_is_given_up(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
        file = faulty.add("film.mkv", OLD, length_lie=1000, ranges="ignore")
        row = queue.fail(queue.add(file.url))
        assert row.error_category == "connection_broken"
        assert "film.mkv" not in queue.files

    def test_that_promises_less_ends_where_it_says(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD, length_lie=-1000)
        path = queue.finish(queue.add(file.url))
        assert path.read_bytes() == OLD[:-1000]

    def test_of_a_part_is_fetched_anew(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD)
        file.next(truncate_after=HALF).next(ranges="other-total")
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == ["connection_broken", "file_changed"]


class TestRangesRefused:
    @pytest.mark.parametrize("validators", [{}, {"etag": "none", "last_modified": False}])
    @pytest.mark.parametrize("ranges", ["ignore", "refuse", "shifted", "without-content-range"])
    def test_begins_anew_and_never_mixes(self, queue: Queue, faulty: FaultyServer, ranges, validators) -> None:
        file = faulty.add("film.mkv", OLD, ranges=ranges, **validators)
        file.next(truncate_after=HALF)
        queue.finish(queue.add(file.url))
        assert queue.files == {"film.mkv": file.sha256}

    def test_by_a_host_that_gives_a_piece_at_a_time_is_asked_for_the_rest(self, queue: Queue, faulty) -> None:
        file = faulty.add("film.mkv", OLD, most_range_bytes=200_000)
        file.next(truncate_after=HALF)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == ["connection_broken"]


VALIDATORS = [
    {},
    {"etag": "weak"},
    {"etag": "none"},
    {"last_modified": False},
    {"etag": "weak", "last_modified": False},
    {"etag": "none", "last_modified": False},
]


def changes_with_second_request(file: File, content: bytes, *, is_told: bool = True) -> None:
    def change() -> None:
        if len(file.requests) == 2:
            file.change(content)
            file.version -= not is_told

    file.on_request = change


class TestChangedFile:
    """The host has another file under the same link when the download is resumed."""

    @pytest.mark.parametrize("ranges", ["honour", "despite-if-range"])
    @pytest.mark.parametrize("validators", VALIDATORS)
    def test_begins_anew(self, queue: Queue, faulty: FaultyServer, validators, ranges) -> None:
        files = {}
        for size in (len(OLD), len(OLD) - 300_000, HALF - 100_000, len(OLD) + 300_000):
            file = faulty.add(f"{size}.mkv", OLD, ranges=ranges, **validators)
            file.next(truncate_after=HALF)
            changes_with_second_request(file, (NEW * 2)[:size])
            files[queue.add(file.url)] = file
        for download in files:
            queue.finish(download)
        assert queue.files == {file.path: file.sha256 for file in files.values()}

    def test_that_keeps_its_date_is_found_by_comparing_the_last_bytes(self, queue: Queue, faulty) -> None:
        file = faulty.add("film.mkv", OLD, etag="none")
        file.next(truncate_after=HALF)
        changes_with_second_request(file, NEW, is_told=False)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == ["connection_broken", "file_changed"]

    def test_every_time_is_given_up_with_words(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
        file = faulty.add("film.mkv", OLD, ranges="despite-if-range", truncate_after=HALF)
        download = queue.add(file.url)

        def turn_over() -> None:
            file.change(OLD if file.content is NEW else NEW)

        file.on_request = turn_over
        row = queue.fail(download)
        assert "changed" in row.error_message
        assert "film.mkv" not in queue.files

    def test_while_paused_for_long_begins_anew(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD, bytes_per_second=1_000_000)
        download = queue.add(file.url)
        queue.arrive(download, 200_000)
        queue.act(control.pause, download)
        assert queue.let_go(download).state == State.PAUSED
        file.change(NEW)
        file.always()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}


class TestNameOfResumed:
    def test_is_the_one_the_first_answer_gave(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("get.php", OLD)
        file.next(disposition='attachment; filename="film.mkv"', truncate_after=HALF)
        queue.finish(queue.add(file.url))
        assert queue.files == {"film.mkv": file.sha256}

    def test_with_an_etag_only_in_the_first_answer_is_still_checked(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", OLD)
        file.next(truncate_after=300_000).next(
            etag="none", last_modified=False, ranges="despite-if-range", truncate_after=300_000
        )
        queue.finish(queue.add(file.url))
        assert file.requests[2].headers["if-range"] == file.etag()
        assert queue.files == {"film.mkv": file.sha256}
