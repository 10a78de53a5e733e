"""The small interface between a download and whatever moves its bytes."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from kinoshelf.downloads.links import host_and_port
from kinoshelf.downloads.retry import Cause


@dataclass(frozen=True, slots=True)
class Request:
    """One GET. `headers` are added to the ones every request has."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    connect_timeout_seconds: int = 20
    user_agent: str = ""
    proxy: str = ""
    verify_tls: bool = True
    ca_file: Path | None = None
    buffer_bytes: int = 0
    """No more than this at a time; 0 = as much as comes."""


@dataclass(slots=True)
class Answer:
    """The head of a response. Header names are lower case; of repeated headers the last counts."""

    status: int
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Sink(Protocol):
    """Takes one response. Called on the transport's own thread; quick, and never blocking."""

    def begin(self, answer: Answer) -> bool:
        """Look at the head; False leaves the body unread."""

    def write(self, chunk: bytes) -> bool | None:
        """Take the next bytes. False ends the transfer; None says «not now»: the same bytes come again after `resume`."""


class TransportFailed(Exception):
    """The bytes stopped coming."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


class Exchange(Protocol):
    """One request on its way."""

    async def done(self) -> bool:
        """Wait for the end; tell whether the body came whole (False: the sink ended it). Raises TransportFailed."""

    def resume(self) -> None:
        """Bring the bytes again that the sink did not take."""

    def abort(self) -> None:
        """End it now; `done` then tells False."""


class AddressRule(Protocol):
    def __call__(self, host: str, port: int, address: str) -> bool:
        """Tell whether a link to `host:port` may connect to `address`."""


class RefusedExchange:
    """A request that is not made."""

    def __init__(self, message: str) -> None:
        self._message = message

    async def done(self) -> bool:
        raise TransportFailed(Cause.BLOCKED, self._message)

    def resume(self) -> None:
        """Nothing waits."""

    def abort(self) -> None:
        """Nothing runs."""


def refused_literal(request: Request, is_allowed: AddressRule) -> str:
    """Say why an address in the link itself may not be asked for through a proxy, which connects for us; else empty.

    A name is the proxy's to look up: which address it finds there cannot be known here.
    """
    if not request.proxy:
        return ""
    host, port = host_and_port(request.url)
    address = _literal_address(host)
    if not address or is_allowed(host, port, address):
        return ""
    return f"{host} is a private address"


def _literal_address(host: str) -> str:
    """Return the address a host spells, in the short and the numeric forms too; empty for a name."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ip_address(host))
    except ValueError:
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            return ""


class Transport(Protocol):
    """Moves bytes. Used from one event loop."""

    name: str

    def start(self, request: Request, sink: Sink) -> Exchange: ...

    async def close(self) -> None: ...
