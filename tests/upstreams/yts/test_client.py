from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.http.errors import (
    UpstreamChanged,
    UpstreamForbidden,
    UpstreamLimited,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from kinoshelf.upstreams.yts import TRACKERS, FakeYTS, YTSClient, YTSPage, magnet
from tests.simulators.yts import YTSSimulator

HASH = "AB" * 20


@pytest.fixture
def yts() -> Iterator[YTSSimulator]:
    with YTSSimulator() as running:
        running.add("tt0133093", "The Matrix", 1999, ("720p", 40), ("1080p", 90))
        running.add("tt2245084", "Big Hero 6", 2014)
        yield running


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
async def make(naps: list[float]) -> AsyncIterator[Callable[[str], YTSClient]]:
    """Build a client whose sleeps take no time and move its clock."""
    made: list[YTSClient] = []
    clock = FrozenClock()

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(seconds)

    def build(base_url: str) -> YTSClient:
        client = YTSClient(base_url, clock=clock, sleep=nap, chance=lambda: 1.0)
        made.append(client)
        return client

    yield build
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make: Callable[[str], YTSClient], yts: YTSSimulator) -> YTSClient:
    return make(yts.base_url)


class TestListMovies:
    async def test_finds_a_film_with_its_torrents(self, client: YTSClient, yts: YTSSimulator) -> None:
        page = await client.list_movies(query_term="tt0133093")
        assert yts.asked == ["tt0133093"]
        (movie,) = page.movies
        assert (movie.imdb_code, movie.title_long) == ("tt0133093", "The Matrix (1999)")
        assert [(torrent.quality, torrent.seeds) for torrent in movie.torrents] == [("720p", 40), ("1080p", 90)]

    async def test_none_found_is_a_page_without_films(self, client: YTSClient) -> None:
        assert await client.list_movies(query_term="tt0000001") == YTSPage(movie_count=0, limit=20, page_number=1)

    async def test_a_film_may_have_no_torrents(self, client: YTSClient) -> None:
        page = await client.list_movies(query_term="tt2245084")
        assert page.movies[0].torrents == []

    async def test_asks_for_no_more_rows_than_are_allowed(self, client: YTSClient) -> None:
        assert (await client.list_movies(limit=500)).limit == 50

    @pytest.mark.parametrize(
        "body",
        [
            {"movies": [{"id": 1, "imdb_code": None, "torrents": None, "year": None}]},
            {"movies": [{"id": 1, "torrents": [{"hash": HASH, "is_repack": 0, "seeds": None, "size_bytes": None}]}]},
            {"movie_count": None, "movies": None},
        ],
    )
    async def test_reads_what_older_entries_leave_out(self, body: dict[str, Any]) -> None:
        assert isinstance(YTSPage.model_validate(body), YTSPage)


class TestMovieDetails:
    async def test_by_imdb_id(self, client: YTSClient) -> None:
        found = await client.movie_details(imdb_id="tt0133093")
        assert found is not None
        assert found.title == "The Matrix"

    async def test_none_for_a_number_nobody_has(self, client: YTSClient) -> None:
        assert await client.movie_details(movie_id=99) is None

    async def test_suggestions(self, client: YTSClient) -> None:
        assert [movie.title for movie in (await client.movie_suggestions(1)).movies] == ["Big Hero 6"]


class TestFailures:
    async def test_a_refusal_with_status_200_is_an_error(self, client: YTSClient, yts: YTSSimulator) -> None:
        yts.next(error="Query was refused")
        with pytest.raises(UpstreamRejected, match="YTS refused the question: Query was refused"):
            await client.list_movies(query_term="x")

    async def test_a_web_page_is_waited_out(self, client: YTSClient, yts: YTSSimulator, naps: list[float]) -> None:
        yts.next(html=True)
        assert (await client.list_movies(query_term="tt0133093")).movies
        assert len(yts.asked) == 2
        assert naps

    async def test_a_web_page_that_stays_is_said_in_words(self, client: YTSClient, yts: YTSSimulator) -> None:
        yts.next(html=True, times=9)
        with pytest.raises(UpstreamUnavailable, match="web page instead of data"):
            await client.list_movies()
        assert len(yts.asked) == YTSClient.most_attempts

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            ({"status": 503}, UpstreamUnavailable),
            ({"status": 429, "retry_after": "7"}, UpstreamLimited),
            ({"status": 403, "html": True}, UpstreamForbidden),
            ({"status": 404}, UpstreamNotFound),
            ({"status": 302}, UpstreamChanged),
            ({"body": b"not json"}, UpstreamChanged),
            ({"body": b'{"status": "ok", "data": {"movies": [{"id": "x"}]}}'}, UpstreamChanged),
            ({"drops": True}, UpstreamUnavailable),
        ],
    )
    async def test_every_answer_means_something(
        self, client: YTSClient, yts: YTSSimulator, fault: dict[str, Any], expected: type[Exception]
    ) -> None:
        yts.next(**fault, times=9)
        with pytest.raises(expected):
            await client.list_movies()

    async def test_nobody_there(self, make: Callable[[str], YTSClient]) -> None:
        with pytest.raises(UpstreamUnavailable, match="YTS cannot be reached"):
            await make("http://127.0.0.1:9/api/v2").list_movies()


class TestPace:
    async def test_questions_come_two_and_a_half_seconds_apart(self, client: YTSClient, naps: list[float]) -> None:
        for _ in range(3):
            await client.list_movies()
        assert sum(naps) == pytest.approx(5.0, abs=0.1)


class TestMagnet:
    def test_names_hash_title_and_trackers(self) -> None:
        link = magnet(HASH.lower(), "Tom & Jerry: 100% (1992)")
        assert link is not None
        query = parse_qs(urlsplit(link).query)
        assert query["xt"] == [f"urn:btih:{HASH}"]
        assert query["dn"] == ["Tom & Jerry: 100% (1992)"]
        assert query["tr"] == list(TRACKERS)

    @pytest.mark.parametrize("info_hash", ["", "AB", "Z" * 40, "A" * 41, "AB" * 20 + "&x=1"])
    def test_none_for_what_is_no_hash(self, info_hash: str) -> None:
        assert magnet(info_hash, "x") is None


class TestFake:
    async def test_answers_from_memory(self) -> None:
        fake = FakeYTS({"tt1": {"id": 1, "imdb_code": "tt1"}}, clock=FrozenClock())
        assert [movie.id for movie in (await fake.list_movies(query_term="tt1")).movies] == [1]
        assert (await fake.list_movies(query_term="tt2")).movies == []
        assert await fake.movie_details(imdb_id="tt2") is None
        assert fake.asked == ["tt1", "tt2", "tt2"]
        fake.failure = UpstreamUnavailable("away")
        with pytest.raises(UpstreamUnavailable):
            await fake.movie_details(imdb_id="tt1")
