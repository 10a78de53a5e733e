"""What the queue hands to the engine for one download, and what an attempt at it uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kinoshelf.downloads.checksums import Checksum
from kinoshelf.downloads.engine.growth import HostMemory
from kinoshelf.downloads.engine.pace import Pace
from kinoshelf.downloads.engine.transport import Request, Transport


@dataclass(slots=True)
class Job:
    """What the queue hands to the engine for one download."""

    id: str
    url: str
    host: str
    filename: str
    is_filename_given: bool
    directory: Path
    part_path: Path
    stored_part_path: str | None
    size_bytes: int | None
    downloaded_bytes: int
    checksum: Checksum | None
    speed_limit_bytes_per_second: int
    max_segments: int | None
    retry_count: int
    retries_by_cause: dict[str, int]
    started_at: datetime
    may_resume: bool = True
    """False once nobody wants the part file any more."""


@dataclass(slots=True)
class Needs:
    """What an attempt uses of the engine."""

    transport: Transport
    request: Callable[[str, tuple[tuple[str, str], ...]], Request]
    memory: HostMemory
    pace: Pace
    engine_bytes: Callable[[], int]
    connections_left: Callable[[str], int]
    free_bytes: Callable[[Path], int]
    reserve_bytes: int
    max_segments: int
    stall_seconds: float
    preallocate: bool
    in_thread: Callable[..., Awaitable[Any]]
