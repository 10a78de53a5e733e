"""Tokens that run out: attached to requests, refreshed by one caller for all, handed on to whoever keeps them."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx2

from kinoshelf.core.clock import Clock
from kinoshelf.core.http.errors import UpstreamUnavailable

Refresh = Callable[["Token"], Awaitable["Token"]]
KeepToken = Callable[["Token"], Awaitable[None] | None]

# A token that runs out within this time is renewed before it is used.
RENEW_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


class TokenAuth(httpx2.Auth):
    """Attach a bearer token; on a 401, or shortly before it runs out, refresh it once and go on.

    `refresh(token)` fetches the next token and raises UpstreamNeedsLogin when the user must sign in again. However
    many requests need it at once, on however many threads, it is called once. It is never cancelled half-way: with
    rotating refresh tokens that would lose the account. `on_token` keeps the new token before anybody uses it.
    """

    def __init__(self, token: Token | None, *, refresh: Refresh, on_token: KeepToken, clock: Clock) -> None:
        self._token = token
        self._refresh = refresh
        self._on_token = on_token
        self._clock = clock
        self._lock = threading.Lock()
        self._refreshing: Future[Token] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def token(self) -> Token | None:
        return self._token

    def replace(self, token: Token | None) -> None:
        """Use another token from now on: after a sign-in, or None after a sign-out."""
        self._token = token

    def attach(self, request: httpx2.Request, token: Token) -> None:
        request.headers["Authorization"] = f"Bearer {token.access}"

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        token = self._token
        if token is None:
            yield request
            return
        if self._is_running_out(token):
            token = await self._next(token)
        self.attach(request, token)
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            self.attach(request, await self._next(token))
            yield request

    def _is_running_out(self, token: Token) -> bool:
        return (
            token.expires_at is not None
            and token.refresh is not None
            and token.expires_at - RENEW_BEFORE <= self._clock.now()
        )

    async def _next(self, used: Token) -> Token:
        """Return the token that follows `used`: one somebody fetched meanwhile, or a fresh one."""
        with self._lock:
            if self._token is not None and self._token.access != used.access:
                return self._token
            shared = self._refreshing
            if shared is None:
                shared = self._refreshing = Future()
                self._task = asyncio.get_running_loop().create_task(self._refresh_for_all(used, shared))
        return await asyncio.shield(asyncio.wrap_future(shared))

    async def _refresh_for_all(self, used: Token, shared: Future[Token]) -> None:
        try:
            fresh = await self._refresh(used)
            kept = self._on_token(fresh)
            if inspect.isawaitable(kept):
                await kept
        except Exception as error:
            self._end_refresh(None)
            shared.set_exception(error)
        except BaseException:
            # The loop ends. Callers on other loops must not wait for ever.
            self._end_refresh(None)
            shared.set_exception(UpstreamUnavailable("the sign-in could not be renewed just now"))
            raise
        else:
            self._end_refresh(fresh)
            shared.set_result(fresh)

    def _end_refresh(self, fresh: Token | None) -> None:
        with self._lock:
            self._refreshing = None
            if fresh is not None:
                self._token = fresh
