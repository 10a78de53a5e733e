from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import httpx2
import pytest
from pydantic import BaseModel

from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.errors import UpstreamError
from kinoshelf.core.http.client import Answer, UpstreamClient
from kinoshelf.core.http.errors import (
    UpstreamChanged,
    UpstreamForbidden,
    UpstreamLimited,
    UpstreamNeedsLogin,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from kinoshelf.core.http.limits import Limit
from kinoshelf.core.http.paging import CursorPages, NumberPages
from kinoshelf.core.http.status import UpstreamStatuses
from tests.simulators.upstream import Reply, Upstream


class Film(BaseModel):
    id: int
    title: str = ""


class FilmClient(UpstreamClient):
    name = "films"
    label = "The film archive"

    async def film(self, film_id: int, **params: Any) -> Film:
        return await self.get(self.path("films", film_id), Film, **params)

    def films(self, **params: Any) -> AsyncIterator[Film]:
        return self.pages("/films", Film, **params)


@pytest.fixture
async def make(upstream: Upstream, clock: FrozenClock, sleep: Any) -> AsyncIterator[Callable[..., FilmClient]]:
    """Build a client of the simulator; class attributes may be given."""
    made: list[FilmClient] = []

    def build(
        base_url: str | None = None, *, statuses: UpstreamStatuses | None = None, **attributes: Any
    ) -> FilmClient:
        kind = type("Tuned", (FilmClient,), attributes)
        client = kind(
            upstream.base_url if base_url is None else base_url,
            clock=clock,
            sleep=sleep,
            statuses=statuses,
            chance=lambda: 1.0,
        )
        made.append(client)
        return client

    yield build
    for client in made:
        await client.aclose()


class TestReading:
    async def test_reads_the_answer_as_the_schema(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body={"id": 7, "title": "Metropolis", "colour": False}))
        assert await make().film(7) == Film(id=7, title="Metropolis")

    async def test_says_who_asks_and_leaves_out_what_is_not_given(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body={"id": 7}))
        await make().film(7, language=None, adult=False, page=2)
        (request,) = upstream.received
        assert request.headers["User-Agent"].startswith("Kinoshelf/")
        assert request.query == {"adult": "false", "page": "2"}

    async def test_no_part_of_a_path_leaves_its_place(self, upstream: Upstream, make) -> None:
        with pytest.raises(UpstreamNotFound):
            await make().get(FilmClient.path("users", "../films?x=1#y", "lists"), Film)
        assert upstream.received[0].path == "/users/..%2Ffilms%3Fx%3D1%23y/lists"

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"<html>Checking your browser</html>", "a web page instead of data"),
            (b"", "not JSON"),
            (b"{", "not JSON"),
            ({"title": "x"}, "something unexpected: id"),
            ({"id": "seven"}, "something unexpected: id"),
            ([1], "something unexpected: the answer"),
        ],
    )
    async def test_what_does_not_fit_is_their_change(self, upstream: Upstream, make, body: Any, words: str) -> None:
        upstream.answer("/films/7", Reply(body=body))
        with pytest.raises(UpstreamChanged, match=words):
            await make().film(7)
        assert len(upstream.received) == 1

    async def test_keeps_a_trimmed_sample_without_secrets(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body={"access_token": "geheim", "more": "x" * 5000}))
        with pytest.raises(UpstreamChanged) as caught:
            await make().film(7)
        assert len(caught.value.sample) <= 500
        assert "geheim" not in caught.value.sample

    async def test_an_answer_without_end_is_cut_off(self, upstream: Upstream, make) -> None:
        bomb = gzip.compress(b"[" + b" " * 3 * 1024 * 1024)
        upstream.answer("/films/7", Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(UpstreamChanged, match="more than 1 MiB"):
            await make(most_body_bytes=1024 * 1024).film(7)

    async def test_nothing_may_be_an_answer(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(204))
        assert await make().post("/films/7", type(None)) is None

    async def test_works_on_every_event_loop(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body={"id": 7}))
        client = make()

        async def once() -> Film:
            film = await client.film(7)
            await client.aclose()
            return film

        assert (await client.film(7)).id == (await asyncio.to_thread(asyncio.run, once())).id


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (301, UpstreamChanged),
            (400, UpstreamRejected),
            (401, UpstreamNeedsLogin),
            (403, UpstreamForbidden),
            (404, UpstreamNotFound),
            (410, UpstreamNotFound),
            (418, UpstreamRejected),
            (429, UpstreamLimited),
            (500, UpstreamUnavailable),
            (503, UpstreamUnavailable),
        ],
    )
    async def test_become_the_documented_errors(
        self, upstream: Upstream, make, status: int, kind: type[UpstreamError]
    ) -> None:
        upstream.answer("/films/7", Reply(status, {"error": "x"}))
        with pytest.raises(kind, match="The film archive") as caught:
            await make().film(7)
        assert type(caught.value) is kind

    async def test_a_redirect_is_not_followed_with_our_keys(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(302, headers={"Location": "http://elsewhere.example/films/7"}))
        with pytest.raises(UpstreamChanged, match=r"moved to elsewhere\.example"):
            await make().film(7)

    async def test_a_vendor_adds_its_own(self, upstream: Upstream, make) -> None:
        def error_for(client: FilmClient, answer: Answer) -> UpstreamError | None:
            return UpstreamForbidden("members only") if answer.status == 426 else FilmClient.error_for(client, answer)

        upstream.answer("/films/7", Reply(426))
        with pytest.raises(UpstreamForbidden, match="members only"):
            await make(error_for=error_for).film(7)


