"""From a complete part file to the finished one: checked, durable, under a name that overwrites nothing.

Between the rename and the commit that records it, a journal beside the files says what was meant, so that a kill in
that moment neither loses a file nor fetches it twice.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoshelf.core.files import sync_directory
from kinoshelf.core.processes import try_lock
from kinoshelf.downloads.checksums import Checksum
from kinoshelf.downloads.engine.partfile import (
    BESIDE_SUFFIX,
    PART_SUFFIX,
    SIDECAR_SUFFIX,
    PartFile,
    remove_part,
    replace_file,
    sidecar_path,
)
from kinoshelf.downloads.naming import numbered
from kinoshelf.downloads.retry import Cause, Failure

JOURNAL_PREFIX = ".kinoshelf-finishing-"
READ_BYTES = 1024 * 1024
RENAME_NOREPLACE = 1
AT_FDCWD = -100
MAX_NAMES = 10_000


class Interrupted(Exception):
    """Nobody waits for the answer any more."""


class PartGone(OSError):
    """Somebody removed the part file while it was being filled."""


def check(
    part: PartFile,
    size_bytes: int,
    wanted: Checksum,
    hex_digest: str | None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Failure | None:
    """Compare the file with the checksum that was promised; read it once where it was not hashed while writing.

    Raises Interrupted when `is_stopped` tells so while it is being read.
    """
    if hex_digest is None:
        hasher = wanted.hasher()
        at = 0
        while at < size_bytes:
            if is_stopped():
                raise Interrupted
            chunk = part.read(at, READ_BYTES)
            if not chunk:
                break
            hasher.update(chunk)
            at += len(chunk)
        hex_digest = hasher.hexdigest()
    if hex_digest == wanted.hex_digest:
        return None
    words = f"the {wanted.algorithm} checksum is {hex_digest}, not {wanted.hex_digest}"
    return Failure(Cause.CHECKSUM, words, must_restart=True)


@dataclass(frozen=True, slots=True)
class Placement:
    """A rename that is about to happen, or did."""

    download_id: str
    part: Path
    final: Path
    size_bytes: int
    checked: str = ""
    """The checksum that was found right, as algorithm:hex; empty where there was none to compare with."""


class Journal:
    """The renames of one worker that no commit has recorded yet."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._path = folder / f"{JOURNAL_PREFIX}{worker}.json"

    def write(self, placements: Iterable[Placement]) -> None:
        rows = [(one.download_id, str(one.part), str(one.final), one.size_bytes, one.checked) for one in placements]
        replace_file(self._path, json.dumps(rows).encode(), mode=0o600)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


def recover(folder: Path, is_dead: Callable[[str], bool]) -> tuple[list[Placement], list[Path]]:
    """Read the journals that dead workers left in `folder`.

    Return the files that are finished but may not be recorded, and the journals to remove once they are.
    """
    finished: list[Placement] = []
    journals: list[Path] = []
    for path in folder.glob(f"{JOURNAL_PREFIX}*.json"):
        if not is_dead(owner_of(path)):
            continue
        journals.append(path)
        for placement in _read_journal(path):
            if placement.part.exists():
                _remove_placeholder(placement.final)
            elif placement.final.is_file() and placement.final.stat().st_size == placement.size_bytes:
                finished.append(placement)
    # Killed while writing one.
    journals += [path for path in folder.glob(f"{JOURNAL_PREFIX}*{BESIDE_SUFFIX}") if is_dead(owner_of(path))]
    return finished, journals


def owner_of(journal: Path) -> str:
    return journal.name.removeprefix(JOURNAL_PREFIX).removesuffix(BESIDE_SUFFIX).removesuffix(".json")


