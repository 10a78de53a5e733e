"""The transport for machines without a libcurl wheel: urllib3, a thread a transfer.

The threads only read the network. The sink is called on the event loop, as libcurl's transport does, so that nothing
above has to know about threads.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Timeout

from kinoshelf.downloads.engine.transport import AddressRule, Answer, Request, Sink, TransportFailed
from kinoshelf.downloads.retry import Cause

READ_BYTES = 256 * 1024
MAX_THREADS = 64
# The engine finds stalls itself; this only frees a thread that nobody waits for any more.
READ_TIMEOUT_SECONDS = 300
CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (NameResolutionError, Cause.DNS),
    (ConnectTimeoutError, Cause.TIMEOUT),
    (ReadTimeoutError, Cause.STALLED),
    (SSLError, Cause.TLS),
    (NewConnectionError, Cause.REFUSED),
    (IncompleteRead, Cause.BROKEN),
    (ProtocolError, Cause.BROKEN),
)


class Blocked(HTTPError):
    """The name leads to an address links may not reach."""


class _Checked:
    """Connects to the address that was checked, not to a name that is looked up again."""

    is_allowed: AddressRule

    def _new_conn(self: Any) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        last: OSError | None = None
        for family, kind, protocol, _name, address in found:
            if not self.is_allowed(self.host, self.port, str(address[0])):
                raise Blocked(f"{self.host} leads to the private address {address[0]}")
            link = socket.socket(family, kind, protocol)
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
        raise NewConnectionError(self, str(last)) from last


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
        self._pools = _pools(is_allowed)
        self._clients: dict[tuple[Any, ...], urllib3.PoolManager] = {}
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="transfer")

    def start(self, request: Request, sink: Sink) -> ThreadExchange:
        exchange = ThreadExchange(self._client(request), request, sink)
        exchange.future = asyncio.get_running_loop().run_in_executor(self._threads, exchange.run)
        return exchange

    def _client(self, request: Request) -> urllib3.PoolManager:
        key = (request.proxy, request.verify_tls, request.ca_file)
        if key not in self._clients:
            context = ssl.create_default_context(cafile=str(request.ca_file) if request.ca_file else None)
            if not request.verify_tls:
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

    future: asyncio.Future[bool]

    def __init__(self, client: urllib3.PoolManager, request: Request, sink: Sink) -> None:
        self._client = client
        self._request = request
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._go_on = threading.Event()
        self._is_aborted = False
        self._response: urllib3.BaseHTTPResponse | None = None

    async def done(self) -> bool:
        return await self.future

    def resume(self) -> None:
        self._go_on.set()

    def abort(self) -> None:
        self._is_aborted = True
        self._go_on.set()
        response = self._response
        if response is not None:
            # Wakes a thread that waits for bytes.
            response.close()

    def run(self) -> bool:
        """Read on the thread; called by the executor. Raises TransportFailed, or what the sink raised."""
        request = self._request
        headers = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": request.user_agent,
            **dict(request.headers),
        }
        timeout = Timeout(connect=request.connect_timeout_seconds, read=READ_TIMEOUT_SECONDS)
        try:
            response = self._client.request(
                "GET",
                request.url,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            self._response = response
            try:
                return self._read(response)
            finally:
                response.release_conn() if not self._is_aborted else response.close()
        except Blocked as error:
            raise TransportFailed(Cause.BLOCKED, str(error)) from error
        except HTTPError as error:
            if self._is_aborted:
                return False
            cause = next((cause for kind, cause in CAUSES if isinstance(error, kind)), Cause.UNKNOWN)
            raise TransportFailed(cause, str(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> bool:
        found = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status, response.reason or "", found)
        if self._is_aborted or not self._on_loop(self._sink.begin, answer):
            self._is_aborted = True
            return False
        while not self._is_aborted:
            chunk = response.read(READ_BYTES, decode_content=False)
            if not chunk:
                return True
            if not self._give(chunk):
                self._is_aborted = True
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
        async def call() -> Any:
            return function(argument)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()
