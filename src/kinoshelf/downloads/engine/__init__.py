"""The engine: claims downloads, moves their bytes, keeps what arrived safe. Start with `runner.py`."""

from kinoshelf.downloads.engine.runner import Engine, take_sample

__all__ = ["Engine", "take_sample"]
