"""Other web origins: how often they may ask, and what the download interface shares with them."""

from __future__ import annotations

import math

from kinoshelf.core.access.headers import RawHeaders
from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import LimitReached

WINDOW_SECONDS = 60.0
# Origins are free to invent; the oldest windows make room.
MOST_ORIGINS = 1_000
ANY = "*"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, If-None-Match, X-Api-Key, X-Request-ID"
READABLE_HEADERS = "ETag, Retry-After, X-Request-ID"
PREFLIGHT_SECONDS = 600


class TooManyFromOrigin(LimitReached):
    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many requests from this origin, try again later", retry_after_seconds=retry_after_seconds)


class OriginLimit:
    """Requests of each origin in the current minute. In memory: it protects this process from a page, not a secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, origin: str, most: int) -> None:
        """Raise TooManyFromOrigin for the one after `most`."""
        now = self._clock.monotonic()
        ends_at, count = self._windows.get(origin, (0.0, 0))
        if now >= ends_at:
            self._windows.pop(origin, None)
            while len(self._windows) >= MOST_ORIGINS:
                del self._windows[next(iter(self._windows))]
            ends_at, count = now + WINDOW_SECONDS, 0
        if count >= most:
            raise TooManyFromOrigin(max(1, math.ceil(ends_at - now)))
        self._windows[origin] = (ends_at, count + 1)


def shared_headers(origin: str | None, allowed: tuple[str, ...]) -> RawHeaders:
    """Return the headers that let a page of `origin` read an answer, where it may.

    Cookies are never shared: such a page signs in with a token or an API key.
    """
    if not allowed:
        return ()
    if ANY in allowed:
        return ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", READABLE_HEADERS.encode()))
    if origin is None or origin not in {known.rstrip("/") for known in allowed}:
        return ((b"vary", b"Origin"),)
    return (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", READABLE_HEADERS.encode()),
        (b"vary", b"Origin"),
    )


def preflight_headers(shared: RawHeaders, *, is_private_network: bool) -> RawHeaders:
    answer = (
        *shared,
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", REQUEST_HEADERS.encode()),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
    )
    # Browsers ask before a public page may reach an address at home.
    return (*answer, (b"access-control-allow-private-network", b"true")) if is_private_network else answer