class TestRetry:
    async def test_trouble_is_waited_out(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(500), Reply(502), Reply(drops=True), Reply(body={"id": 7}))
        assert (await make().film(7)).id == 7
        assert naps == [0.5, 1.0, 2.0]

    async def test_but_not_for_ever(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(500))
        with pytest.raises(UpstreamUnavailable):
            await make().film(7)
        assert len(upstream.received) == 4
        assert len(naps) == 3

    async def test_obeys_retry_after_in_seconds(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(429, headers={"Retry-After": "17"}), Reply(body={"id": 7}))
        await make().film(7)
        assert naps == [17.0]

    async def test_obeys_retry_after_as_a_date(
        self, upstream: Upstream, make, naps: list[float], clock: FrozenClock
    ) -> None:
        at = format_datetime(clock.now() + timedelta(seconds=20), usegmt=True)
        upstream.answer("/films/7", Reply(503, headers={"Retry-After": at}), Reply(body={"id": 7}))
        await make().film(7)
        assert naps == [20.0]

    async def test_a_wait_beyond_the_budget_is_handed_on(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(429, headers={"Retry-After": "3600"}))
        with pytest.raises(UpstreamLimited) as caught:
            await make().film(7)
        assert caught.value.retry_after_seconds == 3600
        assert naps == []

    async def test_the_budget_holds_over_all_attempts(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(503, headers={"Retry-After": "25"}))
        with pytest.raises(UpstreamUnavailable):
            await make().film(7)
        assert naps == [25.0, 25.0]

    async def test_a_mistake_is_not_repeated(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(400))
        with pytest.raises(UpstreamRejected):
            await make().film(7)
        assert len(upstream.received) == 1

    async def test_a_write_is_repeated_only_where_that_is_declared_safe(self, upstream: Upstream, make) -> None:
        upstream.answer("/films", Reply(500), Reply(body={"id": 7}))
        with pytest.raises(UpstreamUnavailable):
            await make().post("/films", Film, json={"title": "x"})
        upstream.answer("/films", Reply(500), Reply(body={"id": 7}))
        assert (await make().post("/films", Film, json={"title": "x"}, is_idempotent=True)).id == 7
        assert upstream.received[-1].body == b'{"title":"x"}'

    async def test_a_stalled_answer_ends_in_time(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body=b'{"id"', stalls=True), Reply(body={"id": 7}))
        assert (await make(timeout_seconds=0.1).film(7)).id == 7

    async def test_an_answer_that_trickles_ends_with_the_budget(self, upstream: Upstream, make) -> None:
        upstream.answer("/films/7", Reply(body=b'{"id"', stalls=True))
        with pytest.raises(UpstreamUnavailable, match="in time"):
            await make(budget_seconds=0.1, most_attempts=1).film(7)

    async def test_nobody_there(self, make, upstream: Upstream) -> None:
        with pytest.raises(UpstreamUnavailable, match="cannot be reached") as caught:
            await make("http://127.0.0.1:1").film(7)
        assert caught.value.is_connection

    @pytest.mark.parametrize("base_url", ["ftp://127.0.0.1", "nonsense", "http://", "http://[::1"])
    async def test_an_address_that_cannot_be_used(self, make, base_url: str) -> None:
        with pytest.raises(UpstreamRejected, match="address"):
            await make(base_url).film(7)


