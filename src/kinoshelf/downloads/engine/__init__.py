"""The engine: claims downloads, moves their bytes, keeps what arrived safe. Start with `runner.py`."""

from kinoshelf.downloads.engine.figures import take_sample
from kinoshelf.downloads.engine.runner import Engine

__all__ = ["Engine", "take_sample"]
