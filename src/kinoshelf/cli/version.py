"""kinoshelf version."""

from __future__ import annotations

from kinoshelf import __version__
from kinoshelf.cli.frame import Answer


def version() -> Answer:
    """Say which version this is; also --version."""
    return Answer({"version": __version__}, text=__version__)
