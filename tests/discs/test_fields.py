from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import FIELDS, PERSON_FIELDS, clean, fitted, split_words
from kinoshelf.discs.models import Disc


def cleaned(name: str, value: Any) -> Any:
    return clean({name: value}, is_partial=True)[name]


class TestClean:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("name", "  The\n Matrix ", "The Matrix"),
            ("name", 1917, "1917"),
            ("name", "Ame\u0301lie", "Am\u00e9lie"),
            ("status", "Kept", "kept"),
            ("status", " UNBOXED ", "unboxed"),
            ("media_type", "Download", "download"),
            ("disk_type", "Blu-ray", "BluRay"),
            ("disk_type", "4K Ultra HD Blu-ray", "UHD"),
            ("disk_type", "bluray3d", "BluRay3D"),
            ("disk_type", "hd dvd", "HDDVD"),
            ("tmdb_id", "603", 603),
            ("tmdb_id", 603.0, 603),
            ("tmdb_id", 0, None),
            ("tmdb_id", "", None),
            ("imdb_id", "TT0133093", "tt0133093"),
            ("imdb_id", "133093", "tt0133093"),
            ("imdb_id", "https://www.imdb.com/title/tt10872600/?ref_=x", "tt10872600"),
            ("imdb_id", "", None),
            ("overview", "a\r\nb ", "a\nb"),
            ("overview", "", None),
            ("release_year", "1870", 1870),
            ("release_year", None, None),
            ("genres", ["Drama", " Sci  Fi ", "Drama", ""], "Drama, Sci Fi"),
            ("genres", "Drama,Comedy , ", "Drama, Comedy"),
            ("runtime", "136", 136),
            ("runtime", 0, None),
            ("rating", 8.2, Decimal("8.2")),
            ("rating", "8,2", Decimal("8.2")),
            ("rating", "10", Decimal(10)),
            ("rating", "-0.0", Decimal(0)),
            ("tmdb_user_score", 8.21, Decimal("8.21")),
            ("is_unopened", "Yes", True),
            ("is_unopened", "true", True),
            ("is_unopened", 1, True),
            ("is_unopened", "on", True),
            ("is_unopened", "No", False),
            ("is_unopened", "", False),
            ("is_unopened", None, False),
            ("location", "007", "7"),
            ("location", 12, "12"),
            ("location", "000", "0"),
            ("copy_number", "99", 99),
            ("uk_certification", "12A", "12a"),
            ("barcode", "5 050582 388237", "5050582388237"),
            ("barcode", "012569593220", "0012569593220"),
            ("barcode", "", ""),
            ("condition", "Mint", "mint"),
            ("condition", "", ""),
            ("purchased_on", "2026-11-21", date(2026, 11, 21)),
            ("purchased_on", "21.11.2026", date(2026, 11, 21)),
            ("purchased_on", datetime(2026, 11, 21, 23), date(2026, 11, 21)),
            ("purchase_price", "9,99", Decimal("9.99")),
            ("purchase_price", 0, Decimal(0)),
            ("purchase_currency", "eur", "EUR"),
            ("tags", "a, B ,a,b", ["a", "B"]),
            ("tags", None, []),
            ("budget", "63000000", 63_000_000),
        ],
    )
    def test_reads_what_people_and_programs_write(self, name: str, value: Any, expected: Any) -> None:
        assert cleaned(name, value) == expected

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("name", "", "the name must not be empty"),
            ("name", None, "the name must not be empty"),
            ("name", "x" * 256, "the name can be 255 characters long, not 256"),
            ("name", ["x"], "the name must be text"),
            ("name", True, "the name must be text"),
            ("name", "a\x00b", "the name holds a character that cannot be stored"),
            ("name", "a\ud800", "the name holds a character that cannot be stored"),
            ("status", "lost", "the status must be one of kept, disposed, unboxed"),
            ("status", "", "the status must be one of kept, disposed, unboxed"),
            ("media_type", "stream", "the media type must be one of physical, download, rip"),
            ("disk_type", "floppy", "the disc type must be one of DVD, BluRay"),
            ("tmdb_id", -1, "the TMDB number must lie between 1 and"),
            ("tmdb_id", "6o3", "the TMDB number must be a whole number"),
            ("tmdb_id", True, "the TMDB number must be a whole number"),
            ("tmdb_id", 603.5, "the TMDB number must be a whole number"),
            ("tmdb_id", 10**30, "the TMDB number must be a whole number"),
            ("imdb_id", "nm0000206", "the IMDb id looks like tt0133093"),
            ("imdb_id", "tt01330931234", "the IMDb id looks like tt0133093"),
            ("release_year", 1869, "the year must lie between 1870 and 2100"),
            ("release_year", 2101, "the year must lie between 1870 and 2100"),
            ("genres", ["x" * 200, "y" * 60], "the genres can be 255 characters long, not 262"),
            ("genres", 5, "the genres must be a list, or text with commas"),
            ("rating", 10.1, "the rating must lie between 0 and 10"),
            ("rating", -0.1, "the rating must lie between 0 and 10"),
            ("rating", 8.25, "the rating can have 1 digit after the point"),
            ("rating", "NaN", "the rating must be a number"),
            ("rating", "Infinity", "the rating must be a number"),
            ("rating", False, "the rating must be a number"),
            ("tmdb_user_score", "8.211", "the score of TMDB can have 2 digits after the point"),
            ("is_unopened", "maybe", "the unopened mark must be true or false"),
            ("is_unopened", 2, "the unopened mark must be true or false"),
            ("is_unopened", [], "the unopened mark must be true or false"),
            ("storage_box", "x" * 101, "the storage box can be 100 characters long"),
            ("location", "A12", "the location must be a number: digits only"),
            ("location", "-1", "the location must be a number: digits only"),
            ("location", "\u0663", "the location must be a number: digits only"),
            ("copy_number", 0, "the copy number must lie between 1 and 99"),
            ("copy_number", 100, "the copy number must lie between 1 and 99"),
            ("copy_number", "", "the copy number must not be empty"),
            ("uk_certification", "x" * 11, "the certificate can be 10 characters long"),
            ("barcode", "5050582388238", "the barcode must be an EAN or UPC"),
            ("purchased_on", "2026-02-30", "the date of purchase must be a date"),
            ("purchased_on", "1026-02-20", "the date of purchase must lie between 1870 and 2100"),
            ("purchase_price", "9.999", "the price can have 2 digits after the point"),
            ("purchase_price", "-1", "the price must lie between 0 and"),
            ("purchase_currency", "EURO", "the currency must be three letters"),
            ("tags", ["x" * 51], "the tags hold one longer than 50 characters"),
            ("tags", [str(number) for number in range(51)], "the tags can be 50 at most"),
            ("tags", ["a,b"], "the tags cannot hold a comma"),
            ("colour", "red", "colour is no field of a disc"),
            ("id", 5, "id is no field of a disc"),
            ("created_at", "now", "created_at is no field of a disc"),
        ],
    )
    def test_refuses_in_words(self, name: str, value: Any, words: str) -> None:
        with pytest.raises(DiscInvalid) as refused:
            clean({name: value}, is_partial=True)
        ((field, sentence),) = refused.value.errors
        assert field == name
        assert sentence.startswith(words)

    def test_names_every_problem_at_once(self) -> None:
        with pytest.raises(DiscInvalid) as refused:
            clean({"rating": 11, "release_year": "x", "flavour": 1}, is_partial=False)
        assert {field for field, _ in refused.value.errors} == {"name", "rating", "release_year", "flavour"}

    def test_a_part_holds_only_what_was_given(self) -> None:
        assert clean({"runtime": 5}, is_partial=True) == {"runtime": 5}
        assert clean({}, is_partial=True) == {}

    def test_a_whole_disc_has_every_field(self) -> None:
        found = clean({"name": "x"}, is_partial=False)
        assert found.keys() == FIELDS.keys()
        assert (found["status"], found["media_type"], found["disk_type"]) == ("kept", "physical", "DVD")
        assert (found["imdb_id"], found["genres"], found["copy_number"], found["tags"]) == (None, "", 1, [])

    def test_a_name_of_a_set_makes_it_part_of_one(self) -> None:
        assert clean({"box_set_name": "Bond"}, is_partial=True)["is_box_set"] is True
        assert clean({"box_set_name": "Bond", "is_box_set": False}, is_partial=True)["is_box_set"] is False
        assert "is_box_set" not in clean({"box_set_name": ""}, is_partial=True)

    def test_what_it_returns_it_takes_again(self) -> None:
        once = clean({"name": "x", "rating": "7,5", "tags": "a,b", "purchased_on": "2020-01-02"}, is_partial=False)
        assert clean(once, is_partial=False) == once

    @given(
        st.dictionaries(
            st.sampled_from([*FIELDS, "other"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=300)
            | st.lists(st.text(max_size=60) | st.integers(), max_size=6)
            | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        ),
        st.booleans(),
    )
    def test_whatever_comes_is_refused_or_fits_the_table(self, values: dict[str, Any], is_partial: bool) -> None:
        try:
            found = clean(values, is_partial=is_partial)
        except DiscInvalid:
            return
        for name, value in found.items():
            column = Disc.__table__.c[name]
            assert value is not None or column.nullable
            if isinstance(value, str):
                value.encode()
                assert "\x00" not in value
                assert len(value) <= (getattr(column.type, "length", None) or len(value))
        assert clean(found, is_partial=True) == found


class TestFields:
    def test_are_the_columns_that_can_be_written(self) -> None:
        written_elsewhere = {
            "id",
            "title_id",
            "sort_name",
            "search_text",
            "copy_key",
            "edited_fields",
            "facts_refreshed_at",
            "yts_data",
            "yts_last_updated",
            "yts_error",
            "has_cached_torrents",
            "created_at",
            "updated_at",
        }
        assert FIELDS.keys() == set(Disc.__table__.c.keys()) - written_elsewhere
        assert FIELDS.keys() >= PERSON_FIELDS

    @pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
    def test_lengths_are_those_of_the_columns(self, field: Any) -> None:
        length = getattr(Disc.__table__.c[field.name].type, "length", None)
        if length is not None and field.kind != "choice" and field.name != "purchase_currency":
            assert field.most_characters == length


class TestWords:
    def test_lists_are_cut_at_a_word(self) -> None:
        assert fitted(["Drama", "x" * 255, "Comedy"]) == "Drama"
        assert fitted(["a,b", "c"]) == "a b, c"
        assert fitted([]) == ""
        assert split_words("Drama, Comedy,, ") == ["Drama", "Comedy"]
