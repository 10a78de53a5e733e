"""Clearing files away after their rows are gone or cancelled: part files, and finished files where the user asked.

Nothing outside the download directory is ever touched, whatever the rows say: a link on the way out is not followed,
and a link that is itself the file is removed, not what it points to. Call it after the commit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from kinoshelf.core.processes import try_lock
from kinoshelf.downloads.control import Removed

log = structlog.get_logger()


@dataclass(slots=True)
class Cleared:
    """What was removed, and what had to stay with the reason in words."""

    removed: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


def clear_away(root: Path, gone: Removed, *, with_finished: bool = False) -> Cleared:
    """Remove the part files of `gone` and their sidecars; with `with_finished` the finished files too.

    Folders below `root` that become empty go as well. Never raises for a file: what stays is named in the answer.
    """
    cleared = Cleared()
    _clear(root, gone.part_paths, cleared, are_parts=True)
    if with_finished:
        _clear(root, gone.finished_paths, cleared, are_parts=False)
    for path, reason in cleared.kept:
        log.warning("downloads.file_kept", path=path, reason=reason)
    return cleared


def _clear(root: Path, paths: Iterable[str], cleared: Cleared, *, are_parts: bool) -> None:
    # Most commands clear nothing away and need not load the engine.
    from kinoshelf.downloads.engine.partfile import beside, sidecar_path

    top = root.resolve()
    for text in paths:
        path = _real_place(top, Path(text))
        if path is None:
            cleared.kept.append((text, "it lies outside the download directory"))
            continue
        try:
            if are_parts and _is_in_use(path):
                cleared.kept.append((text, "another process has it open"))
                continue
            was_there = _unlink(path)
            if are_parts:
                _unlink(sidecar_path(path))
                _unlink(beside(sidecar_path(path)))
        except OSError as error:
            cleared.kept.append((text, error.strerror or type(error).__name__))
            continue
        if was_there:
            cleared.removed.append(text)
        _remove_empty_folders(top, path.parent)


def _real_place(top: Path, path: Path) -> Path | None:
    """Resolve the folder of `path`, not its last part; None when that folder lies outside `top`."""
    if not path.is_absolute() or path.name in {"", ".", ".."}:
        return None
    try:
        folder = path.parent.resolve()
    except (OSError, RuntimeError):
        # RuntimeError: links that lead to each other.
        return None
    return folder / path.name if folder == top or top in folder.parents else None


def _is_in_use(part: Path) -> bool:
    """Tell whether a worker writes this part file: it may have started anew since the rows were changed."""
    try:
        descriptor = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def _unlink(path: Path) -> bool:
    """Remove a file or a link; tell whether it was there. Folders stay."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            raise IsADirectoryError(0, "it is a folder")
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _remove_empty_folders(top: Path, folder: Path) -> None:
    while folder != top and top in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
