"""The start page: what is going on, what was finished, how much room is left. Later rooms add their cards here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from kinoshelf.core.access.guards import local_or_signed_in, public
from kinoshelf.core.clock import Clock, iso
from kinoshelf.core.database import Database
from kinoshelf.core.settings import Settings, SettingsStore
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.discs.loans import count_loans, today_of
from kinoshelf.discs.queries import count_by_status
from kinoshelf.discs.statistics import newest
from kinoshelf.discs.wishes import count_wishes
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import Filter, count_by_group, count_by_state, list_downloads
from kinoshelf.downloads.states import GROUPS
from kinoshelf.titles.review import count_waiting
from kinoshelf.web import formats
from kinoshelf.web.disc_rows import ShownDisc, shown
from kinoshelf.web.entry import GateDep, access_of
from kinoshelf.web.folders import free_space
from kinoshelf.web.languages import gettext, mark, ngettext
from kinoshelf.web.pages import data_block, render, url
from kinoshelf.web.queries import list_finished
from kinoshelf.web.queue import BoardDep, DatabaseDep, StoreDep
from kinoshelf.web.rows import task_view

router = APIRouter(include_in_schema=False)

RUNNING_SHOWN = 5
NEWEST_SHOWN = 6
FINISHED_SHOWN = 8
# Below this share of free space a disk is shown as filling up.
SCARCE_SHARE = 0.1


class Disk(NamedTuple):
    label: str
    path: str
    free_bytes: int
    total_bytes: int

    @property
    def used_percent(self) -> float:
        return round((1 - self.free_bytes / self.total_bytes) * 100, 1) if self.total_bytes else 0.0

    @property
    def is_scarce(self) -> bool:
        return bool(self.total_bytes) and self.free_bytes / self.total_bytes < SCARCE_SHARE


@dataclass(frozen=True, slots=True)
class Figure:
    key: str
    label: str
    count: int
    href: str


@dataclass(frozen=True)
class ShelfView:
    """The collection in short: its figures, and the discs that came last."""

    figures: list[Figure]
    newest: list[ShownDisc]


def read_shelf(session: Session, today: date) -> ShelfView:
    counts = count_by_status(session)
    lent, overdue = count_loans(session, today)
    total = sum(counts.values())
    figures = [
        Figure("total", ngettext("disc", "discs", total), total, url("/collection")),
        Figure("kept", gettext("kept"), counts.get("kept", 0), url("/collection", status="kept")),
        Figure("unboxed", gettext("unboxed"), counts.get("unboxed", 0), url("/collection", status="unboxed")),
        Figure("disposed", gettext("disposed"), counts.get("disposed", 0), url("/collection", status="disposed")),
        Figure("lent", gettext("lent"), lent, url("/loans")),
        Figure("overdue", gettext("overdue"), overdue, url("/loans", show="overdue")),
        Figure("wishes", gettext("wished for"), count_wishes(session), url("/wishes")),
        Figure("reviews", gettext("to review"), count_waiting(session), url("/reviews")),
    ]
    kept = [figure for figure in figures if figure.count or figure.key in {"total", "kept"}]
    return ShelfView(kept, shown(session, newest(session, NEWEST_SHOWN)))


@dataclass(frozen=True)
class StartView:
    """Everything the template of the start page knows."""

    running: list[dict[str, Any]]
    finished: list[dict[str, Any]]
    counts: dict[str, int]
    total_speed: int
    disks: list[Disk]

    def as_json(self) -> dict[str, Any]:
        """The answer of `/start/items`."""
        return {
            "running": self.running,
            "finished": self.finished,
            "status_counts": self.counts,
            "total_speed": self.total_speed,
        }

    @property
    def start_json(self) -> str:
        return data_block(self.as_json())


def read_start(session: Session, board: ProgressBoard, settings: Settings, disks: list[Disk]) -> StartView:
    lives = board.everything()
    running = list_downloads(
        session, Filter(states=GROUPS["downloading"]), limit=RUNNING_SHOWN, sort="queue", descending=False
    )
    finished = [
        {
            "id": row.id,
            "filename": row.filename,
            "total_bytes": row.size_bytes,
            "completed_at": iso(row.completed_at),
            "completed_label": formats.moment(row.completed_at, settings.zone) if row.completed_at else "",
        }
        for row in list_finished(session, FINISHED_SHOWN)
    ]
    return StartView(
        [task_view(row, lives) for row in running],
        finished,
        count_by_group(count_by_state(session)),
        sum(live.speed_bytes_per_second for live in lives.values()),
        disks,
    )


def look_at_disks(settings: Settings) -> list[Disk]:
    """Return the disks of the hub's folders, one entry a disk. Asks the disk: not for the event loop."""
    wanted: list[tuple[str, Path | None]] = [
        (mark("Downloads"), settings.download_dir),
        (mark("Library"), settings.library_dir),
    ]
    found: list[Disk] = []
    for label, path in wanted:
        space = free_space(path) if path else None
        if path and space and not any(space == (disk.free_bytes, disk.total_bytes) for disk in found):
            found.append(Disk(gettext(label), str(path), *space))
    return found


async def _view(database: Database, board: ProgressBoard, store: SettingsStore) -> StartView:
    settings = store.current
    disks = await asyncio.to_thread(look_at_disks, settings)
    return await database.reading(lambda session: read_start(session, board, settings, disks))


@router.get("/", dependencies=[Depends(public)])
async def start(
    request: Request,
    database: DatabaseDep,
    board: BoardDep,
    gate: GateDep,
    store: StoreDep,
    clock: Annotated[Clock, Depends(use(Clock))],
) -> HTMLResponse:
    access = await access_of(request, gate)
    today = today_of(clock.now(), store.current.zone)
    return render(
        "start.html",
        access=access,
        next=url("/"),
        view=await _view(database, board, store) if access.may_look else None,
        shelf=await database.reading(lambda session: read_shelf(session, today)) if access.may_look else None,
        is_untouched=not store.current.config_file.exists() and not access.has_password,
    )


@router.get("/start/items", dependencies=[Depends(local_or_signed_in)])
async def items(database: DatabaseDep, board: BoardDep, store: StoreDep) -> Response:
    """Return what the start page shows, for the script to show it again."""
    view = await _view(database, board, store)
    return JSONBytes(view.as_json(), headers={"Cache-Control": "private, no-store"})
