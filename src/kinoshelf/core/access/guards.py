"""What routers put before their endpoints: who may call, and how often.

    @router.get("/things")
    async def list_things(caller: SignedIn) -> ...

or for a whole router `APIRouter(dependencies=[Depends(local_or_signed_in)])`. They serve sockets as they serve
requests. Every route has one (a test looks): what is open says so with `public`.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from kinoshelf.core.access.approach import approach_of, session_cookie
from kinoshelf.core.access.gate import Caller, Gate
from kinoshelf.core.access.limits import AccessLimits
from kinoshelf.core.access.policy import Need
from kinoshelf.core.access.sessions import OpenedSession
from kinoshelf.core.container import Container
from kinoshelf.core.errors import NeedsSignIn
from kinoshelf.core.web import SignInElsewhere, base_of

LOGIN_PAGE = "/login"
SETUP_PAGE = "/setup"
# Browsers drop tabs and line ends from addresses, and read a backslash as a slash.
UNSAFE_IN_PATH = re.compile(r"[\x00-\x20\x7f\\]")


class Guard:
    """A dependency that lets in whom `need` allows and tells the endpoint who it is."""

    def __init__(self, need: Need) -> None:
        self.need = need

    async def __call__(self, connection: HTTPConnection) -> Caller:
        return await _gate(connection).admit(connection.scope, self.need)


class CredentialGuard(Guard, SecurityBase):
    """A guard whose need the API documentation shows."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.scheme_name = "token"
        self.model = HTTPBearer(
            bearerFormat="JWT",
            description="The access_token of /api/auth/login. An API key in X-Api-Key or ?apikey= opens the same doors.",
        )


class PageGuard(Guard):
    """Leads to the sign-in, or to the set-up, where an interface would answer 401."""

    async def __call__(self, connection: HTTPConnection) -> Caller:
        gate = _gate(connection)
        try:
            return await gate.admit(connection.scope, self.need)
        except NeedsSignIn:
            page = LOGIN_PAGE if await gate.has_password() else SETUP_PAGE
            wanted, is_fragment = _wanted_page(connection)
            query = f"?next={quote(wanted, safe='/')}" if wanted and page == LOGIN_PAGE else ""
            raise SignInElsewhere(f"{base_of(connection.scope)}{page}{query}", is_fragment=is_fragment) from None


public = Guard(Need.NOTHING)
local_or_signed_in = CredentialGuard(Need.LOCAL_OR_SIGN_IN)
signed_in = CredentialGuard(Need.SIGN_IN)
page_for_signed_in = PageGuard(Need.LOCAL_OR_SIGN_IN)

Anyone = Annotated[Caller, Depends(public)]
LocalOrSignedIn = Annotated[Caller, Depends(local_or_signed_in)]
SignedIn = Annotated[Caller, Depends(signed_in)]
PageVisitor = Annotated[Caller, Depends(page_for_signed_in)]


def limited(action: str) -> Callable[[HTTPConnection], Awaitable[None]]:
    """Make a dependency that counts a request to `action` against its client. It runs before the body is judged."""

    async def count(connection: HTTPConnection) -> None:
        limits = _container(connection).get(AccessLimits)
        await limits.count_request(action, approach_of(connection.scope).client)

    return count


def local_path(wanted: str | None, fallback: str) -> str:
    """Return `wanted` when it leads to a page of this server, and to no other place whatever a browser makes of it."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or UNSAFE_IN_PATH.search(wanted):
        return fallback
    return wanted


def give_cookie(response: Response, scope: Scope, opened: OpenedSession, *, max_age_seconds: int | None) -> None:
    """Sign a browser in. Without an age the cookie ends with the browser."""
    _set_cookie(response, scope, opened.cookie_token, max_age_seconds)


def take_cookie(response: Response, scope: Scope) -> None:
    _set_cookie(response, scope, "", 0)


def _set_cookie(response: Response, scope: Scope, token: str, max_age_seconds: int | None) -> None:
    cookie = session_cookie(
        token,
        path=base_of(scope),
        is_secure=approach_of(scope).scheme == "https",
        max_age_seconds=max_age_seconds,
    )
    response.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))


def _wanted_page(connection: HTTPConnection) -> tuple[str, bool]:
    """Return the page to come back to, and whether script asked for a fragment of it."""
    scope = connection.scope
    if connection.headers.get("hx-request") == "true":
        split = urlsplit(connection.headers.get("hx-current-url", ""))
        is_own = f"{split.scheme}://{split.netloc}" == f"{approach_of(scope).scheme}://{approach_of(scope).host}"
        return (_joined(split.path, split.query) if is_own else "", True)
    if scope.get("method") not in {"GET", "HEAD"}:
        return "", False
    return _joined(scope["path"], scope.get("query_string", b"").decode("latin-1")), False


def _joined(path: str, query: str) -> str:
    return local_path(f"{path}?{query}" if query else path, "")


def _gate(connection: HTTPConnection) -> Gate:
    return _container(connection).get(Gate)


def _container(connection: HTTPConnection) -> Container:
    container: Container = connection.app.state.container
    return container
