from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.http.auth import Token, TokenAuth
from kinoshelf.core.http.client import UpstreamClient
from kinoshelf.core.http.errors import UpstreamNeedsLogin
from tests.simulators.upstream import Reply, Upstream


class MeClient(UpstreamClient):
    name = "me"
    label = "The service"

    async def me(self) -> dict[str, Any]:
        return await self.get("/me", dict[str, Any])


class Account:
    """A client whose tokens rotate, as the vendor's code would write it."""

    def __init__(self, upstream: Upstream, clock: FrozenClock, token: Token | None) -> None:
        self.kept: list[Token] = []
        self.refreshed_with: list[str | None] = []
        self.release = asyncio.Event()
        self.release.set()
        self._upstream = upstream
        self._next_in_force = upstream.tokens("/me", "a1", body={"name": "x"})
        self.auth = TokenAuth(token, refresh=self.refresh, on_token=self.kept.append, clock=clock)
        self.client = MeClient(upstream.base_url, clock=clock, auth=self.auth)

    async def refresh(self, token: Token) -> Token:
        self.refreshed_with.append(token.refresh)
        await self.release.wait()
        answer = await self.client.send("POST", "/token", json={"refresh_token": token.refresh}, use_auth=False)
        assert answer.status == 200
        self._next_in_force("a2")
        return Token("a2", "r2")

    def expire(self) -> None:
        self._next_in_force("nothing that is known")


@pytest.fixture
async def account(upstream: Upstream, clock: FrozenClock):
    upstream.answer("/token", Reply(body={}))
    account = Account(upstream, clock, Token("a1", "r1"))
    yield account
    await account.client.aclose()


class TestTokenAuth:
    async def test_attaches_the_token(self, upstream: Upstream, account: Account) -> None:
        assert await account.client.me() == {"name": "x"}
        assert upstream.received[0].headers["Authorization"] == "Bearer a1"
        assert account.refreshed_with == []

    async def test_refreshes_once_on_401_and_hands_the_token_on(self, account: Account) -> None:
        account.expire()
        assert await account.client.me() == {"name": "x"}
        assert account.kept == [Token("a2", "r2")]
        assert account.auth.token == Token("a2", "r2")

    async def test_twenty_at_once_refresh_once(self, upstream: Upstream, account: Account, wait_until) -> None:
        account.expire()
        account.release.clear()
        calls = [asyncio.create_task(account.client.me()) for _ in range(20)]
        await asyncio.to_thread(wait_until, lambda: upstream.count("/me") == 20, "all are refused")
        account.release.set()
        assert await asyncio.gather(*calls) == [{"name": "x"}] * 20
        assert account.refreshed_with == ["r1"]
        assert upstream.count("/me") == 40

    async def test_on_two_event_loops_too(self, account: Account) -> None:
        account.expire()

        async def elsewhere() -> dict[str, Any]:
            found = await account.client.me()
            await account.client.aclose()
            return found

        both = await asyncio.gather(account.client.me(), asyncio.to_thread(asyncio.run, elsewhere()))
        assert both == [{"name": "x"}] * 2
        assert account.refreshed_with == ["r1"]

    async def test_a_caller_that_gives_up_does_not_lose_the_token(self, account: Account, wait_until) -> None:
        account.expire()
        account.release.clear()
        call = asyncio.create_task(account.client.me())
        await asyncio.to_thread(wait_until, lambda: bool(account.refreshed_with), "the refresh begins")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        account.release.set()
        assert await account.client.me() == {"name": "x"}
        assert account.refreshed_with == ["r1"]
        assert account.kept == [Token("a2", "r2")]

    async def test_one_about_to_run_out_is_renewed_before_it_is_used(
        self, upstream: Upstream, account: Account, clock: FrozenClock
    ) -> None:
        account.auth.replace(Token("a1", "r1", clock.now() + timedelta(seconds=30)))
        await account.client.me()
        assert [request.path for request in upstream.received] == ["/token", "/me"]

    async def test_a_refused_refresh_asks_the_user_everywhere(self, upstream: Upstream, account: Account) -> None:
        account.expire()
        upstream.answer("/token", Reply(401))
        outcomes = await asyncio.gather(*(account.client.me() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, UpstreamNeedsLogin) for outcome in outcomes)
        assert account.kept == []

    async def test_a_fresh_token_that_is_refused_is_not_refreshed_again(self, account: Account) -> None:
        account.expire()
        account._next_in_force = lambda _token: None
        with pytest.raises(UpstreamNeedsLogin):
            await account.client.me()
        assert account.refreshed_with == ["r1"]

    async def test_without_a_token_the_request_goes_as_it_is(self, upstream: Upstream, account: Account) -> None:
        account.auth.replace(None)
        with pytest.raises(UpstreamNeedsLogin):
            await account.client.me()
        assert "Authorization" not in upstream.received[0].headers

    def test_a_token_does_not_show_itself(self) -> None:
        assert "geheim" not in repr(Token("geheim", "geheim"))
