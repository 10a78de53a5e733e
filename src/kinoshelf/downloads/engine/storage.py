"""What the disk says: how much is free, and in words why it refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from kinoshelf.downloads.retry import Cause, Failure


def free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write on the disk that holds `folder`."""
    if os.name == "nt":
        import shutil

        return shutil.disk_usage(folder).free
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def storage_failure(error: OSError, path: Path) -> Failure:
    """Say in words why the disk refused."""
    place = error.filename or str(path.parent)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Failure(Cause.DISK_FULL, f"there is no room left for {path.name}")
    words = {
        errno.EACCES: "the hub may not write there",
        errno.EPERM: "the hub may not write there",
        errno.EROFS: "it is read-only",
        errno.ENOENT: "the folder is gone",
        errno.ENOTDIR: "a part of the path is not a folder",
        errno.EFBIG: "the file system does not take files this large",
        errno.ENAMETOOLONG: "the name is too long",
        errno.EIO: "the disk reports an error",
    }
    return Failure(
        Cause.STORAGE, f"{place} cannot be written: {words.get(error.errno or 0, error.strerror or str(error))}"
    )
