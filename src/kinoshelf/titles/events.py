"""Facts of the titles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event


@dataclass(frozen=True, slots=True)
class TitleMerged(Event):
    """Two titles became one; everything that hung on `gone_id` hangs on `title_id` now."""

    name: ClassVar[str] = "titles.merged"
    title_id: int
    gone_id: int


@dataclass(frozen=True, slots=True)
class TitleSplit(Event):
    """A title that had been joined into `title_id` is one of its own again, under its old number."""

    name: ClassVar[str] = "titles.split"
    title_id: int
    parted_id: int


@dataclass(frozen=True, slots=True)
class ReviewDecided(Event):
    """A person decided which title `subject` means; the title is none where they said that no title fits."""

    name: ClassVar[str] = "titles.review_decided"
    review_id: int
    subject: str
    title_id: int | None
