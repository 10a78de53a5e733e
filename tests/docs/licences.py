"""The licences of what the hub depends on, read from what is installed: python -m tests.docs.licences."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- licences -->\n", "<!-- /licences -->\n"
PAGE = ROOT / "docs/decisions/0001-licence.md"
# Stated in the package's licence file only.
STATED_ELSEWHERE = {"pysqlite3": "Zlib"}
# What setup tools of the last decade called them.
SPDX = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "The MIT License (MIT)": "MIT",
    "BSD-0-Clause": "0BSD",
}


def licence_of(package: Distribution) -> str:
    metadata = package.metadata
    stated = metadata.get("License-Expression") or STATED_ELSEWHERE.get(package.name.lower())
    if not stated:
        old = (metadata.get("License") or "").splitlines()
        classifiers = [text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or [] if "License" in text]
        stated = old[0].strip() if old and len(old[0]) < 40 else next(iter(classifiers), "unknown")
    return SPDX.get(stated, stated)


def installed() -> dict[str, str]:
    """Return name and licence of every run-time dependency, direct or not, that is installed here."""
    found = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        name = re.match(r"([a-z0-9._-]+)==", line)
        if name:
            try:
                found[name[1]] = licence_of(distribution(name[1]))
            except PackageNotFoundError:
                # Locked for another system.
                continue
    return found


def browser_libraries() -> dict[str, str]:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {
        path.removeprefix("node_modules/"): SPDX.get(package["license"], package["license"])
        for path, package in packages.items()
        if path
    }


def table() -> str:
    by_licence: dict[str, list[str]] = {}
    for name, licence in sorted({**installed(), **browser_libraries()}.items()):
        by_licence.setdefault(licence, []).append(name)
    lines = ["| Licence | Packages |", "|---|---|"]
    lines += [f"| {licence} | {', '.join(names)} |" for licence, names in sorted(by_licence.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is current\n")


if __name__ == "__main__":
    main()
