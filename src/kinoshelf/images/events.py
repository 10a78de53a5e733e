"""Facts of the artwork store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event


@dataclass(frozen=True, slots=True)
class ArtworkChanged(Event):
    """Pictures have arrived, failed, are to be fetched again, or are gone."""

    name: ClassVar[str] = "images.changed"
    artwork_ids: tuple[int, ...]
