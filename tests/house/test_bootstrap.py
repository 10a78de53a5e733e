"""The bootstrap at the root: what it takes for prepared, and that it needs nothing but Python."""

from __future__ import annotations

import ast
import dataclasses
import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The bootstrap as a module, over a copy of the files it looks at."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("bootstrap", str(ROOT / "kinoshelf"))
    spec = spec_from_loader("bootstrap", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    for name in module.INPUTS:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    return module


class TestPrepared:
    def test_nothing_is_at_first(self, bootstrap: ModuleType) -> None:
        assert not bootstrap.prepared(dev=False)

    def test_the_development_tools_include_what_runs(self, bootstrap: ModuleType) -> None:
        stamp = bootstrap.VENV / ".prepared"
        stamp.write_text(bootstrap.digest())
        assert bootstrap.prepared(dev=False)
        assert not bootstrap.prepared(dev=True)
        stamp.write_text(f"{bootstrap.digest()} dev")
        assert bootstrap.prepared(dev=False)
        assert bootstrap.prepared(dev=True)

    def test_a_changed_lock_is_seen(self, bootstrap: ModuleType) -> None:
        (bootstrap.VENV / ".prepared").write_text(f"{bootstrap.digest()} dev")
        for name in bootstrap.INPUTS:
            path = bootstrap.ROOT / name
            before = path.read_bytes()
            path.write_bytes(before + b"\n")
            assert not bootstrap.prepared(dev=False), name
            path.write_bytes(before)
        assert bootstrap.prepared(dev=False)


class TestStart:
    def test_bytecode_is_kept_where_the_shell_forbids_it(
        self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without it every start compiles every module: 2.7 s instead of 1.1 s."""
        called: list[list[str]] = []
        (bootstrap.VENV / ".prepared").write_text(bootstrap.digest())
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        monkeypatch.setattr(os, "execv", lambda _path, words: called.append(words))
        monkeypatch.setattr(sys, "argv", ["kinoshelf", "run", "--port", "0"])
        bootstrap.main()
        assert called[0][1:] == ["serve", "--port", "0"]
        assert "PYTHONDONTWRITEBYTECODE" not in os.environ


class TestNeedsNothingButPython:
    def test_imports_the_standard_library_only(self) -> None:
        found = set()
        for node in ast.walk(ast.parse((ROOT / "kinoshelf").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
        assert found <= set(sys.stdlib_module_names)

    def test_can_be_executed(self) -> None:
        assert (ROOT / "kinoshelf").stat().st_mode & 0o111
        assert (ROOT / "kinoshelf").read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")

    def test_make_and_continuous_integration_are_thin_over_it(self) -> None:
        assert "./kinoshelf $@" in (ROOT / "Makefile").read_text(encoding="utf-8")
        assert "exec ./kinoshelf test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


class TestServices:
    """The programs for tests: `tests/services.py`, as the bootstrap calls it."""

    def test_what_is_missing_is_said_and_fails_in_continuous_integration(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lacking = [dataclasses.replace(service, find=lambda: None) for service in services.SERVICES]
        monkeypatch.setattr(services, "SERVICES", lacking)
        for ci, status in (("", 0), ("false", 0), ("true", 1)):
            monkeypatch.setenv("CI", ci)
            assert services.report() == status
            said = capsys.readouterr().err
            assert all(service.name in said and service.apt in said for service in lacking)

    def test_where_all_is_there_nothing_is_said(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        there = [dataclasses.replace(service, find=lambda: ROOT) for service in services.SERVICES]
        monkeypatch.setattr(services, "SERVICES", there)
        monkeypatch.setenv("CI", "true")
        services.prepare()
        assert services.report() == 0
        assert capsys.readouterr().err == ""
