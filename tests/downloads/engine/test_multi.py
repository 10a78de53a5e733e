"""libcurl's transfers on one loop: many at once, paused, ended in the middle, timed out, closed while they run."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pycurl
import pytest

from kinoshelf.downloads.engine.curl import KEPT_CONNECTIONS, CurlExchange, CurlTransport
from kinoshelf.downloads.engine.transport import Answer, Request, TransportFailed
from kinoshelf.downloads.retry import Cause
from tests.running import wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(300_000, seed=1)
PATIENCE_SECONDS = 20


class Taken:
    """A sink that keeps what comes, and says «not now» when it has so much."""

    def __init__(self, *, pause_at: int | None = None, broken_at: int | None = None) -> None:
        self.content = b""
        self.pauses = 0
        self.pause_at = pause_at
        self._broken_at = broken_at
        self.something = asyncio.Event()
        self.paused = asyncio.Event()

    def begin(self, answer: Answer) -> bool:
        return answer.status == 200

    def write(self, chunk: bytes) -> bool | None:
        if self._broken_at is not None and len(self.content) >= self._broken_at:
            raise ValueError("a defect")
        if self.pause_at is not None and len(self.content) >= self.pause_at:
            self.pauses += 1
            self.paused.set()
            return None
        self.content += chunk
        self.something.set()
        return True


@pytest.fixture
async def transport() -> AsyncIterator[CurlTransport]:
    made = CurlTransport(lambda _host, _port, _address: True)
    async with asyncio.timeout(PATIENCE_SECONDS):
        yield made
    await made.close()


def start(
    transport: CurlTransport, url: str, sink: Taken | None = None, *, patience_seconds: int = 1
) -> tuple[CurlExchange, Taken]:
    sink = sink or Taken()
    # Small pieces: a pause then meets a transfer with more to come.
    request = Request(url, connect_timeout_seconds=patience_seconds, buffer_bytes=16 * 1024)
    exchange = transport.start(request, sink)
    assert isinstance(exchange, CurlExchange)
    return exchange, sink


async def until(condition: Callable[[], bool], words: str) -> None:
    await asyncio.to_thread(wait, condition, words)


class TestManyAtOnce:
    async def test_arrive_each_for_itself(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        """More than connections are kept, some of which break; then all again on what is left open."""
        whole = [faulty.add(f"{number}", pseudo_random(20_000, seed=number)) for number in range(KEPT_CONNECTIONS + 16)]
        broken = [faulty.add(f"broken-{number}", CONTENT, drop_after=1000) for number in range(8)]
        for _round in range(2):
            started = [start(transport, file.url) for file in whole]
            failing = [start(transport, file.url) for file in broken]
            assert await asyncio.gather(*(exchange.done() for exchange, _sink in started)) == [True] * len(whole)
            assert [sink.content for _exchange, sink in started] == [file.content for file in whole]
            failures = await asyncio.gather(*(exchange.done() for exchange, _sink in failing), return_exceptions=True)
            assert [getattr(failure, "cause", failure) for failure in failures] == [Cause.BROKEN] * len(broken)
        assert faulty.connections < 2 * (len(whole) + len(broken)), "no connection was used again"


class TestPause:
    async def test_brings_the_same_bytes_again(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        exchange, sink = start(transport, file.url, Taken(pause_at=50_000))
        await sink.paused.wait()
        beside, other = start(transport, file.url)
        assert await beside.done()
        assert (sink.pauses, other.content) == (1, CONTENT), "it came back without being asked, or held others up"
        exchange.resume()
        exchange.resume()
        await until(lambda: sink.pauses > 1, "it is offered again")
        sink.pause_at = None
        exchange.resume()
        assert await exchange.done()
        assert sink.content == CONTENT

    async def test_ends_with_an_abort(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        exchange, sink = start(transport, faulty.add("film.mkv", CONTENT).url, Taken(pause_at=0))
        await sink.paused.wait()
        exchange.abort()
        exchange.resume()
        assert not await exchange.done()
        await until(lambda: faulty.open_connections == 0, "nothing is open")


class TestAbort:
    async def test_of_one_leaves_the_others(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, stall_after=100_000)
        (exchange, sink), (staying, others) = (start(transport, file.url) for _ in range(2))
        await asyncio.gather(sink.something.wait(), others.something.wait())
        exchange.abort()
        assert not await exchange.done()
        await until(lambda: faulty.open_connections == 1, "one is closed")
        file.release()
        assert await staying.done()
        assert others.content == CONTENT

    async def test_before_anything_was_sent(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        exchange, sink = start(transport, file.url)
        exchange.abort()
        assert not await exchange.done()
        assert sink.content == b""
        # Its handle serves the next one.
        again, whole = start(transport, file.url)
        assert await again.done()
        assert whole.content == CONTENT


class TestDefectOfASink:
    async def test_ends_its_own_transfer_alone(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        exchange, _sink = start(transport, file.url, Taken(broken_at=20_000))
        beside, other = start(transport, file.url)
        with pytest.raises(ValueError, match="a defect"):
            await exchange.done()
        assert await beside.done()
        assert other.content == CONTENT


class TestTimeout:
    @pytest.fixture
    def silent(self) -> Iterator[int]:
        """A port whose queue of callers is full: who connects hears nothing."""
        with ExitStack() as opened, socket.create_server(("127.0.0.1", 0), backlog=0) as server:
            for _ in range(4):
                caller = opened.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(server.getsockname())
            yield server.getsockname()[1]

    async def test_comes_for_who_hears_nothing_while_others_go_on(
        self, transport: CurlTransport, faulty: FaultyServer, silent: int
    ) -> None:
        beside, other = start(transport, faulty.add("film.mkv", CONTENT, bytes_per_second=200_000).url)
        url = f"http://127.0.0.1:{silent}/film.mkv"
        # The alarm set for one that is over comes too early for these.
        over, _sink = start(transport, faulty.add("quick.mkv", CONTENT).url)
        assert await over.done()
        waiting = [start(transport, url, patience_seconds=seconds)[0] for seconds in (1, 2)]
        begin = time.monotonic()
        for exchange, seconds in zip(waiting, (1, 2), strict=True):
            with pytest.raises(TransportFailed) as failure:
                await exchange.done()
            assert failure.value.cause is Cause.TIMEOUT
            assert time.monotonic() - begin > seconds - 0.1
        assert await beside.done()
        assert other.content == CONTENT

    async def test_does_not_come_for_who_has_connected(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        exchange, sink = start(transport, faulty.add("film.mkv", CONTENT, bytes_per_second=200_000).url)
        assert await exchange.done()
        assert sink.content == CONTENT


class TestClose:
    async def test_while_they_run_tells_everybody(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        stalled = [start(transport, faulty.add(f"{number}", CONTENT, stall_after=1000).url) for number in range(3)]
        await asyncio.gather(*(sink.something.wait() for _exchange, sink in stalled))
        paused, held = start(transport, faulty.add("paused", CONTENT).url, Taken(pause_at=0))
        await held.paused.wait()
        fresh, _sink = start(transport, faulty.add("fresh", CONTENT).url)
        exchanges = [*(exchange for exchange, _sink in stalled), paused, fresh]
        await transport.close()
        await transport.close()
        paused.resume()
        ends = await asyncio.gather(*(exchange.done() for exchange in exchanges), return_exceptions=True)
        assert {str(end) for end in ends} == {"the engine has stopped"}
        with pytest.raises(pycurl.error):
            start(transport, f"{faulty.url}/late")
        await until(lambda: faulty.open_connections == 0, "nothing is open")

    async def test_of_what_is_kept_open_closes_it(self, transport: CurlTransport, faulty: FaultyServer) -> None:
        exchange, _sink = start(transport, faulty.add("film.mkv", CONTENT).url)
        assert await exchange.done()
        assert faulty.open_connections == 1
        await transport.close()
        await until(lambda: faulty.open_connections == 0, "nothing is open")
