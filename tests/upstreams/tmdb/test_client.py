from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.http.errors import (
    UpstreamChanged,
    UpstreamForbidden,
    UpstreamLimited,
    UpstreamNeedsLogin,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from kinoshelf.core.logging import redacted
from kinoshelf.upstreams.tmdb import FakeTMDB, TMDBClient
from tests.simulators.tmdb import TMDBSimulator


class TestKey:
    async def test_a_short_one_travels_in_the_query(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        await client.configuration()
        assert tmdb.asked[0].query["api_key"] == tmdb.key
        assert "Authorization" not in tmdb.asked[0].headers

    async def test_a_read_access_token_travels_in_the_header(
        self, make: Callable[..., TMDBClient], tmdb: TMDBSimulator
    ) -> None:
        await make(f" {tmdb.token}\n").configuration()
        assert tmdb.asked[0].headers["Authorization"] == f"Bearer {tmdb.token}"
        assert "api_key" not in tmdb.asked[0].query

    @pytest.mark.parametrize("key", ["", "wrong", "wrong.wrong.wrong", "with space&and=sign"])
    async def test_a_wrong_one_is_refused_at_once(
        self, make: Callable[..., TMDBClient], tmdb: TMDBSimulator, key: str
    ) -> None:
        with pytest.raises(UpstreamNeedsLogin, match="TMDB does not accept the key"):
            await make(key).movie(603)
        assert tmdb.count() == 1

    async def test_never_stands_in_the_log(
        self, client: TMDBClient, tmdb: TMDBSimulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await client.movie(603)
        tmdb.always(status=500)
        with pytest.raises(UpstreamUnavailable) as failure:
            await client.movie(604)
        assert tmdb.key not in redacted(caplog.text) + str(failure.value.details)

    @pytest.mark.parametrize(
        ("code", "expected", "words"),
        [
            (10, UpstreamNeedsLogin, "suspended"),
            (14, UpstreamNeedsLogin, "not accept"),
            (3, UpstreamForbidden, "allow"),
        ],
    )
    async def test_other_refusals(
        self, client: TMDBClient, tmdb: TMDBSimulator, code: int, expected: type[Exception], words: str
    ) -> None:
        tmdb.next(status=401, body=b'{"success": false, "status_code": %d, "status_message": "no"}' % code)
        with pytest.raises(expected, match=words):
            await client.configuration()


class TestFaults:
    async def test_nobody_has_this(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        with pytest.raises(UpstreamNotFound):
            await client.movie(4)
        assert tmdb.count() == 1

    async def test_trouble_passes(self, client: TMDBClient, tmdb: TMDBSimulator, naps: list[float]) -> None:
        tmdb.next(status=502)
        tmdb.next(drops=True)
        assert (await client.movie(603)).title == "The Matrix"
        assert (tmdb.count(), len(naps)) == (3, 2)

    async def test_trouble_stays(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        tmdb.always(status=503)
        with pytest.raises(UpstreamUnavailable, match="TMDB has trouble"):
            await client.movie(603)
        assert tmdb.count() == 4

    async def test_it_waits_as_long_as_it_is_told(
        self, client: TMDBClient, tmdb: TMDBSimulator, naps: list[float]
    ) -> None:
        tmdb.next(status=429, retry_after=7)
        await client.movie(603)
        assert sum(naps) == pytest.approx(7, abs=0.01)

    async def test_it_does_not_wait_for_ever(self, client: TMDBClient, tmdb: TMDBSimulator, naps: list[float]) -> None:
        tmdb.next(status=429, retry_after=3600)
        with pytest.raises(UpstreamLimited) as failure:
            await client.movie(603)
        assert (failure.value.retry_after_seconds, naps) == (3600, [])

    async def test_more_requests_than_are_allowed_wait_their_turn(
        self, client: TMDBClient, tmdb: TMDBSimulator, naps: list[float], clock: FrozenClock
    ) -> None:
        for _ in range(40):
            await client.configuration()
        assert naps == []
        await client.configuration()
        assert sum(naps) == pytest.approx(1.0, abs=0.05)

    @pytest.mark.parametrize(
        "fault", [{"html": True}, {"status": 200, "body": b"{}"}, {"status": 200, "body": b'{"id'}]
    )
    async def test_something_else_than_data_comes(
        self, client: TMDBClient, tmdb: TMDBSimulator, fault: dict[str, Any]
    ) -> None:
        tmdb.next(**fault)
        with pytest.raises(UpstreamChanged):
            await client.movie(603)

    async def test_nobody_is_there(self, clock: FrozenClock) -> None:
        async def nap(seconds: float) -> None:
            clock.advance(seconds)

        client = TMDBClient("http://127.0.0.1:9/3", "key", clock=clock, sleep=nap)
        with pytest.raises(UpstreamUnavailable, match="TMDB cannot be reached") as failure:
            await client.movie(603)
        assert failure.value.is_connection
        await client.aclose()

    async def test_a_page_beyond_the_last(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        with pytest.raises(UpstreamRejected):
            await client.search_movies("matrix", page=501)


class TestQuestions:
    async def test_searches(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        found = await client.search_movies("solaris", year=2002)
        assert [(hit.id, hit.year) for hit in found.results] == [(2103, 2002)]
        assert [hit.id for hit in (await client.search_tv("solaris")).results] == [550]
        assert [hit.media_type for hit in (await client.search_multi("amélie")).results] == ["movie"]
        assert tmdb.asked[0].query["include_adult"] == "false"

    async def test_pages(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        pages = [await client.popular_movies(page=page) for page in range(1, 6)]
        assert [len(page.results) for page in pages[:3]] == [20, 20, 20]
        assert sum(len(page.results) for page in pages) == pages[0].total_results
        assert pages[0].total_pages == -(-pages[0].total_results // 20)
        assert len({hit.id for page in pages for hit in page.results}) == pages[0].total_results

    async def test_pictures_in_three_languages(self, make: Callable[..., TMDBClient], tmdb: TMDBSimulator) -> None:
        german = make(language="de-DE")
        for images in (await german.movie_images(603), (await german.movie(603, append=("images",))).images):
            assert images is not None
            assert {image.iso_639_1 for image in images.posters} == {"de", "en", None}

    async def test_what_is_not_appended_is_none(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        film = await client.movie(603)
        assert (film.credits, film.images, film.external_ids) == (None, None, None)

    async def test_series(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        series = await client.tv(1396, append=("external_ids", "content_ratings", "credits", "alternative_titles"))
        assert series.external_ids is not None
        assert (series.external_ids.tvdb_id, series.seasons[0].season_number) == (81189, 0)
        assert (await client.tv_external_ids(1396)).imdb_id == "tt0903747"
        assert len((await client.tv_images(1396)).posters) == 2
        assert len((await client.season(1396, 1, append=("external_ids",))).episodes) == 7
        assert (await client.episode(1396, 1, 1)).show_id == 1396
        with pytest.raises(UpstreamNotFound):
            await client.season(1396, 9)

    async def test_numbers_of_others(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        assert (await client.movie_external_ids(603)).imdb_id == "tt0133093"
        assert (await client.find("tt0133093", "imdb_id")).movie_results[0].id == 603
        # A number from outside cannot leave its place in the path.
        assert (await client.find("../movie/603", "imdb_id")).movie_results == []

    async def test_what_is_talked_about(self, client: TMDBClient, tmdb: TMDBSimulator) -> None:
        assert (await client.trending_movies("day")).results
        assert (await client.trending_tv("week")).results
        assert {hit.media_type for hit in (await client.trending_all("week", page=2)).results} == {"movie", "tv"}
        assert (await client.popular_tv()).results


class TestFake:
    async def test_answers_what_was_put_there(self, clock: FrozenClock) -> None:
        fake = FakeTMDB({"/movie/1": {"id": 1, "title": "Film"}}, clock=clock)
        assert (await fake.movie(1)).title == "Film"
        with pytest.raises(UpstreamNotFound):
            await fake.movie(2)
        assert fake.asked == ["/movie/1", "/movie/2"]


class TestSimulator:
    """What the other tests stand on does what TMDB does."""

    @pytest.fixture
    def ask(self, tmdb: TMDBSimulator) -> Callable[..., httpx2.Response]:
        def get(path: str, **params: Any) -> httpx2.Response:
            return httpx2.get(f"{tmdb.base_url}{path}", params={"api_key": tmdb.key, **params})

        return get

    @pytest.mark.parametrize(
        ("path", "params", "status", "code"),
        [
            ("/movie/603", {"api_key": "wrong"}, 401, 7),
            ("/movie/4", {}, 404, 34),
            ("/nowhere", {}, 404, 34),
            ("/search/movie", {"query": "a", "page": "501"}, 400, 22),
            ("/search/movie", {"query": "a", "page": "0"}, 400, 22),
            ("/movie/603", {"append_to_response": ",".join(["images"] * 21)}, 400, 27),
        ],
    )
    def test_refuses(
        self, ask: Callable[..., httpx2.Response], path: str, params: dict[str, str], status: int, code: int
    ) -> None:
        answer = ask(path, **params)
        assert (answer.status_code, answer.json()["status_code"]) == (status, code)
        assert answer.json()["success"] is False

    def test_limits(self, ask: Callable[..., httpx2.Response], tmdb: TMDBSimulator) -> None:
        tmdb.limit(3, 60)
        answers = [ask("/movie/603") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 60

    def test_leaves_pictures_of_other_languages_out(self, ask: Callable[..., httpx2.Response]) -> None:
        few = ask("/movie/603", append_to_response="images", language="de-DE").json()["images"]["posters"]
        many = ask(
            "/movie/603", append_to_response="images", language="de-DE", include_image_language="de,en,null"
        ).json()["images"]["posters"]
        assert ([row["iso_639_1"] for row in few], len(many)) == (["de"], 3)

    def test_serves_pictures(self, ask: Callable[..., httpx2.Response], tmdb: TMDBSimulator) -> None:
        path = ask("/movie/603").json()["poster_path"]
        for size in ("w92", "w500", "original"):
            answer = httpx2.get(f"{tmdb.image_base_url}{size}{path}")
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.content.startswith(b"\xff\xd8\xff")
        assert httpx2.get(f"{tmdb.image_base_url}w93{path}").status_code == 404
        assert httpx2.get(f"{tmdb.image_base_url}w92/poster-m4-en.jpg").status_code == 404
        assert httpx2.get(f"{tmdb.image_base_url}w92/poster-m990001-en.jpg").status_code == 404
        assert tmdb.count() == 1
