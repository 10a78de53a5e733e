from __future__ import annotations

import httpx2
import pytest

from kinoshelf.core.http.addresses import AllowList
from kinoshelf.core.http.errors import AddressRefused, UpstreamUnavailable
from kinoshelf.core.http.guard import AddressGuard
from tests.simulators.upstream import Reply, Upstream


async def fetch(url: str, *allowed: str, **options: bool) -> httpx2.Response:
    guard = AddressGuard(AllowList.parse(allowed))
    async with httpx2.AsyncClient(transport=guard.transport(), **options) as client:
        return await client.get(url)


class TestAddressGuard:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
    async def test_refuses_this_machine_under_every_name(self, upstream: Upstream, host: str) -> None:
        upstream.answer("/", Reply(body={}))
        with pytest.raises(AddressRefused, match="private network"):
            await fetch(f"http://{host}:{upstream.port}/")
        assert upstream.received == []

    async def test_lets_through_what_is_allowed(self, upstream: Upstream) -> None:
        upstream.answer("/", Reply(body={}))
        for allowed in ("127.0.0.1", f"127.0.0.1:{upstream.port}", "127.0.0.0/8"):
            assert (await fetch(f"{upstream.base_url}/", allowed)).status_code == 200
        with pytest.raises(AddressRefused):
            await fetch(f"{upstream.base_url}/", f"127.0.0.1:{upstream.port + 1}")

    async def test_checks_redirects(self, upstream: Upstream) -> None:
        upstream.answer("/", Reply(302, headers={"Location": f"{upstream.base_url}/secret"}))
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 lies"):
            await fetch(f"http://localhost:{upstream.port}/", "localhost", follow_redirects=True)
        assert [request.path for request in upstream.received] == ["/"]

    async def test_connects_to_the_address_it_checked(self, upstream: Upstream, monkeypatch) -> None:
        """A name that resolves to a public address first and to a private one later gains nothing."""
        upstream.answer("/", Reply(body={}))
        guard = AddressGuard(AllowList.parse(["127.0.0.1"]))
        asked: list[str] = []

        async def resolve(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        monkeypatch.setattr(guard, "addresses", resolve)
        async with httpx2.AsyncClient(transport=guard.transport()) as client:
            answer = await client.get(f"http://films.example:{upstream.port}/")
        assert (answer.status_code, asked) == (200, ["films.example"])
        assert upstream.received[0].headers["Host"] == f"films.example:{upstream.port}"

    async def test_tries_every_address_it_may(self, upstream: Upstream, monkeypatch) -> None:
        upstream.answer("/", Reply(body={}))
        guard = AddressGuard(AllowList())

        async def resolve(_host: str, _port: int) -> list[str]:
            # Nobody listens at the first.
            return ["::1", "127.0.0.1"]

        monkeypatch.setattr(guard, "addresses", resolve)
        async with httpx2.AsyncClient(transport=guard.transport()) as client:
            assert (await client.get(f"http://films.example:{upstream.port}/")).status_code == 200

    async def test_a_name_nobody_knows(self) -> None:
        with pytest.raises(UpstreamUnavailable, match="not known"):
            await AddressGuard(AllowList()).addresses("a" * 64, 80)
