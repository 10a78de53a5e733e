"""What the engine tells the database at a visit, and what it hears there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kinoshelf.downloads.checksums import Checksum
from kinoshelf.downloads.engine.job import Job
from kinoshelf.downloads.engine.partfile import PartFile
from kinoshelf.downloads.retry import Failure


@dataclass(slots=True)
class Ended:
    """One attempt that is over. With neither `failure` nor `is_complete` it was stopped from outside."""

    job: Job
    part: PartFile | None
    size_bytes: int | None
    downloaded_bytes: int
    filename: str
    etag: str = ""
    failure: Failure | None = None
    is_complete: bool = False
    is_synced: bool = False
    checked: Checksum | None = None
    average_speed_bytes_per_second: int | None = None
    final: Path | None = None


@dataclass(slots=True)
class Position:
    """How far a running download is, for the database."""

    id: str
    downloaded_bytes: int
    size_bytes: int | None
    filename: str
    part_path: str


@dataclass(slots=True)
class Turn:
    """What one visit to the database is to do."""

    ended: list[Ended] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    free: int = 0
    ahead: int = 0
    host_limit: int = 0
    """Most downloads at once from one host; 0 = no limit."""
    active_by_host: dict[str, int] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    must_renew: bool = False


@dataclass(slots=True)
class Visit:
    """What came of it. The first `free` jobs are to start now, the rest when there is room."""

    jobs: list[Job] = field(default_factory=list)
    next_due: datetime | None = None
    lost: frozenset[str] = frozenset()
    has_more: bool | None = None
    """Whether as much was claimed as asked for; None when nothing was asked for."""
