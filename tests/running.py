"""The whole server, on a thread of this process or as a process of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from kinoshelf.app import Hub, create_app
from tests.simulators.processes import die_with_parent

# A start costs about two seconds of processor, which a busy machine does not give at once.
SERVER_SECONDS = 50


def wait(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)


@dataclass(frozen=True)
class Server:
    """The real application on a thread of this process."""

    base_url: str
    hub: Hub

    @property
    def ws_url(self) -> str:
        return self.base_url.replace("http", "ws", 1)


@contextmanager
def served(hub: Hub) -> Iterator[Server]:
    """Serve an open hub on a free port of 127.0.0.1; the application starts it, and closes it at the end."""
    with _bound() as listening:
        running = uvicorn.Server(
            uvicorn.Config(create_app(hub), ws_per_message_deflate=False, log_config=None, timeout_graceful_shutdown=5)
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, name="server")
        thread.start()
        try:
            wait(lambda: running.started or not thread.is_alive(), "the server starts", SERVER_SECONDS)
            assert running.started, "the server ended while starting"
            yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", hub)
        finally:
            running.should_exit = True
            thread.join(timeout=SERVER_SECONDS)
        assert not thread.is_alive(), "the server did not end"


def _bound() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


@dataclass
class ServerProcess:
    """`python -m kinoshelf serve` as a process of its own. It keeps its port and its data when started again."""

    environ: dict[str, str]
    log_file: Path
    arguments: tuple[str, ...] = ("serve",)
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not self.port:
            with _bound() as probe:
                self.port = probe.getsockname()[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> ServerProcess:
        """Start it and wait until /health answers (a worker: until it runs)."""
        assert not self.is_running
        env = {**os.environ, **self.environ, "KINOSHELF_PORT": str(self.port)}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kinoshelf", *self.arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call
            )
        if self.arguments[0] == "serve":
            wait(lambda: not self.is_running or self._is_healthy(), "the server answers /health", SERVER_SECONDS)
        assert self.is_running, f"the process ended:\n{self.log}"
        return self

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=SERVER_SECONDS)

    def stop(self) -> int:
        """End it politely; return its exit status."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.terminate()
        return self.process.wait(timeout=SERVER_SECONDS)

    def restart(self) -> ServerProcess:
        """Kill it and start it again on the same data."""
        self.kill()
        return self.start()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def _is_healthy(self) -> bool:
        # The light client: making a full one twenty times a second would take the time the server needs to start.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
