"""The sizes pictures are shown in, and what they are called in addresses. Pure."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote

TMDB = "tmdb:"
UPLOAD = "upload:"


class ArtworkSize(StrEnum):
    """TMDB's names; the number is the width in pixels."""

    W92 = "w92"
    W154 = "w154"
    W185 = "w185"
    W342 = "w342"
    W500 = "w500"
    W780 = "w780"
    ORIGINAL = "original"

    @property
    def width(self) -> int | None:
        """None for the picture as it is."""
        return None if self is ArtworkSize.ORIGINAL else int(self[1:])


def address(artwork_id: int, size: ArtworkSize | str) -> str:
    """Return the path below the base path at which the picture is served."""
    return f"/artwork/{artwork_id}/{ArtworkSize(size)}"


def tmdb_key(path: str) -> str:
    """Return the source key of a picture by TMDB's name for it (`/abc.jpg`)."""
    return f"{TMDB}/{path.lstrip('/')}"


def tmdb_address(image_base_url: str, size: ArtworkSize | str, path: str) -> str:
    """Return where TMDB, or the mirror in the settings, keeps that picture."""
    return f"{image_base_url.rstrip('/')}/{size}/{quote(path.lstrip('/'), safe='')}"