def known_parts(folder: Path) -> list[tuple[str, Path]]:
    """Return the part files below `folder` that have a sidecar of ours, each with the id of its download. Slow."""
    found: list[tuple[str, Path]] = []
    ending = PART_SUFFIX + SIDECAR_SUFFIX
    for place, _folders, names in os.walk(folder):
        for name in names:
            if not name.endswith(ending):
                continue
            try:
                download_id = json.loads(Path(place, name).read_bytes())["download_id"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            part = Path(place, name.removesuffix(SIDECAR_SUFFIX))
            if download_id and part.name.endswith(f".{download_id[:8]}{PART_SUFFIX}"):
                found.append((download_id, part))
    return found


def _read_journal(path: Path) -> list[Placement]:
    try:
        rows = json.loads(path.read_bytes())
        return [Placement(one, Path(part), Path(final), int(size), checked) for one, part, final, size, checked in rows]
    except (OSError, ValueError, TypeError):
        return []


def _remove_placeholder(final: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if final.stat().st_size == 0:
            final.unlink()


def free_name(directory: Path, filename: str, taken: set[str]) -> Path:
    """Return the first of «name», «name (2)», … that neither exists nor is in `taken`; from here on it is."""
    for number in range(1, MAX_NAMES):
        path = directory / numbered(filename, number)
        place = str(path)
        if place not in taken and not os.path.lexists(place):
            taken.add(place)
            return path
    raise FileExistsError(errno.EEXIST, "every name is taken", str(directory / filename))


def rename_exclusive(source: Path, target: Path) -> None:
    """Rename and never overwrite. Raises FileExistsError when `target` exists."""
    code = _renameat2(os.fsencode(source), os.fsencode(target))
    if code == 0:
        return
    if code == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    if code not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        raise OSError(code, os.strerror(code), str(target))
    # Network and old file systems: an empty file holds the name while the rename replaces it.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o644))
    try:
        source.replace(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _load_renameat2() -> Callable[[bytes, bytes], int]:
    if not sys.platform.startswith("linux"):
        return lambda _source, _target: errno.ENOSYS
    try:
        function: Any = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return lambda _source, _target: errno.ENOSYS
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)

    def call(source: bytes, target: bytes) -> int:
        done = function(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE)
        return 0 if done == 0 else ctypes.get_errno()

    return call


_renameat2 = _load_renameat2()


@dataclass(frozen=True, slots=True)
class Wish:
    """A complete part file and the name it is to have."""

    download_id: str
    part: Path
    directory: Path
    filename: str
    size_bytes: int
    checked: str = ""


def place_all(wishes: Sequence[Wish], journal: Journal, before: Sequence[Placement] = ()) -> list[Placement | OSError]:
    """Give complete files their names, or others where those are taken; one outcome a wish, in order.

    The journal tells of each rename before it happens. `before` are those of which no commit has told yet.
    """
    taken: set[str] = set()
    outcomes: list[Placement | OSError] = []
    for wish in wishes:
        try:
            outcomes.append(_planned(wish, taken))
        except OSError as error:
            outcomes.append(error)

    def tell() -> None:
        journal.write([*before, *(one for one in outcomes if isinstance(one, Placement))])

    if not any(isinstance(one, Placement) for one in outcomes):
        return outcomes
    try:
        tell()
    except OSError as error:
        return [error if isinstance(one, Placement) else one for one in outcomes]
    for number, wish in enumerate(wishes):
        while isinstance(one := outcomes[number], Placement):
            try:
                rename_exclusive(one.part, one.final)
                break
            except FileExistsError:
                # Somebody took the name in between.
                try:
                    outcomes[number] = _planned(wish, taken)
                    tell()
                except OSError as error:
                    outcomes[number] = error
            except OSError as error:
                outcomes[number] = error if one.part.exists() else PartGone(error.errno, error.strerror, str(one.part))
    return outcomes


def _planned(wish: Wish, taken: set[str]) -> Placement:
    final = free_name(wish.directory, wish.filename, taken)
    return Placement(wish.download_id, wish.part, final, wish.size_bytes, wish.checked)


def sync_folders(folders: Iterable[Path]) -> None:
    """Make renames in these folders durable."""
    for folder in folders:
        with contextlib.suppress(OSError):
            # Some network file systems cannot sync a folder; the rename is then as durable as they make it.
            sync_directory(folder)


def move_part(source: Path, target: Path) -> None:
    """Take a part file and its sidecar to another folder; where that cannot be done at once, begin anew there."""
    try:
        source.replace(target)
        sidecar_path(source).replace(sidecar_path(target))
    except FileNotFoundError:
        # No sidecar was written yet.
        return
    except OSError:
        discard(str(source))


def discard(part_path: str | None) -> None:
    """Remove a part file nobody wants; a folder that refuses is left alone."""
    if part_path:
        with contextlib.suppress(OSError):
            remove_part(Path(part_path))


def discard_unheld(part: Path) -> None:
    """Remove a part file unless a worker has it open."""
    try:
        descriptor = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        discard(str(part))
        return
    except OSError:
        return
    try:
        if try_lock(descriptor):
            discard(str(part))
    finally:
        os.close(descriptor)
