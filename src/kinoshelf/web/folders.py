"""Whether a folder can be used, before anything is saved or made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from kinoshelf.web.languages import gettext


class FolderFinding(NamedTuple):
    """`free_bytes` is None where nobody can tell."""

    is_usable: bool
    message: str
    free_bytes: int | None = None


def examine_folder(text: str) -> FolderFinding:
    """Look at a folder without touching it. Asks the disk: not for the event loop."""
    try:
        path = Path(text.strip()).expanduser()
        if not path.is_absolute():
            return FolderFinding(False, gettext("Name the folder in full, from the root on, as in /srv/downloads."))
        nearest = path
        while not nearest.exists():
            nearest = nearest.parent
        if not nearest.is_dir():
            return FolderFinding(False, gettext("%(path)s is a file, not a folder.") % {"path": nearest})
        free = shutil.disk_usage(nearest).free
        if not os.access(nearest, os.W_OK | os.X_OK):
            return FolderFinding(False, gettext("The hub may not write to %(path)s.") % {"path": nearest}, free)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return FolderFinding(False, gettext("This folder cannot be used: %(reason)s") % {"reason": reason})
    if nearest == path:
        return FolderFinding(True, gettext("The folder is there and can be written."), free)
    return FolderFinding(True, gettext("The folder will be made."), free)


def free_space(path: Path) -> tuple[int, int] | None:
    """Return free and total bytes of the disk a folder lies on, or will lie on; None where nobody can tell."""
    try:
        nearest = path
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        usage = shutil.disk_usage(nearest)
    except OSError:
        return None
    return usage.free, usage.total
