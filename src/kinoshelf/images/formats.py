"""The formats pictures come in and are made in. Pure, and without the library that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MadeFormat = Literal["webp", "jpg"]

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
MADE_TYPES: dict[MadeFormat, str] = {"webp": "image/webp", "jpg": "image/jpeg"}
# Written into the ETag of every size: a change of how they are made makes them new.
MADE_AS: Final = "1"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    media_type: str
    width: int
    height: int
    preview: str
    """The picture in some pixels, as a data address."""
