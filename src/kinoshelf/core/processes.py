"""Which processes of the hub share this data directory, and which of them died.

Each listening process holds a lock on a file of its own in `run/`. A lock that can be taken belonged to a dead one,
whose file is then kept under another name for a while, so that every room of every process hears of the death.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

if os.name == "nt":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


SUFFIX = ".lock"
DEAD_SUFFIX = ".dead"
REMEMBER_DEAD_SECONDS = 600


def process_name(role: str) -> str:
    """Return a name no other process has or will have: role, machine, pid and chance."""
    machine = "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter == "-")[:40] or "machine"
    return f"{role}-{machine}-{os.getpid()}-{secrets.token_hex(4)}"


class ProcessSeat:
    """The seat of this process in `run/`, held until `leave` or death."""

    def __init__(self, data_dir: Path, role: str) -> None:
        self.name = process_name(role)
        self._folder = data_dir / "run"
        self._path = self._folder / f"{self.name}{SUFFIX}"
        self._descriptor = -1

    def take(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        while self._descriptor < 0:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            # Between opening and locking, another process may have taken the empty seat for a dead one.
            if try_lock(descriptor) and _is_file_at(descriptor, self._path):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def leave(self) -> None:
        if self._descriptor >= 0:
            # Windows removes no open file.
            with suppress(PermissionError):
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


def living(data_dir: Path) -> list[str]:
    """Return the names of the processes that hold a seat."""
    return _sorted_out(data_dir)


def bury_dead(data_dir: Path) -> list[str]:
    """Return the names of the processes that died in the last minutes.

    Every caller hears of every death, possibly more than once: what it does with the news is idempotent.
    """
    alive = _sorted_out(data_dir)
    names = []
    for path in sorted((data_dir / "run").glob(f"*{DEAD_SUFFIX}")):
        try:
            is_old = time.time() - path.stat().st_mtime > REMEMBER_DEAD_SECONDS
        except FileNotFoundError:
            continue
        # One that was mistaken for dead before it held its lock lives on.
        if is_old or path.stem in alive:
            path.unlink(missing_ok=True)
        else:
            names.append(path.stem)
    return names


def others_listen(data_dir: Path, mine: str) -> bool:
    """Tell, cheaply, whether any other process has a seat (it may have died without leaving it)."""
    try:
        return any(name.endswith(SUFFIX) and name != f"{mine}{SUFFIX}" for name in os.listdir(data_dir / "run"))  # noqa: PTH208 -- on every commit: names are enough
    except FileNotFoundError:
        return False


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sorted_out(data_dir: Path) -> list[str]:
    alive: list[str] = []
    for path in sorted((data_dir / "run").glob(f"*{SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if not try_lock(descriptor):
                alive.append(path.stem)
            elif _is_file_at(descriptor, path):
                os.utime(path)
                path.rename(path.with_suffix(DEAD_SUFFIX))
        finally:
            os.close(descriptor)
    return alive
