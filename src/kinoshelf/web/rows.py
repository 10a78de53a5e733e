"""Downloads and batches as the pages show them: the keys of the documented interface, and the words around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from kinoshelf.core.clock import iso
from kinoshelf.downloads.progress import Live, percent_of
from kinoshelf.downloads.queries import BatchSummary
from kinoshelf.downloads.states import ACTIVE, State
from kinoshelf.web.formats import size
from kinoshelf.web.languages import gettext, mark, ngettext

STATE_LABELS = {
    State.QUEUED: mark("Queued"),
    State.STARTING: mark("Starting"),
    State.DOWNLOADING: mark("Downloading"),
    State.PAUSED: mark("Paused"),
    State.WAITING: mark("Waiting to retry"),
    State.EXTRACTING: mark("Unpacking"),
    State.COMPLETED: mark("Completed"),
    State.FAILED: mark("Failed"),
    State.CANCELLED: mark("Cancelled"),
    State.SKIPPED: mark("Skipped"),
}


def live_of(row: Any, lives: Mapping[str, Live]) -> Live | None:
    """Return the live figures of a row. A worker may report for a moment longer than the row says it runs."""
    return lives.get(row.id) if row.state in ACTIVE else None


def task_view(row: Row[Any], lives: Mapping[str, Live]) -> dict[str, Any]:
    """One download with the keys a task has everywhere; what is running takes its numbers from `lives`."""
    live = live_of(row, lives)
    state = live.state if live else State(row.state)
    size_bytes = live.size_bytes if live else row.size_bytes
    downloaded = live.downloaded_bytes if live else row.downloaded_bytes
    return {
        "id": row.id,
        "filename": live.filename if live else row.filename,
        "state": state.value,
        "progress": 100.0 if state is State.COMPLETED else percent_of(downloaded, size_bytes),
        "total_bytes": size_bytes,
        "downloaded_bytes": downloaded,
        "speed": live.speed_bytes_per_second if live else 0,
        "eta": live.eta_seconds if live else None,
        "host": row.host,
        "priority": row.priority,
        "batch_id": row.batch_id,
        "batch_name": row.batch_name,
        "wait_until": iso(row.wait_until),
        "completed_at": iso(row.completed_at),
        "error_message": row.error_message,
    }


def batch_views(
    batches: Sequence[BatchSummary], active: Sequence[Any], lives: Mapping[str, Live]
) -> list[dict[str, Any]]:
    """Batches with what the running downloads in them, the rows `active`, have more than the database knows."""
    speeds = dict.fromkeys((batch.id for batch in batches), 0)
    ahead = dict.fromkeys(speeds, 0)
    for row in active:
        live = live_of(row, lives)
        if live is not None:
            speeds[row.batch_id] += live.speed_bytes_per_second
            ahead[row.batch_id] += live.downloaded_bytes - row.downloaded_bytes
    return [_batch_view(batch, speeds[batch.id], ahead[batch.id]) for batch in batches]


def _batch_view(batch: BatchSummary, speed: int, ahead_bytes: int) -> dict[str, Any]:
    downloaded = batch.downloaded_bytes + ahead_bytes
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
        "expected_size": batch.expected_bytes,
        "downloaded_size": downloaded,
        "progress": replace(batch, downloaded_bytes=downloaded).percent,
        "speed": speed,
    }


def running_view(live: Live, batch_id: str | None) -> dict[str, Any]:
    """What a page must know of a running download it does not show, to add up speeds."""
    return {
        "id": live.id,
        "state": live.state.value,
        "batch_id": batch_id,
        "speed": live.speed_bytes_per_second,
        "downloaded_bytes": live.downloaded_bytes,
    }


def state_label(state: str) -> str:
    return gettext(STATE_LABELS[State(state)])


def priority_label(priority: int) -> str:
    """Say what is out of the ordinary; normal is silent."""
    if priority == 0:
        return ""
    if priority >= 2:
        return gettext("Highest")
    return gettext("High") if priority == 1 else gettext("Low")


def amount(downloaded_bytes: int, total_bytes: int | None, state: str) -> str:
    if state == State.COMPLETED:
        return size(total_bytes if total_bytes is not None else downloaded_bytes)
    if total_bytes is None:
        return size(downloaded_bytes) if downloaded_bytes else ""
    if not downloaded_bytes:
        return size(total_bytes)
    return gettext("%(part)s of %(whole)s") % {"part": size(downloaded_bytes), "whole": size(total_bytes)}


def task_amount(task: dict[str, Any]) -> str:
    return amount(task["downloaded_bytes"], task["total_bytes"], task["state"])


def batch_amount(batch: dict[str, Any]) -> str:
    return amount(batch["downloaded_size"], batch["expected_size"] or None, batch["state"])


def items_label(batch: dict[str, Any]) -> str:
    done, total = batch["completed_items"], batch["total_items"]
    return ngettext("%(done)s of %(total)s file", "%(done)s of %(total)s files", total) % {
        "done": done,
        "total": total,
    }


def failed_label(batch: dict[str, Any]) -> str:
    number = batch["failed_items"]
    return ngettext("%(number)s failed", "%(number)s failed", number) % {"number": number}
