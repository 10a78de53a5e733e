"""The dialect of seed 004: the download queue, its batches, the settings, the engine's figures and the live socket.

It translates only; what downloads are and may do stands in `kinoshelf.downloads`. Start with `install.py`.
"""

from kinoshelf.api.downloads.install import PREFIXES, install_downloads_api

__all__ = ["PREFIXES", "install_downloads_api"]
