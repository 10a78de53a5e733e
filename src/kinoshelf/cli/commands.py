"""The tree of commands. Each is named by «module:function» and loaded when it is called, so that parsing stays fast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from kinoshelf import __version__

HELP = """One hub for the films and series a household owns, watches, wants and fetches.

Start the hub with «kinoshelf serve» and open the address it names; the other commands work beside it and without it.
"""
EPILOGUE = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 not signed in or not configured, 4 not found, 5 limited, 6 done in part."

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "download": (
        "Links, and the files they become.",
        {
            "add": "kinoshelf.cli.download.add:add",
            "list": "kinoshelf.cli.download.show:list_all",
            "show": "kinoshelf.cli.download.show:show",
            "pause": "kinoshelf.cli.download.act:pause",
            "resume": "kinoshelf.cli.download.act:resume",
            "retry": "kinoshelf.cli.download.act:retry",
            "cancel": "kinoshelf.cli.download.act:cancel",
            "delete": "kinoshelf.cli.download.act:delete",
            "move": "kinoshelf.cli.download.arrange:move",
            "clear": "kinoshelf.cli.download.arrange:clear",
            "watch": "kinoshelf.cli.download.watch:watch",
        },
    ),
    "batch": (
        "Downloads that belong together.",
        {"list": "kinoshelf.cli.batch:list_all", "show": "kinoshelf.cli.batch:show"},
    ),
    "disc": (
        "The collection: discs, and what is about them.",
        {
            "add": "kinoshelf.cli.disc.change:add",
            "list": "kinoshelf.cli.disc.show:list_all",
            "show": "kinoshelf.cli.disc.show:show",
            "edit": "kinoshelf.cli.disc.change:edit",
            "delete": "kinoshelf.cli.disc.change:delete",
            "export": "kinoshelf.cli.disc.files:export",
            "import": "kinoshelf.cli.disc.files:import_",
            "refresh": "kinoshelf.cli.disc.change:refresh",
            "loan": "kinoshelf.cli.disc.lend:loan",
            "return": "kinoshelf.cli.disc.lend:give_back",
        },
    ),
    "apikey": (
        "Keys for other programs.",
        {
            "create": "kinoshelf.cli.apikey:create",
            "list": "kinoshelf.cli.apikey:list_all",
            "revoke": "kinoshelf.cli.apikey:revoke",
        },
    ),
    "password": ("The master password.", {"set": "kinoshelf.cli.password:set_password"}),
    "settings": (
        "The settings of the hub.",
        {
            "list": "kinoshelf.cli.settings:list_all",
            "get": "kinoshelf.cli.settings:get",
            "set": "kinoshelf.cli.settings:set_value",
        },
    ),
}
SINGLE = {
    "serve": "kinoshelf.cli.serve:serve",
    "worker": "kinoshelf.cli.worker:worker",
    "version": "kinoshelf.cli.version:version",
}


def build_app() -> App:
    app = App(
        name="kinoshelf",
        help=HELP,
        help_format="plaintext",
        help_epilogue=EPILOGUE,
        # `--version` is a command like any other here, so that `--json` holds for it too.
        version=__version__,
        version_flags=(),
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative=(), show_default=False),
    )
    for name, target in SINGLE.items():
        app.command(target, name=name)
    for name, (words, commands) in GROUPS.items():
        group = App(name=name, help=words, version_flags=())
        for command, target in commands.items():
            group.command(target, name=command)
        app.command(group)
    app.register_install_completion_command(help="Teach this shell to complete the words of kinoshelf.")
    app.meta.group_parameters = Group("For every command", sort_key=99)
    app.meta.help_flags = ()
    app.meta.default(shared)
    return app


def shared(
    *,
    json: Annotated[bool, Parameter(help="Print exactly one JSON document, for programs.")] = False,
    data_dir: Annotated[
        Path | None, Parameter(help="Directory of the hub's state, instead of KINOSHELF_DATA_DIR.")
    ] = None,
) -> None:
    """Stand on every help page. What is described here is read by `call.shared_options`."""


def load_commands(app: App, words: Sequence[str]) -> None:
    """Load what a help page lists: the single commands for the first page, those of a group for its own."""
    if not words or words[0] not in GROUPS:
        for name in SINGLE:
            app[name]
    else:
        for name in GROUPS[words[0]][1]:
            app[words[0]][name]
