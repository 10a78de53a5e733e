"""The command line as tests call it: in this process for breadth, as a process of its own for the contract."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kinoshelf.cli.call import run
from kinoshelf.core.database import Database
from tests.factories.downloads import add_download

# What they take on a machine that is busy with many other tests.
COMMAND_SECONDS = 120
START_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on standard output; anything else there fails the test."""
        return json.loads(self.out)


@pytest.fixture
def cli(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command line in this process: `cli("download", "list", "--json", stdin="…")`."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def call(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = run(words)
        return Ended(status, *capsys.readouterr())

    return call


@pytest.fixture
def start_command(environ: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start the real command on the state of this test; it is killed at the end where it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **options: Any) -> subprocess.Popen[str]:
        changes = options.pop("env", {})
        process = subprocess.Popen(
            [sys.executable, "-m", "kinoshelf", *words],
            env={**os.environ, **environ, **changes},
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                **options,
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=COMMAND_SECONDS)


@pytest.fixture
def command(start_command: Callable[..., subprocess.Popen[str]]) -> Callable[..., Ended]:
    """Run the real command as a process of its own and wait for its end."""

    def call(*words: str, stdin: str | None = None, **options: Any) -> Ended:
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = start_command(*words, **options)
        out, err = process.communicate(stdin, timeout=COMMAND_SECONDS)
        return Ended(process.returncode, out, err)

    return call


@pytest.fixture
def serve(start_command: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[subprocess.Popen[str], Any]]:
    """Start a server or a worker; return the process and the document it announces itself with."""

    def serve(*words, **options):
        process = start_command(*(words or ("serve", "--port", "0")), "--json", **options)
        return process, announced(process)

    return serve


def announced(process: subprocess.Popen[str]) -> Any:
    """Read the one document a server prints when it listens."""
    text, give_up = "", time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        ready, _, _ = select.select([process.stdout], [], [], 1)
        if ready:
            piece = os.read(process.stdout.fileno(), 4096).decode()
            text += piece
            try:
                return json.loads(text)
            except ValueError:
                assert piece, f"it ended: {text!r} {process.stderr.read()}"
    raise AssertionError(f"nothing was announced: {text!r}")


@pytest.fixture
def put(database: Database) -> Callable[..., str]:
    """Put a download into the list and return its id."""

    def put(**fields: Any) -> str:
        with database.write() as session:
            return add_download(session, **fields).id

    return put
