from __future__ import annotations

import stat
from pathlib import Path

import httpx2

from kinoshelf.core.http.cache import HTTPCache
from tests.simulators.upstream import Reply, Upstream


async def fetch(path: Path, url: str, **headers: str) -> httpx2.Response:
    transport = HTTPCache(path).over(httpx2.AsyncHTTPTransport())
    async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
        return await client.get(url)


class TestHTTPCache:
    async def test_keeps_what_may_be_kept_over_a_restart(self, upstream: Upstream, tmp_path: Path) -> None:
        upstream.answer("/film", Reply(body={"id": 7}, headers={"Cache-Control": "public, max-age=600"}))
        cache = tmp_path / "cache" / "http.db"
        for _ in range(2):
            assert (await fetch(cache, f"{upstream.base_url}/film")).json() == {"id": 7}
        assert upstream.count("/film") == 1
        assert stat.S_IMODE(cache.stat().st_mode) == 0o600

    async def test_keeps_nothing_else(self, upstream: Upstream, tmp_path: Path) -> None:
        upstream.answer("/private", Reply(body={}, headers={"Cache-Control": "private, max-age=600"}))
        upstream.answer("/signed-in", Reply(body={}, headers={"Cache-Control": "max-age=600"}))
        for _ in range(2):
            await fetch(tmp_path / "http.db", f"{upstream.base_url}/private")
            await fetch(tmp_path / "http.db", f"{upstream.base_url}/signed-in", Authorization="Bearer x")
        assert (upstream.count("/private"), upstream.count("/signed-in")) == (2, 2)
