"""Figures in the form Prometheus reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response

from kinoshelf.core.access.guards import local_or_signed_in
from kinoshelf.core.metrics import Metrics
from kinoshelf.core.web import use

# How requests are told apart; what is not listed is a page.
SURFACES = {
    "/ajax": "discs",
    "/dvd": "discs",
    "/api/auth": "series",
    "/api/anime": "series",
    "/api/queue": "series",
    "/api/config": "series",
    "/api/nfo": "series",
    "/api/scheduler": "series",
    "/ws": "series",
    "/api/trakt": "dashboard",
    "/api/watching": "dashboard",
    "/api/images": "dashboard",
    "/api/downloads": "downloads",
    "/api/batches": "downloads",
    "/api/search": "downloads",
    "/api/settings": "downloads",
    "/api/engine": "downloads",
    "/api/stats": "downloads",
    "/api/ws": "downloads",
    "/api": "other",
    "/health": "health",
    "/api/health": "health",
    "/metrics": "metrics",
    "/artwork": "artwork",
    "/static": "static",
}


def metrics_router(guard: Callable[..., Awaitable[Any]] = local_or_signed_in) -> APIRouter:
    """Return the router; `guard` decides who may read."""
    router = APIRouter(tags=["metrics"], dependencies=[Depends(guard)])

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics(
        metrics: Annotated[Metrics, Depends(use(Metrics))], accept: Annotated[str, Header(include_in_schema=False)] = ""
    ) -> Response:
        """Show the figures of this process: requests, jobs, downloads."""
        content, content_type = await asyncio.to_thread(metrics.rendered, accept)
        return Response(content, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return router
