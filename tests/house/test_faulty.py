"""The misbehaving server does what it promises; the tests of the engine stand on it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(200_000)


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=5) as client:
        yield client


class TestProperFile:
    def test_serves_it_whole_and_in_parts(self, faulty: FaultyServer, client: httpx2.Client) -> None:
        file = faulty.add("film.mkv", CONTENT)
        assert client.get(file.url).content == CONTENT
        for asked, expected in (("10-19", CONTENT[10:20]), ("199990-", CONTENT[-10:]), ("-5", CONTENT[-5:])):
            answer = client.get(file.url, headers={"Range": f"bytes={asked}", "If-Range": file.etag()})
            assert (answer.status_code, answer.content) == (206, expected)
        assert client.get(file.url, headers={"Range": "bytes=200000-"}).status_code == 416
        assert client.head(file.url).headers["content-length"] == "200000"
        assert [request.status for request in file.requests] == [200, 206, 206, 206, 416, 200]
        assert faulty.connections == 1

    def test_a_changed_file_is_sent_whole_to_if_range(self, faulty: FaultyServer, client: httpx2.Client) -> None:
        file = faulty.add("film.mkv", CONTENT)
        before = (file.etag(), file.last_modified)
        file.change(CONTENT[::-1])
        for condition in before:
            answer = client.get(file.url, headers={"Range": "bytes=10-", "If-Range": condition})
            assert (answer.status_code, answer.content) == (200, CONTENT[::-1])

    def test_tiny_files_by_number(self, faulty: FaultyServer, client: httpx2.Client) -> None:
        content = faulty.add_tiny("tiny", 100)
        assert client.get(f"{faulty.url}/tiny/9999").content == content(9999)
        assert content(1) != content(2)


class TestMisbehaviour:
    def test_a_script_comes_before_the_usual(self, faulty: FaultyServer, client: httpx2.Client) -> None:
        file = faulty.add("a", b"abc", disposition="attachment")
        file.next(status=503, headers={"Retry-After": "7"}, times=2).next(redirect="/b")
        found = [client.get(file.url) for _ in range(4)]
        assert [answer.status_code for answer in found] == [503, 503, 302, 200]
        assert found[0].headers["retry-after"] == "7"
        assert found[3].headers["content-disposition"] == "attachment"

    @pytest.mark.parametrize(
        "behaviour",
        [
            {"drop_before_headers": True},
            {"drop_after": 1000},
            {"truncate_after": 1000},
            {"truncate_after": 1000, "framing": "chunked"},
            {"length_lie": 10},
        ],
        ids=repr,
    )
    def test_broken_answers(self, faulty: FaultyServer, client: httpx2.Client, behaviour: dict[str, object]) -> None:
        file = faulty.add("a", CONTENT, **behaviour)
        with pytest.raises(httpx2.TransportError):
            client.get(file.url)
        assert file.sent_bytes <= len(CONTENT)

    @pytest.mark.parametrize(
        ("behaviour", "status", "size_bytes"),
        [
            ({"ranges": "ignore"}, 200, 200_000),
            ({"ranges": "refuse"}, 416, 0),
            ({"ranges": "shifted"}, 206, 10),
            ({"truncate_after": 5, "framing": "close"}, 206, 5),
            ({"length_lie": -3}, 206, 7),
        ],
        ids=repr,
    )
    def test_wrong_parts(
        self, faulty: FaultyServer, client: httpx2.Client, behaviour: dict[str, object], status: int, size_bytes: int
    ) -> None:
        file = faulty.add("a", CONTENT, **behaviour)
        answer = client.get(file.url, headers={"Range": "bytes=100-109"})
        assert (answer.status_code, len(answer.content)) == (status, size_bytes)

    def test_a_stall_lasts_until_released(self, faulty: FaultyServer) -> None:
        file = faulty.add("a", CONTENT, stall_after=100)
        with httpx2.Client(timeout=0.1) as client, pytest.raises(httpx2.ReadTimeout):
            client.get(file.url)
        assert file.stalled.is_set()
        with httpx2.Client(timeout=5) as client, client.stream("GET", file.url) as answer:
            file.release()
            assert answer.read() == CONTENT

    def test_connections_beyond_the_limit_are_refused(self, faulty: FaultyServer) -> None:
        file = faulty.add("a", CONTENT, stall_after=100)
        faulty.max_connections = 1
        with httpx2.Client(timeout=5) as one, httpx2.Client(timeout=5) as two, one.stream("GET", file.url):
            assert two.get(file.url).status_code == 503
        assert faulty.most_connections == 2

    def test_tls(self, tmp_path: Path) -> None:
        with FaultyServer(tls_folder=tmp_path) as faulty:
            trusting = ssl.create_default_context(cafile=faulty.ca_file)
            assert httpx2.get(faulty.add("a", b"abc").url, verify=trusting).content == b"abc"
