"""The front door: what holds for every request and every answer, whatever surface they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from kinoshelf.core.access.addresses import (
    forwarded_client,
    is_among,
    is_loopback,
    networks,
    place_of,
)
from kinoshelf.core.access.approach import LONGEST_NAME, approach_of
from kinoshelf.core.access.bodies import MOST_BODY_BYTES, TOO_LARGE, BoundedBody
from kinoshelf.core.access.headers import RawHeaders, security_headers
from kinoshelf.core.access.origins import OriginLimit, preflight_headers, shared_headers
from kinoshelf.core.access.policy import Approach, is_foreign_origin
from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import InvalidInput, KinoshelfError, NotFound
from kinoshelf.core.request_ids import new_request_id, request_id_now
from kinoshelf.core.settings import Settings, SettingsStore
from kinoshelf.core.web import (
    DEFECT,
    IN_WORDS,
    PlainStatus,
    Surfaces,
    Unexpected,
    is_below,
    refuse_socket,
)

log = structlog.get_logger()

MOST_DIGITS = 18
HEALTH = "/health"
SAFE_HEADERS = {False: security_headers(is_https=False), True: security_headers(is_https=True)}


class UnknownHost(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            "this hub does not answer to that host name; KINOSHELF_SECURITY_ALLOWED_HOSTS lists those it does"
        )


class BodyTooLarge(PlainStatus):
    def __init__(self) -> None:
        super().__init__(413, TOO_LARGE)


class UnwritableAddress(InvalidInput):
    def __init__(self) -> None:
        super().__init__("the address holds a NUL, which nothing here can have in its name")


@dataclass(frozen=True, slots=True)
class Areas:
    """Paths with rules of their own: `limited` ones count foreign origins, `shared` ones may be read by chosen origins."""

    limited: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


class FrontDoor:
    """Outermost of the application's own middleware. It refuses in the form of the surface that was meant."""

    def __init__(self, app: ASGIApp, *, store: SettingsStore, clock: Clock, surfaces: Surfaces, areas: Areas) -> None:
        self._app = app
        self._store = store
        self._surfaces = surfaces
        self._areas = areas
        self._origin_limit = OriginLimit(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        settings = self._store.current
        believe_proxy(scope, settings.security.trusted_proxies)
        request_id = new_request_id(_header(scope, b"x-request-id"))
        token = request_id_now.set(request_id)
        try:
            await self._serve(scope, receive, send, settings, request_id)
        finally:
            request_id_now.reset(token)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, settings: Settings, request_id: str) -> None:
        approach = approach_of(scope)
        is_inside, path = enter_base_path(scope, settings.base_path)
        shared: RawHeaders = ()
        if is_below(path, self._areas.shared):
            shared = shared_headers(approach.origin, settings.downloads.cors_origins)
        added = ((b"x-request-id", request_id.encode()), *shared)
        answer = _Answer(send, added, SAFE_HEADERS[approach.scheme == "https"])
        try:
            if not is_inside:
                raise NotFound(IN_WORDS[404])
            if "\x00" in path or b"%00" in scope.get("query_string", b""):
                raise UnwritableAddress
            self._check(approach, path, settings)
            if approach.method == "OPTIONS" and (asked := _preflight(scope, shared)):
                response = Response(status_code=204)
                response.raw_headers.extend(asked)
                await response(scope, receive, answer)
                return
            await self._app(scope, _bounded(scope, receive), answer)
        except (ClientDisconnect, WebSocketDisconnect):
            # Nobody is left to answer.
            log.debug("web.client_left", path=path)
        except Exception as error:
            await self._fail(error, path, scope, receive, answer)

    def _check(self, approach: Approach, path: str, settings: Settings) -> None:
        if not is_known_host(approach.host, settings.security.allowed_hosts):
            raise UnknownHost
        if not approach.is_socket and is_foreign_origin(approach) and is_below(path, self._areas.limited):
            assert approach.origin is not None
            self._origin_limit.count(approach.origin, settings.security.origin_requests_per_minute)

    async def _fail(self, error: Exception, path: str, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if not isinstance(error, KinoshelfError):
            log.error("web.defect", path=path, exc_info=error)
        if answer.is_complete:
            # Work behind the answer failed; the caller has theirs.
            return
        known = error if isinstance(error, KinoshelfError) else Unexpected(DEFECT)
        if scope["type"] == "websocket":
            await refuse_socket(known, scope, receive, answer)
        elif answer.has_begun:
            # Only a broken connection tells the caller that the answer is not whole.
            raise error
        else:
            await self._surfaces.render(path, known)(scope, receive, answer)


class _Answer:
    """The way out: adds the headers that are missing, and knows how far the answer got."""

    def __init__(self, send: Send, added: RawHeaders, defaults: RawHeaders) -> None:
        self._send = send
        self._added = added
        self._defaults = defaults
        self.has_begun = False
        self.is_complete = False

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind in {"http.response.start", "websocket.http.response.start"}:
            self.has_begun = True
            headers = message.get("headers", [])
            present = {name.lower() for name, _ in headers}
            message["headers"] = [
                *headers,
                *self._added,
                *(pair for pair in self._defaults if pair[0] not in present),
            ]
        elif kind in {"http.response.body", "websocket.http.response.body"}:
            self.is_complete = not message.get("more_body", False)
        elif kind in {"websocket.accept", "websocket.close"}:
            self.has_begun = True
            self.is_complete = kind == "websocket.close"
        await self._send(message)


def believe_proxy(scope: Scope, trusted_words: tuple[str, ...]) -> None:
    """Take client, scheme and host from the headers of a reverse proxy that the settings trust."""
    peer = scope.get("client")
    if not trusted_words or not peer or not is_among(peer[0], networks(trusted_words)):
        return
    forwarded_for = _header(scope, b"x-forwarded-for")
    if forwarded_for:
        scope["client"] = (forwarded_client(peer[0], forwarded_for, networks(trusted_words)), 0)
    scheme = _last_word(_header(scope, b"x-forwarded-proto")).lower()
    if scheme in {"http", "https"}:
        is_socket = scope["type"] == "websocket"
        scope["scheme"] = {"http": "ws", "https": "wss"}[scheme] if is_socket else scheme
    host = _last_word(_header(scope, b"x-forwarded-host"))
    if host and len(host) <= LONGEST_NAME and place_of(host):
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name != b"host"),
            (b"host", host.encode("latin-1")),
        ]


