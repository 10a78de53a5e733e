from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.titles.naming import counted, folded, main_parts, sort_name, spellings, without_year

NAMES = st.text(max_size=60)


class TestFolded:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("The Matrix", "matrix"),
            ("  the   MATRIX ", "matrix"),
            ("Amélie", "amelie"),
            ("Ame\u0301lie", "amelie"),
            ("Señorita Ønskeby & Łódź", "senorita onskeby and lodz"),
            ("Straße", "strasse"),
            ("İstanbul", "istanbul"),
            ("WALL·E", "wall e"),
            ("WALL-E", "wall e"),
            ("Ocean's Eleven", "oceans eleven"),
            ("Ocean\u2019s Eleven", "oceans eleven"),
            ("Alien³", "alien 3"),
            ("Fast & Furious", "fast and furious"),
            ("Romeo + Juliet", "romeo and juliet"),
            ("The A-Team", "team"),
            ("The", "the"),
            ("A", "a"),
            ("…", "…"),
            ("千と千尋の神隠し", "千と千尋の神隠し"),
            ("ガールズ", "ガールズ"),
            ("기생충", "기생충"),
            ("Солярис", "солярис"),
            ("Der Pate", "der pate"),
        ],
    )
    def test_is_what_people_write_alike(self, name: str, expected: str) -> None:
        assert folded(name) == expected

    def test_marks_that_make_another_letter_stay(self) -> None:
        assert folded("カ") != folded("ガ")
        assert folded("हिन्दी") != folded("हन्द")

    @given(NAMES)
    def test_twice_is_once(self, name: str) -> None:
        assert folded(folded(name)) == folded(name)

    @given(NAMES)
    def test_only_nothing_becomes_nothing(self, name: str) -> None:
        assert bool(folded(name)) == bool(name.split())

    @given(NAMES)
    def test_composed_and_decomposed_are_the_same(self, name: str) -> None:
        assert folded(unicodedata.normalize("NFC", name)) == folded(unicodedata.normalize("NFD", name))


class TestSortName:
    @pytest.mark.parametrize(
        ("name", "language", "expected"),
        [
            ("The Matrix", "en", "matrix"),
            ("An Education", "en", "education"),
            ("Das Boot", "en", "das boot"),
            ("Das Boot", "de-DE", "boot"),
            ("L'avventura", "it", "avventura"),
            ("Les Misérables", "fr", "miserables"),
            ("The Matrix", "de", "matrix"),
            ("A", "en", "a"),
            ("L'", "fr", "l"),
            ("", "en", ""),
        ],
    )
    def test_leaves_the_article_of_the_language_out(self, name: str, language: str, expected: str) -> None:
        assert sort_name(name, language) == expected


class TestNumbers:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Rocky II", "Rocky 2"),
            ("The Godfather Part II", "The Godfather: Part Two"),
            ("The Godfather Part II", "Godfather Pt. 2"),
            ("Kill Bill: Vol. 1", "Kill Bill Volume One"),
            ("Star Wars: Episode V", "Star Wars Episode 5"),
            ("Malcolm X", "Malcolm 10"),
        ],
    )
    def test_are_the_same_however_they_are_written(self, one: str, other: str) -> None:
        assert counted(one) == counted(other)
        assert set(spellings(one)) & set(spellings(other))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Rocky II", "Rocky III"),
            ("I, Robot", "1 Robot"),
            ("V for Vendetta", "5 for Vendetta"),
            ("Rocky", "Rocky 2"),
        ],
    )
    def test_are_not_made_up(self, one: str, other: str) -> None:
        assert counted(one) != counted(other)

    @given(NAMES)
    def test_the_plain_form_is_always_among_the_spellings(self, name: str) -> None:
        assert spellings(name)[0] == folded(name)


class TestParts:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Dune: Part Two", ["Dune"]),
            ("Mission: Impossible \u2013 Fallout", ["Mission: Impossible", "Mission"]),
            ("Dune", []),
            (": Part Two", []),
            ("Dune:", []),
            ("Spider-Man", []),
        ],
    )
    def test_before_the_subtitle(self, name: str, expected: list[str]) -> None:
        assert main_parts(name) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Solaris (1972)", ("Solaris", 1972)),
            ("Solaris [2002] ", ("Solaris", 2002)),
            ("2001: A Space Odyssey", ("2001: A Space Odyssey", None)),
            ("Blade Runner 2049", ("Blade Runner 2049", None)),
            ("Blade Runner 2049 (2017)", ("Blade Runner 2049", 2017)),
            ("(1984)", ("(1984)", None)),
            ("Film (3000)", ("Film (3000)", None)),
        ],
    )
    def test_a_year_in_brackets(self, name: str, expected: tuple[str, int | None]) -> None:
        assert without_year(name) == expected
