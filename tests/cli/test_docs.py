"""The commands, their help and their page agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinoshelf.cli.commands import GROUPS, SINGLE, build_app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
COMMANDS = [*((name,) for name in SINGLE), *((group, name) for group, (_, names) in GROUPS.items() for name in names)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
class TestEveryCommand:
    def test_is_on_the_page(self, command):
        assert f"`kinoshelf {' '.join(command)}`" in PAGE.read_text(encoding="utf-8")

    def test_explains_itself_and_each_of_its_options(self, command):
        app = build_app()
        for name in command:
            app = app[name]
        assert app.help
        unexplained = [
            argument.name
            for argument in app.assemble_argument_collection()
            if argument.parse and not argument.parameter.help
        ]
        assert unexplained == []


def test_the_first_page_of_help_names_every_command(monkeypatch, capsys):
    from kinoshelf.cli.call import run

    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*SINGLE, *GROUPS, "--json", "--data-dir"))
