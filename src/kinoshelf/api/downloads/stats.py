"""The figures of the engine: GET /api/engine/stats and its aliases."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.downloads.answers import EngineStats
from kinoshelf.api.downloads.bodies import SurfaceRoute
from kinoshelf.api.downloads.parts import BoardDep, DatabaseDep
from kinoshelf.core.web import JSONBytes
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import count_by_group, count_by_state
from kinoshelf.downloads.states import State

router = APIRouter(route_class=SurfaceRoute, tags=["engine"])


def stats_of(counts: dict[State, int], board: ProgressBoard) -> dict[str, Any]:
    groups = count_by_group(counts)
    return {
        "active_downloads": groups["downloading"],
        "queued": groups["queued"],
        "waiting": counts.get(State.WAITING, 0),
        "paused": groups["paused"],
        "completed": groups["completed"],
        "failed": groups["failed"],
        "cancelled": groups["cancelled"],
        "total_speed": board.total_speed_bytes_per_second,
        "db_counts": groups,
    }


@router.get("/api/engine/stats", response_model=EngineStats)
@router.get("/api/stats", response_model=EngineStats, include_in_schema=False)
@router.get("/api/downloads/stats", response_model=EngineStats, include_in_schema=False)
async def engine_stats(database: DatabaseDep, board: BoardDep) -> Response:
    """How many downloads are in which group of states, and how fast all of them are together."""

    def read(session: Session) -> dict[str, Any]:
        return stats_of(count_by_state(session), board)

    return JSONBytes(await database.reading(read))
