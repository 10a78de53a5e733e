"""The transport on libcurl's multi interface: no thread a transfer, no Python between socket and sink but one call."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pycurl

from kinoshelf.downloads.engine.multi import Multi
from kinoshelf.downloads.engine.transport import (
    AddressRule,
    Answer,
    Exchange,
    RefusedExchange,
    Request,
    Sink,
    TransportFailed,
    refused_literal,
)
from kinoshelf.downloads.links import host_and_port
from kinoshelf.downloads.retry import Cause

BUFFER_BYTES = 512 * 1024
KEPT_CONNECTIONS = 64
KEPT_HANDLES = 64

CAUSES: dict[int, Cause] = {
    pycurl.E_COULDNT_RESOLVE_HOST: Cause.DNS,
    pycurl.E_COULDNT_RESOLVE_PROXY: Cause.DNS,
    pycurl.E_COULDNT_CONNECT: Cause.REFUSED,
    pycurl.E_OPERATION_TIMEDOUT: Cause.TIMEOUT,
    pycurl.E_PARTIAL_FILE: Cause.BROKEN,
    pycurl.E_GOT_NOTHING: Cause.BROKEN,
    pycurl.E_RECV_ERROR: Cause.BROKEN,
    pycurl.E_SEND_ERROR: Cause.BROKEN,
    # CURLE_WEIRD_SERVER_REPLY, which pycurl does not name.
    8: Cause.BROKEN,
    pycurl.E_BAD_CONTENT_ENCODING: Cause.BROKEN,
    pycurl.E_SSL_CONNECT_ERROR: Cause.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: Cause.TLS,
    pycurl.E_SSL_CACERT_BADFILE: Cause.TLS,
    pycurl.E_SSL_CERTPROBLEM: Cause.TLS,
    pycurl.E_URL_MALFORMAT: Cause.REJECTED,
    pycurl.E_UNSUPPORTED_PROTOCOL: Cause.REJECTED,
}
# The schemes of links are checked before: what is left of this error is an answer that is not HTTP.
WORDS = {pycurl.E_UNSUPPORTED_PROTOCOL: "the host does not speak HTTP"}
# What a proxy answers to CONNECT is not the head of the file. pycurl does not name this option.
SUPPRESS_CONNECT_HEADERS = 265
# The empty line that ends a head.
ENDS = frozenset({b"\r\n", b"\n"})
LONGEST_END = 2
NO_ROUTE_WORDS = ("no route", "unreachable", "network is down")


class CurlTransport:
    """libcurl on the running event loop."""

    name = f"libcurl {pycurl.version_info()[1]}"

    def __init__(self, is_allowed: AddressRule) -> None:
        self._is_allowed = is_allowed
        self.multi = Multi(KEPT_CONNECTIONS)
        self._idle: list[Any] = []

    def start(self, request: Request, sink: Sink) -> Exchange:
        refused = refused_literal(request, self._is_allowed)
        if refused:
            return RefusedExchange(refused)
        handle = self._idle.pop() if self._idle else pycurl.Curl()
        return CurlExchange(self, handle, request, sink)

    def give_back(self, handle: Any) -> None:
        """Take back a handle whose transfer has ended, or is to end now."""
        self.multi.remove(handle)
        if len(self._idle) < KEPT_HANDLES:
            handle.reset()
            self._idle.append(handle)
        else:
            handle.close()

    def is_allowed(self, host: str, port: int, address: str) -> bool:
        return self._is_allowed(host, port, address)

    async def close(self) -> None:
        self.multi.close()
        for handle in self._idle:
            handle.close()
        self._idle.clear()


class _Lent:
    """A socket for libcurl, which copies the descriptor: this one is closed as soon as nobody holds it."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened

    def fileno(self) -> int:
        return self._opened.fileno()

    def __del__(self) -> None:
        self._opened.close()


