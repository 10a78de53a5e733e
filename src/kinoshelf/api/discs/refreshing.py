"""/ajax: refreshing what TMDB says about all discs, as a job that is watched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, RefreshProgress, TaskStarted, answered
from kinoshelf.api.discs.parts import CONFLICT, NOT_FOUND, UPSTREAM, CatalogueDep, ClockDep, DatabaseDep
from kinoshelf.api.discs.requests import Given100
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.errors import InvalidInput, NotConfigured
from kinoshelf.discs import refresh
from kinoshelf.discs.refresh import Kind, RefreshNotFound
from kinoshelf.titles.catalogue import NO_KEY

router = SurfaceRouter(tags=["discs"])


class TaskChosen(BaseModel):
    task_id: Given100


def _starting(kind: Kind) -> Callable[..., Awaitable[Response]]:
    async def start(database: DatabaseDep, clock: ClockDep, catalogue: CatalogueDep) -> Response:
        if not catalogue.is_configured:
            raise NotConfigured(NO_KEY)
        task_id = await database.writing(lambda session: refresh.start(session, kind, clock=clock))
        return answered({"task_id": task_id}, "The refresh has started", task_id=task_id)

    return start


REFRESHES: tuple[tuple[str, Kind, str], ...] = (
    ("refresh-all-tmdb", "full", "Ask TMDB anew about every disc it knows."),
    (
        "refresh-missing-details",
        "details",
        "Ask TMDB about discs that lack tagline, money, companies, director or certificate.",
    ),
)
for _path, _kind, _text in REFRESHES:
    for _prefix in ("/ajax", "/api"):
        router.add_api_route(
            f"{_prefix}/{_path}/",
            _starting(_kind),
            methods=["POST"],
            name=_path.replace("-", "_"),
            description=f"{_text} One refresh runs at a time; what a person wrote stays.",
            response_model=TaskStarted,
            responses=UPSTREAM,
            include_in_schema=_prefix == "/ajax",
        )


@router.get("/ajax/refresh-progress/", response_model=RefreshProgress, responses=NOT_FOUND)
@router.get("/api/refresh-progress/", include_in_schema=False)
async def show_progress(
    database: DatabaseDep,
    task_id: Annotated[str, Query(max_length=100)] = "",
    type: Annotated[  # noqa: A002 -- the name in the query
        Literal["full", "details", ""], Query(description="Which of the two refreshes; the task knows it by itself.")
    ] = "",
) -> Response:
    """Tell how far a refresh is."""
    if not task_id.strip():
        raise InvalidInput("Task ID required")

    def read(session: Session) -> dict[str, Any]:
        found = refresh.progress(session, task_id.strip())
        if type and found["kind"] != type:
            raise RefreshNotFound
        return found

    found = await database.reading(read)
    error = found.pop("error", "")
    return answered(found, error, **found)


@router.post("/ajax/cancel-refresh/", response_model=Answer, responses={**NOT_FOUND, **CONFLICT})
async def cancel(body: TaskChosen, database: DatabaseDep, clock: ClockDep) -> Response:
    """Stop a refresh; what it has written stays."""
    await database.writing(lambda session: refresh.cancel(session, body.task_id, clock=clock))
    return answered(message="The refresh is being stopped")
