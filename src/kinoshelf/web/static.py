"""Style sheets, scripts and icons: cached for ever under an address that changes with their content."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_FOLDER = Path(__file__).with_name("static")

IMPORTED = re.compile(r'^import (?:[^"]* from )?"([^"]+)";', re.MULTILINE)

# Not left to the machine: registries and mime.types differ, and a browser refuses a module of the wrong type.
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


class StaticTree(StaticFiles):
    """Serves one folder twice: under `~<hash of everything>/`, immutable, and under its plain paths with an ETag.

    The hash stands in the path, not in a query, so that the relative imports between modules carry it along.
    """

    def __init__(self, folder: Path = STATIC_FOLDER) -> None:
        super().__init__(directory=folder)
        self._folder = folder
        for suffix, kind in TYPES.items():
            mimetypes.add_type(kind, suffix)

    @cached_property
    def version(self) -> str:
        found = hashlib.blake2b(digest_size=6)
        for path in sorted(self._folder.rglob("*")):
            if path.is_file():
                found.update(path.relative_to(self._folder).as_posix().encode())
                found.update(path.read_bytes())
        return found.hexdigest()

    def address(self, name: str) -> str:
        """Return the path below the base path that a page should link to."""
        return f"/static/~{self.version}/{name}"

    @cache  # noqa: B019 -- one tree a process
    def module(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a script module and of all it imports, itself first."""
        found = [PurePosixPath(name)]
        for module in found:
            text = (self._folder / module).read_text(encoding="utf-8")
            for wanted in IMPORTED.findall(text):
                path = PurePosixPath(os.path.normpath(module.parent / wanted))
                if path not in found:
                    found.append(path)
        return tuple(self.address(str(path)) for path in found)

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        first, _, rest = path.partition(os.sep)
        return rest if first.startswith("~") and rest else path

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_current = f"/~{self.version}/" in scope["path"]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-cache"
        return response
