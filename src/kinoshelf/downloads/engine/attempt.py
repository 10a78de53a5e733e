"""What an attempt comes to: its transfer, the check of the whole file, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.figures import Running, average_speed
from kinoshelf.downloads.engine.storage import storage_failure
from kinoshelf.downloads.engine.turns import Ended
from kinoshelf.downloads.retry import Cause, Failure

log = structlog.get_logger()

# Small files are hashed and synced on the keeper thread with their rename; larger ones on threads of their own.
SETTLE_FROM_BYTES = 1024 * 1024

InThread = Callable[..., Awaitable[Any]]


async def attempt(running: Running, store: SettingsStore, in_thread: InThread) -> Ended:
    """Run it to its end. What came is safe then, and a whole file only wants its name."""
    fetch, job = running.fetch, running.job
    ended = Ended(job, fetch.part, None, 0, job.filename)
    try:
        ended.failure = await fetch.run()
        if running.checkpoint is not None:
            await asyncio.wait([running.checkpoint])
        ended.etag = fetch.part.origin.etag
        ended.average_speed_bytes_per_second = average_speed(fetch)
        if ended.failure is None and not fetch.is_stopped:
            with contextlib.suppress(finish.Interrupted):
                ended.failure = await _settle(running, ended, store, in_thread)
                ended.is_complete = ended.failure is None
        if not ended.is_complete and fetch.part.ranges.total:
            await in_thread(fetch.part.last_checkpoint)
    except OSError as error:
        ended.failure = storage_failure(error, fetch.part.path)
        ended.is_complete = False
    except Exception as error:
        log.exception("engine.download_failed", download_id=job.id)
        ended.failure = Failure(Cause.UNKNOWN, f"something went wrong here: {error}")
        ended.is_complete = False
    ended.size_bytes, ended.filename = fetch.size_bytes, fetch.filename
    ended.downloaded_bytes = fetch.part.ranges.total
    return ended


async def _settle(running: Running, ended: Ended, store: SettingsStore, in_thread: InThread) -> Failure | None:
    """Check and sync the file. A small one is left to the keeper, which does many in one go."""
    fetch = running.fetch
    size_bytes = fetch.size_bytes or 0
    wanted = running.job.checksum or fetch.announced
    digest = fetch.digest_for(wanted) if wanted is not None else None
    failure: Failure | None = None
    if wanted is not None:
        if digest is not None:
            failure = finish.check(fetch.part, size_bytes, wanted, digest)
        else:
            running.is_settling = True
            failure = await in_thread(finish.check, fetch.part, size_bytes, wanted, None, lambda: fetch.is_stopped)
        ended.checked = wanted
    if failure is not None:
        fetch.part.restart()
        return failure
    if size_bytes >= SETTLE_FROM_BYTES and store.current.engine.sync_to_disk:
        running.is_settling = True
        await in_thread(fetch.part.sync)
        ended.is_synced = True
    return None
