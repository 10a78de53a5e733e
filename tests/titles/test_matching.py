from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kinoshelf.core.database import Database
from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.titles.catalogue import MOVIE_PARTS, Catalogue
from kinoshelf.titles.facts import MovieFacts, movie_facts, store_movie
from kinoshelf.titles.identity import Source, attach, ensure_film, find_by_id, make_title
from kinoshelf.titles.matching import Wanted, match, match_online
from kinoshelf.upstreams.tmdb import TMDBMovie
from tests.simulators.tmdb import TMDBSimulator
from tests.simulators.tmdb_answers import Catalog
from tests.simulators.tmdb_films import FILMS

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


WANTED = (603, 604, 593, 2103, 238, 240, 242, 1366, 1367, 24, 393, 11, 194, 348, 9799, 13804, 48311, 496243)


@pytest.fixture(scope="module")
def facts() -> list[MovieFacts]:
    """All that TMDB knows of some films."""
    catalog = Catalog(list(FILMS), [])
    query = {"append_to_response": ",".join(MOVIE_PARTS)}
    return [movie_facts(TMDBMovie.model_validate(catalog.answer(f"/movie/{number}", query))) for number in WANTED]


@pytest.fixture
def shelf(database: Database, facts: list[MovieFacts]) -> dict[int, int]:
    """Our number of each of them, by TMDB's."""
    with database.write() as session:
        return {one.tmdb_id: store_movie(session, one, NOW) for one in facts}


class TestMatch:
    @pytest.mark.parametrize(
        ("name", "year", "expected"),
        [
            ("the matrix", 1999, 603),
            ("The Matrix", None, 603),
            ("Solaris", 1972, 593),
            ("Solaris", 2002, 2103),
            ("Солярис", 1972, 593),
            ("Der Pate", 1972, 238),
            ("The Godfather Part Two", 1974, 240),
            ("Godfather Part 3", 1990, 242),
            ("Der Pate: Teil 2", 1974, 240),
            ("Rocky 2", 1979, 1367),
            ("Kill Bill Volume 2", 2004, 393),
            ("Krieg der Sterne", 1977, 11),
            ("Star Wars Episode 4: A New Hope", 1977, 11),
            ("Le fabuleux destin d'Amelie Poulain", 2001, 194),
            ("Alien", 1980, 348),
            ("Fast and Furious", 2009, 13804),
            ("Parasite", 1982, 48311),
        ],
    )
    def test_is_certain_of(
        self, shelf: dict[int, int], database: Database, name: str, year: int | None, expected: int
    ) -> None:
        with database.read() as session:
            found = match(session, Wanted("film", name, year))
        assert found.is_certain, found.candidates[:2]
        assert found.title_id == shelf[expected]

    @pytest.mark.parametrize(
        ("name", "year", "expected"),
        [
            ("Solaris", None, 2103),
            ("Kill Bill", 2003, 24),
            ("The Matrxi", 1999, 603),
            ("Matrix Reloadet", 2003, 604),
            ("Star Wars", 1999, 11),
        ],
    )
    def test_is_not_certain_of(
        self, shelf: dict[int, int], database: Database, name: str, year: int | None, expected: int
    ) -> None:
        with database.read() as session:
            found = match(session, Wanted("film", name, year))
        assert not found.is_certain
        assert shelf[expected] in {one.candidate.id for one in found.candidates}

    @pytest.mark.parametrize(("name", "year"), [("Rocky IV", 1985), ("Stalker", 1979), ("%", None), ("…", 2011)])
    def test_finds_nothing_for(self, shelf: dict[int, int], database: Database, name: str, year: int | None) -> None:
        with database.read() as session:
            assert match(session, Wanted("film", name, year)).candidates == ()

    def test_a_series_is_no_film(self, shelf: dict[int, int], database: Database) -> None:
        with database.write() as session:
            series = make_title(session, kind="series", name="Solaris", year=2020, now=NOW)
            assert match(session, Wanted("series", "Solaris", 2020)).title_id == series
            assert match(session, Wanted("film", "Solaris", 2020)).title_id != series

    def test_a_number_comes_before_the_name(self, shelf: dict[int, int], database: Database) -> None:
        with database.read() as session:
            found = match(session, Wanted("film", "Solaris", 1972, {"imdb": "tt0307479"}))
            assert (found.title_id, found.confidence) == (shelf[2103], 100)
            assert found.reasons == ("the same number at IMDb",)

    def test_a_number_that_leads_somewhere_else_is_doubted(self, shelf: dict[int, int], database: Database) -> None:
        with database.read() as session:
            found = match(session, Wanted("film", "Stalker", 1979, {Source.TMDB_MOVIE: 603}))
        assert not found.is_certain
        assert "but its name and year are others: «The Matrix» (1999)" in found.reasons

    def test_a_number_nobody_has_leaves_it_to_the_name(self, shelf: dict[int, int], database: Database) -> None:
        with database.read() as session:
            found = match(session, Wanted("film", "Solaris", 1972, {Source.TMDB_MOVIE: 4, "catalogue.x": "y"}))
        assert found.title_id == shelf[593]