def enter_base_path(scope: Scope, base_path: str) -> tuple[bool, str]:
    """Split the path into root_path and the rest; tell whether it lies inside, and the rest.

    /health… is also found outside: what watches a process knows nothing of the proxy before it.
    """
    path: str = scope["path"]
    if not base_path:
        return True, path
    if path == base_path:
        path = scope["path"] = f"{base_path}/"
    if path.startswith(f"{base_path}/"):
        scope["root_path"] = base_path
        return True, path[len(base_path) :]
    return is_below(path, (HEALTH,)), path


def is_known_host(host: str | None, allowed: tuple[str, ...]) -> bool:
    """Tell whether the hub answers to a Host. This machine may always ask for itself; *.example.org has all below it."""
    if not allowed:
        return True
    place = place_of(host) if host else None
    if place is None:
        return False
    if is_loopback(place.host):
        return True
    return any(
        place.host.endswith(word[1:]) if word.startswith("*.") else place.host == word.strip("[]")
        for word in (name.lower() for name in allowed)
    )


def _preflight(scope: Scope, shared: RawHeaders) -> RawHeaders:
    is_allowed = any(name == b"access-control-allow-origin" for name, _ in shared)
    if not is_allowed or not _header(scope, b"access-control-request-method"):
        return ()
    private = _header(scope, b"access-control-request-private-network") == "true"
    return preflight_headers((), is_private_network=private)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Limit the body: at once where its length is told, else when it has grown too long."""
    if scope["type"] != "http":
        return receive
    length = _header(scope, b"content-length")
    if length.isdecimal() and (len(length) > MOST_DIGITS or int(length) > MOST_BODY_BYTES):
        raise BodyTooLarge
    return BoundedBody(receive, is_json="json" in _header(scope, b"content-type"))


def _header(scope: Scope, wanted: bytes) -> str:
    """Return a header, several of one name joined as HTTP joins them; empty when it is not there."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted)


def _last_word(joined: str) -> str:
    return joined.rpartition(",")[2].strip()
