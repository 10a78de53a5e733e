"""Those who download in the engine benchmark: the hub, and its peers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pycurl

from benchmarks.hub import Hub, download, environment
from benchmarks.machine import RESULTS, Cores, Unavailable, program, say, version_of, warm_memory
from benchmarks.processes import cpu_seconds, peak_bytes, run
from kinoshelf import __version__

PYLOAD_ENVIRONMENT = RESULTS / "pyload"
PYLOAD_FETCH = Path(__file__).with_name("pyload_fetch.py")
INSTALL_SECONDS = 600
# What the hub still does after the last file is told belongs to its bill.
AFTERWORK_SECONDS = 0.3


@dataclass(frozen=True)
class Order:
    """What to fetch: links and the names they get in `target`. `home` is for logs and lists."""

    files: Sequence[tuple[str, str]]
    parallel: int
    segments: int
    """Connections a file, for those who have to be told; 0 = as the client pleases, 1 in practice."""
    target: Path
    home: Path
    ca_file: Path
    warm_url: str
    cores: Cores
    give_up_seconds: float
    size_bytes: int

    def warm_memory(self) -> None:
        """To be called last before the clock starts."""
        warm_memory(self.target, self.size_bytes)


@dataclass
class Outcome:
    """What it took. `seconds` as docs/benchmarks.md says for each client."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    notes: dict[str, Any] = field(default_factory=dict)


class Client(Protocol):
    name: str
    version: str

    def fetch(self, order: Order) -> Outcome: ...


class Kinoshelf:
    """The whole product: server, database, live socket. Each run has a server of its own, started before the clock."""

    name = "Kinoshelf"

    def __init__(self, *, is_warm: bool = True) -> None:
        self.version = f"{__version__} ({pycurl.version.split()[1]})"
        self._is_warm = is_warm

    def fetch(self, order: Order) -> Outcome:
        changes = {"KINOSHELF_DOWNLOAD_DIR": str(order.target), "KINOSHELF_ENGINE_CA_FILE": str(order.ca_file)}
        if order.parallel > 1:
            changes["KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS"] = str(order.parallel)
        home = order.home / "kinoshelf"
        shutil.rmtree(home, ignore_errors=True)
        try:
            with Hub(environment(home, **changes), home / "hub.log", order.cores.client) as hub:
                if self._is_warm:
                    # A hub lives for weeks: its first download ever is not the one that counts.
                    download(hub, [order.warm_url], order.give_up_seconds)
                order.warm_memory()
                before = cpu_seconds(hub.pid)
                told = download(hub, [url for url, _name in order.files], order.give_up_seconds)
                time.sleep(AFTERWORK_SECONDS)
                used = cpu_seconds(hub.pid) - before
                peak = peak_bytes(hub.pid)
        finally:
            shutil.rmtree(home, ignore_errors=True)
        notes = {
            "request_seconds": round(told.request_seconds, 4),
            "first_completed_seconds": round(told.first_completed_seconds, 4),
            "is_from_socket": told.is_from_socket,
            "frames": dict(told.frames),
            "frame_bytes": told.frame_bytes,
        }
        return Outcome(told.seconds, used, peak, notes)


class Curl:
    def __init__(self) -> None:
        self._program = _needed("curl", "curl")
        self.name = "curl"
        self.version = " ".join(version_of([str(self._program), "--version"]).split()[1:2])

    def fetch(self, order: Order) -> Outcome:
        words: list[str | Path] = [self._program, "--disable", "--silent", "--show-error", "--fail"]
        words += ["--cacert", order.ca_file]
        if len(order.files) == 1:
            ((url, name),) = order.files
            words += ["--output", order.target / name, url]
        else:
            listed = order.home / "curl.list"
            lines = [f'url = "{url}"\noutput = "{order.target / name}"\n' for url, name in order.files]
            listed.write_text("".join(lines), encoding="utf-8")
            words += ["--parallel", "--parallel-max", str(order.parallel), "--config", listed]
        return _ran(words, order)


