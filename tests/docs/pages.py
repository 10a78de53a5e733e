"""The pages written from the code: python -m tests.docs.pages brings them up to date.

What the code says about itself (descriptions of settings, docstrings of facts, errors and packages, help of commands) is
the documentation; these pages only collect it.
"""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import kinoshelf
from kinoshelf.core import settings_reference
from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.events import Event, known_events

ROOT = Path(__file__).resolve().parent.parent.parent
# Imported, these act: the command itself, and Alembic's entry.
ACTING = ("kinoshelf.__main__", "kinoshelf.migrations")
NOTE = "<!-- Written by python -m tests.docs.pages from the code. -->"
HELP_WIDTH = 100

# A folder nobody has described.
UNKNOWN = "**?**"

ERRORS_HEAD = f"""# Errors

{NOTE}

One tree for the whole hub ([decision 8](decisions/0008-errors.md)), rendered by each surface in its own form:

| Surface | Body |
|---|---|
| `/api/auth` and the rest of that dialect | `{{"success": false, "error": CODE, "message", "details", "request_id"}}`; limits answer `{{"detail"}}` |
| `/api/downloads`, `/api/batches`, `/api/settings`, `/api/engine` | `{{"error": a sentence, "code": CODE}}` with `INVALID_REQUEST`, `NOT_FOUND`, `CONFLICT`, `DOWNLOAD_ERROR`, `FSHARE_ERROR` or `DATABASE_ERROR` |
| the command line with `--json` | `{{"error": CODE, "message": a sentence}}` |

The status below is that of the HTTP answer; the code is the one of the tree, from which a surface makes its own.

| Error | Status | Code | Derives from | Meaning |
|---|---|---|---|---|"""


def import_everything() -> None:
    """Load every module, so that everything that registers itself is registered."""
    for module in pkgutil.walk_packages(kinoshelf.__path__, "kinoshelf."):
        if not module.name.startswith(ACTING):
            importlib.import_module(module.name)


def documented_facts() -> dict[str, type[Event]]:
    """Return the facts of the hub itself; tests declare some of their own."""
    import_everything()
    return {name: kind for name, kind in sorted(known_events().items()) if kind.__module__.startswith("kinoshelf.")}


def documented_errors() -> list[type[KinoshelfError]]:
    """Return every error of the tree."""
    import_everything()

    def below(kind: type[KinoshelfError]) -> Iterator[type[KinoshelfError]]:
        yield kind
        # Their own order is that of the imports, which a test run does not keep.
        for inner in sorted(kind.__subclasses__(), key=lambda inner: inner.__name__):
            yield from below(inner)

    return [kind for kind in dict.fromkeys(below(KinoshelfError)) if kind.__module__.startswith("kinoshelf.")]


def own_docstring(kind: type) -> str:
    """Return the docstring of the class itself, in one line; empty where it has none."""
    text = kind.__dict__.get("__doc__") or ""
    # A dataclass without one gets its signature.
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(inspect.cleandoc(text).split())


def facts() -> str:
    lines = [
        "# Facts",
        "",
        NOTE,
        "",
        "What happened in the hub, told after the commit that made it true, in every process",
        "([decision 7](decisions/0007-facts-between-processes.md)).",
        "",
        "| Fact | Class | Carries | Meaning |",
        "|---|---|---|---|",
    ]
    for name, kind in documented_facts().items():
        carried = ", ".join(f"`{field.name}`" for field in fields(kind)) or "nothing"
        lines.append(f"| `{name}` | `{kind.__name__}` in `{kind.__module__}` | {carried} | {own_docstring(kind)} |")
    return "\n".join(lines) + "\n"


def errors() -> str:
    lines = [ERRORS_HEAD]
    for kind in documented_errors():
        above = ", ".join(base.__name__ for base in kind.__bases__)
        lines.append(f"| `{kind.__name__}` | {kind.status} | `{kind.code}` | {above} | {_meaning(kind)} |")
    return "\n".join(lines) + "\n"


