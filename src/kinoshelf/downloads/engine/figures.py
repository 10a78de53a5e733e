"""A download in the engine's hands, and what is shown of it: here, and to the other processes of the hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.downloads.engine.fetch import Fetch
from kinoshelf.downloads.engine.job import Job
from kinoshelf.downloads.progress import Live, ProgressBoard, eta
from kinoshelf.downloads.states import State

log = structlog.get_logger()

# The first checkpoint comes early, so that even a hub that is killed again and again moves on.
FIRST_CHECKPOINT_SECONDS = 0.5


@dataclass(slots=True)
class Running:
    """A download in the engine's hands."""

    job: Job
    fetch: Fetch
    task: asyncio.Task[None] | None = None
    is_settling: bool = False
    is_told: bool = False
    """The database knows that bytes arrive."""
    checkpointed_at: float = 0.0
    checkpoint_seconds: float = FIRST_CHECKPOINT_SECONDS
    checkpoint: asyncio.Future[Any] | None = None


def lives_of(downloads: Iterable[Running]) -> list[Live]:
    """Return the live figures of running downloads."""
    lives = []
    for one in downloads:
        fetch = one.fetch
        downloaded = fetch.downloaded_bytes
        speed = fetch.meter.bytes_per_second
        state = State.EXTRACTING if one.is_settling else State.DOWNLOADING if fetch.has_answer else State.STARTING
        left = eta(downloaded, fetch.size_bytes, speed)
        lives.append(
            Live(one.job.id, state, downloaded, fetch.size_bytes, speed, left, fetch.connections, fetch.filename)
        )
    return lives


def sample_of(worker: str, lives: Iterable[Live]) -> dict[str, Any]:
    """Return what other processes are sent of the progress of this one."""
    rows = [
        [
            one.id,
            one.state.value,
            one.downloaded_bytes,
            one.size_bytes,
            one.speed_bytes_per_second,
            one.eta_seconds,
            one.connections,
            one.filename,
        ]
        for one in lives
    ]
    return {"kind": "downloads", "worker": worker, "rows": rows}


def send_quietly(bus: ProcessBus, sample: dict[str, Any]) -> None:
    try:
        bus.send_sample(sample)
    except DatabaseUnavailable as error:
        log.debug("engine.sample_lost", error=error.message)


def take_sample(board: ProgressBoard, sample: dict[str, Any]) -> None:
    """Put on the board what a worker in another process sent."""
    if sample.get("kind") == "downloads":
        board.put(str(sample["worker"]), [Live(row[0], State(row[1]), *row[2:]) for row in sample["rows"]])


def average_speed(fetch: Fetch) -> int | None:
    seconds = time.monotonic() - fetch.started_at
    return round(fetch.received_bytes / seconds) if seconds > 0 and fetch.received_bytes else None
