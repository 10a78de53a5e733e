"""What is committed: no address of a registry, no promise without an issue, names that say something."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "package-lock.json", "tests/package-lock.json")
# Joined here, because this file is tracked too.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("jsdelivr", "net"),
        ("unpkg", "com"),
        ("cdnjs", "cloudflare", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    )
)
CODE = {".py", ".js", ".css", ".html", ".sh", ""}
PROMISE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b(?!\s*\(?#\d+)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home/\w+|root|Users/\w+|work)/")
# A name with one of these has no job yet (CONTRIBUTING.md, «Names»).
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "processor", "misc", "common", "info", "data", "base2"}


@functools.cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a clone: what is tracked cannot be asked")
    return tuple(path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z]|\b)|[A-Z]?[a-z0-9]+", name)}


def sleeps(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that let time pass, but for the pauses between two looks at a condition."""
    looking = {inner for loop in ast.walk(tree) if isinstance(loop, ast.While) for inner in ast.walk(loop)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
            is_a_yield = isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            if node not in looking and not is_a_yield:
                yield node.lineno


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS)
    def test_hold_hashes_and_no_address(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(r"[a-z]+://", text) is None
        assert '"resolved"' not in text
        pins = re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE) or re.findall(
            r'^    "node_modules/', text, re.MULTILINE
        )
        hashes = re.findall(r"--hash=sha256:|\"integrity\": \"sha512-", text)
        assert 0 < len(pins) <= len(hashes)

    def test_development_adds_to_what_runs(self) -> None:
        run, dev = (
            set(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS[:2]
        )
        assert run <= dev

    def test_nothing_is_committed_that_npm_brings(self) -> None:
        assert [path for path in tracked() if {"node_modules", "vendor"} & set(path.parts)] == []


class TestTrackedFiles:
    def test_name_no_registry(self) -> None:
        assert [(name, host) for name, text in texts() for host in REGISTRIES if host in text] == []

    def test_promise_nothing_without_an_issue(self) -> None:
        found = [
            (name, match[0])
            for name, text in texts()
            if Path(name).suffix in CODE and name not in LOCKS
            for match in PROMISE.finditer(text)
        ]
        assert found == []

    def test_name_no_folder_of_one_machine(self) -> None:
        found = [(name, match[0]) for name, text in texts() for match in MACHINE_PATH.finditer(text)]
        assert found == []

    def test_are_of_a_size_a_person_reads(self) -> None:
        """A file beyond this holds a second subject. Only tables of data and generated files may be longer."""
        longest = {name: len(text.splitlines()) for name, text in texts() if name.endswith((".py", ".js"))}
        assert {name: lines for name, lines in longest.items() if lines > 700} == {}


class TestNames:
    def test_of_modules_and_classes_say_what_they_are_for(self) -> None:
        found = []
        for name, text in texts():
            if not name.endswith(".py"):
                continue
            classes = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
            found += [(name, word) for word in (Path(name).stem, *classes) if words_of(word) & EMPTY_WORDS]
        assert found == []

    def test_packages_say_what_they_are(self) -> None:
        without = [
            name
            for name, text in texts()
            if name.startswith("src/")
            and name.endswith("__init__.py")
            and not ast.get_docstring(ast.parse(text))
            and not name.endswith("versions/__init__.py")
        ]
        assert without == []


class TestTests:
    # Simulators are slow on purpose; faults strike at moments nobody chose.
    MAY_LET_TIME_PASS = ("tests/simulators/", "tests/faults/")

    def test_wait_for_conditions_and_never_for_time(self) -> None:
        found = [
            (name, line)
            for name, text in texts()
            if name.startswith("tests/") and name.endswith(".py") and not name.startswith(self.MAY_LET_TIME_PASS)
            for line in sleeps(ast.parse(text))
        ]
        assert found == []

    def test_are_never_skipped_for_good(self) -> None:
        """A test that cannot pass is finished or deleted. Skipping by hand is for what a machine cannot have."""
        forbidden = re.compile(r"@pytest\.mark\.(?:skip|xfail)\b")
        assert [name for name, text in texts() if name.startswith("tests/") and forbidden.search(text)] == []
