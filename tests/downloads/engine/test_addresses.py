"""Where links may lead: redirects and addresses, checked at every step."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.downloads.queue import Queue, both
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import Nginx, pseudo_random

CONTENT = pseudo_random(200_000, seed=1)
METADATA = "http://169.254.169.254/latest/meta-data/"

pytestmark = pytest.mark.databases("sqlite")


@both
class TestRedirect:
    def test_is_followed_relative_or_absolute_through_a_chain(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("files/film.mkv", CONTENT)
        for number, (status, target) in enumerate(
            [(301, "/b"), (302, "c?x=1"), (303, "//{host}/d"), (307, "{url}/e"), (308, "files/../files/film.mkv")]
        ):
            faulty.add("abcde"[number], redirect=target.format(host=faulty.host, url=faulty.url), status=status)
        queue.finish(queue.add(f"{faulty.url}/a"))
        assert queue.files == {"film.mkv": file.sha256}

    def test_is_followed_from_the_link_again_when_it_breaks_off(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        file.next(truncate_after=100_000)
        link = faulty.add("get", redirect="/film.mkv")
        queue.finish(queue.add(link.url))
        assert queue.files == {"film.mkv": file.sha256}
        assert [len(link.requests), len(file.requests)] == [2, 2]
        assert file.requests[1].range is not None

    def test_with_letters_that_are_no_ascii_is_followed(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("caf%C3%A9%20film.mkv", CONTENT)
        link = faulty.add("get", redirect="/café film.mkv")
        queue.finish(queue.add(link.url))
        assert queue.files == {"café film.mkv": file.sha256}

    def test_of_nginx_is_followed(self, queue: Queue, nginx: Nginx) -> None:
        served = nginx.add("moved-film.mkv", 100_000)
        queue.finish(queue.add(nginx.url(served.name, "moved")))
        assert queue.files == {"moved-film.mkv": served.sha256}

    def test_from_https_to_http_is_followed(self, make_queue, nginx: Nginx, faulty: FaultyServer, tmp_path) -> None:
        file = faulty.add("film.mkv", CONTENT)
        with FaultyServer(tls_folder=tmp_path) as secure:
            link = secure.add("get", redirect=file.url)
            queue = make_queue(KINOSHELF_ENGINE_CA_FILE=str(secure.ca_file))
            queue.finish(queue.add(link.url))
        assert queue.files == {"film.mkv": file.sha256}

    @pytest.mark.parametrize(
        ("target", "category", "words"),
        [
            ("/get", "redirect", "more than 10 times"),
            ("file:///etc/passwd", "redirect", "cannot be fetched"),
            ("ftp://example.org/film.mkv", "redirect", "cannot be fetched"),
            ("javascript:alert(1)", "redirect", "cannot be fetched"),
            ("http://[::1", "redirect", "no link"),
            ("http://exa mple.org/", "redirect", "cannot be fetched"),
            ("", "redirect", "without saying where"),
            (METADATA, "address_blocked", "169.254.169.254"),
            ("http://localhost:1/film.mkv", "address_blocked", "private"),
            ("http://[::1]:1/film.mkv", "address_blocked", "private"),
            ("http://[::ffff:10.0.0.1]:1/film.mkv", "address_blocked", "private"),
            ("http://2130706433:1/film.mkv", "address_blocked", "private"),
            ("http://0x7f.1:1/film.mkv", "address_blocked", "private"),
            ("http://0:1/film.mkv", "address_blocked", "private"),
            ("http://10.0.0.1/film.mkv", "address_blocked", "private"),
        ],
    )
    def test_that_leads_nowhere_or_where_it_may_not_ends(
        self, queue: Queue, faulty: FaultyServer, target: str, category: str, words: str
    ) -> None:
        link = faulty.add("get", redirect=target)
        row = queue.fail(queue.add(link.url))
        assert (row.error_category, row.retry_count) == (category, 0)
        assert words in row.error_message
        assert queue.files == {}


@both
class TestPrivateAddress:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
            "100.64.0.1",
            "0.0.0.0",
            "2130706433",
            "0177.0.0.1",
        ],
    )
    def test_is_refused(self, make_queue, host: str) -> None:
        queue = make_queue(KINOSHELF_ALLOW_PRIVATE_HOSTS="")
        row = queue.fail(queue.add(f"http://{host}:1/film.mkv"))
        assert (row.error_category, row.retry_count) == ("address_blocked", 0)
        assert "KINOSHELF_ALLOW_PRIVATE_HOSTS" in row.error_message

    @pytest.mark.parametrize(
        ("allowed", "is_allowed"),
        [
            ("{host}", True),
            ("{host}:{port}", True),
            ("{host}:1", False),
            ("10.0.0.0/8", False),
            ("127.0.0.0/8", True),
            ("localhost", False),
            ("10.1.1.1,{host}", True),
        ],
    )
    def test_is_allowed_where_it_is_listed(self, make_queue, faulty, allowed: str, is_allowed: bool) -> None:
        file = faulty.add("film.mkv", CONTENT)
        allowed = allowed.format(host="127.0.0.1", port=faulty.port)
        queue = make_queue(KINOSHELF_ALLOW_PRIVATE_HOSTS=allowed)
        download = queue.add(file.url)
        if is_allowed:
            queue.finish(download)
        else:
            assert queue.fail(download).error_category == "address_blocked"
            assert faulty.connections == 0

    def test_that_a_name_leads_to_is_refused_unless_the_name_is_listed(self, make_queue, faulty) -> None:
        file = faulty.add("film.mkv", CONTENT)
        url = file.url.replace("127.0.0.1", "localhost")
        queue = make_queue(KINOSHELF_ALLOW_PRIVATE_HOSTS="127.0.0.1")
        row = queue.fail(queue.add(url))
        assert row.error_category == "address_blocked"
        assert "localhost leads to the private address" in row.error_message
        assert faulty.connections == 0
        queue.hub.close()
        trusting = make_queue(KINOSHELF_ALLOW_PRIVATE_HOSTS="localhost")
        trusting.finish(trusting.add(url))

    def test_follows_the_setting_while_running(self, make_queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        queue = make_queue(KINOSHELF_ALLOW_PRIVATE_HOSTS="")
        queue.fail(queue.add(file.url))
        queue.hub.store.update({"allow_private_hosts": ["127.0.0.1"]})
        queue.finish(queue.add(file.url))


class TestNameThatChangesItsMind:
    @both
    def test_is_judged_by_the_address_that_is_connected_to(self, make_queue, faulty, monkeypatch) -> None:
        """What a look-up said a moment ago counts for nothing: the address of the connection is what is checked."""
        file = faulty.add("film.mkv", CONTENT)
        genuine = socket.getaddrinfo
        answers = iter([("93.184.216.34", faulty.port)])

        def first_public_then_private(host, *arguments, **options):
            if host == "localhost":
                address = next(answers, ("127.0.0.1", faulty.port))
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]
            return genuine(host, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", first_public_then_private)
        assert socket.getaddrinfo("localhost", 1)[0][4][0] == "93.184.216.34"
        queue = make_queue()
        row = queue.fail(queue.add(file.url.replace("127.0.0.1", "localhost")))
        assert row.error_category == "address_blocked"
        assert faulty.connections == 0


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy for CONNECT and for absolute links; the list names what it was asked for."""
    asked: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        method, target = head.decode().split(" ")[:2]
        asked.append(f"{method} {target}")
        host, _, port = target.removeprefix("http://").partition("/")[0].partition(":")
        with client, socket.create_connection((host, int(port or 80))) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\nContent-Length: 3\r\nX-Proxy: yes\r\n\r\n")
            else:
                path = "/" + target.removeprefix("http://").partition("/")[2]
                server.sendall(head.replace(target.encode(), path.encode(), 1))
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    def accept() -> None:
        while True:
            try:
                client, _address = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@both
class TestProxy:
    def test_is_asked_for_plain_and_for_secure_links(self, make_queue, faulty: FaultyServer, tmp_path) -> None:
        plain = faulty.add("plain.mkv", CONTENT)
        with FaultyServer(tls_folder=tmp_path) as secure, proxy() as (address, asked):
            file = secure.add("secure.mkv", CONTENT)
            queue = make_queue(KINOSHELF_ENGINE_PROXY=address, KINOSHELF_ENGINE_CA_FILE=str(secure.ca_file))
            for one in [queue.add(plain.url), queue.add(file.url)]:
                queue.finish(one)
            assert queue.row(one).size_bytes == len(CONTENT)
            assert queue.files == {"plain.mkv": plain.sha256, "secure.mkv": file.sha256}
            assert sorted(asked) == [f"CONNECT {secure.host}", f"GET {plain.url}"]

    @pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "[::1]", "2130706433"])
    def test_is_not_asked_for_private_addresses(self, make_queue, host: str) -> None:
        with proxy() as (address, asked):
            queue = make_queue(KINOSHELF_ENGINE_PROXY=address)
            assert queue.fail(queue.add(f"http://{host}/film.mkv")).error_category == "address_blocked"
            assert asked == []
