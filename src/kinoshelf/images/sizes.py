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


def tmdb_key(path: str, size: ArtworkSize | str = ArtworkSize.ORIGINAL) -> str:
    """Return the source key of a picture by TMDB's name for it (`/abc.jpg`).

    What is shown in passing, as the hits of a search, is wanted in a size of TMDB's own: it is another, lighter picture.
    """
    size = ArtworkSize(size)
    return f"{TMDB}{'' if size is ArtworkSize.ORIGINAL else size}/{path.lstrip('/')}"


def tmdb_address(image_base_url: str, size: ArtworkSize | str, path: str) -> str:
    """Return where TMDB, or the mirror in the settings, keeps that picture."""
    return f"{image_base_url.rstrip('/')}/{size}/{quote(path.lstrip('/'), safe='')}"


def tmdb_source(image_base_url: str, source_key: str) -> str:
    """Return where the picture of a `tmdb_key` is."""
    size, _, path = source_key.removeprefix(TMDB).partition("/")
    return tmdb_address(image_base_url, size or ArtworkSize.ORIGINAL, path)
