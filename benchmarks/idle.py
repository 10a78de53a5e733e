"""A hub that has nothing to do: its memory, its CPU, what it writes, how often it wakes; and how long it takes to start."""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

from benchmarks.hub import Hub, environment
from benchmarks.machine import (
    ROOT,
    Cores,
    described,
    load,
    on_disk,
    pin_myself,
    room,
    say,
    table,
    warn_of_load,
    write_results,
)
from benchmarks.processes import cpu_seconds, memory_bytes, movements, peak_bytes
from kinoshelf.core.database import file_system_of

MIB = 2**20
LOOK_SECONDS = 0.1
AIMS = {"memory (MiB)": 120.0, "CPU (%)": 0.5, "disk writes a minute": 1.0, "second start to /health (s)": 2.0}


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kinoshelf bench idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long it is watched (60)")
    parser.add_argument("--settle", type=float, default=5, help="seconds it gets to come to rest before (5)")
    parser.add_argument("--starts", type=int, default=5, help="starts after the first one; the median counts (5)")
    parser.add_argument("--no-pin", action="store_true", help="let the system choose the cores")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    chosen = options(words)
    warn_of_load()
    cores = Cores.chosen(is_pinned=not chosen.no_pin)
    machine = described()
    with ExitStack() as stack:
        home = stack.enter_context(room(on_disk()))
        pin_myself(cores.driver)
        say(f"{chosen.starts + 1} starts")
        first, later = _starts(home, chosen.starts, cores)
        say(f"{chosen.seconds:g} s of rest")
        found = {"first start to /health (s)": first, "second start to /health (s)": statistics.median(later)}
        found |= _rest(home, chosen.seconds, chosen.settle, cores)
        kind = file_system_of(home.resolve())
    rows = [[name, f"{figure:,.2f}", *_judged(name, figure)] for name, figure in found.items()]
    print(table(["idle hub", "figure", "aim", "met"], rows))
    content = {"machine": machine, "options": vars(chosen), "file_system": kind, "starts": later, "figures": found}
    write_results("idle", content)
    return 0


def _judged(name: str, figure: float) -> list[str]:
    if name not in AIMS:
        return ["", ""]
    return [f"≤ {AIMS[name]:g}", "yes" if figure <= AIMS[name] else "NO"]


def _starts(home: Path, number: int, cores: Cores) -> tuple[float, list[float]]:
    """Return the seconds of the first start, which makes the database, and of the following ones."""
    seconds = []
    for one in range(number + 1):
        with Hub(environment(home), home / "hub.log", cores.client, [ROOT / "kinoshelf", "run"]) as hub:
            hub.wait_for("/health")
            seconds.append(time.perf_counter() - hub.begun_at)
        say(f"  {one + 1} {seconds[-1]:.2f} s (load {load()})")
    return seconds[0], seconds[1:] or seconds


def _rest(home: Path, seconds: float, settle_seconds: float, cores: Cores) -> dict[str, float]:
    with Hub(environment(home), home / "hub.log", cores.client, [ROOT / "kinoshelf", "run"]) as hub:
        hub.wait_for("/health")
        time.sleep(settle_seconds)
        with CommitWatch(home / "hub" / "kinoshelf.db") as commits, WriteWatch(hub.pid) as writes:
            used, before, begin = cpu_seconds(hub.pid), movements(hub.pid), time.perf_counter()
            time.sleep(seconds)
            span = time.perf_counter() - begin
            after, used = movements(hub.pid), cpu_seconds(hub.pid) - used
        return {
            "memory (MiB)": memory_bytes(hub.pid) / MIB,
            "peak memory (MiB)": peak_bytes(hub.pid) / MIB,
            "CPU (%)": used / span * 100,
            "disk writes a minute": writes.number * 60 / span,
            "bytes written a minute": (after.written_bytes - before.written_bytes) * 60 / span,
            "write transactions a minute": commits.number * 60 / span,
            "write calls a minute": (after.write_calls - before.write_calls) * 60 / span,
            "wake-ups a second": (after.wakeups - before.wakeups) / span,
        }


class Watch:
    """Counts something on a thread, ten times a second."""

    def __init__(self) -> None:
        self.number = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def _follow(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()


class CommitWatch(Watch):
    """Counts the moments at which somebody else had committed to a SQLite database."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def _follow(self) -> None:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            seen = None
            while not self._is_over.wait(LOOK_SECONDS):
                found = connection.execute("PRAGMA data_version").fetchone()[0]
                self.number += seen is not None and found != seen
                seen = found


class WriteWatch(Watch):
    """Counts the moments at which a process had sent something towards a disk."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid = pid

    def _follow(self) -> None:
        seen = movements(self._pid).written_bytes
        while not self._is_over.wait(LOOK_SECONDS):
            found = movements(self._pid).written_bytes
            self.number += found != seen
            seen = found
