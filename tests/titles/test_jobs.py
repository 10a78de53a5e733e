from __future__ import annotations

from datetime import timedelta

import pytest

from kinoshelf.app import Hub
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.errors import JobStopped
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.facts import movie_facts, store_movie
from kinoshelf.titles.identity import ensure_film, get_title
from kinoshelf.titles.jobs import REFRESH_FACTS, RefreshFacts
from kinoshelf.titles.series import series_facts, store_series
from tests.simulators.tmdb import TMDBSimulator


@pytest.fixture
def refresh(hub: Hub, catalogue: Catalogue) -> RefreshFacts:
    return RefreshFacts(catalogue=catalogue, database=hub.database, clock=hub.clock)


@pytest.fixture
def context() -> JobContext:
    return JobContext("1", REFRESH_FACTS, {})


@pytest.fixture
async def titles(hub: Hub, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock) -> list[int]:
    """Two films and a series whose facts are of today; and a film nobody has asked TMDB about."""
    films = [movie_facts(await catalogue.movie(number)) for number in (603, 604)]
    series = series_facts(await catalogue.tv(1396))
    with hub.database.write() as session:
        ensure_film(session, now=clock.now(), tmdb_id=605, name="Unasked", year=2003)
        return [
            *(store_movie(session, film, clock.now()) for film in films),
            store_series(session, series, clock.now()),
        ]


class TestRefreshFacts:
    async def test_asks_for_what_is_old(
        self, hub: Hub, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=29))
        assert await refresh.run(context) == {"refreshed": 0, "failed": 0}
        clock.advance(timedelta(days=2))
        with hub.database.write() as session:
            get_title(session, titles[0]).name = "Old"
        asked = tmdb.count()
        assert await refresh.run(context) == {"refreshed": 3, "failed": 0}
        assert await refresh.run(context) == {"refreshed": 0, "failed": 0}
        assert tmdb.count() == asked + 3
        with hub.database.read() as session:
            assert get_title(session, titles[0]).name == "The Matrix"
            assert {get_title(session, title).facts_fetched_at for title in titles} == {clock.now()}

    async def test_keeps_what_tmdb_has_removed(
        self, hub: Hub, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=31))
        tmdb.catalog.films[:] = [film for film in tmdb.catalog.films if film.id != 603]
        assert (await refresh.run(context))["refreshed"] == 3
        with hub.database.read() as session:
            assert get_title(session, titles[0]).name == "The Matrix"

    async def test_one_that_fails_does_not_stop_the_others(
        self, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=31))
        tmdb.next(html=True, path="/movie/603")
        assert await refresh.run(context) == {"refreshed": 2, "failed": 1}
        assert await refresh.run(context) == {"refreshed": 1, "failed": 0}

    async def test_gives_up_for_tonight_when_tmdb_is_away(
        self, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=31))
        tmdb.always(status=503, retry_after=3600)
        assert await refresh.run(context) == {"refreshed": 0, "failed": 3}

    async def test_a_key_that_is_refused_ends_it(
        self, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=31))
        tmdb.key = "another"
        asked = tmdb.count()
        assert await refresh.run(context) == {"refreshed": 0, "failed": 0}
        assert tmdb.count() == asked + 1

    async def test_can_be_stopped(
        self, refresh: RefreshFacts, context: JobContext, titles: list[int], tmdb: TMDBSimulator, clock
    ) -> None:
        clock.advance(timedelta(days=31))
        context.stop()
        with pytest.raises(JobStopped):
            await refresh.run(context)

    @pytest.mark.databases("sqlite")
    def test_comes_every_night(self, hub: Hub) -> None:
        assert REFRESH_FACTS in hub.container.get(JobRegistry).plans
