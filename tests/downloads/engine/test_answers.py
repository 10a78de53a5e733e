"""What hosts answer, and what becomes of the download then: real sockets, real files."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(600_000, seed=1)

pytestmark = pytest.mark.databases("sqlite")


@both
class TestWholeFile:
    @pytest.mark.parametrize("size_bytes", [0, 1, 3_000_000])
    def test_arrives(self, queue: Queue, faulty: FaultyServer, size_bytes: int) -> None:
        file = faulty.add("film.mkv", pseudo_random(size_bytes))
        download = queue.add(file.url)
        path = queue.finish(download)
        row = queue.row(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert (path.name, row.size_bytes, row.downloaded_bytes) == ("film.mkv", size_bytes, size_bytes)
        assert (row.part_path, row.claimed_by, row.error_message) == (None, None, None)
        assert row.created_at <= row.started_at <= row.completed_at
        assert [request.range for request in file.requests] == [None]

    @pytest.mark.parametrize("framing", ["chunked", "close"])
    def test_of_unknown_length_arrives(self, queue: Queue, faulty: FaultyServer, framing: str) -> None:
        file = faulty.add("film.mkv", CONTENT, framing=framing)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert queue.row(download).size_bytes == len(CONTENT)

    def test_in_many_tiny_pieces_arrives(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT[:300_000], framing="chunked", piece_bytes=40)
        queue.finish(queue.add(file.url), seconds=30)
        assert queue.files == {"film.mkv": file.sha256}

    def test_of_nginx_arrives_over_tls(self, make_queue, nginx) -> None:
        served = nginx.add("answers/film.mkv", 3_000_000)
        queue = make_queue(KINOSHELF_ENGINE_CA_FILE=str(nginx.ca_file))
        queue.finish(queue.add(nginx.url(served.name, https=True)))
        assert queue.files == {"film.mkv": served.sha256}

    def test_asked_for_with_name_and_password_arrives(self, queue: Queue, nginx) -> None:
        served = nginx.add("answers/private.mkv", 100_000)
        url = nginx.url(served.name, "private").replace("http://", "http://anna:open%20sesame@")
        queue.finish(queue.add(url))
        assert queue.files == {"private.mkv": served.sha256}


STATUSES = [
    # status, headers, requests in all, category, words
    (400, {}, 1, "rejected", "the host answered 400"),
    (401, {}, 1, "account", "account"),
    (402, {}, 1, "account", "account"),
    (403, {}, 4, "link_expired", "may have expired"),
    (404, {}, 4, "link_expired", "may have expired"),
    (408, {}, 11, "request_timeout", "408"),
    (410, {}, 4, "link_expired", "may have expired"),
    (416, {}, 4, "ranges_refused", "416"),
    (429, {}, 11, "rate_limited", "slow down"),
    (451, {}, 1, "not_available", "not offered any more"),
    (500, {}, 9, "server_error", "a problem of its own"),
    (503, {"Retry-After": "0"}, 9, "server_error", "503 Service Unavailable"),
    (999, {}, 9, "server_error", "999"),
    (204, {}, 1, "rejected", "204"),
    (300, {}, 1, "rejected", "300"),
]


class TestStatus:
    @pytest.mark.environ(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0", KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="20")
    def test_decides_how_often_is_tried_and_what_a_person_reads(self, queue: Queue, faulty: FaultyServer) -> None:
        added = {}
        for status, headers, *expected in STATUSES:
            file = faulty.add(f"{status}.mkv", CONTENT, status=status, headers=headers)
            added[status] = (file, queue.add(file.url), expected)
        for status, (file, download, (requests, category, words)) in added.items():
            row = queue.fail(download, seconds=30)
            history = queue.errors(download)
            assert len(file.requests) == requests, status
            assert row.error_category == category
            assert words in row.error_message
            assert row.retry_count == requests - 1
            assert [one for one, _words in history] == [category] * requests
            assert row.completed_at is not None
            assert row.wait_until is None
        assert queue.files == {}

    @pytest.mark.parametrize("status", [408, 429, 503])
    def test_with_retry_after_waits_as_asked(self, make_queue, faulty: FaultyServer, status: int) -> None:
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="1")
        at = datetime.now(UTC) + timedelta(seconds=500)
        by_seconds = faulty.add("a.mkv", CONTENT, status=status, headers={"Retry-After": "300"})
        by_date = faulty.add("b.mkv", CONTENT, status=status, headers={"Retry-After": format_datetime(at, usegmt=True)})
        too_long = faulty.add("c.mkv", CONTENT, status=status, headers={"Retry-After": "99999999"})
        nonsense = faulty.add("d.mkv", CONTENT, status=status, headers={"Retry-After": "\u00b2"})
        rule = {408: 5, 429: 30, 503: 10}[status]
        for file, seconds in ((by_seconds, 300), (by_date, 500), (too_long, 3600), (nonsense, rule)):
            row = queue.reach(queue.add(file.url), State.WAITING)
            assert row.wait_until is not None
            wait = (row.wait_until - datetime.now(UTC)).total_seconds()
            assert seconds - 10 < wait <= seconds
            assert row.retry_count == 1

    def test_that_passes_leaves_a_finished_file_and_its_history(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        file.next(status=503).next(status=429).next(status=404).next(status=503)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == [
            "server_error",
            "rate_limited",
            "link_expired",
            "server_error",
        ]
        row = queue.row(download)
        assert (row.retry_count, row.error_message, row.error_category) == (4, None, None)

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_RETRIES="2", KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
    def test_is_tried_no_more_often_than_the_user_allows(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, status=503)
        queue.fail(queue.add(file.url))
        assert len(file.requests) == 3

    def test_that_failed_is_tried_again_when_the_user_says_so(self, queue: Queue, faulty: FaultyServer) -> None:
        from kinoshelf.downloads import control

        file = faulty.add("film.mkv", CONTENT)
        file.next(status=400)
        download = queue.add(file.url)
        queue.fail(download)
        queue.act(control.retry, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}


@both
class TestConnection:
    def test_reset_before_the_answer_is_tried_again(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        file.next(drop_before_headers=True, times=2)
        download = queue.add(file.url)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [one for one, _words in queue.errors(download)] == ["connection_broken"] * 2

    def test_refused_is_told(self, make_queue, faulty: FaultyServer) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
        row = queue.fail(queue.add(f"http://127.0.0.1:{port}/film.mkv"))
        assert (row.error_category, row.retry_count) == ("connection_refused", 5)
        assert "does not take connections" in row.error_message

    def test_to_a_name_nobody_knows_is_told(self, make_queue) -> None:
        queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
        row = queue.fail(queue.add("http://nobody.invalid/film.mkv"))
        assert (row.error_category, row.retry_count) == ("dns", 5)
        assert "the host name is not known" in row.error_message

    def test_to_a_host_that_never_answers_counts_as_stalled(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        file.next(stall_before_headers=True)
        download = queue.add(file.url)
        queue.finish(download)
        assert [one for one, _words in queue.errors(download)] == ["stalled"]

    def test_with_an_unknown_certificate_is_refused(self, make_queue, tmp_path) -> None:
        with FaultyServer(tls_folder=tmp_path) as secure:
            file = secure.add("film.mkv", CONTENT)
            strict = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
            row = strict.fail(strict.add(file.url))
            assert (row.error_category, row.retry_count) == ("tls", 3)
            assert "certificate" in row.error_message
            assert file.requests == []
            strict.hub.close()
            trusting = make_queue(KINOSHELF_ENGINE_CA_FILE=str(secure.ca_file))
            trusting.finish(trusting.add(file.url))
            trusting.hub.close()
            careless = make_queue(KINOSHELF_ENGINE_VERIFY_TLS="false")
            again = secure.add("other.mkv", CONTENT)
            careless.finish(careless.add(again.url))
        assert careless.files == {"film.mkv": file.sha256, "other.mkv": file.sha256}

    def test_that_speaks_no_http_is_told(self, make_queue) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def babble() -> None:
                for _ in range(11):
                    try:
                        connection, _address = listening.accept()
                    except OSError:
                        return
                    with connection:
                        connection.recv(1000)
                        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")

            threading.Thread(target=babble, daemon=True).start()
            queue = make_queue(KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0")
            row = queue.fail(queue.add(f"http://127.0.0.1:{listening.getsockname()[1]}/film.mkv"))
        assert row.error_category in {"rejected", "connection_broken"}
        assert row.error_message
        assert queue.files == {}
