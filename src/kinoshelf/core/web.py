"""What every HTTP surface shares: finding use cases, request ids, and one error tree rendered as each surface promises."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from kinoshelf.core.container import Container
from kinoshelf.core.errors import KinoshelfError, LimitReached, StorageProblem

log = structlog.get_logger()
T = TypeVar("T")

request_id_now: ContextVar[str] = ContextVar("request_id", default="")


class Unexpected(KinoshelfError):
    """A defect of ours. The log has the traceback under the same request id."""

    status = 500
    code = "INTERNAL_ERROR"


class BadRequest(KinoshelfError):
    """The body, a parameter or the path does not have the documented form."""

    status = 422
    code = "VALIDATION"


class PlainStatus(KinoshelfError):
    """A status the framework decided: unknown path, wrong method, wrong content type."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.plain_status = status
        self.headers = dict(headers or {})


def status_of(error: KinoshelfError) -> int:
    return error.plain_status if isinstance(error, PlainStatus) else error.status


@dataclass(frozen=True)
class Rendered:
    """An error as one surface shows it."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


Renderer = Callable[[KinoshelfError], Rendered]


class JSONBytes(Response):
    """JSON that pydantic-core writes straight to bytes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else to_json(content)


def use(kind: type[T]) -> Callable[[HTTPConnection], T]:
    """Make a dependency that finds the instance of `kind` in the container of the app."""

    def find(connection: HTTPConnection) -> T:
        container: Container = connection.app.state.container
        return container.get(kind)

    return find


class Surfaces:
    """Which renderer answers for which paths; the longest prefix decides."""

    def __init__(self, default: Renderer) -> None:
        self._default = default
        self._by_prefix: list[tuple[str, Renderer]] = []

    def add(self, prefix: str, renderer: Renderer) -> None:
        self._by_prefix.append((prefix, renderer))
        self._by_prefix.sort(key=lambda pair: -len(pair[0]))

    def render(self, path: str, error: KinoshelfError) -> Response:
        renderer = next(
            (found for prefix, found in self._by_prefix if path == prefix or path.startswith(f"{prefix}/")),
            self._default,
        )
        rendered = renderer(error)
        headers = dict(rendered.headers)
        if isinstance(error, LimitReached):
            headers.setdefault("Retry-After", str(error.retry_after_seconds))
        if isinstance(error, PlainStatus):
            headers = {**error.headers, **headers}
        if isinstance(rendered.body, Response):
            rendered.body.headers.update(headers)
            return rendered.body
        return JSONBytes(rendered.body, status_code=rendered.status, headers=headers)


def problems_in_words(problems: list[dict[str, Any]]) -> str:
    """Render the framework's validation problems as one sentence."""
    lines = []
    for problem in problems:
        where = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query", "path"))
        lines.append(f"{where}: {problem['msg']}" if where else str(problem["msg"]))
    return "; ".join(lines)[:2000]


def install_error_handlers(app: FastAPI, surfaces: Surfaces) -> None:
    """Turn every failure of a request into the documented error of the surface it was made to."""

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, KinoshelfError)
        if error.status >= 500 and not isinstance(error, StorageProblem):
            log.error("web.failed", path=request.url.path, code=error.code, error=error.message)
        return surfaces.render(_path(request), error)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems: list[dict[str, Any]] = [
            {"loc": list(problem["loc"]), "msg": problem["msg"], "type": problem["type"]} for problem in error.errors()
        ]
        return surfaces.render(_path(request), BadRequest(problems_in_words(problems), problems=problems))

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException | StarletteHTTPException)
        return surfaces.render(_path(request), PlainStatus(error.status_code, str(error.detail), error.headers))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("web.defect", path=request.url.path, exc_info=error)
        return surfaces.render(_path(request), Unexpected("something went wrong here; the log has the details"))

    app.add_exception_handler(KinoshelfError, known)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(StarletteHTTPException, plain)
    app.add_exception_handler(Exception, unexpected)


def _path(request: Request) -> str:
    """The path below the base path, which is what surfaces are named by."""
    path: str = request.scope["path"]
    root: str = request.scope.get("root_path", "")
    return path.removeprefix(root) if root else path


def new_request_id(given: str | None) -> str:
    """Keep a caller's request id when it is harmless, else make one."""
    if given and len(given) <= 100 and all(letter.isalnum() or letter in "-_." for letter in given):
        return given
    return str(uuid.uuid4())
