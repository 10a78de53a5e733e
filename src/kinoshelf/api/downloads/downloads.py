"""/api/downloads: list, add, read, change, act, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.downloads import actions
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
from kinoshelf.api.downloads.schemas import (
    MOST_LINKS,
    ActionDone,
    ActionRequest,
    Affected,
    BulkCreate,
    BulkDone,
    Deleted,
    Done,
    DownloadUpdate,
    ReorderRequest,
    SingleCreate,
    Task,
    TaskDone,
    TaskPage,
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
    get_states,
    list_downloads,
    list_errors,
)
from kinoshelf.downloads.states import GROUPS, State

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


@router.post("/actions", response_model=ActionDone)
async def act_on_many(body: ActionRequest, database: DatabaseDep, store: StoreDep, clock: ClockDep) -> Response:
    """Do one thing to many downloads. Those whose state does not allow it, and unknown ones, are named."""
    ids = tuple(dict.fromkeys(body.ids))
    act = actions.ON_SINGLE[body.action]

    def work(session: Session) -> tuple[Removed, dict[str, str]]:
        done = act(session, Selection(ids=ids), clock.now())
        rest = set(ids).difference(done.ids)
        return done, get_states(session, rest)

    done, refused = await database.writing(work)
    files = await cleared(store, done, delete_files=body.delete_files and body.action == "delete")
    changed = set(done.ids)
    return JSONBytes(
        {
            "success": True,
            "affected": len(done.ids),
            "ids": [one for one in ids if one in changed],
            "refused": refused,
            "missing": [one for one in ids if one not in changed and one not in refused],
            **files,
        }
    )


@router.post("/reorder", response_model=Done, responses=NOT_FOUND)
async def reorder(body: ReorderRequest, database: DatabaseDep) -> Response:
    """Move downloads in the queue: `ids` to its front, or one `id` right before or after another."""
    if (body.ids is None) == (body.id is None):
        raise InvalidInput("name either ids, or one id with before or after")

    def work(session: Session) -> None:
        if body.ids is not None:
            control.put_first(session, body.ids)
        elif body.id is not None:
            control.move_between(session, body.id, body.before, body.after)

    await database.writing(work)
    return JSONBytes({"success": True})


def _acting_on_all(name: str) -> Callable[..., Awaitable[Response]]:
    async def act_on_all(database: DatabaseDep, store: StoreDep, clock: ClockDep) -> Response:
        done = await database.writing(lambda session: actions.ON_ALL[name](session, Selection(), clock.now()))
        await cleared(store, done)
        return JSONBytes({"success": True, "affected": len(done.ids)})

    return act_on_all


for _name, _text in (
    ("pause", "Pause everything that can be paused."),
    ("resume", "Put everything that is paused back into the queue."),
    ("retry", "Try again what failed and what waits for its next try."),
    ("cancel", "Cancel everything that is still to come. What failed stays failed."),
):
    router.add_api_route(
        f"/{_name}-all",
        _acting_on_all(_name),
        methods=["POST"],
        name=f"{_name}_all",
        description=_text,
        response_model=Affected,
    )


@router.get("/{download_id}", response_model=Task, responses=NOT_FOUND)
async def get_task(download_id: DownloadId, database: DatabaseDep, board: BoardDep, store: StoreDep) -> Response:
    """Return one download with its history of errors."""

    def read(session: Session) -> dict[str, Any]:
        return _task(session, TaskView.now(store.current, board), download_id)

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
        return _task(session, TaskView.now(store.current, board), download_id)

    return JSONBytes({"success": True, **await database.writing(work)})


def _acting_on_task(name: str) -> Callable[..., Awaitable[Response]]:
    async def act_on_task(
        download_id: DownloadId, database: DatabaseDep, board: BoardDep, store: StoreDep, clock: ClockDep
    ) -> Response:
        def work(session: Session) -> tuple[Removed, dict[str, Any]]:
            done = actions.ON_SINGLE[name](session, Selection(ids=(download_id,)), clock.now())
            control.refuse_unchanged(session, download_id, done.ids, actions.PAST[name])
            # Read here, before a worker may have taken what was queued.
            return done, _task(session, TaskView.now(store.current, board), download_id)

        done, task = await database.writing(work)
        await cleared(store, done)
        return JSONBytes({"success": True, **task})

    return act_on_task


for _name, _text in (
    ("pause", "Pause a download that is queued, waiting or running."),
    ("resume", "Put a paused, waiting or skipped download back into the queue, with its tries reset."),
    ("retry", "Start a waiting or ended download again; a completed one from its beginning."),
    ("cancel", "Cancel a download. What has arrived of it is thrown away; it stays in the list."),
):
    router.add_api_route(
        f"/{{download_id}}/{_name}",
        _acting_on_task(_name),
        methods=["POST"],
        name=f"{_name}_task",
        description=_text,
        response_model=TaskDone,
        responses={**NOT_FOUND, **CONFLICT},
    )


def _clearing(group: str) -> Callable[..., Awaitable[Response]]:
    async def clear(database: DatabaseDep, store: StoreDep, clock: ClockDep) -> Response:
        states = GROUPS[group]
        done = await database.writing(lambda session: control.remove(session, Selection(), clock.now(), states))
        await cleared(store, done)
        return JSONBytes({"success": True, "affected": len(done.ids)})

    return clear


for _name in ("completed", "failed", "cancelled"):
    router.add_api_route(
        f"/{_name}",
        _clearing(_name),
        methods=["DELETE"],
        name=f"clear_{_name}",
        description=f"Take everything that is {_name} out of the list. Finished files stay.",
        response_model=Affected,
    )


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


def _task(session: Session, view: TaskView, download_id: str) -> dict[str, Any]:
    row = find_download(session, download_id)
    if row is None:
        raise DownloadNotFound(download_id)
    return view.task(row, list_errors(session, download_id))
