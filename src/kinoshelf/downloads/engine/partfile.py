"""The part file and its sidecar: what has arrived, and what it belongs to, safe against a kill at any moment.

Only what the sidecar names counts after a restart: it is written after the data it names was made durable. The part
file is locked while it is open, so that two workers never write one file.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from kinoshelf.core.database import file_system_of
from kinoshelf.core.processes import try_lock
from kinoshelf.downloads.engine.ranges import Ranges

SIDECAR_SUFFIX = ".json"
PART_SUFFIX = ".part"
BESIDE_SUFFIX = ".new"
SIDECAR_VERSION = 1
# Where reserving extents keeps a file in one piece. Elsewhere it costs and brings nothing.
EXTENT_FILE_SYSTEMS = frozenset({"ext4", "xfs", "f2fs", "jfs", "ntfs3"})
FALLOC_FL_KEEP_SIZE = 1
# Systems take so many buffers in one write at the most (IOV_MAX is 1,024 on Linux and macOS, 16 is the least allowed).
MAX_BUFFERS = 512 if sys.platform in {"linux", "darwin"} else 16
STAT_BLOCK_BYTES = 512
# More than a sidecar takes, in blocks of any file system.
ROOM_BYTES = 128 * 1024


class PartFileBusy(Exception):
    """Another process has the part file open."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the bytes belong to: a response may only add to them when it agrees."""

    size_bytes: int | None = None
    etag: str = ""
    last_modified: str = ""

    @property
    def validator(self) -> str:
        """What If-Range carries: a strong ETag, else the date of the last change; empty for none."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


def part_path(directory: Path, filename: str, download_id: str) -> Path:
    return directory / f"{filename}.{download_id[:8]}{PART_SUFFIX}"


def sidecar_path(part: Path) -> Path:
    return part.with_name(part.name + SIDECAR_SUFFIX)


def remove_part(part: Path) -> None:
    """Remove a part file and its sidecar, whichever are there."""
    part.unlink(missing_ok=True)
    remove_sidecar(part)


def remove_sidecar(part: Path) -> None:
    sidecar = sidecar_path(part)
    sidecar.unlink(missing_ok=True)
    beside(sidecar).unlink(missing_ok=True)


def beside(path: Path) -> Path:
    return path.with_name(path.name + BESIDE_SUFFIX)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` in the place of `path` in one step, as seen by everybody on this machine.

    For files with one writer: what is written first has a fixed name, so that kills leave no heap of leftovers.
    """
    first = beside(path)
    try:
        with open(os.open(first, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123 -- by descriptor
            file.write(content)
        first.replace(path)
    except OSError:
        first.unlink(missing_ok=True)
        raise


class PartFile:
    """An open part file. Writes go to any position; `ranges` says which have been made."""

    def __init__(self, path: Path, *, download_id: str = "") -> None:
        self.path = path
        self.download_id = download_id
        self.ranges = Ranges()
        self.origin = Origin()
        self.has_sidecar = False
        self.is_preallocated = False
        self._generation = 0
        self._sidecar_lock = threading.Lock()
        self.descriptor, found = _open_locked(path)
        try:
            is_known = bool(found.st_size) and self._read_sidecar(found.st_size)
            # A fresh file has nothing to be cut off. Where the system does not tell what was reserved, it is cut.
            if not is_known and (found.st_size or getattr(found, "st_blocks", 1)):
                os.ftruncate(self.descriptor, 0)
        except BaseException:
            os.close(self.descriptor)
            raise

    def _read_sidecar(self, length: int) -> bool:
        try:
            content = sidecar_path(self.path).read_bytes()
        except FileNotFoundError:
            # Killed while the first one was written.
            beside(sidecar_path(self.path)).unlink(missing_ok=True)
            return False
        if self._take_over(content, length):
            return True
        remove_sidecar(self.path)
        return False

    def _take_over(self, content: bytes, length: int) -> bool:
        """Believe the sidecar as far as it makes sense."""
        try:
            found: dict[str, Any] = json.loads(content)
            if found["version"] != SIDECAR_VERSION:
                return False
            spans = [(int(begin), int(end)) for begin, end in found["ranges"]]
            size_bytes = None if found["size_bytes"] is None else int(found["size_bytes"])
            origin = Origin(size_bytes, str(found["etag"]), str(found["last_modified"]))
        except (ValueError, KeyError, TypeError):
            return False
        furthest = max((end for _begin, end in spans), default=0)
        if not furthest or min(begin for begin, _end in spans) < 0:
            return False
        if furthest > length or (size_bytes is not None and furthest > size_bytes):
            return False
        self.ranges, self.origin, self.has_sidecar = Ranges(spans), origin, True
        return True

    def write(self, chunks: list[bytes], position: int, length: int) -> None:
        """Write all of `chunks` (together `length` bytes) at `position`. Raises OSError."""
        if len(chunks) > MAX_BUFFERS:
            chunks = [b"".join(chunks)]
        written = os.pwritev(self.descriptor, chunks, position)
        end = position + written
        while written < length:
            # A full disk or a signal cut it short; the rest goes in one piece, or raises the reason.
            rest = b"".join(chunks)[written:]
            more = os.pwrite(self.descriptor, rest, end)
            written += more
            end += more
        self.ranges.add(position, position + length)

    def restart(self) -> None:
        """Forget everything that has arrived."""
        with self._sidecar_lock:
            self._generation += 1
            self.ranges.clear()
            self.origin = Origin()
            if self.has_sidecar:
                remove_sidecar(self.path)
                self.has_sidecar = False
        os.ftruncate(self.descriptor, 0)
        self.is_preallocated = False

    def preallocate(self, size_bytes: int) -> bool:
        """Reserve the space without changing the visible size. Slow on some file systems: not for the loop."""
        if not can_preallocate(self.path.parent):
            return False
        if _fallocate(self.descriptor, FALLOC_FL_KEEP_SIZE, 0, size_bytes) != 0:
            code = ctypes.get_errno()
            if code == errno.ENOSPC:
                raise OSError(code, os.strerror(code), str(self.path))
            return False
        self.is_preallocated = True
        return True

    def checkpoint(self) -> None:
        """Make what has arrived durable and say so in the sidecar. Slow: not for the loop."""
        generation, origin, spans = self._generation, self.origin, self.ranges.spans
        if not spans:
            return
        os.fdatasync(self.descriptor)
        content = {
            "version": SIDECAR_VERSION,
            "download_id": self.download_id,
            "size_bytes": origin.size_bytes,
            "etag": origin.etag,
            "last_modified": origin.last_modified,
            "ranges": spans,
        }
        with self._sidecar_lock:
            # A restart meanwhile made these ranges worthless.
            if generation == self._generation:
                replace_file(sidecar_path(self.path), json.dumps(content).encode())
                self.has_sidecar = True

    def last_checkpoint(self) -> None:
        """The same once nothing is written any more. On a full disk the end of the part makes room for the sidecar."""
        try:
            self.checkpoint()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            end = max(0, max((end for _begin, end in self.ranges.spans), default=0) - ROOM_BYTES)
            self.ranges = Ranges((begin, min(stop, end)) for begin, stop in self.ranges.spans)
            os.ftruncate(self.descriptor, end)
            self.checkpoint()

    @property
    def allocated_bytes(self) -> int:
        """What the file takes of the disk already, reserved space included."""
        return getattr(os.fstat(self.descriptor), "st_blocks", 0) * STAT_BLOCK_BYTES

    def sync(self) -> None:
        os.fdatasync(self.descriptor)

    def read(self, position: int, length: int) -> bytes:
        return os.pread(self.descriptor, length, position)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _open_locked(path: Path) -> tuple[int, os.stat_result]:
    """Open the file and lock it; return the descriptor and what the system knows of it.

    The lock comes first: nothing is read or cut that another worker writes. Raises PartFileBusy.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    place = str(path)
    while True:
        descriptor = os.open(place, flags, 0o644)
        try:
            if not try_lock(descriptor):
                raise PartFileBusy(f"{path} is in use by another process")
            found = os.fstat(descriptor)
            if _is_at(found, place):
                return descriptor, found
        except BaseException:
            os.close(descriptor)
            raise
        # Whoever held the lock before has removed or finished the file: a fresh one takes its place.
        os.close(descriptor)


def _is_at(found: os.stat_result, place: str) -> bool:
    try:
        there = os.stat(place)  # noqa: PTH116 -- once for every file, and a Path costs more than the call
        return os.path.samestat(found, there)
    except FileNotFoundError:
        return False


def _load_fallocate() -> Any:
    if not sys.platform.startswith("linux"):
        return lambda *_arguments: -1
    function = ctypes.CDLL(None, use_errno=True).fallocate
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return function


_fallocate = _load_fallocate()


@lru_cache(maxsize=64)
def can_preallocate(directory: Path) -> bool:
    return file_system_of(directory.resolve()) in EXTENT_FILE_SYSTEMS