class TestLimits:
    async def test_waits_for_its_turn(self, upstream: Upstream, make, naps: list[float], clock: FrozenClock) -> None:
        upstream.answer("/films/7", Reply(body={"id": 7}))
        client = make(limits=(Limit(2, timedelta(seconds=1)),))
        begun = clock.monotonic()
        for _ in range(5):
            await client.film(7)
        assert 2 <= clock.monotonic() - begun < 2.1

    async def test_counts_each_method_by_itself(self, upstream: Upstream, make, naps: list[float]) -> None:
        upstream.answer("/films/7", Reply(body={"id": 7}))
        client = make(limits=(Limit(1, timedelta(seconds=1), method="POST"), Limit(9, timedelta(minutes=5))))
        await client.post("/films/7", Film)
        await client.film(7)
        assert naps == []
        await client.post("/films/7", Film)
        assert len(naps) == 1

    async def test_a_limit_met_by_one_holds_for_all(self, upstream: Upstream, make, clock: FrozenClock) -> None:
        upstream.answer("/films/7", Reply(429, headers={"Retry-After": "30"}), Reply(body={"id": 7}))
        upstream.answer("/films/8", Reply(body={"id": 8}))
        client = make()
        before = clock.monotonic()
        await client.film(7)
        await client.film(8)
        assert clock.monotonic() - before == 30


class TestPages:
    rows: ClassVar = [{"id": number} for number in range(250)]

    async def ids(self, client: FilmClient, **params: Any) -> list[int]:
        return [film.id async for film in client.films(**params)]

    async def test_by_header(self, upstream: Upstream, make) -> None:
        upstream.pages("/films", self.rows)
        assert await self.ids(make(), sort="title") == list(range(250))
        assert [request.query for request in upstream.received] == [
            {"sort": "title", "page": str(page), "limit": "100"} for page in (1, 2, 3)
        ]

    async def test_by_number_with_a_total(self, upstream: Upstream, make) -> None:
        upstream.pages("/films", self.rows, key="results")
        assert await self.ids(make(paging=NumberPages())) == list(range(250))
        assert upstream.count("/films") == 5

    async def test_by_number_until_a_page_is_not_full(self, upstream: Upstream, make) -> None:
        upstream.pages("/films", self.rows, key="results")
        assert await self.ids(make(paging=NumberPages(total_pages=None, page_size=100))) == list(range(250))
        assert upstream.count("/films") == 3

    async def test_by_cursor(self, upstream: Upstream, make) -> None:
        upstream.cursor_pages("/films", self.rows, size=60)
        assert await self.ids(make(paging=CursorPages())) == list(range(250))
        assert upstream.count("/films") == 5

    async def test_an_empty_list_is_one_page(self, upstream: Upstream, make) -> None:
        upstream.pages("/films", [])
        assert await self.ids(make()) == []
        assert upstream.count("/films") == 1

    async def test_a_failure_on_the_way_is_no_end(self, upstream: Upstream, make) -> None:
        pages = {"X-Pagination-Page-Count": "3"}
        upstream.answer("/films", Reply(body=[{"id": 1}], headers=pages), Reply(500))
        films = make().films()
        assert (await anext(films)).id == 1
        with pytest.raises(UpstreamUnavailable):
            await anext(films)

    async def test_a_cursor_that_stands_still_is_noticed(self, upstream: Upstream, make) -> None:
        upstream.answer("/films", Reply(body={"items": [{"id": 1}], "next_cursor": "x"}))
        with pytest.raises(UpstreamChanged):
            await self.ids(make(paging=CursorPages()))

    async def test_no_list_is_their_change(self, upstream: Upstream, make) -> None:
        upstream.answer("/films", Reply(body={"films": []}))
        with pytest.raises(UpstreamChanged, match="no list"):
            await self.ids(make())


class TestLog:
    async def test_names_path_and_status_and_no_secret(self, upstream: Upstream, make, caplog) -> None:
        caplog.set_level("DEBUG")
        upstream.answer("/films/7", Reply(500), Reply(body={"id": 7}))
        await make().film(7, api_key="geheim")
        # What httpx2 says itself is silenced where the logs are configured.
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("kinoshelf")]
        assert any("'path': '/films/7'" in line and "'status': 200" in line for line in lines)
        assert not any("geheim" in line for line in lines)


class TestUpstreamStatus:
    async def test_is_told_of_failures_and_recovery(self, upstream: Upstream, make, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        upstream.answer("/films/7", *[Reply(500)] * 4, Reply(body={"id": 7}))
        client = make(statuses=statuses)
        with pytest.raises(UpstreamUnavailable):
            await client.film(7)
        assert statuses.get("films").step == 1
        await client.film(7)
        assert statuses.all() == {}


def test_the_transport_can_be_replaced(clock: FrozenClock) -> None:
    client = FilmClient(
        "https://films.example",
        clock=clock,
        make_transport=lambda: httpx2.MockTransport(lambda _request: httpx2.Response(200, json={"id": 9})),
    )
    assert asyncio.run(client.film(9)).id == 9
