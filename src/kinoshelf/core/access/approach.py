"""Reading the facts of a request from what the server hands over, once per request."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import Scope

from kinoshelf.core.access.policy import Approach

SCOPE_KEY = "kinoshelf.approach"
SESSION_COOKIE = "kinoshelf_session"
# Longer names of hosts and origins do not exist; they would only fill the caches of addresses.py.
LONGEST_NAME = 300


def approach_of(scope: Scope) -> Approach:
    found: Approach | None = scope.get(SCOPE_KEY)
    if found is None:
        found = scope[SCOPE_KEY] = _read(scope)
    return found


def _read(scope: Scope) -> Approach:
    hosts: list[str] = []
    origin = fetch_site = None
    is_forwarded = False
    for raw_name, raw_value in scope["headers"]:
        if raw_name == b"host":
            hosts.append(raw_value.decode("latin-1"))
        elif raw_name == b"origin":
            origin = raw_value.decode("latin-1")[:LONGEST_NAME]
        elif raw_name == b"sec-fetch-site":
            fetch_site = raw_value.decode("latin-1")
        elif raw_name == b"forwarded" or raw_name.startswith(b"x-forwarded-"):
            is_forwarded = True
    peer = scope.get("client")
    return Approach(
        client=peer[0] if peer else "",
        scheme="https" if scope["scheme"] in {"https", "wss"} else "http",
        method=scope.get("method", "GET"),
        host=hosts[0] if len(hosts) == 1 and len(hosts[0]) <= LONGEST_NAME else None,
        origin=origin,
        fetch_site=fetch_site,
        is_forwarded=is_forwarded,
        is_socket=scope["type"] == "websocket",
    )


class Presented(NamedTuple):
    """Credentials as they were sent; nothing is said about their worth."""

    bearer: str = ""
    key: str = ""
    cookie: str = ""


def presented_by(scope: Scope, bearer: str = "") -> Presented:
    """Collect the credentials; `bearer` is a token that came another way, as in a socket's query."""
    key = cookie = ""
    for raw_name, raw_value in scope["headers"]:
        if raw_name == b"authorization" and not bearer:
            kind, _, value = raw_value.decode("latin-1").partition(" ")
            if kind.lower() == "bearer":
                bearer = value.strip()
        elif raw_name == b"x-api-key":
            key = raw_value.decode("latin-1").strip()
        elif raw_name == b"cookie" and not cookie:
            cookie = _session_cookie(raw_value.decode("latin-1"))
    query = scope.get("query_string", b"")
    if not key and b"apikey=" in query:
        key = parse_qs(query.decode("latin-1")).get("apikey", [""])[0]
    return Presented(bearer, key, cookie)


def _session_cookie(header: str) -> str:
    # The most specific path stands first (RFC 6265, 5.4), and so the cookie of this base path.
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == SESSION_COOKIE:
            return value.strip()
    return ""


def session_cookie(token: str, *, path: str, is_secure: bool, max_age_seconds: int | None) -> str:
    """Return a Set-Cookie header; without an age the cookie ends with the browser, with 0 it is taken away."""
    cookie: SimpleCookie = SimpleCookie()
    cookie[SESSION_COOKIE] = token
    morsel = cookie[SESSION_COOKIE]
    morsel["path"] = path or "/"
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    if is_secure:
        morsel["secure"] = True
    if max_age_seconds is not None:
        morsel["max-age"] = max_age_seconds
    return morsel.OutputString()