class CurlExchange:
    """One transfer. The head is complete before the first byte of the body, so the sink can refuse the body."""

    def __init__(self, transport: CurlTransport, handle: Any, request: Request, sink: Sink) -> None:
        self._transport = transport
        self._handle = handle
        self._sink = sink
        self._write = sink.write
        self._answer = Answer(0)
        self._lines: list[bytes] = []
        self._is_begun = False
        self._was_stopped = False
        self._is_paused = False
        self._problem: BaseException | None = None
        self._blocked = ""
        self._request = request
        self._future: asyncio.Future[pycurl.error | None] = asyncio.get_running_loop().create_future()
        self._prepare(request)
        transport.multi.add(handle, self._on_end)

    def _prepare(self, request: Request) -> None:
        handle = self._handle
        handle.setopt(pycurl.URL, request.url)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.BUFFERSIZE, min(request.buffer_bytes, BUFFER_BYTES) or BUFFER_BYTES)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.CONNECTTIMEOUT, request.connect_timeout_seconds)
        handle.setopt(pycurl.TCP_KEEPALIVE, 1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.USERAGENT, request.user_agent)
        # The environment's proxies are not the user's setting.
        handle.setopt(pycurl.PROXY, request.proxy)
        handle.setopt(pycurl.NOPROXY, "")
        handle.setopt(SUPPRESS_CONNECT_HEADERS, 1)
        headers = [f"{name}: {value}" for name, value in request.headers]
        handle.setopt(pycurl.HTTPHEADER, ["Accept: */*", "Accept-Encoding: identity", *headers])
        if not request.verify_tls:
            handle.setopt(pycurl.SSL_VERIFYPEER, 0)
            handle.setopt(pycurl.SSL_VERIFYHOST, 0)
        elif request.ca_file is not None:
            handle.setopt(pycurl.CAINFO, str(request.ca_file))
        handle.setopt(pycurl.HEADERFUNCTION, self._on_header)
        handle.setopt(pycurl.WRITEFUNCTION, self._on_body)
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._on_connect)

    def _on_connect(self, _purpose: int, target: Any) -> Any:
        """Open the socket to the very address that was checked, so that a name cannot change its mind between."""
        family, kind, protocol, address = target
        if not self._request.proxy:
            host, port = host_and_port(self._request.url)
            if not self._transport.is_allowed(host, port, str(address[0])):
                self._blocked = str(address[0])
                return pycurl.SOCKET_BAD
        return _Lent(socket.socket(family, kind, protocol))

    def _on_header(self, line: bytes) -> int | None:
        if len(line) > LONGEST_END or line not in ENDS:
            self._lines.append(line)
            return None
        lines, self._lines = self._lines, []
        if self._is_begun:
            # Trailers of a chunked body.
            return None
        self._answer = read_head(lines)
        return self._on_head()

    def _on_head(self) -> int | None:
        if self._answer.status < 200:
            return None
        self._is_begun = True
        try:
            if self._sink.begin(self._answer):
                return None
        except Exception as error:
            self._problem = error
        self._was_stopped = True
        return -1

    def _on_body(self, chunk: bytes) -> int | None:
        try:
            taken = self._write(chunk)
        except Exception as error:
            self._problem = error
            return -1
        if taken:
            return None
        if taken is None:
            self._is_paused = True
            return int(pycurl.WRITEFUNC_PAUSE)
        self._was_stopped = True
        return -1

    def _on_end(self, error: pycurl.error | None) -> None:
        if not self._future.done():
            self._future.set_result(error)

    async def done(self) -> bool:
        try:
            error = await self._future
        finally:
            self._transport.give_back(self._handle)
        if self._problem is not None:
            raise self._problem
        if self._was_stopped:
            return False
        if error is not None:
            raise self._failed(error)
        return True

    def _failed(self, error: pycurl.error) -> TransportFailed:
        code = int(error.args[0])
        text = str(error.args[1]) if len(error.args) > 1 else ""
        if self._blocked and code == pycurl.E_COULDNT_CONNECT:
            host, _port = host_and_port(self._request.url)
            return TransportFailed(Cause.BLOCKED, f"{host} leads to the private address {self._blocked}")
        cause = CAUSES.get(code, Cause.UNKNOWN)
        if cause is Cause.REFUSED and any(word in text.lower() for word in NO_ROUTE_WORDS):
            cause = Cause.NO_ROUTE
        return TransportFailed(cause, WORDS.get(code) or text or f"libcurl error {code}")

    def resume(self) -> None:
        if self._is_paused and not self._future.done():
            self._is_paused = False
            with contextlib.suppress(pycurl.error):
                # The transfer may have ended in this very moment; `done` then tells why.
                self._handle.pause(pycurl.PAUSE_CONT)

    def abort(self) -> None:
        self._was_stopped = True
        self._on_end(None)


def read_head(lines: list[bytes]) -> Answer:
    """Read the lines of a head. Of several in a row, as of a proxy and of the host, the last counts."""
    answer = Answer(0)
    for line in b"".join(lines).decode("latin-1").split("\n"):
        if line[:5] == "HTTP/":
            words = line.split(None, 2)
            status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
            answer = Answer(status, words[2].strip() if len(words) > 2 else "")
            continue
        name, separator, value = line.partition(":")
        if separator:
            answer.headers[name.strip().lower()] = value.strip()
    return answer
