"""An HTTP server that misbehaves as told, on raw sockets and a thread of its own.

    with FaultyServer() as faulty:
        file = faulty.add("film.mkv", pseudo_random(1_000_000))
        file.next(status=503, headers={"Retry-After": "1"}, times=2)    # the next two requests
        file.next(drop_after=300_000)                                   # the one after them
        file.always(etag="weak")                                        # all that follow
        download(file.url)
        assert [request.status for request in file.requests] == [503, 503, 200, 206]

A file without instructions is served as the standard asks: ranges, If-Range, a strong ETag, Last-Modified, keep-alive.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import gzip
import hashlib
import re
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import trustme

PIECE_BYTES = 64 * 1024
FIRST_MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REASONS = {200: "OK", 206: "Partial Content", 302: "Found", 416: "Range Not Satisfiable", 503: "Service Unavailable"}

Ranges = Literal["honour", "ignore", "refuse", "shifted", "other-total", "without-content-range", "despite-if-range"]


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How one request is answered. Byte counts are those of the body, from the start of this answer."""

    status: int | None = None
    """Answer this status with a short text instead of the file."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers; they replace those the server would send."""
    redirect: str | None = None
    """Location, as it is sent: relative, absolute, or something nobody may follow. 302 unless `status` is given."""
    credentials: tuple[str, str] | None = None
    """401 unless the request carries them (Basic)."""

    ranges: Ranges = "honour"
    """ignore: 200 to a Range · refuse: 416 · shifted: 206 with other bytes than asked, and saying so · other-total: a
    total that is not the length · without-content-range · despite-if-range: 206 although If-Range does not match."""
    most_range_bytes: int | None = None
    """A 206 brings no more than this, whatever was asked for, and says so."""
    etag: Literal["strong", "weak", "none"] = "strong"
    last_modified: bool = True
    disposition: str | None = None
    content_type: str = "application/octet-stream"
    gzip: bool = False
    """Content-Encoding: gzip, whether it was asked for or not."""
    digest: Literal["Repr-Digest", "Digest", "Content-MD5"] | None = None
    digest_is_wrong: bool = False

    framing: Literal["length", "chunked", "close"] = "length"
    length_lie: int = 0
    """Added to Content-Length: positive promises bytes that never come, negative sends more than promised."""
    drop_before_headers: bool = False
    drop_after: int | None = None
    """Reset the connection (RST) after so many bytes."""
    truncate_after: int | None = None
    """Close the connection, politely, after so many bytes."""
    stall_before_headers: bool = False
    stall_after: int | None = None
    """Send nothing more after so many bytes, until `release` or the end of the server."""
    bytes_per_second: int | None = None
    """Limit of each connection."""
    shared_bytes_per_second: int | None = None
    """Limit of all connections to this file together."""
    piece_bytes: int | None = None
    """How much is written at a time, and stands in one chunk."""


