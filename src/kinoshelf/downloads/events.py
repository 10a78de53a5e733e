"""Facts of the download queue. They carry ids; who wants more reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event


@dataclass(frozen=True, slots=True)
class DownloadsAdded(Event):
    """Downloads were put into the queue."""

    name: ClassVar[str] = "downloads.added"
    download_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DownloadsChanged(Event):
    """State, order or description of downloads changed. Progress alone is not told this way."""

    name: ClassVar[str] = "downloads.changed"
    download_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DownloadsRemoved(Event):
    """Downloads left the list."""

    name: ClassVar[str] = "downloads.removed"
    download_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueReordered(Event):
    """The order of waiting downloads changed."""

    name: ClassVar[str] = "downloads.reordered"


@dataclass(frozen=True, slots=True)
class DownloadCompleted(Event):
    """A download is finished, verified where it could be, and stands under its final name."""

    name: ClassVar[str] = "downloads.completed"
    download_id: str
