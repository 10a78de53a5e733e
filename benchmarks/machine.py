"""The machine that is measured: its cores, its load, its programs, and room for files that are removed at the end."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from kinoshelf.core.database import file_system_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MEMORY_DISK = Path("/dev/shm")
FOLDER_PREFIX = "kinoshelf-bench-"
# Above this, others take from the cores that are measured.
QUIET_LOAD = 0.7
WARM_FACTOR = 4
POLICY = Path("/usr/sbin/policy-rc.d")
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class Unavailable(Exception):
    """Something cannot be measured here, for a reason in words."""


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


# Cores.


@dataclass(frozen=True)
class Cores:
    """Which cores serve, which measure. None leaves it to the system."""

    server: frozenset[int] | None = None
    client: frozenset[int] | None = None
    driver: frozenset[int] | None = None

    @classmethod
    def chosen(cls, *, is_pinned: bool) -> Cores:
        """Give server and client a core each; this program sits with the server, or on a third core."""
        if not is_pinned or not hasattr(os, "sched_setaffinity"):
            return cls()
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) < 2:
            say("there is one core only: servers and clients share it, and the figures say little")
            return cls()
        third = mine[2] if len(mine) > 2 else mine[0]
        return cls(frozenset({mine[0]}), frozenset({mine[1]}), frozenset({third}))


def pin_myself(cores: frozenset[int] | None) -> None:
    if cores:
        os.sched_setaffinity(0, cores)


# Load.


def load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else -1.0


def warn_of_load() -> None:
    if load() > QUIET_LOAD:
        say(f"THE MACHINE IS BUSY (load {load()}): the figures of this run are worth little")


def described() -> dict[str, Any]:
    """Say where and when, for the results."""
    memory = psutil.virtual_memory()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": load(),
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(memory.total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _cpu_name() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


# Room.


@contextmanager
def room(where: Path | None = None, *, needed_bytes: int = 0) -> Iterator[Path]:
    """Lend a folder in memory, or in `where`, and remove it at the end; also what killed runs have left."""
    above = where or (MEMORY_DISK if MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK) else None)
    above = above or Path(tempfile.gettempdir())
    _remove_what_was_left(above)
    free = shutil.disk_usage(above).free
    if above == MEMORY_DISK:
        free = min(free, psutil.virtual_memory().available - 2**30)
    if free < needed_bytes:
        raise Unavailable(
            f"{above} has {free / 2**30:.1f} GiB to spare, this needs {needed_bytes / 2**30:.1f}: "
            "choose smaller sizes or another folder with --target"
        )
    folder = above / f"{FOLDER_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_what_was_left(above: Path) -> None:
    for folder in above.glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX)
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def on_disk() -> Path:
    """Return a folder on a real disk for databases: where nothing is ever written to a disk, nothing can be counted."""
    for folder in (Path(tempfile.gettempdir()), RESULTS, Path.home()):
        folder.mkdir(parents=True, exist_ok=True)
        if file_system_of(folder.resolve()) not in {"tmpfs", "ramfs"}:
            return folder
    return RESULTS


def warm_memory(folder: Path, size_bytes: int) -> None:
    """Fill and empty some times as much of a folder in memory as is about to be written.

    A virtual machine gives memory that lies idle back to its host within a second and then gets it page by page, at a
    tenth of the speed: whoever comes after a pause would pay for it. It hands out other pages than the last it took.
    """
    path = folder / "warm-memory"
    block = bytes(2**20)
    size_bytes *= WARM_FACTOR
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(-(-size_bytes // len(block))):
                file.write(block)
    finally:
        path.unlink(missing_ok=True)


# Programs.


def program(name: str, package: str) -> Path | None:
    """Find a program, or bring it with apt; say loudly when it cannot be had."""
    found = _find(name)
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {package}")
        with _no_services_started():
            for words in (("update",), ("install", "--yes", "--no-install-recommends", package)):
                subprocess.run(
                    ["apt-get", "-qq", *words],
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    check=False,
                )
        found = _find(name)
    if found is None:
        say(f"{name.upper()} IS NOT HERE and could not be installed (Debian package: {package})")
    return found


def _find(name: str) -> Path | None:
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS)))
    return Path(found) if found else None


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Keep Debian from starting a web server of its own."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()


def version_of(words: list[str]) -> str:
    """Return the first line a program says of itself."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return next(iter((done.stdout or done.stderr).splitlines()), "")


# Results.


def write_results(name: str, content: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    path = RESULTS / f"{name}-{stamp}.json"
    path.write_text(json.dumps({**content, "load_after": load()}, indent=1), encoding="utf-8")
    say(f"written to {path.relative_to(ROOT)}")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Render a Markdown table a person can read as it is: the first column to the left, figures to the right."""
    widths = [max(len(row[number]) for row in (head, *rows)) for number in range(len(head))]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(f"{'-' * (width + 1)}{':' if number else '-'}" for number, width in enumerate(widths))
    return "\n".join([line(head), f"|{rule}|", *(line(row) for row in rows)])