class TestMatchOnline:
    @pytest.mark.parametrize(
        ("name", "year", "expected"),
        [
            ("The Matrix", 1999, 603),
            ("Solaris", 2002, 2103),
            ("Solaris", 2001, 2103),
            ("Stirb langsam", 1988, 562),
            ("Die Hard 2: Die Harder", 1990, 1573),
            ("Seven", 1995, 807),
            ("Wall-E", 2008, 10681),
            ("Ziemlich beste Freunde", 2011, 77338),
            ("The Godfather: Part II", 1974, 240),
            ("1917", 2019, 530915),
            ("…", 2011, 990003),
        ],
    )
    @pytest.mark.databases("sqlite")
    async def test_is_certain_of(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, name: str, year: int, expected: int
    ) -> None:
        found = await match_online(catalogue, Wanted("film", name, year))
        assert found.is_certain, found.candidates[:2]
        assert found.candidate is not None
        assert (found.candidate.source, found.candidate.id, found.title_id) == ("tmdb.movie", expected, None)

    @pytest.mark.databases("sqlite")
    async def test_is_not_certain_among_several(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        found = await match_online(catalogue, Wanted("film", "Halloween"))
        assert not found.is_certain
        assert {one.candidate.year for one in found.candidates} == {1978, 2007, 2018}

    @pytest.mark.databases("sqlite")
    async def test_a_year_that_is_wrong_is_no_reason_to_find_nothing(
        self, catalogue: Catalogue, tmdb: TMDBSimulator
    ) -> None:
        found = await match_online(catalogue, Wanted("film", "Memento", 1990))
        assert found.candidate is not None
        assert (found.candidate.id, found.is_certain) == (77, False)

    @pytest.mark.databases("sqlite")
    async def test_by_number(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        for ids in ({"tmdb.movie": 603}, {"imdb": "tt0133093"}, {"tmdb.movie": 4, "imdb": "tt0133093"}):
            found = await match_online(catalogue, Wanted("film", "Matrix", 1999, ids))
            assert found.candidate is not None
            assert (found.candidate.id, found.confidence) == (603, 100)
        series = await match_online(catalogue, Wanted("series", "", None, {"tvdb.series": 81189}))
        assert series.candidate is not None
        assert (series.candidate.source, series.candidate.id) == ("tmdb.tv", 1396)

    @pytest.mark.databases("sqlite")
    async def test_series(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        found = await match_online(catalogue, Wanted("series", "進撃の巨人", 2013))
        assert found.is_certain
        assert found.candidate is not None
        assert found.candidate.name == "Attack on Titan"

    @pytest.mark.databases("sqlite")
    async def test_a_sure_name_costs_one_question(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        await match_online(catalogue, Wanted("film", "Inception", 2010))
        assert tmdb.count() == 1

    @pytest.mark.databases("sqlite")
    async def test_nobody_to_ask_is_not_nothing_found(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        tmdb.always(status=503, retry_after=900)
        with pytest.raises(UpstreamUnavailable):
            await match_online(catalogue, Wanted("film", "Inception", 2010))

    @pytest.mark.environ(KINOSHELF_TMDB_API_KEY="")
    @pytest.mark.databases("sqlite")
    async def test_without_a_key(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        with pytest.raises(NotConfigured):
            await match_online(catalogue, Wanted("film", "Inception", 2010))


class TestWhatAMachineMayDo:
    def test_a_match_of_its_own_does_not_move_what_a_person_said(self, database: Database) -> None:
        with database.write() as session:
            said = ensure_film(session, now=NOW, name="Solaris", year=1972)
            attach(session, said, Source.TMDB_MOVIE, 2103, now=NOW, is_manual=True)
            other = ensure_film(session, now=NOW, name="Solaris", year=2002)
            assert not attach(session, other, Source.TMDB_MOVIE, 2103, now=NOW)
            assert find_by_id(session, Source.TMDB_MOVIE, 2103) == said