@dataclass
class Request:
    """One request as it arrived, and what became of it."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    connection: int
    status: int = 0
    sent_bytes: int = 0
    """Of the body, as handed to the system."""

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class File:
    """One path of the server. What it does may be changed while it is being fetched."""

    def __init__(self, server: FaultyServer, path: str, content: bytes) -> None:
        self._server = server
        self._script: deque[Behaviour] = deque()
        self._usual = Behaviour()
        self._released = asyncio.Event()
        self._line_ends_at = 0.0
        self.path = path
        self.content = content
        self.version = 1
        self.on_request: Callable[[], object] = lambda: None
        """Called before each request is answered, on the thread of the server."""
        self.stalled = threading.Event()
        """Set when an answer has stopped as `stall_…` asks."""

    @property
    def url(self) -> str:
        return f"{self._server.url}/{self.path}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def requests(self) -> list[Request]:
        return [request for request in self._server.requests if request.path == f"/{self.path}"]

    @property
    def sent_bytes(self) -> int:
        return sum(request.sent_bytes for request in self.requests)

    @property
    def last_modified(self) -> str:
        return format_datetime(FIRST_MODIFIED + timedelta(days=self.version), usegmt=True)

    def etag(self, kind: str = "strong") -> str:
        return f'{"W/" if kind == "weak" else ""}"version-{self.version}"'

    def always(self, **behaviour: Any) -> Self:
        """Answer like this whenever the script is empty."""
        self._usual = Behaviour(**behaviour)
        return self

    def next(self, *, times: int = 1, **behaviour: Any) -> Self:
        """Append to the script: the next so many requests differ from the usual answer in this."""
        self._script.extend([dataclasses.replace(self._usual, **behaviour)] * times)
        return self

    def hurry(self) -> Self:
        """Limit no connection any more, and forget the script."""
        self._script.clear()
        self._usual = dataclasses.replace(self._usual, bytes_per_second=None)
        return self

    def change(self, content: bytes) -> None:
        """Put another file in its place: new ETag, Last-Modified and length."""
        self.content, self.version = content, self.version + 1

    def release(self) -> None:
        """Let stalled answers go on, and stall no more."""
        self._server.call(self._released.set)

    @property
    def is_released(self) -> bool:
        return self._released.is_set()

    def behaviour(self) -> Behaviour:
        """Take the next step of the script."""
        self.on_request()
        return self._script.popleft() if self._script else self._usual

    def turn(self, seconds: float) -> float:
        """Take the next place in the line of those who share a limit; return how long to wait for it."""
        now = asyncio.get_running_loop().time()
        # Who wakes late may catch up, else a lone connection would never have all of it.
        self._line_ends_at = max(self._line_ends_at, now - 0.2) + seconds
        return self._line_ends_at - now

    async def stall(self) -> None:
        self.stalled.set()
        await self._released.wait()


class FaultyServer:
    """Listens on 127.0.0.1 on a free port; with `tls`, under a certificate of `ca_file`."""

    def __init__(self, *, tls_folder: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        """Accepted so far."""
        self.open_connections = 0
        self.most_connections = 0
        """Most that were open at the same time."""
        self.max_connections: int | None = None
        """More at the same time are answered 503 and closed."""
        self.ca_file = tls_folder / "ca.pem" if tls_folder else None
        self._tls = self._certificate(tls_folder) if tls_folder else None
        self._files: dict[str, File] = {}
        self._patterns: list[tuple[re.Pattern[str], Callable[[int], bytes]]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="faulty")
        self._started = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """Return host:port, as allow_private_hosts wants it."""
        return f"127.0.0.1:{self.port}"

    def add(self, path: str, content: bytes = b"", **behaviour: Any) -> File:
        """Serve `content` under /path, which is compared as it arrives: percent-encoded."""
        found = self._files[f"/{path}"] = File(self, path, content)
        return found.always(**behaviour)

    def add_tiny(self, folder: str, size_bytes: int = 256) -> Callable[[int], bytes]:
        """Serve /folder/<any number> with bytes made from the number; return what makes them."""

        def content(number: int) -> bytes:
            block = hashlib.sha256(f"{folder}/{number}".encode()).digest()
            return (block * (size_bytes // len(block) + 1))[:size_bytes]

        self._patterns.append((re.compile(rf"/{re.escape(folder)}/(\d+)"), content))
        return content

    def call(self, work: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(work)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the faulty server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call(self._ended.set)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            await Connection(self, self.connections, reader, writer).talk()
        except (OSError, EOFError, asyncio.CancelledError):
            # The client went away, or the test is over: both are everyday life here.
            writer.transport.abort()
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.close()

    def find(self, path: str) -> File | None:
        found = self._files.get(path)
        if found is None:
            for pattern, content in self._patterns:
                match = pattern.fullmatch(path)
                if match:
                    return File(self, path[1:], content(int(match[1])))
        return found

    @staticmethod
    def _certificate(folder: Path) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context


class _Cut(Exception):
    """The answer ends here, and the connection with it."""


class Connection:
    """One connection: requests one after the other until somebody has enough."""

    def __init__(
        self, server: FaultyServer, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._number, self._reader, self._writer = server, number, reader, writer

    async def talk(self) -> None:
        while True:
            request = await self._read()
            limit = self._server.max_connections
            try:
                if limit is not None and self._server.open_connections > limit:
                    await self._answer_status(request, 503, {"Connection": "close"})
                    return
                await self._answer(request)
            except _Cut:
                return
            if request.headers.get("connection", "").lower() == "close":
                return

    async def _read(self) -> Request:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        await self._reader.readexactly(int(headers.get("content-length") or 0))
        request = Request(method, target.partition("?")[0], headers, self._number)
        self._server.requests.append(request)
        return request

    async def _answer(self, request: Request) -> None:
        file = self._server.find(request.path)
        if file is None:
            await self._answer_status(request, 404, {})
            return
        how = file.behaviour()
        if how.stall_before_headers:
            await self._stall(file)
        if how.drop_before_headers:
            self._reset()
        if how.credentials and request.headers.get("authorization") != _basic(*how.credentials):
            await self._answer_status(request, 401, {"WWW-Authenticate": 'Basic realm="private"'})
        elif how.redirect is not None:
            await self._answer_status(request, how.status or 302, {"Location": how.redirect, **how.headers})
        elif how.status is not None:
            await self._answer_status(request, how.status, dict(how.headers))
        else:
            await self._answer_file(request, file, how)

    async def _answer_status(self, request: Request, status: int, headers: dict[str, str]) -> None:
        body = f"{status}\n".encode()
        head = {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}
        self._write_head(request, status, head)
        if request.method != "HEAD":
            await self._write(request, body)

    async def _answer_file(self, request: Request, file: File, how: Behaviour) -> None:
        # Taken once, so that a change meanwhile meets the next request.
        content, total = file.content, len(file.content)
        headers = {"Content-Type": how.content_type, **_validators(file, how)}
        if how.ranges != "ignore":
            headers["Accept-Ranges"] = "bytes"
        if how.disposition is not None:
            headers["Content-Disposition"] = how.disposition
        if how.digest:
            headers[how.digest] = _digest(content, how)

        status, start, end = 200, 0, total
        wanted = _asked(request, file, how, total)
        if wanted == (0, 0):
            status, content = 416, b""
            headers["Content-Range"] = f"bytes */{total}"
        elif wanted is not None:
            status, (start, end) = 206, wanted
            if how.most_range_bytes is not None:
                end = min(end, start + how.most_range_bytes)
            if how.ranges == "shifted":
                start, end = max(0, start - 1), max(1, end - 1)
            stated = total + 1000 if how.ranges == "other-total" else total
            if how.ranges != "without-content-range":
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{stated}"
        body = content[start:end]
        if how.gzip:
            body = gzip.compress(body, mtime=0)
            headers["Content-Encoding"] = "gzip"
        match how.framing:
            case "length":
                headers["Content-Length"] = str(len(body) + how.length_lie)
            case "chunked":
                headers["Transfer-Encoding"] = "chunked"
            case "close":
                headers["Connection"] = "close"
        self._write_head(request, status, {**headers, **how.headers})
        if request.method == "HEAD":
            await self._writer.drain()
            return
        await self._send_body(request, file, how, body)
        if how.framing == "close" or how.length_lie:
            await self._close()

    async def _send_body(self, request: Request, file: File, how: Behaviour, body: bytes) -> None:
        stops = sorted(
            (at, word)
            for word, at in (("stall", how.stall_after), ("truncate", how.truncate_after), ("drop", how.drop_after))
            if at is not None and at < len(body)
        )
        sent = 0
        for at, word in stops:
            await self._send_paced(request, file, how, body[sent:at])
            sent = at
            match word:
                case "stall":
                    await self._stall(file)
                case "truncate":
                    await self._close()
                case "drop":
                    self._reset()
        await self._send_paced(request, file, how, body[sent:])
        if how.framing == "chunked":
            self._writer.write(b"0\r\n\r\n")
            await self._writer.drain()

    async def _send_paced(self, request: Request, file: File, how: Behaviour, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        begin, rate = loop.time(), how.bytes_per_second
        piece_bytes = how.piece_bytes or (PIECE_BYTES if rate is None else max(1, min(PIECE_BYTES, rate // 20)))
        for start in range(0, len(body), piece_bytes):
            piece = body[start : start + piece_bytes]
            if how.framing == "chunked":
                self._writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                request.sent_bytes += len(piece)
                await self._writer.drain()
            else:
                await self._write(request, piece)
            if how.shared_bytes_per_second is not None:
                await asyncio.sleep(file.turn(len(piece) / how.shared_bytes_per_second))
            if rate is not None:
                due = begin + (start + len(piece)) / rate
                await asyncio.sleep(max(0.0, due - loop.time()))

    def _write_head(self, request: Request, status: int, headers: Mapping[str, str]) -> None:
        request.status = status
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in headers.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))

    async def _write(self, request: Request, piece: bytes) -> None:
        self._writer.write(piece)
        request.sent_bytes += len(piece)
        await self._writer.drain()

    async def _stall(self, file: File) -> None:
        """Wait for the test, or for the client to lose patience."""
        waiting = [asyncio.ensure_future(file.stall()), asyncio.ensure_future(self._reader.read(1))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if not file.is_released:
            raise _Cut

    async def _close(self) -> None:
        await self._writer.drain()
        raise _Cut

    def _reset(self) -> None:
        # With a linger time of zero, closing sends RST instead of FIN.
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise _Cut


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _validators(file: File, how: Behaviour) -> dict[str, str]:
    found = {}
    if how.etag != "none":
        found["ETag"] = file.etag(how.etag)
    if how.last_modified:
        found["Last-Modified"] = file.last_modified
    return found


def _asked(request: Request, file: File, how: Behaviour, total: int) -> tuple[int, int] | None:
    """Return the first and the last byte (exclusive) to send; None for the whole file, (0, 0) for 416."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.range or "")
    if how.ranges == "ignore" or match is None or not (match[1] or match[2]):
        return None
    condition = request.headers.get("if-range")
    # A weak ETag never matches If-Range (RFC 9110, 13.1.5).
    current = {file.last_modified} | ({file.etag()} if how.etag == "strong" else set())
    if condition is not None and condition not in current and how.ranges != "despite-if-range":
        return None
    if how.ranges == "refuse":
        return 0, 0
    if not match[1]:
        start, end = max(0, total - int(match[2])), total
    else:
        start, end = int(match[1]), min(total, int(match[2]) + 1) if match[2] else total
    return (start, end) if start < end else (0, 0)


def _digest(content: bytes, how: Behaviour) -> str:
    hashed = hashlib.md5 if how.digest == "Content-MD5" else hashlib.sha256
    value = base64.b64encode(hashed(content + b"?" if how.digest_is_wrong else content).digest()).decode()
    match how.digest:
        case "Repr-Digest":
            return f"sha-256=:{value}:"
        case "Digest":
            return f"SHA-256={value}"
        case _:
            return value
