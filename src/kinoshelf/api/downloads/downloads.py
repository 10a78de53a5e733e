"""/api/downloads: list, add, read, change, act, delete."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.downloads.answers import BulkDone, Deleted, Task, TaskDone, TaskPage
from kinoshelf.api.downloads.bodies import SurfaceRoute
from kinoshelf.api.downloads.parts import (
    CONFLICT,
    NOT_FOUND,
    BoardDep,
    ClockDep,
    DatabaseDep,
    DeleteFiles,
    Direction,
    DownloadId,
    FilterDep,
    PageLimit,
    PageNumber,
    StoreDep,
    cleared,
    paging,
)
from kinoshelf.api.downloads.requests import (
    MOST_LINKS,
    BulkCreate,
    DownloadUpdate,
    SingleCreate,
)
from kinoshelf.api.downloads.stats import stats_of
from kinoshelf.api.downloads.tasks import TaskView
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.downloads import control
from kinoshelf.downloads.adding import AddDownloads, Added
from kinoshelf.downloads.control import Removed, Selection
from kinoshelf.downloads.errors import DownloadNotFound
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.queries import (
    Filter,
    Sort,
    count_by_group,
    count_by_state,
    count_downloads,
    find_download,
    get_batch_names,
    list_downloads,
    list_errors,
)
from kinoshelf.downloads.states import State

router = APIRouter(prefix="/api/downloads", route_class=SurfaceRoute, tags=["downloads"], strict_content_type=False)

AddDownloadsDep = Annotated[AddDownloads, Depends(use(AddDownloads))]
WithTasks = Annotated[bool, Query(description="false leaves the tasks out of the answer.")]

NO_VALUES: dict[str, Any] = dict.fromkeys(column.key for column in Download.__table__.c)


@router.get("", response_model=TaskPage)
async def list_tasks(
    database: DatabaseDep,
    board: BoardDep,
    store: StoreDep,
    wanted: FilterDep,
    page: PageNumber = 1,
    limit: PageLimit = 50,
    sort: Sort = "added",
    direction: Annotated[
        Direction | None, Query(description="desc unless asked otherwise; asc for the order of the queue.")
    ] = None,
) -> Response:
    """Return one page of downloads, the counts of all of them, and the figures of the engine."""
    is_descending = direction == "desc" if direction else sort != "queue"

    def read(session: Session) -> bytes:
        counts = count_by_state(session)
        rows = list_downloads(session, wanted, page=page, limit=limit, sort=sort, descending=is_descending)
        view = TaskView.now(store.current, board)
        tasks = [view.task(row) for row in rows]
        return to_json(
            {
                "tasks": tasks,
                "downloads": tasks,
                **paging(_total(session, wanted, counts), page, limit),
                "status_counts": count_by_group(counts),
                "stats": stats_of(counts, board),
            }
        )

    return JSONBytes(await database.reading(read))


def _total(session: Session, wanted: Filter, counts: dict[State, int]) -> int:
    """Count what the filter lets through, without asking again what was counted already."""
    if wanted.batch_id is not None or wanted.search:
        return count_downloads(session, wanted)
    return sum(number for state, number in counts.items() if not wanted.states or state in wanted.states)


@router.post("", status_code=201, response_model=Task, responses=CONFLICT)
async def add_task(body: SingleCreate, board: BoardDep, store: StoreDep, add: AddDownloadsDep) -> Response:
    """Put one link into the queue. A link that is in the list already answers 409 with the `id` it has there."""
    row = await add.one_read(body.wanted(), batch_id=body.batch_id, batch_name=body.batch_name)
    return JSONBytes(TaskView.now(store.current, board).task(row), status_code=201)


@router.post("/bulk", status_code=201, response_model=BulkDone, responses={200: {"model": BulkDone}})
async def add_tasks(
    body: BulkCreate,
    database: DatabaseDep,
    board: BoardDep,
    store: StoreDep,
    add: AddDownloadsDep,
    tasks: WithTasks = True,
) -> Response:
    """Put many links into the queue at once, in their order, and tell what became of each. 200 when none was new."""
    wanted = body.wanted()
    if len(wanted) > MOST_LINKS:
        raise InvalidInput(f"at most {MOST_LINKS:,} links at once")
    outcomes = await add.many(wanted, batch_id=body.batch_id, batch_name=body.batch_name)
    counts = dict.fromkeys(("added", "duplicate", "invalid"), 0)
    for one in outcomes:
        counts[one.outcome] += 1
    answer = {
        "tasks": await _added_tasks(database, TaskView.now(store.current, board), outcomes) if tasks else [],
        "results": [
            {
                "url": one.url,
                "status": one.outcome,
                "id": one.download_id,
                "error": f"this link is in the list already ({one.error})" if one.outcome == "duplicate" else one.error,
            }
            for one in outcomes
        ],
        "added": counts["added"],
        "duplicates": counts["duplicate"],
        "invalid": counts["invalid"],
    }
    return JSONBytes(answer, status_code=201 if counts["added"] else 200)


async def _added_tasks(database: DatabaseDep, view: TaskView, outcomes: Sequence[Added]) -> list[dict[str, Any]]:
    """Render new downloads from what was written, which is cheaper than to read thousands of rows again."""
    rows = [one.row for one in outcomes if one.row is not None]
    batch_ids = {row["batch_id"] for row in rows if row["batch_id"]}
    names = await database.reading(lambda session: get_batch_names(session, batch_ids)) if batch_ids else {}
    return [
        view.task(SimpleNamespace(**{**NO_VALUES, **row, "batch_name": names.get(row["batch_id"])})) for row in rows
    ]


@router.get("/{download_id}", response_model=Task, responses=NOT_FOUND)
async def get_task(download_id: DownloadId, database: DatabaseDep, board: BoardDep, store: StoreDep) -> Response:
    """Return one download with its history of errors."""

    def read(session: Session) -> dict[str, Any]:
        return task_of(session, TaskView.now(store.current, board), download_id)

    return JSONBytes(await database.reading(read))


@router.patch("/{download_id}", response_model=TaskDone, responses={**NOT_FOUND, **CONFLICT})
async def change_task(
    download_id: DownloadId,
    body: DownloadUpdate,
    database: DatabaseDep,
    board: BoardDep,
    store: StoreDep,
    clock: ClockDep,
) -> Response:
    """Change one download. Name, folder and checksum can change until it is completed."""

    def work(session: Session) -> dict[str, Any]:
        control.edit(session, download_id, body.edit(), clock.now())
        return task_of(session, TaskView.now(store.current, board), download_id)

    return JSONBytes({"success": True, **await database.writing(work)})


@router.delete("/{download_id}", response_model=Deleted, responses=NOT_FOUND)
async def delete_task(
    download_id: DownloadId,
    database: DatabaseDep,
    store: StoreDep,
    clock: ClockDep,
    delete_files: DeleteFiles = False,
) -> Response:
    """Take one download out of the list; a running one is stopped. A finished file stays unless asked otherwise."""

    def work(session: Session) -> Removed:
        done = control.remove(session, Selection(ids=(download_id,)), clock.now())
        if not done.ids:
            raise DownloadNotFound(download_id)
        return done

    files = await cleared(store, await database.writing(work), delete_files=delete_files)
    return JSONBytes({"success": True, "id": download_id, **files})


def task_of(session: Session, view: TaskView, download_id: str) -> dict[str, Any]:
    row = find_download(session, download_id)
    if row is None:
        raise DownloadNotFound(download_id)
    return view.task(row, list_errors(session, download_id))
