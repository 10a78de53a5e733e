"""The small interface between a download and whatever moves its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

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


class Transport(Protocol):
    """Moves bytes. Used from one event loop."""

    name: str

    def start(self, request: Request, sink: Sink) -> Exchange: ...

    async def close(self) -> None: ...
