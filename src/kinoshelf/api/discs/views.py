"""/ajax/views: filters, order and columns of the collection under a name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Instant, answered
from kinoshelf.api.discs.parts import CONFLICT, NOT_FOUND, ClockDep, DatabaseDep, RowNumber
from kinoshelf.api.discs.requests import ViewRenaming, ViewRequest
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.clock import iso
from kinoshelf.discs import views
from kinoshelf.discs.models import SavedView

router = SurfaceRouter(prefix="/ajax/views", tags=["views"])


class ViewRead(BaseModel):
    id: int
    name: str
    query: str
    created_at: Instant


class OneView(Answer):
    view: ViewRead


class Views(Answer):
    views: list[ViewRead]


def _shown(view: SavedView) -> dict[str, Any]:
    return {"id": view.id, "name": view.name, "query": view.query, "created_at": iso(view.created_at)}


@router.get("/", response_model=Views)
async def list_views(database: DatabaseDep) -> Response:
    """Return the saved views by name."""
    found = await database.reading(lambda session: [_shown(view) for view in views.list_views(session)])
    return answered(found, views=found)


@router.post("/", status_code=201, response_model=OneView)
async def save_view(body: ViewRequest, database: DatabaseDep, clock: ClockDep) -> Response:
    """Save a view; one of the same name is replaced."""

    def write(session: Session) -> dict[str, Any]:
        return _shown(views.save_view(session, body.name, body.query, clock.now()))

    view = await database.writing(write)
    return answered(view, status_code=201, view=view)


@router.patch("/{view_id}/", response_model=OneView, responses={**NOT_FOUND, **CONFLICT})
async def rename_view(view_id: RowNumber, body: ViewRenaming, database: DatabaseDep) -> Response:
    """Give a view another name."""
    view = await database.writing(lambda session: _shown(views.rename_view(session, view_id, body.name)))
    return answered(view, view=view)


@router.delete("/{view_id}/", response_model=Answer, responses=NOT_FOUND)
async def remove_view(view_id: RowNumber, database: DatabaseDep) -> Response:
    """Remove a saved view."""
    name = await database.writing(lambda session: views.remove_view(session, view_id))
    return answered(message=f"the view \u00ab{name}\u00bb is gone")
