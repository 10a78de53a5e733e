"""/ajax/statistics: the figures of the whole collection."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from fastapi import Request
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, answered
from kinoshelf.api.discs.disc_shape import disc_read
from kinoshelf.api.discs.parts import DatabaseDep, StoreDep
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.web import base_of
from kinoshelf.discs.statistics import Statistics, statistics

router = SurfaceRouter(prefix="/ajax", tags=["shelf"])

# Pairs of a name and the number of discs.
COUNTS = ("decades", "genres", "companies", "directors", "top_box_sets", "formats", "certificates")


class StatisticsRead(Answer):
    data: dict[str, Any]


@router.get("/statistics/", response_model=StatisticsRead)
async def show_statistics(request: Request, database: DatabaseDep, store: StoreDep) -> Response:
    """Return counts, ratings, running times, decades, genres, formats, value, growth, and the newest discs."""
    zone, base = store.current.zone, base_of(request.scope)
    return answered(await database.reading(lambda session: _shown(statistics(session, zone=zone), base)))


def _shown(found: Statistics, base: str) -> dict[str, Any]:
    figures = {one.name: getattr(found, one.name) for one in fields(found)}
    for name in COUNTS:
        figures[name] = [{"name": key, "count": count} for key, count in figures[name]]
    return {
        **figures,
        "ratings": asdict(found.ratings),
        "runtimes": asdict(found.runtimes),
        "growth": [asdict(month) for month in found.growth],
        "values": [
            {**asdict(value), "total": float(value.total), "kept_total": float(value.kept_total)}
            for value in found.values
        ],
        "year_span": found.year_span,
        "digital": found.digital,
        "newest": [disc_read(row, base) for row in found.newest],
    }
