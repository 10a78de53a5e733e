"""Starting programs on given cores, and what they use: seconds, CPU, memory."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.01
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def prepare_child(cores: frozenset[int] | None) -> Callable[[], None]:
    """Return what a child does before its program: die with this one, stay on its cores."""

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cores:
            os.sched_setaffinity(0, cores)

    return prepare


def spawn(words: Sequence[str | Path], cores: frozenset[int] | None, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(word) for word in words],
        preexec_fn=prepare_child(cores),  # noqa: PLW1509 -- two system calls
        **{"stdin": subprocess.DEVNULL, **options},
    )


def end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Run:
    """A program that has ended. CPU is user and system of it and of its children."""

    status: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(words: Sequence[str | Path], cores: frozenset[int] | None, log: Path, give_up_seconds: float) -> Run:
    """Run a program to its end; its output goes to `log`."""
    with log.open("w+b") as file:
        begin = time.perf_counter()
        process = spawn(words, cores, stdout=file, stderr=file)
        peak = PeakWatch(process.pid)
        killer = threading.Timer(give_up_seconds, process.kill)
        killer.start()
        try:
            _pid, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            killer.cancel()
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        output = file.read().decode(errors="replace")
    return Run(process.returncode, seconds, used.ru_utime + used.ru_stime, peak.stop(), output)


class PeakWatch:
    """Follows the peak memory of a program that will end. The kernel's own sum at its end counts this one's memory too,
    as it was before the program was loaded.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        # The first looks would see this program's own memory, until the other one is loaded.
        while not self._is_over.wait(LOOK_SECONDS):
            found = peak_bytes(self._pid)
            if not found:
                return
            self._peak = found

    def stop(self) -> int:
        self._is_over.set()
        self._thread.join()
        return self._peak


def _status_field(pid: int, name: str) -> int:
    """Return a field of /proc/PID/status; 0 where there is none."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def peak_bytes(pid: int) -> int:
    """Return the most memory a process had (VmHWM)."""
    return _status_field(pid, "VmHWM") * 1024


def memory_bytes(pid: int) -> int:
    """Return the memory a process has (VmRSS)."""
    return _status_field(pid, "VmRSS") * 1024


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and all below it, also of those that have ended."""
    found = 0.0
    with suppress(psutil.NoSuchProcess):
        above = psutil.Process(pid)
        for one in (above, *above.children(recursive=True)):
            times = one.cpu_times()
            found += times.user + times.system + times.children_user + times.children_system
    return found


@dataclass(frozen=True)
class Movements:
    """Counters of a process since it began."""

    written_bytes: int
    """Sent towards a disk."""
    write_calls: int
    """Calls that write anything, also into pipes and sockets."""
    wakeups: int
    """How often a thread that slept was given a core."""


def movements(pid: int) -> Movements:
    counted = dict(
        line.split(": ") for line in Path(f"/proc/{pid}/io").read_text(encoding="utf-8").splitlines() if ": " in line
    )
    wakeups = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for line in (task / "status").read_text(encoding="utf-8").splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    wakeups += int(line.split()[1])
    return Movements(int(counted["write_bytes"]), int(counted["syscw"]), wakeups)
