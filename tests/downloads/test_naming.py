"""Names from headers, links and titles: one component that every file system takes."""

from __future__ import annotations

import pytest
from hypothesis import given
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


class TestSafeFilename:
    @pytest.mark.parametrize(
        ("given_name", "expected"),
        [
            ("film.mkv", "film.mkv"),
            ("a/b\\c:d*e?.mkv", "a_b_c_d_e_.mkv"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("  .hidden. ", "hidden"),
            ("con.txt", "con_.txt"),
            ("LPT1", "LPT1_"),
            ("konsole.txt", "konsole.txt"),
            ("tab\tand\nline.txt", "tab_and_line.txt"),
            ("4pm\u202egpj.exe", "4pmgpj.exe"),
            ("Cafe\u0301.mkv", "Café.mkv"),
            ("Tập 01 ~ Phần 2.mkv", "Tập 01 ~ Phần 2.mkv"),
            ("", "download"),
            ("...", "download"),
        ],
    )
    def test_known_names(self, given_name, expected):
        assert safe_filename(given_name) == expected

    def test_a_long_name_keeps_its_extension(self):
        name = safe_filename("ế" * 400 + ".mkv")
        assert name.endswith(".mkv")
        assert len(name.encode()) <= MAX_NAME_BYTES

    @given(st.text(max_size=400))
    def test_any_text_gives_one_harmless_component(self, text):
        name = safe_filename(text)
        assert name
        assert name not in {".", ".."}
        assert not set(name) & set('/\\<>:"|?*\x00')
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert name == name.strip(" .")
        assert safe_filename(name) == name


class TestFilenameFromDisposition:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ('attachment; filename="film.mkv"', "film.mkv"),
            ("attachment; filename=film.mkv", "film.mkv"),
            ("inline", None),
            ('attachment; filename="a \\"quoted\\" name.txt"', "a _quoted_ name.txt"),
            ("attachment; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
            ("attachment; filename=\"plain.txt\"; filename*=UTF-8''b%C3%A9tter.txt", "bétter.txt"),
            ("attachment; filename*=iso-8859-1'en'%A3%20rates.txt", "£ rates.txt"),
            ('attachment; filename*=nonsense; filename="plain.txt"', "plain.txt"),
            ("attachment; filename*=utf-8''%ff%fe; filename=\"plain.txt\"", "plain.txt"),
            ('attachment; filename="../../etc/passwd"', "passwd"),
            ('attachment; filename="C:\\\\films\\\\a.mkv"', "a.mkv"),
            ('attachment; filename="semi;colon.mkv"', "semi;colon.mkv"),
            ('ATTACHMENT; FILENAME="UPPER.MKV"', "UPPER.MKV"),
            ('attachment; filename=""', None),
            ("attachment; filename=percent%20name.mkv", "percent name.mkv"),
            ('attachment; filename="' + "naïve.mkv".encode().decode("latin-1") + '"', "naïve.mkv"),
        ],
    )
    def test_known_headers(self, header, expected):
        assert filename_from_disposition(header) == expected

    @given(st.text(max_size=200))
    def test_any_header_is_read_or_refused(self, header):
        name = filename_from_disposition(header)
        assert name is None or "/" not in name


class TestFilenameFromURL:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://example.org/a/b/film.mkv?x=1#y", "film.mkv"),
            ("https://example.org/a/b/", "b"),
            ("https://example.org", "example.org"),
            ("https://example.org/T%E1%BA%ADp%2001.mkv", "Tập 01.mkv"),
            ("https://example.org/%2e%2e%2fsecret", "_secret"),
            ("https://example.org/caf%e9.txt", "café.txt"),
        ],
    )
    def test_known_links(self, url, expected):
        assert filename_from_url(url) == expected


class TestSafeFolder:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [("", ""), ("films", "films"), ("a//b/./c", "a/b/c"), ("a\\b", "a/b"), ("sub:dir/x?", "sub_dir/x_")],
    )
    def test_known_folders(self, text, expected):
        assert safe_folder(text) == expected

    @pytest.mark.parametrize(
        "text", ["/etc", "\\\\server\\share", "C:\\x", "../up", "a/../../b", "a/ .. /b", "/".join("a" * 30)]
    )
    def test_a_way_out_is_refused(self, text):
        with pytest.raises(InvalidInput):
            safe_folder(text)


class TestTitles:
    def test_an_episode(self):
        assert titled_name("Breaking Bad", 2008, 1, 2, ".mkv") == "Breaking Bad (2008) - S01E02.mkv"
        assert titled_folder("Breaking Bad", 2008, 1, None, is_series=True) == "Breaking Bad (2008)/Season 1"

    def test_a_film_in_its_collection(self):
        assert titled_name("Alien", 1979, None, None, "") == "Alien (1979).mkv"
        assert titled_folder("Alien", 1979, None, "Alien: Saga", is_series=False) == "Alien_ Saga/Alien (1979)"

    def test_numbered(self):
        assert numbered("film.mkv", 1) == "film.mkv"
        assert numbered("film.mkv", 2) == "film (2).mkv"
        assert numbered("archive", 3) == "archive (3)"
