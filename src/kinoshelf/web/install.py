"""Wiring of the pages into the application."""

from __future__ import annotations

from fastapi import FastAPI

from kinoshelf.web import (
    add,
    boxes,
    bulk_edit,
    collection,
    disc,
    entry,
    imports,
    loans,
    paste,
    queue,
    settings,
    start,
    stats,
    upkeep,
    wishes,
)
from kinoshelf.web.pages import static_tree
from kinoshelf.web.visitor import VisitorMiddleware

ROUTERS = (
    start.router,
    entry.router,
    queue.router,
    collection.router,
    disc.router,
    add.router,
    paste.router,
    imports.router,
    boxes.router,
    bulk_edit.router,
    wishes.router,
    loans.router,
    upkeep.router,
    stats.router,
    settings.router,
)


def install_pages(app: FastAPI) -> None:
    """Add the pages and their static files. Call it before the front door: errors are rendered for its visitor."""
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", static_tree(), name="static")
    app.add_middleware(VisitorMiddleware)
