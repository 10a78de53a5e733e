"""Taking a port, saying so once it really answers, and stopping when asked."""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import uvicorn

from kinoshelf.cli.failures import Exit
from kinoshelf.core.errors import Conflict, InvalidInput, KinoshelfError

BACKLOG = 2048
# Open sockets and long answers get this long to end before they are cut.
GRACE_SECONDS = 3
MOST_MESSAGE_BYTES = 64 * 1024
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def bound_socket(host: str, port: int) -> socket.socket:
    """Take the port without listening yet. Raises InvalidInput or Conflict with a sentence."""
    host = host.strip("[]")
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidInput(f"{host} is not an address of this machine") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            # Where a server ran a moment ago, the next one must not wait for the last connections to be forgotten.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host in {"", "::"} and socket.has_dualstack_ipv6():
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise _refusal(error, host, port) from error
    return listening


def _refusal(error: OSError, host: str, port: int) -> KinoshelfError:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return Conflict(f"{where} is taken by another program, perhaps another Kinoshelf; choose another with --port")
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"{host} is not an address of this machine")
    if error.errno == errno.EACCES:
        return KinoshelfError(f"this user may not listen on port {port}; ports from 1024 on are open to everyone")
    return KinoshelfError(f"cannot listen on {where}: {error.strerror}")


def url_of(listening: socket.socket, base_path: str = "") -> str:
    """Return the address by which a program on this machine reaches the socket."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{base_path}"


class Server(uvicorn.Server):
    """uvicorn that tells when it listens, and leaves the end of the process to its caller."""

    def __init__(self, app: Any, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                # The access rules look at the real peer; whom to believe more is a setting of theirs.
                proxy_headers=False,
                server_header=False,
                ws_per_message_deflate=False,
                # What clients say is a line; uvicorn would take in 16 MiB.
                ws_max_size=MOST_MESSAGE_BYTES,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        # Its steps of starting and stopping are no news; what goes wrong is.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._on_started = on_started
        self.stopped_by: signal.Signals | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal; unlike the original, do not let it end the process before files are tidied."""
        before = {one: signal.signal(one, self.handle_exit) for one in STOP_SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stopped_by = self.stopped_by or signal.Signals(sig)
        super().handle_exit(sig, frame)

    def serve_until_stopped(self, listening: socket.socket) -> Exit:
        """Serve until a signal comes; return how the command ends. Raises KinoshelfError when it cannot start."""
        try:
            listening.listen(BACKLOG)
        except OSError as error:
            host, port = listening.getsockname()[:2]
            raise _refusal(error, host, port) from error
        try:
            self.run(sockets=[listening])
        except SystemExit as error:
            raise KinoshelfError("the server could not start; the log above says why") from error
        return Exit.INTERRUPTED if self.stopped_by is signal.SIGINT else Exit.DONE
