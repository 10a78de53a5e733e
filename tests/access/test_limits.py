"""Guessing is slow, and a restart does not make it faster."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kinoshelf.app import create_app
from kinoshelf.core.access.limits import AccessLimits, LockedOut
from kinoshelf.core.access.models import AccessLimit
from tests.access.conftest import OTHER_MACHINE, PASSWORD

MANY = {"KINOSHELF_SECURITY_LOGIN_ATTEMPTS_PER_MINUTE": "1000"}


async def tried(client, password="wrong"):
    return await client.post("/api/auth/login", json={"password": password})


@pytest.fixture(autouse=True)
def _wrong_passwords(expected_logs):
    expected_logs.allow("access.wrong_password")


class TestRequestLimit:
    @pytest.mark.parametrize("action", ["login", "setup"])
    async def test_the_sixth_in_a_minute_is_refused(self, call, hub, action):
        client = call()
        for _ in range(5):
            assert (await client.post(f"/api/auth/{action}", json={})).status_code == 422
        refused = await client.post(f"/api/auth/{action}", json={})
        assert refused.status_code == 429
        assert list(refused.json()) == ["detail"]
        assert refused.headers["retry-after"] == "60"

        hub.clock.advance(59)
        again = await client.post(f"/api/auth/{action}", json={})
        assert (again.status_code, again.headers["retry-after"]) == (429, "1")
        hub.clock.advance(1)
        assert (await client.post(f"/api/auth/{action}", json={})).status_code == 422

    @pytest.mark.databases("sqlite")
    async def test_counts_each_client_and_each_endpoint_for_itself(self, call):
        for _ in range(6):
            await tried(call())
        assert (await tried(call())).status_code == 429
        assert (await tried(call("127.0.0.2"))).status_code == 401
        assert (await call().post("/api/auth/setup", json={"master_password": PASSWORD})).status_code == 201
        assert (await call().get("/api/auth/status")).status_code == 200

    async def test_survives_a_restart(self, call, make_hub):
        for _ in range(5):
            await tried(call())
        assert (await tried(call(to=create_app(make_hub())))).status_code == 429

    async def test_counts_callers_who_come_together(self, call, hub):
        client = call()
        answers = await asyncio.gather(*(tried(client) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15

    async def test_clears_away_windows_that_are_over(self, call, hub, count_rows):
        for number in range(3):
            await tried(call(f"10.0.0.{number}"))
        hub.clock.advance(timedelta(minutes=10))
        await tried(call())
        assert count_rows(AccessLimit) == 1


@pytest.mark.environ(**MANY)
class TestLock:
    async def test_after_five_wrong_passwords_the_right_one_does_not_help(self, call, hub, with_password):
        client = call()
        for _ in range(5):
            assert (await tried(client)).status_code == 401
        locked = await tried(client, with_password)
        assert locked.status_code == 429
        assert list(locked.json()) == ["detail"]
        assert locked.headers["retry-after"] == "300"

        hub.clock.advance(299)
        assert (await tried(client, with_password)).status_code == 429
        hub.clock.advance(1)
        assert (await tried(client, with_password)).status_code == 200

    async def test_survives_a_restart(self, call, make_hub, with_password):
        for _ in range(5):
            await tried(call())
        restarted = call(to=create_app(make_hub()))
        assert (await tried(restarted, with_password)).status_code == 429
        assert (await tried(call(OTHER_MACHINE), with_password)).status_code == 200

    async def test_the_right_password_forgives_the_wrong_ones(self, call, with_password):
        client = call()
        for _ in range(3):
            for _ in range(4):
                assert (await tried(client)).status_code == 401
            assert (await tried(client, with_password)).status_code == 200

    async def test_trying_many_at_once_is_no_way_around_it(self, call, with_password):
        client = call()
        answers = await asyncio.gather(*(tried(client) for _ in range(12)))
        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7

    @pytest.mark.databases("sqlite")
    async def test_malformed_requests_lock_nobody(self, call, with_password):
        client = call()
        for _ in range(10):
            assert (await client.post("/api/auth/login", json={})).status_code == 422
        assert (await tried(client, with_password)).status_code == 200

    async def test_hammering_on_neither_extends_it_nor_writes(self, call, hub, with_password):
        client = call()
        for _ in range(6):
            await tried(client)
        writes = []
        original = hub.database.writing

        async def counted(work):
            writes.append(work)
            return await original(work)

        hub.database.writing = counted
        limits = hub.container.get(AccessLimits)
        for _ in range(5):
            hub.clock.advance(10)
            with pytest.raises(LockedOut) as refusal:
                await limits.begin_attempt("127.0.0.1")
        assert refusal.value.retry_after_seconds == 250
        assert writes == []
