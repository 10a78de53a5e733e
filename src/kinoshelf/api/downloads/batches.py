"""/api/batches, also found as /api/downloads/batches and /api/downloads/batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.downloads import actions
from kinoshelf.api.downloads.answers import BatchAffected, BatchDetail, BatchPage
from kinoshelf.api.downloads.bodies import SurfaceRoute
from kinoshelf.api.downloads.parts import (
    NOT_FOUND,
    BatchId,
    BoardDep,
    ClockDep,
    DatabaseDep,
    DeleteFiles,
    PageLimit,
    PageNumber,
    StoreDep,
    cleared,
    paging,
)
from kinoshelf.api.downloads.stats import stats_of
from kinoshelf.api.downloads.tasks import TaskView, live_of
from kinoshelf.core.clock import iso
from kinoshelf.core.web import JSONBytes
from kinoshelf.downloads import control
from kinoshelf.downloads.control import Removed, Selection
from kinoshelf.downloads.errors import BatchNotFound
from kinoshelf.downloads.progress import eta
from kinoshelf.downloads.queries import (
    BatchSummary,
    Filter,
    count_batches,
    count_by_group,
    count_by_state,
    count_downloads,
    list_active_in,
    list_batches,
    list_downloads,
)

PATHS = ("/api/batches", "/api/downloads/batches", "/api/downloads/batch")
STANDALONE = Filter(standalone_only=True)

router = APIRouter(route_class=SurfaceRoute, tags=["batches"], strict_content_type=False)


@router.get("", response_model=BatchPage)
async def list_all(
    database: DatabaseDep, board: BoardDep, store: StoreDep, page: PageNumber = 1, limit: PageLimit = 50
) -> Response:
    """Return batches, newest first, and after the last of them the downloads that belong to none."""

    def read(session: Session) -> bytes:
        view = TaskView.now(store.current, board)
        counts = count_by_state(session)
        batch_count = count_batches(session)
        alone_count = count_downloads(session, STANDALONE)
        first = (page - 1) * limit
        batches = list_batches(session, page=page, limit=limit) if first < batch_count else []
        room = limit - len(batches)
        alone = list_downloads(session, STANDALONE, limit=room, offset=max(0, first - batch_count)) if room else []
        return to_json(
            {
                "batches": _rendered(session, batches, view),
                "standalone": [view.task(row) for row in alone],
                **paging(batch_count + alone_count, page, limit),
                "total_batches": batch_count,
                "total_standalone": alone_count,
                "status_counts": count_by_group(counts),
                "stats": stats_of(counts, board),
            }
        )

    return JSONBytes(await database.reading(read))


@router.get("/{batch_id}", response_model=BatchDetail, responses=NOT_FOUND)
async def get_batch(batch_id: BatchId, database: DatabaseDep, board: BoardDep, store: StoreDep) -> Response:
    """Return one batch with its progress; its downloads are listed by /api/downloads?batch_id=…."""

    def read(session: Session) -> dict[str, Any]:
        found = _rendered(session, list_batches(session, ids=[batch_id]), TaskView.now(store.current, board))
        if not found:
            raise BatchNotFound(batch_id)
        return _with_progress(found[0])

    return JSONBytes(await database.reading(read))


def _acting(name: str) -> Callable[..., Awaitable[Response]]:
    async def act_on_batch(batch_id: BatchId, database: DatabaseDep, store: StoreDep, clock: ClockDep) -> Response:
        return await _act(name, batch_id, database, store, clock)

    return act_on_batch


for _name, _text in (
    ("pause", "Pause all downloads of a batch."),
    ("resume", "Bring back everything of a batch that is not completed, the failed and the cancelled included."),
    ("retry", "Try again what failed, waits or was cancelled in a batch."),
    ("cancel", "Cancel everything of a batch that is still to come."),
):
    router.add_api_route(
        f"/{{batch_id}}/{_name}",
        _acting(_name),
        methods=["POST"],
        name=f"{_name}_batch",
        description=_text,
        response_model=BatchAffected,
        responses=NOT_FOUND,
    )


@router.delete("/{batch_id}", response_model=BatchAffected, responses=NOT_FOUND)
async def delete_batch(
    batch_id: BatchId, database: DatabaseDep, store: StoreDep, clock: ClockDep, delete_files: DeleteFiles = False
) -> Response:
    """Take a batch and all its downloads out of the list. Finished files stay unless asked otherwise."""
    return await _act("delete", batch_id, database, store, clock, delete_files=delete_files)


async def _act(
    name: str, batch_id: str, database: DatabaseDep, store: StoreDep, clock: ClockDep, *, delete_files: bool = False
) -> Response:
    def work(session: Session) -> Removed:
        control.require_batch(session, batch_id)
        return actions.ON_BATCH[name](session, Selection(batch_id=batch_id), clock.now())

    done = await database.writing(work)
    files = await cleared(store, done, delete_files=delete_files)
    return JSONBytes({"success": True, "affected": len(done.ids), **files})


def _rendered(session: Session, batches: Sequence[BatchSummary], view: TaskView) -> list[dict[str, Any]]:
    """Render batches with the live figures of what runs in them."""
    speeds = dict.fromkeys((batch.id for batch in batches), 0)
    more = {batch.id: (0, 0) for batch in batches}
    for row in list_active_in(session, list(speeds)) if view.lives and batches else ():
        live = live_of(row, view.lives)
        if live is not None:
            downloaded, total = more[row.batch_id]
            more[row.batch_id] = (
                downloaded + live.downloaded_bytes - row.downloaded_bytes,
                total + (live.size_bytes or 0) - (row.size_bytes or 0),
            )
            speeds[row.batch_id] += live.speed_bytes_per_second
    return [_batch(_moved(batch, *more[batch.id]), speeds[batch.id]) for batch in batches]


def _moved(batch: BatchSummary, downloaded: int, total: int) -> BatchSummary:
    return replace(
        batch,
        downloaded_bytes=batch.downloaded_bytes + downloaded,
        total_bytes=batch.total_bytes + total,
        expected_bytes=batch.expected_bytes + total,
    )


def _batch(batch: BatchSummary, speed: int) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "batch_name": batch.name,
        "state": batch.state.value,
        "total_items": batch.total_items,
        "completed_items": batch.count("completed"),
        "failed_items": batch.count("failed"),
        "downloading_items": batch.count("downloading"),
        "paused_items": batch.count("paused"),
        "queued_items": batch.count("queued"),
        "total_size": batch.total_bytes,
        "downloaded_size": batch.downloaded_bytes,
        "progress": batch.percent,
        "speed": speed,
        "created_at": iso(batch.created_at),
    }


def _with_progress(batch: dict[str, Any]) -> dict[str, Any]:
    """Add the keys under which older clients look for the same figures."""
    return {
        **batch,
        "total_tasks": batch["total_items"],
        "completed_tasks": batch["completed_items"],
        "failed_tasks": batch["failed_items"],
        "downloading_tasks": batch["downloading_items"],
        "paused_tasks": batch["paused_items"],
        "queued_tasks": batch["queued_items"],
        "overall_progress": batch["progress"],
        "combined_speed": batch["speed"],
        "estimated_time_remaining": eta(batch["downloaded_size"], batch["total_size"], batch["speed"]),
    }
