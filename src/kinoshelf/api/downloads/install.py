"""Wiring of this surface."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from kinoshelf.api.downloads import acting, batches, downloads, settings, socket, stats
from kinoshelf.api.downloads.errors import render_error
from kinoshelf.api.downloads.feed import LiveFeed
from kinoshelf.api.downloads.parts import ERRORS
from kinoshelf.core.access.guards import local_or_signed_in
from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.container import Container
from kinoshelf.core.database import Database
from kinoshelf.core.events import EventBus
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.web import Surfaces
from kinoshelf.downloads.progress import ProgressBoard

# Paths that answer in the form of this surface, and that other origins may be allowed to read.
PREFIXES = (
    "/api/downloads",
    "/api/batches",
    "/api/search",
    "/api/settings",
    "/api/engine",
    "/api/stats",
    "/api/ws",
)


def install_downloads_api(app: FastAPI, surfaces: Surfaces, container: Container) -> None:
    """Add the routes, their form of errors, and the feed of the live socket."""
    container.add(
        LiveFeed(
            database=container.get(Database),
            board=container.get(ProgressBoard),
            store=container.get(SettingsStore),
            events=container.get(EventBus),
            bus=container.get(ProcessBus),
        )
    )
    for prefix in PREFIXES:
        surfaces.add(prefix, render_error)
    guarded = [Depends(local_or_signed_in)]
    for router in (stats.router, settings.router):
        app.include_router(router, dependencies=guarded, responses=ERRORS)
    # Before the downloads, whose ids would take their place in the path.
    for path in batches.PATHS:
        is_documented = path == batches.PATHS[0]
        app.include_router(
            batches.router, prefix=path, dependencies=guarded, responses=ERRORS, include_in_schema=is_documented
        )
    for router in (acting.router, downloads.router):
        app.include_router(router, dependencies=guarded, responses=ERRORS)
    app.include_router(socket.router)