class Aria2:
    def __init__(self, segments: int = 0) -> None:
        self._program = _needed("aria2c", "aria2")
        self._segments = segments
        self.name = f"aria2c -x{segments}" if segments else "aria2c"
        self.version = " ".join(version_of([str(self._program), "--version"]).split()[2:3])

    def fetch(self, order: Order) -> Outcome:
        listed = order.home / "aria2.list"
        listed.write_text("".join(f"{url}\n  out={name}\n" for url, name in order.files), encoding="utf-8")
        segments = self._segments or order.segments or 1
        words: list[str | Path] = [
            self._program,
            "--no-conf=true",
            "--quiet=true",
            # Files in memory need no room made for them; this is its quickest.
            "--file-allocation=none",
            "--min-split-size=1M",
            f"--max-connection-per-server={segments}",
            f"--split={segments}",
            f"--max-concurrent-downloads={order.parallel}",
            f"--ca-certificate={order.ca_file}",
            f"--dir={order.target}",
            f"--input-file={listed}",
        ]
        return _ran(words, order)


class PyLoad:
    """pyLoad's engine in an environment of its own."""

    name = "pyLoad"

    def __init__(self) -> None:
        self._python = PYLOAD_ENVIRONMENT / "bin" / "python"
        if not self._python.exists():
            self._install()
        self.version = self._ask("import importlib.metadata as m; print(m.version('pyload-ng'))")
        if not self.version:
            raise Unavailable(f"pyLoad was not installed properly: remove {PYLOAD_ENVIRONMENT} and try again")

    def _install(self) -> None:
        say("installing pyLoad into an environment of its own")
        PYLOAD_ENVIRONMENT.parent.mkdir(parents=True, exist_ok=True)
        beside = PYLOAD_ENVIRONMENT.with_name(f"pyload-{os.getpid()}")
        log = RESULTS / "pyload-install.log"
        try:
            with log.open("wb") as file:
                base = getattr(sys, "_base_executable", sys.executable)
                for words in (
                    [base, "-m", "venv", beside],
                    [beside / "bin/python", "-m", "pip", "install", "--quiet", "--pre", "pyload-ng"],
                ):
                    subprocess.run(
                        [str(word) for word in words], stdout=file, stderr=file, timeout=INSTALL_SECONDS, check=True
                    )
            # Only its interpreter is called, which finds its packages where it lies.
            beside.rename(PYLOAD_ENVIRONMENT)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise Unavailable(f"pyLoad could not be installed ({log} tells why)") from error

    def _ask(self, text: str) -> str:
        return subprocess.run([self._python, "-c", text], capture_output=True, text=True, check=False).stdout.strip()

    def fetch(self, order: Order) -> Outcome:
        listed = order.home / "pyload.json"
        content = {
            "files": [(url, str(order.target / name)) for url, name in order.files],
            "parallel": order.parallel,
            "chunks": order.segments or 1,
        }
        listed.write_text(json.dumps(content), encoding="utf-8")
        outcome = _ran([self._python, PYLOAD_FETCH, listed], order)
        outcome.notes["process_seconds"] = round(outcome.seconds, 4)
        # Loading its modules is not its engine's doing.
        outcome.seconds = json.loads(outcome.notes.pop("output").strip().splitlines()[-1])["seconds"]
        return outcome


def _needed(name: str, package: str) -> Path:
    found = program(name, package)
    if found is None:
        raise Unavailable(f"{name} is left out")
    return found


def _ran(words: Sequence[str | Path], order: Order) -> Outcome:
    order.warm_memory()
    done = run(words, order.cores.client, order.home / "client.log", order.give_up_seconds)
    if done.status:
        raise Unavailable(f"{words[0]} ended with {done.status}: {done.output[-500:]}")
    return Outcome(done.seconds, done.cpu_seconds, done.peak_bytes, {"output": done.output} if done.output else {})
