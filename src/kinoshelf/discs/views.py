"""Views of the collection under a name: filters, order and columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import Conflict, NotFound
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import FIELDS
from kinoshelf.discs.models import SavedView

MOST_NAME_CHARACTERS = 100
MOST_QUERY_CHARACTERS = 4000
MOST_VIEWS = 200


class ViewNotFound(NotFound):
    def __init__(self, view_id: int) -> None:
        super().__init__(f"there is no saved view {view_id}")


class ViewNameTaken(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"there is a view called \u00ab{name}\u00bb already")


def save_view(session: Session, name: str, query: str, now: datetime, *, replaces: bool = True) -> SavedView:
    """Keep a query string under a name; one of the same name is replaced. Raises DiscInvalid, ViewNameTaken."""
    name, query = _name(name), query.strip().lstrip("?")
    if len(query) > MOST_QUERY_CHARACTERS:
        raise DiscInvalid([("query", "these are too many filters for a saved view")])
    wait_turn(session, "discs.views")
    view = session.scalars(select(SavedView).where(SavedView.name == name)).first()
    if view is not None and not replaces:
        raise ViewNameTaken(name)
    if view is None:
        if (session.scalar(select(func.count()).select_from(SavedView)) or 0) >= MOST_VIEWS:
            raise DiscInvalid([("name", f"{MOST_VIEWS} views are kept at most; remove one first")])
        view = SavedView(name=name, created_at=now)
        session.add(view)
    view.query = query
    session.flush()
    return view


def list_views(session: Session) -> Sequence[SavedView]:
    """Return the views by name."""
    return sorted(session.scalars(select(SavedView)), key=lambda view: view.name.casefold())


def get_view(session: Session, view_id: int) -> SavedView:
    """Raises ViewNotFound."""
    view = session.get(SavedView, view_id)
    if view is None:
        raise ViewNotFound(view_id)
    return view


def rename_view(session: Session, view_id: int, name: str) -> SavedView:
    """Raises ViewNotFound, DiscInvalid, ViewNameTaken."""
    name = _name(name)
    wait_turn(session, "discs.views")
    view = get_view(session, view_id)
    if session.scalar(select(SavedView.id).where(SavedView.name == name, SavedView.id != view_id)) is not None:
        raise ViewNameTaken(name)
    view.name = name
    session.flush()
    return view


def remove_view(session: Session, view_id: int) -> str:
    """Remove a view and return its name. Raises ViewNotFound."""
    view = get_view(session, view_id)
    session.delete(view)
    session.flush()
    return view.name


def _name(name: str) -> str:
    try:
        found: str = FIELDS["storage_box"].read(name)
    except ValueError as problem:
        raise DiscInvalid([("name", f"the name {problem}")]) from None
    if not found:
        raise DiscInvalid([("name", "the view needs a name")])
    return found
