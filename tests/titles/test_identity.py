from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput
from kinoshelf.titles.identity import (
    Source,
    TitleNotFound,
    attach,
    detach,
    ensure_film,
    find_by_id,
    get_title,
    ids_of,
    make_title,
    resolve,
    value_of,
)
from kinoshelf.titles.models import Title

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def film(session: Session, name: str = "Alien", year: int | None = 1979) -> int:
    return make_title(session, kind="film", name=name, year=year, now=NOW)


class TestEnsureFilm:
    def test_the_same_number_is_the_same_film_whatever_its_name(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_film(session, now=NOW, tmdb_id=603, name="The Matrix", year=1999)
            assert ensure_film(session, now=NOW, tmdb_id=603, name="Matrix", year=2000) == first
            assert ensure_film(session, now=NOW, tmdb_id=603) == first
            assert ensure_film(session, now=NOW, tmdb_id=604, name="The Matrix", year=1999) != first

    def test_either_number_leads_to_it(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_film(session, now=NOW, tmdb_id=603, imdb_id="tt0133093", name="The Matrix", year=1999)
            assert ensure_film(session, now=NOW, imdb_id="TT0133093") == first
            assert find_by_id(session, Source.IMDB, "https://www.imdb.com/title/tt0133093/?ref=x") == first

    def test_a_name_and_year_are_one_film_however_they_are_written(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_film(session, now=NOW, name="Amélie", year=2001)
            assert ensure_film(session, now=NOW, name="  amelie ", year=2001) == first
            assert ensure_film(session, now=NOW, name="Amélie", year=2002) != first
            assert ensure_film(session, now=NOW, name="Amélie") != first

    def test_a_number_that_becomes_known_joins_the_film_of_that_name(self, database: Database) -> None:
        with database.write() as session:
            typed = ensure_film(session, now=NOW, name="The Matrix", year=1999)
            assert ensure_film(session, now=NOW, tmdb_id=603, name="The Matrix", year=1999) == typed
            assert find_by_id(session, Source.TMDB_MOVIE, 603) == typed

    def test_two_films_of_one_name_and_year_stay_two(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_film(session, now=NOW, tmdb_id=1, name="Venom", year=2018)
            second = ensure_film(session, now=NOW, tmdb_id=2, name="Venom", year=2018)
            assert first != second
            # Nobody can say which of the two is meant.
            assert ensure_film(session, now=NOW, name="Venom", year=2018) not in {first, second}

    def test_what_another_film_is_called_by_imdb_stays_there(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_film(session, now=NOW, tmdb_id=1, imdb_id="tt0000001", name="One", year=2001)
            second = ensure_film(session, now=NOW, tmdb_id=2, imdb_id="tt0000001", name="Two", year=2002)
            assert first != second
            assert find_by_id(session, Source.IMDB, "tt0000001") == first

    @pytest.mark.parametrize("name", [None, "", "   "])
    def test_nothing_is_made_of_nothing(self, database: Database, name: str | None) -> None:
        with pytest.raises(InvalidInput, match="needs a name"), database.write() as session:
            ensure_film(session, now=NOW, tmdb_id=603, name=name)
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(Title)) == 0

    def test_many_at_once_make_one_row(self, database: Database) -> None:
        together = threading.Barrier(4)
        found: set[int] = set()

        def work() -> None:
            together.wait()
            for number in range(10):
                with database.write() as session:
                    found.add(ensure_film(session, now=NOW, tmdb_id=number + 1, name=f"Film {number}", year=2000))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 10
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(Title)) == 10


class TestAttach:
    def test_a_machine_moves_a_number_only_from_a_less_sure_match(self, database: Database) -> None:
        with database.write() as session:
            one, two = film(session), film(session, "Aliens", 1986)
            assert attach(session, one, Source.TMDB_MOVIE, 348, now=NOW, confidence=80)
            assert not attach(session, two, Source.TMDB_MOVIE, 348, now=NOW, confidence=80)
            assert find_by_id(session, Source.TMDB_MOVIE, 348) == one
            assert attach(session, two, Source.TMDB_MOVIE, 348, now=NOW, confidence=95)
            assert find_by_id(session, Source.TMDB_MOVIE, 348) == two

    def test_no_machine_moves_or_contradicts_what_a_person_said(self, database: Database) -> None:
        with database.write() as session:
            one, two = film(session), film(session, "Aliens", 1986)
            assert attach(session, one, Source.TMDB_MOVIE, 679, now=NOW, confidence=10, is_manual=True)
            assert not attach(session, two, Source.TMDB_MOVIE, 679, now=NOW)
            assert not attach(session, one, Source.TMDB_MOVIE, 348, now=NOW)
            assert attach(session, one, Source.TMDB_MOVIE, 679, now=NOW)
            assert [(row.value, row.is_manual) for row in ids_of(session, one)] == [("679", True)]

    def test_a_person_takes_the_others_away(self, database: Database) -> None:
        with database.write() as session:
            one, two = film(session), film(session, "Aliens", 1986)
            attach(session, one, Source.TMDB_MOVIE, 348, now=NOW)
            attach(session, one, Source.IMDB, "tt0078748", now=NOW)
            attach(session, two, Source.TMDB_MOVIE, 679, now=NOW, is_manual=True)
            attach(session, one, Source.TMDB_MOVIE, 679, now=NOW, is_manual=True)
            assert [(row.source, row.value) for row in ids_of(session, one)] == [
                ("imdb", "tt0078748"),
                ("tmdb.movie", "679"),
            ]
            assert ids_of(session, two) == []

    def test_films_and_series_of_one_number_are_two(self, database: Database) -> None:
        with database.write() as session:
            one, two = (
                film(session, "Fight Club"),
                make_title(session, kind="series", name="Solaris", year=2020, now=NOW),
            )
            attach(session, one, Source.TMDB_MOVIE, 550, now=NOW)
            attach(session, two, Source.TMDB_TV, 550, now=NOW)
            assert (find_by_id(session, "tmdb.movie", "550"), find_by_id(session, "tmdb.tv", "0550")) == (one, two)

    @pytest.mark.parametrize(
        ("source", "value"),
        [("imdb", "nm0000206"), ("imdb", ""), ("tmdb.movie", 0), ("tmdb.movie", "-1"), ("tmdb.tv", "²"), ("slug", " ")],
    )
    def test_what_is_no_number_is_refused(self, database: Database, source: str, value: str | int) -> None:
        with database.write() as session:
            title_id = film(session)
            with pytest.raises(InvalidInput):
                attach(session, title_id, source, value, now=NOW)


class TestReading:
    def test_of_several_numbers_the_surest_is_named(self, database: Database) -> None:
        with database.write() as session:
            one = film(session)
            attach(session, one, Source.TMDB_MOVIE, 1, now=NOW, confidence=60)
            attach(session, one, Source.TMDB_MOVIE, 2, now=NOW, confidence=90)
            assert value_of(session, one, Source.TMDB_MOVIE) == "2"
            assert value_of(session, one, Source.IMDB) is None
            assert detach(session, Source.TMDB_MOVIE, 2)
            assert not detach(session, Source.TMDB_MOVIE, 2)
            assert value_of(session, one, Source.TMDB_MOVIE) == "1"

    def test_a_title_that_never_was(self, database: Database) -> None:
        with database.read() as session:
            assert resolve(session, 17) is None
            with pytest.raises(TitleNotFound, match="there is no title 17"):
                get_title(session, 17)
