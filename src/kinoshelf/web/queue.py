"""The queue page, its list as JSON for the script, and one download for readers without script."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in, public
from kinoshelf.core.database import Database
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.downloads.errors import DownloadNotFound
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import find_download, list_errors
from kinoshelf.web import formats
from kinoshelf.web.entry import GateDep, access_of
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue_view import PAGE_SIZE, Shown, read_view
from kinoshelf.web.rows import task_view

router = APIRouter(include_in_schema=False)

LARGEST_PAGE = 500
SHORTCUTS = (
    (("j", "↓"), mark("Next download")),
    (("k", "↑"), mark("Previous download")),
    (("Enter",), mark("Show details, or open and close a batch")),
    (("Space",), mark("Select; with Shift everything in between")),
    (("p",), mark("Pause")),
    (("r",), mark("Resume or retry")),
    (("c",), mark("Cancel")),
    (("Delete",), mark("Delete")),
    (("Alt+↑", "Alt+↓"), mark("Move up or down in the queue")),
    (("t",), mark("Move to the top of the queue")),
    (("a",), mark("Add links")),
    (("/",), mark("Search")),
    (("1", "…", "7"), mark("Show another tab")),
    (("[", "]"), mark("Previous or next page")),
    (("Esc",), mark("Clear the selection, close a dialog")),
    (("?",), mark("This help")),
)

DatabaseDep = Annotated[Database, Depends(use(Database))]
BoardDep = Annotated[ProgressBoard, Depends(use(ProgressBoard))]
StoreDep = Annotated[SettingsStore, Depends(use(SettingsStore))]


@router.get("/queue", dependencies=[Depends(public)])
async def queue(request: Request, database: DatabaseDep, board: BoardDep, gate: GateDep) -> HTMLResponse:
    access = await access_of(request, gate)
    view = None
    if access.may_look:
        shown = Shown.of(request.query_params)
        view = await database.reading(lambda session: read_view(session, shown, board))
    return render(
        "queue.html",
        access=access,
        next=url("/queue") + (f"?{request.url.query}" if request.url.query else ""),
        view=view,
        speeds=board.speeds() if view is not None else [],
        shortcuts=[(keys, gettext(meaning)) for keys, meaning in SHORTCUTS],
    )


@router.get("/queue/items", dependencies=[Depends(local_or_signed_in)])
async def items(request: Request, database: DatabaseDep, board: BoardDep) -> Response:
    """Return one page of the list as the script reads it; `order` names batches and downloads as they stand."""
    shown = Shown.of(request.query_params)
    limit = page_limit(request.query_params.get("limit", ""))
    view = await database.reading(lambda session: read_view(session, shown, board, limit))
    return JSONBytes(view.as_json(), headers={"Cache-Control": "private, no-store"})


@router.get("/queue/{download_id}", dependencies=[Depends(page_for_signed_in)])
async def one(download_id: str, database: DatabaseDep, board: BoardDep, store: StoreDep) -> HTMLResponse:
    """Show one download in full, for readers without script and for links."""

    def read(session: Session) -> tuple[Any, Any]:
        row = find_download(session, download_id)
        if row is None:
            raise DownloadNotFound(download_id)
        return row, list_errors(session, download_id)

    row, errors = await database.reading(read)
    zone = store.current.zone
    task = task_view(row, board.everything())
    details = [
        (gettext("Host"), row.host),
        (gettext("File"), row.destination),
        (gettext("Batch"), row.batch_name),
        (gettext("Category"), row.category),
        (gettext("Size"), formats.size(row.size_bytes) if row.size_bytes is not None else None),
        (gettext("Checksum"), row.checksum),
        (gettext("Added"), formats.moment(row.created_at, zone)),
        (gettext("Started"), row.started_at and formats.moment(row.started_at, zone)),
        (gettext("Ended"), row.completed_at and formats.moment(row.completed_at, zone)),
        (gettext("Retries"), row.retry_count or None),
    ]
    return render(
        "task.html",
        task=task,
        details=[(label, value) for label, value in details if value],
        history=[(error.at, formats.moment(error.at, zone), error.message) for error in reversed(errors)],
    )


def page_limit(text: str) -> int:
    return min(max(int(text), 1), LARGEST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 else PAGE_SIZE
