"""What can be wrong with a picture."""

from __future__ import annotations

from typing import Any

from kinoshelf.core.errors import InvalidInput, NotFound


class ArtworkNotFound(NotFound):
    def __init__(self, artwork_id: int) -> None:
        super().__init__(f"there is no picture {artwork_id}")


class PictureRefused(InvalidInput):
    """Not a picture we keep, said in a sentence. Nothing was stored."""

    code = "PICTURE_REFUSED"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **details)
