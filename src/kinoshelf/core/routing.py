"""Finding a route quickly: the framework tries one after another, and there are hundreds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

Way = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

ANY = ""
"""In the place of a path segment: a parameter, or nothing."""


def index_routes(app: FastAPI) -> None:
    """Let a request try only the routers that know its first two path segments, in their order. Call it last.

    What none of those takes goes the long way, with the framework's own rules.
    """
    router = app.router
    long_way = router.middleware_stack
    known = [(route, {_segments(path) for path in _paths(route)}) for route in router.routes]
    keys = {key for _route, found in known for key in found if key[0] != ANY}
    keys |= {(first, ANY) for first, _second in keys}
    short_ways: dict[tuple[str, str], Way] = {}
    for key in keys:
        short_way = APIRouter(redirect_slashes=False, default=router.app)
        short_way.routes.extend(route for route, found in known if any(_may_match(key, one) for one in found))
        short_ways[key] = short_way.app

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        way: Way = long_way
        if scope["type"] != "lifespan":
            first, second = _segments(scope["path"].removeprefix(scope.get("root_path", "")))
            way = short_ways.get((first, second)) or short_ways.get((first, ANY)) or long_way
            scope["router"] = router
        await way(scope, receive, send)

    router.middleware_stack = dispatch


def _segments(path: str) -> tuple[str, str]:
    first, second = [*path.lstrip("/").split("/", 2), "", ""][:2]
    if first.startswith("{"):
        return ANY, ANY
    return first, ANY if "{" in second else second


def _may_match(key: tuple[str, str], route: tuple[str, str]) -> bool:
    return route[0] == ANY or (key[0] == route[0] and (route[1] == ANY or key[1] == route[1]))


def _paths(route: BaseRoute, prefix: str = "") -> Iterator[str]:
    """Yield the paths of a route, or of all in a router that was included; a mount takes all below its path."""
    inner = getattr(route, "original_router", None)
    if inner is None:
        yield prefix + str(getattr(route, "path", ""))
        return
    prefix += str(getattr(getattr(route, "include_context", None), "prefix", ""))
    for one in inner.routes:
        yield from _paths(one, prefix)
