"""The routes of this surface: with and without the slash at the end, and JSON beside pages at one address."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from kinoshelf.api.discs.errors import as_this_surface
from kinoshelf.api.downloads.bodies import JSONRequest
from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.http.errors import UpstreamNotFound


class SurfaceRoute(APIRoute):
    """A route of this surface: found with and without the slash at its end, documented as it is declared."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found, child = super().matches(scope)
        if found is Match.NONE and scope["type"] == "http" and not scope["path"].endswith("/"):
            # A route of its own for each form would double the time that loading them takes.
            return super().matches({**scope, "path": f"{scope['path']}/"})
        return found, child

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_request(request: Request) -> Response:
            try:
                return await handle(JSONRequest(request.scope, request.receive))
            except (NotConfigured, UpstreamNotFound) as error:
                raise as_this_surface(error) from error

        return handle_request


class JSONOnlyRoute(SurfaceRoute):
    """A route for programs at the address of a page: it steps aside where a page is wanted."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found, child = super().matches(scope)
        if found is Match.FULL and not wants_json(scope):
            return Match.NONE, {}
        return found, child


class SurfaceRouter(APIRouter):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**{"route_class": SurfaceRoute, "strict_content_type": False, **arguments})


def wants_json(scope: Scope) -> bool:
    """Tell whether a request to the address of a page asks for JSON: by `format=json`, or by naming it before HTML."""
    wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("format")
    if wanted:
        return bool(wanted[-1].lower() == "json")
    kinds = [part.strip().lower() for part in Headers(scope=scope).get("accept", "").split(",")]
    names = [kind.partition(";")[0].strip() for kind in kinds]
    return "application/json" in names and "text/html" not in names
