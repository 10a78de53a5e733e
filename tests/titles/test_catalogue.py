from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from kinoshelf.app import Hub
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.errors import InvalidInput, NotConfigured
from kinoshelf.core.http.errors import UpstreamChanged, UpstreamNotFound, UpstreamUnavailable
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.kept import KEEP_OLD, remove_old_answers
from kinoshelf.titles.models import KeptAnswer
from tests.simulators.tmdb import TMDBSimulator

# The database has no part in what is asked; the kept answers run on both.
ON_SQLITE = pytest.mark.databases("sqlite")


class TestKeptAnswers:
    async def test_a_film_is_asked_for_once_a_day(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock
    ) -> None:
        first = await catalogue.movie(603)
        clock.advance(timedelta(hours=23, minutes=59))
        assert await catalogue.movie(603) == first
        assert tmdb.count("/movie/603") == 1
        clock.advance(timedelta(minutes=1))
        await catalogue.movie(603)
        assert tmdb.count("/movie/603") == 2

    async def test_a_search_is_kept_for_an_hour_however_it_is_written(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock
    ) -> None:
        first = await catalogue.search_movies("the matrix")
        assert await catalogue.search_movies("  The  MATRIX ") == first
        assert tmdb.count() == 1
        clock.advance(timedelta(hours=1))
        await catalogue.search_movies("the matrix")
        assert tmdb.count() == 2

    async def test_other_pages_years_and_kinds_are_other_questions(
        self, catalogue: Catalogue, tmdb: TMDBSimulator
    ) -> None:
        await catalogue.search_movies("dune")
        await catalogue.search_movies("dune", year=1984)
        await catalogue.search_movies("dune", page=2)
        await catalogue.search_tv("dune")
        await catalogue.search_multi("dune")
        assert tmdb.count() == 5

    async def test_who_wants_it_fresh_gets_it_fresh_and_all_others_too(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock
    ) -> None:
        await catalogue.movie(603)
        clock.advance(timedelta(hours=20))
        await catalogue.movie(603, fresh=True)
        clock.advance(timedelta(hours=20))
        await catalogue.movie(603)
        assert tmdb.count("/movie/603") == 2

    async def test_equal_questions_at_the_same_time_are_asked_once(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, wait_until
    ) -> None:
        tmdb.hold()
        asking = [asyncio.create_task(catalogue.movie(603)) for _ in range(5)]
        await asyncio.to_thread(wait_until, lambda: tmdb.waiting == 1, "the question")
        # The first to ask loses interest; the others still get their answer.
        asking[0].cancel()
        tmdb.let_go()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert [one.title for one in found[1:]] == ["The Matrix"] * 4
        assert tmdb.count("/movie/603") == 1

    async def test_another_process_uses_them(self, catalogue: Catalogue, tmdb: TMDBSimulator, make_hub) -> None:
        await catalogue.movie(603)
        other = make_hub().container.get(Catalogue)
        assert (await other.movie(603)).title == "The Matrix"
        await other.aclose()
        assert tmdb.count("/movie/603") == 1

    async def test_an_old_one_is_better_than_none(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock
    ) -> None:
        await catalogue.movie(603)
        clock.advance(timedelta(days=3))
        tmdb.always(status=503, retry_after=600)
        assert (await catalogue.movie(603)).title == "The Matrix"
        with pytest.raises(UpstreamUnavailable):
            await catalogue.movie(603, fresh=True)
        with pytest.raises(UpstreamUnavailable):
            await catalogue.movie(604)

    async def test_a_failure_is_not_kept(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        tmdb.next(html=True)
        with pytest.raises(UpstreamChanged):
            await catalogue.movie(603)
        assert (await catalogue.movie(603)).title == "The Matrix"

    async def test_what_another_version_kept_is_asked_anew(
        self, hub: Hub, catalogue: Catalogue, tmdb: TMDBSimulator
    ) -> None:
        await catalogue.movie(603)
        with hub.database.write() as session:
            session.scalars(select(KeptAnswer)).one().body = b'{"film": 603}'
        assert (await catalogue.movie(603)).title == "The Matrix"
        assert tmdb.count("/movie/603") == 2

    async def test_are_removed_when_nobody_would_use_them(
        self, hub: Hub, catalogue: Catalogue, tmdb: TMDBSimulator, clock: FrozenClock
    ) -> None:
        await catalogue.movie(603)
        clock.advance(timedelta(hours=24) + KEEP_OLD)
        await catalogue.movie(604)
        clock.advance(1)
        with hub.database.write() as session:
            assert remove_old_answers(session, clock.now()) == 1
            assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 1


@ON_SQLITE
class TestConnections:
    async def test_who_hangs_up_does_not_hang_up_on_others(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, wait_until
    ) -> None:
        tmdb.hold()
        asking = asyncio.create_task(catalogue.movie(603))
        await asyncio.to_thread(wait_until, lambda: tmdb.waiting == 1, "the question")
        await catalogue.aclose()
        tmdb.let_go()
        assert (await asking).title == "The Matrix"
        assert (await catalogue.movie(604)).title == "The Matrix Reloaded"
        assert tmdb.count() == 2


@ON_SQLITE
class TestTheKey:
    @pytest.mark.environ(KINOSHELF_TMDB_API_KEY="")
    async def test_a_missing_one_is_said_in_words(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert not catalogue.is_configured
        with pytest.raises(NotConfigured, match="TMDB has no key yet: enter yours in the settings"):
            await catalogue.movie(603)
        assert tmdb.count() == 0

    @pytest.mark.environ(KINOSHELF_TMDB_API_KEY="ffffffffffffffffffffffffffffffff")
    async def test_a_wrong_one_is_said_in_words(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        with pytest.raises(NotConfigured, match="TMDB does not accept the key; check it in the settings"):
            await catalogue.search_movies("matrix")
        with pytest.raises(NotConfigured, match="does not accept the key"):
            await catalogue.check_key()
        assert tmdb.count() == 2

    async def test_one_that_is_right_passes(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        await catalogue.check_key()
        await catalogue.check_key(tmdb.token)
        with pytest.raises(NotConfigured):
            await catalogue.check_key("a word")
        with pytest.raises(NotConfigured, match="no key yet"):
            await catalogue.check_key(" ")

    async def test_a_change_counts_at_once(self, tmdb: TMDBSimulator, environ, make_hub) -> None:
        del environ["KINOSHELF_TMDB_API_KEY"]
        hub = make_hub()
        catalogue = hub.container.get(Catalogue)
        with pytest.raises(NotConfigured, match="no key yet"):
            await catalogue.movie(562)
        hub.store.update({"tmdb.api_key": "ffffffffffffffffffffffffffffffff"})
        with pytest.raises(NotConfigured, match="does not accept"):
            await catalogue.movie(562)
        hub.store.update({"tmdb.api_key": tmdb.key})
        assert (await catalogue.movie(562)).title == "Die Hard"
        hub.store.update({"tmdb.language": "de-DE"})
        assert (await catalogue.movie(562)).title == "Stirb langsam"
        await catalogue.aclose()


@ON_SQLITE
class TestQuestions:
    async def test_a_film_comes_with_everything(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        film = await catalogue.movie(603)
        assert None not in (film.credits, film.release_dates, film.external_ids, film.images, film.alternative_titles)
        assert tmdb.count() == 1

    async def test_a_film_nobody_knows(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        with pytest.raises(UpstreamNotFound):
            await catalogue.movie(4)

    @pytest.mark.environ(KINOSHELF_TMDB_LANGUAGE="fr-FR")
    async def test_without_a_translation_the_plot_is_english(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert (await catalogue.movie(550)).overview.startswith("What happens in Fight Club")
        assert (await catalogue.tv(1396)).overview.startswith("What happens in Breaking Bad")

    async def test_an_empty_search_finds_nothing_and_asks_nobody(
        self, catalogue: Catalogue, tmdb: TMDBSimulator
    ) -> None:
        for search in (catalogue.search_movies, catalogue.search_tv, catalogue.search_multi):
            assert (await search("  ")).results == []
        assert tmdb.count() == 0

    @pytest.mark.parametrize("page", [0, -1, 501])
    async def test_pages_that_do_not_exist(self, catalogue: Catalogue, tmdb: TMDBSimulator, page: int) -> None:
        with pytest.raises(InvalidInput, match="pages 1 to 500"):
            await catalogue.search_movies("matrix", page=page)
        assert tmdb.count() == 0

    async def test_films_and_series_of_one_number_are_two(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert (await catalogue.movie(550)).title == "Fight Club"
        assert (await catalogue.tv(550)).name == "Solaris"

    async def test_mixed_lists_leave_persons_out(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        found = await catalogue.search_multi("solaris")
        assert [(hit.media_type, hit.year) for hit in found.results] == [("movie", 1972), ("movie", 2002), ("tv", 2020)]

    async def test_what_is_popular_and_trending(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert len((await catalogue.popular("movie")).results) == 20
        assert (await catalogue.popular("tv")).results[0].name == "Game of Thrones"
        assert (await catalogue.trending("movie", "day")).results[0].title == "Inception"
        assert {hit.media_type for hit in (await catalogue.trending("all", page=2)).results} == {"movie", "tv"}
        assert (await catalogue.trending("tv")).total_results == 5

    async def test_other_numbers_lead_to_titles(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert (await catalogue.find("tt0133093")).movie_results[0].id == 603
        assert (await catalogue.find("81189", "tvdb_id")).tv_results[0].id == 1396
        assert (await catalogue.find("tt8139601002")).tv_episode_results[0].episode_number == 2
        nothing = await catalogue.find("tt9999999")
        assert [*nothing.movie_results, *nothing.tv_results, *nothing.tv_episode_results] == []

    async def test_seasons_episodes_and_pictures(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        assert len((await catalogue.season(1396, 2)).episodes) == 13
        assert (await catalogue.season(1396, 0)).episodes[0].runtime is None
        assert (await catalogue.episode(1396, 1, 7)).episode_type == "finale"
        languages = {image.iso_639_1 for image in (await catalogue.movie_images(603)).posters}
        assert languages == {"en", "de", "fr", None}

    async def test_a_wait_tmdb_asks_for_is_kept(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        tmdb.next(status=429, retry_after=0)
        assert (await catalogue.movie(603)).title == "The Matrix"
