"""Wiring of this surface."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, FastAPI

from kinoshelf.api.discs import (
    discs,
    editing,
    exporting,
    figures,
    imports,
    lending,
    posters,
    refreshing,
    searching,
    shelf,
    torrents,
    views,
    wishes,
)
from kinoshelf.api.discs.errors import render_error
from kinoshelf.api.discs.parts import ERRORS
from kinoshelf.core.access.guards import local_or_signed_in
from kinoshelf.core.web import Renderer, Surfaces

# Where pages live too: who reads HTML gets errors as pages.
SHARED_PREFIX = "/dvd"
# The paths under which this was found before, as far as no other surface has them.
ALIASES = tuple(
    f"/api/{name}"
    for name in (
        "box-set-autocomplete",
        "storage-box-autocomplete",
        "check-location",
        "bulk-update-dvd",
        "delete-dvd",
        "refresh-all-tmdb",
        "refresh-missing-details",
        "refresh-progress",
    )
)
PREFIXES = ("/ajax", *ALIASES)


def install_discs_api(app: FastAPI, surfaces: Surfaces, page_or: Callable[[Renderer], Renderer]) -> None:
    """Add the routes and their form of errors. Call it before the pages, which take what is left of /dvd."""
    for prefix in PREFIXES:
        surfaces.add(prefix, render_error)
    surfaces.add(SHARED_PREFIX, page_or(render_error))
    guarded = [Depends(local_or_signed_in)]
    for router in (
        searching.router,
        editing.router,
        refreshing.router,
        posters.router,
        torrents.router,
        shelf.router,
        lending.router,
        wishes.router,
        views.router,
        figures.router,
        imports.lists,
        imports.router,
        exporting.router,
        discs.beside_pages,
        discs.router,
    ):
        app.include_router(router, dependencies=guarded, responses=ERRORS)
