"""/api/downloads: what users do to downloads, one, many or all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.downloads import actions
from kinoshelf.api.downloads.answers import ActionDone, Affected, Done, TaskDone
from kinoshelf.api.downloads.bodies import SurfaceRoute
from kinoshelf.api.downloads.downloads import task_of
from kinoshelf.api.downloads.parts import (
    CONFLICT,
    NOT_FOUND,
    BoardDep,
    ClockDep,
    DatabaseDep,
    DownloadId,
    StoreDep,
    cleared,
)
from kinoshelf.api.downloads.requests import ActionRequest, ReorderRequest
from kinoshelf.api.downloads.tasks import TaskView
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.web import JSONBytes
from kinoshelf.downloads import control
from kinoshelf.downloads.control import Removed, Selection
from kinoshelf.downloads.queries import get_states
from kinoshelf.downloads.states import GROUPS

router = APIRouter(prefix="/api/downloads", route_class=SurfaceRoute, tags=["downloads"], strict_content_type=False)


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


def _acting_on_task(name: str) -> Callable[..., Awaitable[Response]]:
    async def act_on_task(
        download_id: DownloadId, database: DatabaseDep, board: BoardDep, store: StoreDep, clock: ClockDep
    ) -> Response:
        def work(session: Session) -> tuple[Removed, dict[str, Any]]:
            done = actions.ON_SINGLE[name](session, Selection(ids=(download_id,)), clock.now())
            control.refuse_unchanged(session, download_id, done.ids, actions.PAST[name])
            # Read here, before a worker may have taken what was queued.
            return done, task_of(session, TaskView.now(store.current, board), download_id)

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
