"""Reading request bodies: JSON only, strictly, and one place that turns a failing database into its documented code."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from sqlalchemy.exc import SQLAlchemyError

from kinoshelf.api.downloads.errors import DatabaseFailed

log = structlog.get_logger()


class JSONRequest(Request):
    async def body(self) -> bytes:
        content = await super().body()
        if content and not _is_json(self.headers.get("content-type", "")):
            raise HTTPException(415, "send the body as JSON, with the header Content-Type: application/json")
        return content

    async def json(self) -> Any:
        """Parse strictly: no NaN, no lone surrogates, bounded depth."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(400, f"the body is not JSON: {error}") from error


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


class SurfaceRoute(APIRoute):
    """A route of this surface."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            try:
                return await handle(JSONRequest(request.scope, request.receive))
            except SQLAlchemyError as error:
                log.exception("downloads.database_failed", path=request.scope["path"])
                raise DatabaseFailed from error

        return handle_json
