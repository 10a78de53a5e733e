from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from kinoshelf.core.database import Database
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.facts import choose_image, movie_facts, store_movie
from kinoshelf.titles.identity import Source, attach, ensure_film, find_by_id, get_title
from kinoshelf.titles.models import TitleName
from kinoshelf.upstreams.tmdb import TMDBImage, TMDBMovie
from tests.simulators.tmdb import TMDBSimulator

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def image(path: str, language: str | None, score: float = 5.0, votes: int = 1) -> TMDBImage:
    return TMDBImage(file_path=path, iso_639_1=language, vote_average=score, vote_count=votes)


class TestMovieFacts:
    async def test_of_a_film_everything_is_known_of(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        facts = movie_facts(await catalogue.movie(603), "GB", "en-US")
        assert (facts.tmdb_id, facts.imdb_id, facts.name, facts.year) == (603, "tt0133093", "The Matrix", 1999)
        assert (facts.certificate, facts.runtime_minutes, facts.score) == ("15", 136, 8.2)
        assert facts.directors == ("Lana Wachowski", "Lilly Wachowski")
        assert facts.genres == ("Action", "Science Fiction")
        assert facts.companies == ("Village Roadshow Pictures", "Silver Pictures")
        assert (facts.budget, facts.revenue) == (63_000_000, 463_517_383)
        assert facts.poster_path == "/poster-m603-en.jpg"
        assert {name.name for name in facts.other_names} >= {"Matrix", "マトリックス"}
        assert facts.more["collection"] == {"tmdb_id": 2344, "name": "The Matrix Collection"}

    async def test_of_a_film_nothing_is_known_of(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        facts = movie_facts(await catalogue.movie(990001))
        assert facts.name == "Untitled Harbour Film"
        nothing = (facts.imdb_id, facts.year, facts.released_on, facts.runtime_minutes, facts.score, facts.poster_path)
        assert nothing == (None,) * 6
        assert (facts.budget, facts.certificate, facts.tagline, facts.genres, facts.directors) == (
            None, None, None, (), (),
        )  # fmt: skip

    @pytest.mark.parametrize(("region", "certificate"), [("GB", "15"), ("US", "R"), ("DE", None)])
    async def test_the_certificate_is_that_of_the_region(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, region: str, certificate: str | None
    ) -> None:
        assert movie_facts(await catalogue.movie(603), region).certificate == certificate

    def test_the_cinema_decides_where_releases_differ(self) -> None:
        releases = [
            {"certification": certificate, "type": kind, "release_date": "2000-01-01T00:00:00.000Z"}
            for certificate, kind in (("PG", 6), ("18", 5), ("", 3), ("15", 3))
        ]
        film = TMDBMovie.model_validate(
            {
                "id": 1,
                "title": "Film",
                "release_dates": {"results": [{"iso_3166_1": "GB", "release_dates": releases}]},
            }
        )
        assert movie_facts(film).certificate == "15"

    @pytest.mark.parametrize("date", [None, "", "soon", "1999"])
    def test_no_date_is_no_year(self, date: str | None) -> None:
        film = TMDBMovie.model_validate({"id": 1, "title": "Film", "release_date": date})
        assert movie_facts(film).year is None


class TestChooseImage:
    @pytest.mark.parametrize(
        ("language", "expected"), [("de-DE", "/de.jpg"), ("fr", "/en.jpg"), ("en-GB", "/en.jpg"), (None, "/plain.jpg")]
    )
    def test_by_language(self, language: str | None, expected: str) -> None:
        found = [
            image("/it.jpg", "it", 9),
            image("/plain.jpg", None, 8),
            image("/en.jpg", "en"),
            image("/de.jpg", "de"),
        ]
        assert choose_image(found, language) == expected

    def test_by_votes_within_a_language(self) -> None:
        found = [image("/a.jpg", "en", 5.0, 3), image("/b.jpg", "en", 5.5, 1), image("/c.jpg", "en", 5.5, 9)]
        assert choose_image(found, "en") == "/c.jpg"

    def test_any_is_better_than_none(self) -> None:
        assert choose_image([image("/it.jpg", "it")], "de") == "/it.jpg"
        assert choose_image([], "de") is None


class TestStoreMovie:
    async def test_writes_the_title_its_numbers_and_names(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database
    ) -> None:
        facts = movie_facts(await catalogue.movie(194))
        with database.write() as session:
            title_id = store_movie(session, facts, NOW)
        with database.read() as session:
            title = get_title(session, title_id)
            assert (title.name, title.search_name, title.year, title.kind) == ("Amélie", "amelie", 2001, "film")
            assert (title.directors, title.certificate, title.score) == (["Jean-Pierre Jeunet"], "15", 7.9)
            assert title.facts_fetched_at == NOW
            assert find_by_id(session, Source.IMDB, "tt0211915") == title_id
            names = session.scalars(select(TitleName.search_name).where(TitleName.title_id == title_id))
            assert set(names) == {"le fabuleux destin damelie poulain", "die fabelhafte welt der amelie"}

    async def test_twice_is_once(self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database) -> None:
        facts = movie_facts(await catalogue.movie(603))
        with database.write() as session:
            first = store_movie(session, facts, NOW)
            before = len(session.scalars(select(TitleName)).all())
            assert store_movie(session, facts, NOW) == first
            assert len(session.scalars(select(TitleName)).all()) == before

    async def test_joins_what_was_known_by_imdb_only(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database
    ) -> None:
        facts = movie_facts(await catalogue.movie(562))
        with database.write() as session:
            by_tmdb = ensure_film(session, now=NOW, tmdb_id=562, name="Die Hard", year=1988)
            by_imdb = ensure_film(session, now=NOW, imdb_id="tt0095016", name="Stirb langsam", year=1989)
            assert store_movie(session, facts, NOW) == by_tmdb
            assert find_by_id(session, Source.IMDB, "tt0095016") == by_tmdb
            assert get_title(session, by_imdb).id == by_tmdb

    async def test_leaves_alone_what_a_person_said(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database
    ) -> None:
        facts = movie_facts(await catalogue.movie(562))
        with database.write() as session:
            said = ensure_film(session, now=NOW, name="My own cut", year=1988)
            attach(session, said, Source.IMDB, "tt0095016", now=NOW, is_manual=True)
            other = ensure_film(session, now=NOW, tmdb_id=562, name="Die Hard", year=1988)
            assert store_movie(session, facts, NOW) == other != said
            assert find_by_id(session, Source.IMDB, "tt0095016") == said
