"""The transport for machines without a libcurl wheel: urllib3, a thread a transfer.

The threads only read the network. The sink is called on the event loop, as libcurl's transport does, so that nothing
above has to know about threads. Who aborts does not wait for the thread: it may sit in a system call for a while.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import contextlib
import errno
import importlib.metadata
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    InsecureRequestWarning,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Timeout

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
from kinoshelf.downloads.retry import Cause

READ_BYTES = 256 * 1024
MAX_THREADS = 64
# The engine finds stalls itself; this only frees a thread that nobody waits for any more.
READ_TIMEOUT_SECONDS = 300
# A thread that waits for the event loop looks this often whether anybody still wants it.
LOOK_SECONDS = 1.0


class Blocked(HTTPError):
    """The name leads to an address links may not reach."""


class NoRoute(NewConnectionError):
    """The network does not know the way."""


# The first that fits decides; urllib3 counts what was refused and what is unknown among the time-outs.
CAUSES: tuple[tuple[type[Exception], Cause, str], ...] = (
    (NameResolutionError, Cause.DNS, "the name of the host leads nowhere"),
    (NoRoute, Cause.NO_ROUTE, "there is no way to the host"),
    (NewConnectionError, Cause.REFUSED, "the host refused the connection"),
    (ConnectTimeoutError, Cause.TIMEOUT, "the host did not answer in time"),
    (ReadTimeoutError, Cause.STALLED, "no more bytes came"),
    (SSLError, Cause.TLS, ""),
    (ProxyError, Cause.REFUSED, "the proxy does not take the connection"),
    (IncompleteRead, Cause.BROKEN, "the host closed the connection before the end"),
    (ProtocolError, Cause.BROKEN, "the host broke the connection"),
)
_serving = threading.local()
"""`exchange`: the one this thread works for."""


class _Checked:
    """Connects to the address that was checked, not to a name that is looked up again."""

    is_allowed: AddressRule

    def _new_conn(self: Any) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        last: OSError | None = None
        for family, kind, protocol, _name, address in found:
            if not self.is_allowed(self.host, self.port, str(address[0])):
                raise Blocked(f"{self.host} leads to the private address {address[0]}")
            link = socket.socket(family, kind, protocol)
            _serving.exchange.hold(link)
            try:
                link.settimeout(self.timeout)
                link.connect(address)
            except OSError as error:
                link.close()
                last = error
            else:
                return link
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, "the host did not answer in time")
        is_lost = last is not None and last.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
        raise (NoRoute if is_lost else NewConnectionError)(self, str(last)) from last

    def request(self: Any, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            _serving.exchange.hold(self.sock)
        super().request(*arguments, **options)  # type: ignore[misc]


def _pools(is_allowed: AddressRule) -> dict[str, type[HTTPConnectionPool]]:
    rule = staticmethod(is_allowed)
    plain = type("CheckedHTTPConnection", (_Checked, HTTPConnection), {"is_allowed": rule})
    secure = type("CheckedHTTPSConnection", (_Checked, HTTPSConnection), {"is_allowed": rule})
    return {
        "http": type("CheckedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("CheckedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class ThreadTransport:
    """urllib3 behind the same interface as libcurl."""

    name = f"urllib3 {importlib.metadata.version('urllib3')}"

    def __init__(self, is_allowed: AddressRule) -> None:
        self._is_allowed = is_allowed
        self._pools = _pools(is_allowed)
        self._clients: dict[tuple[Any, ...], urllib3.PoolManager] = {}
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="transfer")

    def start(self, request: Request, sink: Sink) -> Exchange:
        refused = refused_literal(request, self._is_allowed)
        if refused:
            return RefusedExchange(refused)
        exchange = ThreadExchange(self._client(request), request, sink)
        self._threads.submit(exchange.work)
        return exchange

    def _client(self, request: Request) -> urllib3.PoolManager:
        key = (request.proxy, request.verify_tls, request.ca_file)
        if key not in self._clients:
            context = ssl.create_default_context(cafile=str(request.ca_file) if request.ca_file else None)
            if not request.verify_tls:
                # The user decided; the library need not complain at each connection.
                urllib3.disable_warnings(InsecureRequestWarning)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            make: Callable[..., urllib3.PoolManager] = urllib3.PoolManager
            if request.proxy:
                client: urllib3.PoolManager = urllib3.ProxyManager(
                    request.proxy, ssl_context=context, maxsize=MAX_THREADS
                )
            else:
                client = make(ssl_context=context, maxsize=MAX_THREADS)
                client.pool_classes_by_scheme = self._pools
            self._clients[key] = client
        return self._clients[key]

    async def close(self) -> None:
        for client in self._clients.values():
            client.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)


class ThreadExchange:
    """One transfer on its thread."""

    def __init__(self, client: urllib3.PoolManager, request: Request, sink: Sink) -> None:
        self._client = client
        self._request = request
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[bool] = self._loop.create_future()
        self._go_on = threading.Event()
        self._is_aborted = False
        self._link: socket.socket | None = None

    # On the event loop.

    async def done(self) -> bool:
        return await self._done

    def resume(self) -> None:
        self._go_on.set()

    def abort(self) -> None:
        self._is_aborted = True
        if not self._done.done():
            self._done.set_result(False)
        self._go_on.set()
        self._wake()

    def _finish(self, *, is_whole: bool, error: BaseException | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(is_whole)
        else:
            self._done.set_exception(error)

    # On the thread.

    def hold(self, link: socket.socket) -> None:
        """Remember what this transfer waits on, so that an abort can wake it."""
        self._link = link
        if self._is_aborted:
            self._wake()

    def _wake(self) -> None:
        link = self._link
        if link is not None:
            with contextlib.suppress(OSError, ValueError):
                # Not the method of a TLS socket, which would take its state from under the thread that reads.
                socket.socket.shutdown(link, socket.SHUT_RDWR)

    def work(self) -> None:
        _serving.exchange = self
        is_whole, error = False, None
        try:
            is_whole = self._run()
        except BaseException as problem:
            error = problem
        finally:
            _serving.exchange = None
        with contextlib.suppress(RuntimeError):
            # The loop may be closed by now; then nobody waits.
            self._loop.call_soon_threadsafe(lambda: self._finish(is_whole=is_whole, error=error))

    def _run(self) -> bool:
        """Fetch. Raises TransportFailed, or what the sink raised."""
        request = self._request
        timeout = Timeout(connect=request.connect_timeout_seconds, read=READ_TIMEOUT_SECONDS)
        try:
            response = self._client.request(
                "GET",
                request.url,
                headers=_headers(request),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            is_whole = False
            try:
                is_whole = self._read(response)
            finally:
                response.release_conn() if is_whole else response.close()
            return is_whole
        except Blocked as error:
            raise TransportFailed(Cause.BLOCKED, str(error)) from error
        except (HTTPError, OSError) as error:
            found = ((cause, words) for kind, cause, words in CAUSES if isinstance(error, kind))
            cause, words = next(found, (Cause.UNKNOWN, ""))
            raise TransportFailed(cause, words or str(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> bool:
        answer = Answer(response.status, response.reason or "", {k.lower(): v for k, v in response.headers.items()})
        if not self._on_loop(self._sink.begin, answer):
            return False
        while not self._is_aborted:
            chunk = response.read1(self._request.buffer_bytes or READ_BYTES, decode_content=False)
            if not chunk:
                return True
            if not self._give(chunk):
                return False
        return False

    def _give(self, chunk: bytes) -> bool:
        while not self._is_aborted:
            self._go_on.clear()
            taken = self._on_loop(self._sink.write, chunk)
            if taken is not None:
                return bool(taken)
            self._go_on.wait()
        return False

    def _on_loop(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """Call the sink on the event loop and wait for its answer; False when nobody wants it any more."""
        found: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def call() -> None:
            if self._is_aborted:
                found.set_result(False)
                return
            try:
                found.set_result(function(argument))
            except BaseException as error:
                found.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return False
        while True:
            try:
                return found.result(LOOK_SECONDS)
            except concurrent.futures.TimeoutError:
                # The loop may have ended without coming to this call.
                if self._loop.is_closed():
                    return False


def _headers(request: Request) -> dict[str, str]:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": request.user_agent}
    parts = urlsplit(request.url)
    if parts.username is not None:
        # urllib3 leaves the name and the password in a link alone.
        pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers | dict(request.headers)
