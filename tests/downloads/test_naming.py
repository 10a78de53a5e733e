"""Names that every file system takes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinoshelf.core.errors import InvalidInput
from kinoshelf.downloads.naming import (
    MAX_NAME_BYTES,
    filename_from_disposition,
    filename_from_url,
    numbered,
    safe_filename,
    safe_folder,
    titled_folder,
    titled_name,
)

BIDIRECTIONAL_MARKS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}


def assert_safe(name: str) -> None:
    assert name
    assert name not in {".", ".."}
    assert not set(name) & set('<>:"/\\|?*')
    assert all(unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"} for letter in name)
    assert all(unicodedata.bidirectional(letter) not in BIDIRECTIONAL_MARKS for letter in name)
    assert name == name.strip(" .") or name.endswith("_")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.partition(".")[0].lower() not in RESERVED


class TestSafeFilename:
    @pytest.mark.parametrize(
        ("given", "safe"),
        [
            ("film.mkv", "film.mkv"),
            ('a/b\\c:d*e?f"g<h>i|j.mkv', "a_b_c_d_e_f_g_h_i_j.mkv"),
            ("tab\tnul\x00.mkv", "tab_nul_.mkv"),
            ("  film  .mkv. ", "film .mkv"),
            ("..", "download"),
            ("...", "download"),
            ("", "download"),
            ("___", "download"),
            ("../../etc/passwd", "_.._etc_passwd"),
            (".hidden", "hidden"),
            ("con", "con_"),
            ("CON.mkv", "CON_.mkv"),
            ("nul .tar.gz", "nul_.tar.gz"),
            ("LPT9", "LPT9_"),
            ("COM¹.mkv", "COM¹_.mkv"),
            ("conic.mkv", "conic.mkv"),
            ("film\u202egnp.exe", "filmgnp.exe"),
            ("a\u200bb\u061cc\u00add\ufeff.mkv", "abcd.mkv"),
            ("cafe\u0301.mkv", "café.mkv"),
            ("half\ud800.mkv", "half_.mkv"),
            ("line\u2028end.mkv", "line end.mkv"),
            ("x" * 300 + ".mkv", "x" * 196 + ".mkv"),
            ("é" * 300 + ".mkv", "é" * 98 + ".mkv"),
            ("x" * 199 + "é", "x" * 199),
            ("a." + "e" * 300, "a." + "e" * 198),
        ],
    )
    def test_is_one_component_everywhere(self, given: str, safe: str) -> None:
        assert safe_filename(given) == safe
        assert_safe(safe)

    @given(st.text(max_size=300))
    @example("con . .")
    @example("a" * 199 + " .mkv")
    def test_of_any_text_is_safe_and_stays_as_it_is(self, text: str) -> None:
        safe = safe_filename(text)
        assert_safe(safe)
        assert safe_filename(safe) == safe


class TestSafeFolder:
    @pytest.mark.parametrize(
        ("given", "safe"),
        [
            ("", ""),
            ("Films", "Films"),
            ("Films/Heat (1995)/", "Films/Heat (1995)"),
            ("Films\\Heat", "Films/Heat"),
            ("./Films/./Heat", "Films/Heat"),
            ("a//b", "a/b"),
            (".../x", "_/x"),
            ("con/aux.d", "con_/aux_.d"),
            ("a\u202eb/c", "ab/c"),
        ],
    )
    def test_lies_below_the_root(self, given: str, safe: str) -> None:
        assert safe_folder(given) == safe

    @pytest.mark.parametrize(
        "given", ["/etc", "\\\\host\\share", "C:\\films", "c:films", "..", "a/../../b", "a/ .. /b", "../x", "a/" * 21]
    )
    def test_that_tries_to_climb_is_refused(self, given: str) -> None:
        with pytest.raises(InvalidInput):
            safe_folder(given)

    @given(st.text(alphabet=st.sampled_from("ab./\\: \u202e"), max_size=30))
    def test_of_any_text_never_climbs(self, text: str) -> None:
        try:
            folder = safe_folder(text)
        except InvalidInput:
            return
        assert not folder.startswith("/")
        for part in folder.split("/") if folder else ():
            assert_safe(part)


class TestNameOfLink:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("http://example.org/films/film.mkv", "film.mkv"),
            ("http://example.org/films/", "films"),
            ("http://example.org/", "example.org"),
            ("http://example.org/caf%C3%A9%20film.mkv?x=1", "café film.mkv"),
            ("http://example.org/caf%E9.mkv", "café.mkv"),
            ("http://example.org/..%2f..%2fetc%2fpasswd", "_.._etc_passwd"),
            ("http://example.org/%00", "example.org"),
            ("http://example.org/...", "example.org"),
            ("http://[::1]/", "__1"),
        ],
    )
    def test_is_its_last_part(self, url: str, name: str) -> None:
        assert filename_from_url(url) == name


class TestNameOfDisposition:
    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ('attachment; filename="film.mkv"', "film.mkv"),
            ("attachment; filename=film.mkv", "film.mkv"),
            ("attachment;FileName = film.mkv ", "film.mkv"),
            ("inline; filename=a film.mkv", "a film.mkv"),
            ('filename="film.mkv"', "film.mkv"),
            # RFC 6266: the extended form wins, wherever it stands.
            ("attachment; filename=\"plain.mkv\"; filename*=UTF-8''%e2%82%ac%20rates.mkv", "€ rates.mkv"),
            ("attachment; filename*=UTF-8''%e2%82%ac.mkv; filename=plain.mkv", "€.mkv"),
            ("attachment; filename*=utf-8'de'%C3%BCber.mkv", "über.mkv"),
            ("attachment; filename*=iso-8859-1''caf%e9.mkv", "café.mkv"),
            ("attachment; filename*=\"UTF-8''film.mkv\"", "film.mkv"),
            # What cannot be read gives way to the plain form.
            ("attachment; filename*=UTF-8''%ff.mkv; filename=plain.mkv", "plain.mkv"),
            ("attachment; filename*=nonsense''%41.mkv; filename=plain.mkv", "plain.mkv"),
            ("attachment; filename*=idna''%ff; filename=plain.mkv", "plain.mkv"),
            ("attachment; filename*=a\x00b''%41; filename=plain.mkv", "plain.mkv"),
            ("attachment; filename*=film.mkv; filename=plain.mkv", "plain.mkv"),
            # Quoted pairs, separators inside quotations, quotations that nobody ended.
            (r'attachment; filename="a \"quoted\" film.mkv"', "a _quoted_ film.mkv"),
            (r'attachment; filename="a\\b.mkv"', "b.mkv"),
            ('attachment; filename="a; filename=b.mkv"', "a; filename=b.mkv"),
            ('attachment; name="x; filename=wrong.mkv"; filename=right.mkv', "right.mkv"),
            ('attachment; filename="film.mkv', "film.mkv"),
            # Raw UTF-8 and Latin-1, as headers carry them.
            ('attachment; filename="' + "café.mkv".encode().decode("latin-1") + '"', "café.mkv"),
            ('attachment; filename="caf\xe9.mkv"', "café.mkv"),
            ("attachment; filename=caf%C3%A9.mkv", "café.mkv"),
            ("attachment; filename=100%.mkv", "100%.mkv"),
            # Paths, marks and empty names.
            ('attachment; filename="/etc/passwd"', "passwd"),
            ('attachment; filename="..\\\\..\\\\film.mkv"', "film.mkv"),
            ("attachment; filename*=UTF-8''..%2F..%2Ffilm.mkv", "film.mkv"),
            ("attachment; filename*=UTF-8''film%E2%80%AEgnp.exe", "filmgnp.exe"),
            ("attachment; filename*=UTF-8''film%00.mkv", "film_.mkv"),
            ('attachment; filename=""', None),
            ('attachment; filename=".."', None),
            ('attachment; filename="/"', None),
            ("attachment", None),
            ("", None),
            (";;;=;=", None),
        ],
    )
    def test_is_what_it_gives(self, header: str, name: str | None) -> None:
        assert filename_from_disposition(header) == name

    @given(st.text(alphabet=st.characters(max_codepoint=255), max_size=80).map("attachment; filename".__add__))
    def test_of_any_header_is_safe_or_none(self, header: str) -> None:
        name = filename_from_disposition(header)
        if name is not None:
            assert_safe(name)


class TestNumbered:
    @pytest.mark.parametrize(
        ("name", "number", "expected"),
        [
            ("film.mkv", 1, "film.mkv"),
            ("film.mkv", 2, "film (2).mkv"),
            ("film", 3, "film (3)"),
            ("film.tar.gz", 2, "film.tar (2).gz"),
            ("film.a-very-long-ending", 2, "film.a-very-long-ending (2)"),
        ],
    )
    def test_keeps_the_ending(self, name: str, number: int, expected: str) -> None:
        assert numbered(name, number) == expected


class TestTitled:
    def test_names_films_and_episodes(self) -> None:
        assert titled_name("Heat", 1995, None, None, ".mkv") == "Heat (1995).mkv"
        assert titled_name("The Wire", 2002, 1, 2, ".mp4") == "The Wire (2002) - S01E02.mp4"
        assert titled_name("Face/Off", None, None, None, "") == "Face_Off.mkv"

    def test_folders_never_climb(self) -> None:
        assert titled_folder("Heat", 1995, None, None, is_series=False) == "Heat (1995)"
        assert titled_folder("Alien", 1979, None, "Alien/Anthology", is_series=False) == "Alien_Anthology/Alien (1979)"
        assert titled_folder("The Wire", 2002, 1, None, is_series=True) == "The Wire (2002)/Season 1"
        assert titled_folder("..", None, 1, None, is_series=True) == "download/Season 1"
