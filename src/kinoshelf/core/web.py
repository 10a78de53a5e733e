"""What every HTTP surface shares: finding use cases, request ids, and one error tree rendered as each surface promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketClose

from kinoshelf.core.container import Container
from kinoshelf.core.errors import KinoshelfError, LimitReached, NeedsSignIn, StorageProblem

log = structlog.get_logger()
T = TypeVar("T")

DEFECT = "something went wrong here; the log has the details"
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
# What the framework says in two words of its own.
IN_WORDS = {404: "there is nothing at this address", 405: "this address does not know that method"}


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


class SignInElsewhere(NeedsSignIn):
    """A page is asked for that needs a sign-in: the answer leads to the form at `location`.

    A fragment was asked for by script: the whole page has to move, not the fragment.
    """

    def __init__(self, location: str, *, is_fragment: bool = False) -> None:
        super().__init__("sign in to see this page")
        self.location = location
        self.is_fragment = is_fragment


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


def use(kind: type[T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """Make a dependency that finds the instance of `kind` in the container of the app."""

    # The framework hands plain functions to a thread, which costs more than all the rest of a request.
    async def find(connection: HTTPConnection) -> T:
        container: Container = connection.app.state.container
        return container.get(kind)

    return find


def is_below(path: str, prefixes: Iterable[str]) -> bool:
    """Tell whether `path` is one of `prefixes` or lies below one."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


class Surfaces:
    """Which renderer answers for which paths; the longest prefix decides."""

    def __init__(self, default: Renderer) -> None:
        self._default = default
        self._by_prefix: list[tuple[str, Renderer]] = []

    def add(self, prefix: str, renderer: Renderer) -> None:
        self._by_prefix.append((prefix, renderer))
        self._by_prefix.sort(key=lambda pair: -len(pair[0]))

    def render(self, path: str, error: KinoshelfError) -> Response:
        if isinstance(error, SignInElsewhere) and not error.is_fragment:
            return RedirectResponse(error.location, status_code=303)
        renderer = next((found for prefix, found in self._by_prefix if is_below(path, (prefix,))), self._default)
        rendered = renderer(error)
        headers = {**_headers_of(error), **rendered.headers}
        if isinstance(rendered.body, Response):
            rendered.body.headers.update(headers)
            return rendered.body
        return JSONBytes(rendered.body, status_code=rendered.status, headers=headers)


def _headers_of(error: KinoshelfError) -> dict[str, str]:
    """What a status promises in every surface."""
    if isinstance(error, SignInElsewhere):
        return {"HX-Redirect": error.location}
    if isinstance(error, NeedsSignIn):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, LimitReached):
        return {"Retry-After": str(error.retry_after_seconds)}
    return error.headers if isinstance(error, PlainStatus) else {}


def _plain_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a validation problem what may be shown: never the input, which can be a password."""
    if problem["type"] == "json_invalid":
        return {"loc": ["body"], "msg": f"not valid JSON at character {problem['loc'][-1]}", "type": "json_invalid"}
    return {"loc": list(problem["loc"]), "msg": problem["msg"], "type": problem["type"]}


def problems_in_words(problems: list[dict[str, Any]]) -> str:
    """Render the framework's validation problems as one sentence."""
    lines = []
    for problem in problems:
        where = ".".join(str(part) for part in problem["loc"][1:]) or str(problem["loc"][0])
        lines.append(f"{where}: {problem['msg']}")
    return "; ".join(lines)[:2000]


def install_error_handlers(app: FastAPI, surfaces: Surfaces) -> None:
    """Turn every failure of a request into the documented error of the surface it was made to."""

    async def answered(connection: Request | WebSocket, error: KinoshelfError) -> Callable[..., Any] | None:
        if isinstance(connection, WebSocket):
            await refuse_socket(error, connection.scope, connection.receive, connection.send)
            return None
        return surfaces.render(path_of(connection.scope), error)

    async def known(connection: Request | WebSocket, error: Exception) -> Callable[..., Any] | None:
        assert isinstance(error, KinoshelfError)
        if error.status >= 500 and not isinstance(error, StorageProblem):
            log.error("web.failed", path=path_of(connection.scope), code=error.code, error=error.message)
        return await answered(connection, error)

    async def malformed(connection: Request | WebSocket, error: Exception) -> Callable[..., Any] | None:
        assert isinstance(error, RequestValidationError)
        problems = [_plain_problem(problem) for problem in error.errors()]
        return await answered(connection, BadRequest(problems_in_words(problems), problems=problems))

    async def plain(connection: Request | WebSocket, error: Exception) -> Callable[..., Any] | None:
        assert isinstance(error, HTTPException | StarletteHTTPException)
        is_bare = error.detail == HTTPStatus(error.status_code).phrase
        message = IN_WORDS.get(error.status_code, error.detail) if is_bare else error.detail
        return await answered(connection, PlainStatus(error.status_code, str(message), error.headers))

    # What nobody expected passes on to the front door (core/access/middleware.py), so that it too leaves by it.
    for kind, handler in (
        (KinoshelfError, known),
        (RequestValidationError, malformed),
        (StarletteHTTPException, plain),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # its type knows no sockets, its code does


async def refuse_socket(error: KinoshelfError, scope: Scope, receive: Receive, send: Send) -> None:
    """Close a socket; a handshake is answered with 403.

    ASGI could send the surface's error as the answer to a handshake, but uvicorn then logs an error of its own.
    """
    code = INTERNAL_ERROR if status_of(error) >= 500 else POLICY_VIOLATION
    await WebSocketClose(code)(scope, receive, send)


def base_of(scope: Scope) -> str:
    """Return the path the hub is served under; a mounted application has its own in root_path."""
    return str(scope.get("app_root_path", scope.get("root_path", "")))


def path_of(scope: Scope) -> str:
    """Return the path below the base path, which is what surfaces are named by."""
    path: str = scope["path"]
    root = base_of(scope)
    return path.removeprefix(root) if root else path
