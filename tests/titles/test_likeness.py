from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.titles.likeness import SURE, UNSURE, Candidate, Wanted, contradicts, judge, rank

NAMES = st.text(min_size=1, max_size=40).filter(str.strip)
YEARS = st.one_of(st.none(), st.integers(1890, 2030))


def film(name: str, year: int | None = None, number: int = 1, **more: Any) -> Candidate:
    return Candidate("tmdb.movie", number, name, year, **more)


def confidence(wanted: tuple[str, int | None], candidate: Candidate) -> int:
    return judge(Wanted("film", *wanted), candidate).confidence


class TestJudge:
    @pytest.mark.parametrize(
        ("wanted", "candidate", "reason"),
        [
            (("The Matrix", 1999), film("The Matrix", 1999), "the same name"),
            (("matrix, the", None), film("Matrix The"), "the same name"),
            (("Amelie", 2001), film("Amélie", 2001), "the same name"),
            (("The Matrix", 1998), film("The Matrix", 1999), "the year is one off (1999)"),
            (("Spiderman", 2002), film("Spider-Man", 2002), "the same letters, spaced otherwise"),
            (("Rocky 2", 1979), film("Rocky II", 1979), "the same name, its number written otherwise"),
            (("Der Pate", 1972), film("The Godfather", 1972, other_names=("Der Pate",)), "«Der Pate»"),
        ],
    )
    def test_is_sure(self, wanted: tuple[str, int | None], candidate: Candidate, reason: str) -> None:
        judged = judge(Wanted("film", *wanted), candidate)
        assert judged.confidence >= SURE
        assert reason in "; ".join(judged.reasons)

    @pytest.mark.parametrize(
        ("wanted", "candidate", "reason"),
        [
            (("Solaris", 2002), film("Solaris", 1972), "it is from another year (1972)"),
            (("Solaris", 1972), film("Solaris"), "its year is not known"),
            (("Dune", 2021), film("Dune: Part One", 2021), "the same name but for the subtitle"),
            (("Dune: Part One", 2021), film("Dune", 2021), "the same name but for the subtitle"),
            (("The Matrxi", 1999), film("The Matrix", 1999), "nearly the same name («The Matrix»)"),
            (("Der Pate", None), film("The Godfather", 1972, other_names=("Der Pate",)), "no year was given"),
        ],
    )
    def test_is_not_sure(self, wanted: tuple[str, int | None], candidate: Candidate, reason: str) -> None:
        judged = judge(Wanted("film", *wanted), candidate)
        assert 0 < judged.confidence < SURE
        assert reason in judged.reasons

    @pytest.mark.parametrize(
        ("wanted", "name"),
        [
            ("Rocky II", "Rocky III"),
            ("Rocky 2", "Rocky"),
            ("Alien", "Aliens of London"),
            ("Up", "Us"),
            ("Heat", "Hunt"),
        ],
    )
    def test_is_another_film(self, wanted: str, name: str) -> None:
        assert confidence((wanted, 1990), film(name, 1990)) == 0

    @given(NAMES, YEARS, NAMES, YEARS)
    def test_stays_between_none_and_all_and_gives_reasons(
        self, wanted: str, year: int | None, name: str, other_year: int | None
    ) -> None:
        judged = judge(Wanted("film", wanted, year), film(name, other_year, other_names=(wanted[::-1],)))
        assert 0 <= judged.confidence <= 100
        assert judged.reasons

    @given(NAMES, st.integers(1890, 2030))
    def test_itself_is_always_sure(self, name: str, year: int) -> None:
        assert confidence((name, year), film(name, year)) == 100
        assert confidence((name.upper().lower(), year), film(name.upper().lower(), year)) == 100

    @given(NAMES, NAMES, st.integers(1890, 2030))
    def test_a_year_nearer_is_never_worse(self, wanted: str, name: str, year: int) -> None:
        found = [confidence((wanted, year), film(name, year + off)) for off in (0, 1, 2, 30)]
        assert found == sorted(found, reverse=True)


class TestRank:
    def test_two_that_fit_alike_are_never_certain(self) -> None:
        wanted = Wanted("film", "Venom", 2018)
        match = rank(judge(wanted, film("Venom", 2018, number)) for number in (1, 2))
        assert (match.confidence, match.is_certain) == (UNSURE, False)
        assert "«Venom» (2018) fits as well" in match.reasons

    def test_the_year_parts_two_of_one_name(self) -> None:
        both = [film("Solaris", 1972, 593), film("Solaris", 2002, 2103)]
        for year, number in ((1972, 593), (2002, 2103), (2003, 2103)):
            match = rank(judge(Wanted("film", "Solaris", year), one) for one in both)
            assert match.is_certain
            assert match.candidate is not None
            assert match.candidate.id == number
        assert not rank(judge(Wanted("film", "Solaris"), one) for one in both).is_certain

    def test_a_year_between_two_parts_nothing(self) -> None:
        match = rank(judge(Wanted("film", "Oldboy", 2004), film("Oldboy", year, year)) for year in (2003, 2005))
        assert not match.is_certain

    def test_a_film_hardly_anybody_knows_is_no_rival_of_a_famous_one(self) -> None:
        both = [film("Inception", 2010, 1, vote_count=2), film("Inception", 2010, 2, vote_count=36000)]
        match = rank(judge(Wanted("film", "Inception", 2010), one) for one in both)
        assert match.is_certain
        assert match.candidate == both[1]

    def test_but_it_is_found_by_its_year(self) -> None:
        both = [film("Parasite", 1982, 1, vote_count=90), film("Parasite", 2019, 2, vote_count=18000)]
        match = rank(judge(Wanted("film", "Parasite", 1982), one) for one in both)
        assert match.is_certain
        assert match.candidate == both[0]

    def test_nothing_is_found(self) -> None:
        match = rank([judge(Wanted("film", "Alien"), film("Amélie"))])
        assert (match.confidence, match.candidate, match.title_id, match.is_certain) == (0, None, None, False)
        assert match.reasons == ("nothing of this name was found",)

    @given(st.lists(st.tuples(NAMES, YEARS, st.integers(0, 50000)), max_size=6), NAMES, YEARS)
    def test_is_certain_only_without_a_rival(
        self, rows: list[tuple[str, int | None, int]], name: str, year: int | None
    ) -> None:
        wanted = Wanted("film", name, year)
        candidates = [film(row[0], row[1], at, vote_count=row[2]) for at, row in enumerate([*rows, (name, year, 5)])]
        match = rank(judge(wanted, one) for one in candidates)
        found = [one.confidence for one in match.candidates]
        assert found == sorted(found, reverse=True)
        if match.is_certain and len(found) > 1:
            assert found[0] - found[1] >= 8


class TestContradicts:
    def test_only_where_name_and_year_both_do(self) -> None:
        matrix = film("The Matrix", 1999, other_names=("Matrix",))
        assert contradicts(Wanted("film", "Solaris", 1972), matrix)
        assert not contradicts(Wanted("film", "Solaris", 1999), matrix)
        assert not contradicts(Wanted("film", "Matrix", 1972), matrix)
        assert not contradicts(Wanted("film", "Solaris"), matrix)
        assert not contradicts(Wanted("film", "", 1972), matrix)