def _meaning(kind: type) -> str:
    """Return the words of the class, else those of the drawn tree, else what the class above it means."""
    drawn = dict(re.findall(r"── (\w+)\s+\d+\s+(.+)", sys.modules[KinoshelfError.__module__].__doc__ or ""))
    return next((words for one in kind.__mro__ if (words := own_docstring(one) or drawn.get(one.__name__, ""))), "")


def commands() -> str:
    """Return the help of every command, as the command shows it."""
    from kinoshelf.cli.commands import GROUPS, SINGLE

    parts = [
        "# Commands",
        "",
        NOTE,
        "",
        "Every command takes `--json`: then standard output holds exactly one JSON document. Exit status: 0 done, 1 failed,",
        "2 wrong usage, 3 not signed in or not configured, 4 not found, 5 limited, 6 done in part.",
        "",
    ]
    for words in [(name,) for name in SINGLE] + [(group, name) for group in GROUPS for name in GROUPS[group][1]]:
        parts += [f"## kinoshelf {' '.join(words)}", "", "```text", _help_of(words), "```", ""]
    return "\n".join(parts)


def _help_of(words: tuple[str, ...]) -> str:
    from rich.console import Console

    from kinoshelf.cli.commands import build_app

    out = io.StringIO()
    console = Console(file=out, width=HELP_WIDTH, no_color=True, force_terminal=False)
    build_app().help_print(list(words), console=console)
    # What every page ends with is said once, above.
    text = out.getvalue().partition("Exit status:")[0]
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


# Folders that are not Python packages, or whose package says less than a newcomer wants.
FOLDERS = {
    ".": "`kinoshelf`, the bootstrap: `./kinoshelf run`, `test`, `check` or any command",
    ".ci": "what continuous integration runs",
    "benchmarks": "our figures beside those of others, from the same run",
    "docs": "for users and for whoever changes the code; `decisions/` says why",
    "src/kinoshelf/migrations/versions": "one file a change of the tables, named after its time",
    "src/kinoshelf/web/locale": "the translations",
    "src/kinoshelf/web/static": "style sheets and scripts of the pages; `vendor/` is made when installing",
    "src/kinoshelf/web/templates": "the pages",
    "tests/api/fuzz": "input made from the description of the interfaces, and hostile input",
    "tests/e2e": "the pages in a real browser",
    "tests/docs": "keeps the documents true",
    "tests/faults": "what must survive kill -9, a full disk and a lost network",
    "tests/house": "tests of the house itself: bootstrap, layout, locks, simulators",
    "tests/migrations": "the database grows from empty to today's shape",
}


def map_of_folders() -> str:
    lines = ["# Map", "", NOTE, "", "| Folder | What is in it |", "|---|---|"]
    lines += [f"| `{folder}` | {_purpose(folder)} |" for folder in _folders()]
    return "\n".join(lines) + "\n"


def _folders() -> list[str]:
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("__init__.py")}
    tests = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    named = {folder for folder in FOLDERS if (ROOT / folder).is_dir()}
    return sorted(folder for folder in packages | tests | named if not folder.startswith("tests/.services"))


def _purpose(folder: str) -> str:
    if folder in FOLDERS:
        return FOLDERS[folder]
    found = ROOT / folder / "__init__.py"
    first = (found.read_text(encoding="utf-8") if found.exists() else "").split('"""')[1:2]
    if first and first[0].strip():
        return first[0].strip().splitlines()[0].rstrip(".")
    mirrored = next((path for path in _mirrored(folder) if (ROOT / path).is_dir()), None)
    return f"tests of `{mirrored}`" if mirrored else UNKNOWN


def _mirrored(folder: str) -> Iterator[str]:
    inner = folder.removeprefix("tests/")
    yield from (f"src/kinoshelf/{inner}", f"src/kinoshelf/core/{inner}")


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_reference.render,
    "docs/facts.md": facts,
    "docs/errors.md": errors,
    "docs/commands.md": commands,
    "docs/map.md": map_of_folders,
}


def main() -> None:
    from tests.docs import licences

    for name, render in PAGES.items():
        (ROOT / name).write_text(render(), encoding="utf-8")
        sys.stdout.write(f"{name} is current\n")
    licences.main()


if __name__ == "__main__":
    main()
