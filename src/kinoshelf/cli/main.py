"""The `kinoshelf` command."""

from __future__ import annotations

from cyclopts import App

from kinoshelf import __version__

app = App(
    name="kinoshelf",
    version=__version__,
    help="One hub for the films and series a household owns, watches, wants and fetches.",
)
app.command("kinoshelf.cli.serve:serve", name="serve")


def main() -> None:
    app()
