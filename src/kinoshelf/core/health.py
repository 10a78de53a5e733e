"""How well the hub is: checks that rooms add, asked together, answered from memory for a while.

The answers are public, so asking often must cost nothing: results are kept for some seconds, those that write for a
minute, and a check that hangs is reported, not asked again.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import KinoshelfError

log = structlog.get_logger()

MIB = 1024 * 1024
KEEP_SECONDS = 5.0
KEEP_WRITES_SECONDS = 60.0
TIMEOUT_SECONDS = 5.0
SPACE_IS_SHORT_BYTES = 512 * MIB
SPACE_IS_OUT_BYTES = 32 * MIB


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


ORDER = tuple(Health)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `facts` are shown as they are, so they name no paths and no secrets."""

    status: Health = Health.HEALTHY
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[], Checked]


@dataclass
class _Entry:
    check: Check
    is_critical: bool
    keep_seconds: float
    found: Checked | None = None
    found_at: float = 0.0
    running: Future[Checked] | None = None


class HealthChecks:
    """One a process. A check runs in a thread and answers or raises within seconds."""

    def __init__(self, clock: Clock, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self.started_at: datetime | None = None

    def add(self, name: str, check: Check, *, is_critical: bool = False, keep_seconds: float = KEEP_SECONDS) -> None:
        """Ask `check` too. Without a critical one the hub is not ready to be sent work."""
        self._entries[name] = _Entry(check, is_critical, keep_seconds)

    def started(self, at: datetime) -> None:
        self.started_at = at

    def stopping(self) -> None:
        self.started_at = None

    async def results(self) -> dict[str, Checked]:
        """Return what every check says, at most some seconds old."""
        found = await asyncio.gather(*(self._result(name, entry) for name, entry in self._entries.items()))
        return dict(zip(self._entries, found, strict=True))

    async def critical_failures(self) -> list[str]:
        """Return in words what keeps the hub from being ready; nothing when it is."""
        results = await self.results()
        failures = [
            f"{name}: {results[name].message or 'it does not work'}"
            for name, entry in self._entries.items()
            if entry.is_critical and results[name].status is Health.UNHEALTHY
        ]
        return failures if self.started_at is not None else ["the hub is starting or stopping", *failures]

    async def _result(self, name: str, entry: _Entry) -> Checked:
        with self._lock:
            now = self._clock.monotonic()
            if entry.found is not None and now - entry.found_at < entry.keep_seconds:
                return entry.found
            if entry.running is None:
                entry.running = Future()
                threading.Thread(
                    target=self._run, args=(name, entry, entry.running), name=f"health {name}", daemon=True
                ).start()
            running = entry.running
        try:
            # Shielded: a caller that leaves must not take the answer from the others.
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.shield(asyncio.wrap_future(running))
        except TimeoutError:
            return Checked(Health.UNHEALTHY, f"it did not answer within {self._timeout_seconds:g} seconds")

    def _run(self, name: str, entry: _Entry, running: Future[Checked]) -> None:
        try:
            found = entry.check()
        except KinoshelfError as error:
            found = Checked(Health.UNHEALTHY, error.message)
        except Exception:
            log.exception("health.check_failed", check=name)
            found = Checked(Health.UNHEALTHY, "the check itself failed; the log has the details")
        with self._lock:
            entry.found, entry.found_at, entry.running = found, self._clock.monotonic(), None
        running.set_result(found)


def worst(results: Mapping[str, Checked]) -> Health:
    return max((found.status for found in results.values()), key=ORDER.index, default=Health.HEALTHY)


# The hub's own checks ----------------------------------------------------------------------------


def database_check(database: Database) -> Check:
    def check() -> Checked:
        milliseconds = database.ping()
        return Checked(message="the database answers", facts={"connection_time_ms": round(milliseconds, 2)})

    return check


def filesystem_check(data_dir: Path) -> Check:
    """Try to write. It does so when it is asked, which `HealthChecks` bounds."""

    def check() -> Checked:
        writable = {"data_dir_writable": can_write(data_dir), "logs_dir_writable": can_write(data_dir / "logs")}
        if all(writable.values()):
            return Checked(facts=writable)
        what = "data directory" if not writable["data_dir_writable"] else "folder of the logs"
        status = Health.DEGRADED if writable["data_dir_writable"] else Health.UNHEALTHY
        return Checked(status, f"the {what} cannot be written", writable)

    return check


def can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError:
        return False
    return True


def disk_check(folder: Path) -> Check:
    def check() -> Checked:
        found = _disk_usage(folder)
        if found is None:
            return Checked(Health.DEGRADED, "the free space cannot be told")
        total, free = found
        facts = {"free_mb": round(free / MIB, 1), "total_mb": round(total / MIB, 1)}
        if free < SPACE_IS_OUT_BYTES:
            return Checked(Health.UNHEALTHY, "the disk of the data directory is full", facts)
        if free < SPACE_IS_SHORT_BYTES:
            return Checked(Health.DEGRADED, "the disk of the data directory is almost full", facts)
        return Checked(facts=facts)

    return check


def system_check(folder: Path) -> Check:
    """The machine's own figures; `uptime_seconds` is that of this process."""
    begun_at = time.monotonic()
    # Without a time to look at, the first answer about the processor would be 0.
    interval_seconds: float | None = 0.1

    def check() -> Checked:
        import psutil

        nonlocal interval_seconds
        cpu_percent, interval_seconds = psutil.cpu_percent(interval_seconds), None
        memory = psutil.virtual_memory()
        total, free = _disk_usage(folder) or (0, 0)
        return Checked(
            facts={
                "cpu_percent": cpu_percent,
                "memory_percent": memory.percent,
                "memory_available_mb": round(memory.available / MIB, 1),
                "disk_percent": round(100 * (total - free) / total, 1) if total else 0.0,
                "disk_free_mb": round(free / MIB, 1),
                "uptime_seconds": round(time.monotonic() - begun_at, 1),
            }
        )

    return check


def _disk_usage(folder: Path) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.total, usage.free


def alive_check(what: str, is_alive: Callable[[], bool], facts: Callable[[], Mapping[str, Any]] = dict) -> Check:
    """Check something that works on a thread of its own. `what` begins a sentence."""

    def check() -> Checked:
        if is_alive():
            return Checked(facts=facts())
        return Checked(Health.UNHEALTHY, f"{what} ended unexpectedly; start the hub again", facts())

    return check


def add_own_checks(checks: HealthChecks, database: Database, data_dir: Path) -> None:
    checks.add("database", database_check(database), is_critical=True)
    checks.add("filesystem", filesystem_check(data_dir), is_critical=True, keep_seconds=KEEP_WRITES_SECONDS)
    checks.add("system", system_check(data_dir))
    checks.add("disk", disk_check(data_dir), keep_seconds=KEEP_WRITES_SECONDS)
