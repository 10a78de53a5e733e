"""The dialect of seed 000: the disc collection under /ajax and /dvd, and what else its pages need.

It translates only; what discs are and may do stands in `kinoshelf.discs`. Start with `install.py`.
"""

from kinoshelf.api.discs.install import PREFIXES, install_discs_api

__all__ = ["PREFIXES", "install_discs_api"]
