from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from kinoshelf.core.database import Database
from kinoshelf.discs import queries
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.loans import give_back_disc
from kinoshelf.discs.models import Disc
from tests.factories.discs import MADE_AT, add_disc, add_loan, make_discs, varied_discs


def ids_of(database: Database, wanted: DiscFilter, order: str = "name", limit: int = 100) -> list[int]:
    with database.read() as session:
        return [row.id for row in queries.page(session, wanted, order, limit=limit).rows]


def names_of(database: Database, **query: str) -> list[str]:
    with database.read() as session:
        found = queries.page(session, DiscFilter.from_query(query), "name")
        assert found.total == len(found.rows) == queries.count(session, DiscFilter.from_query(query))
        return [row.name for row in found.rows]


DISCS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["Alien", "The Alien", "Brazil", "\u00c5land", "a b", "ab"]),
            "release_year": st.none() | st.integers(1990, 1993),
            "rating": st.none() | st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("7.5"), Decimal(10)]),
            "runtime": st.none() | st.integers(90, 92),
            "storage_box": st.sampled_from(["", "A", "B 1", "b 1"]),
            "purchased_on": st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 3)),
            "purchase_price": st.none() | st.sampled_from([Decimal("0.01"), Decimal("9.99"), Decimal(10)]),
            "created_at": st.integers(0, 2).map(lambda days: MADE_AT + timedelta(days=days)),
            "updated_at": st.integers(0, 2).map(lambda days: MADE_AT + timedelta(microseconds=days)),
        }
    ),
    max_size=12,
)

VALUES = {
    "created": "created_at",
    "name": "sort_name",
    "year": "release_year",
    "rating": "rating",
    "runtime": "runtime",
    "storage_box": "storage_box",
    "purchased": "purchased_on",
    "price": "purchase_price",
    "updated": "updated_at",
}


def in_order(rows: list[Any], order: str) -> list[int]:
    """Sort as a list should: by the value, then by id; rows without a value last in both directions."""
    column = VALUES[order.lstrip("-")]
    turned = order.startswith("-")

    def value(row: Any) -> Any:
        found = getattr(row, column)
        return None if found == "" else found

    filled = sorted(
        (row for row in rows if value(row) is not None), key=lambda row: (value(row), row.id), reverse=turned
    )
    empty = sorted((row for row in rows if value(row) is None), key=lambda row: row.id, reverse=turned)
    return [row.id for row in (*filled, *empty)]


def walked(database: Database, order: str, limit: int) -> tuple[list[int], list[int], list[Any]]:
    """Return ids by walking with keys, ids by page numbers, and all rows."""
    with database.read() as session:
        rows = list(session.scalars(select(Disc)))
        by_key: list[int] = []
        cursor = None
        while True:
            found = queries.page(session, DiscFilter(), order, cursor, limit)
            assert found.total == len(rows)
            by_key += [row.id for row in found.rows]
            if (cursor := found.next_cursor) is None:
                break
        by_number = [
            row.id
            for number in range(1, max(1, -(-len(rows) // limit)) + 1)
            for row in queries.numbered_page(session, DiscFilter(), order, number, limit).rows
        ]
    return by_key, by_number, rows


class TestPage:
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
        max_examples=30,
        deadline=None,
    )
    @given(discs=DISCS, limit=st.integers(1, 5), order=st.sampled_from(list(queries.ORDERS)))
    def test_walking_by_key_or_number_is_the_plain_order(
        self, database: Database, discs: list[dict[str, Any]], limit: int, order: str
    ) -> None:
        with database.write() as session:
            session.execute(delete(Disc))
            make_discs(session, discs)
        by_key, by_number, rows = walked(database, order, limit)
        assert by_key == by_number
        if order.lstrip("-") in {"name", "storage_box"}:
            # Databases differ in how they sort letters, but not from page to page.
            assert sorted(by_key) == sorted(row.id for row in rows)
        else:
            assert by_key == in_order(rows, order)

    def test_every_order_of_a_varied_shelf(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, varied_discs(60))
        for order in queries.ORDERS:
            by_key, by_number, rows = walked(database, order, 17)
            assert by_key == by_number, order
            assert sorted(by_key) == sorted(row.id for row in rows), order

    def test_what_comes_and_goes_meanwhile_doubles_and_loses_nothing(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, ({"name": f"Film {letter}"} for letter in "bcdefgh"))
        with database.read() as session:
            first = queries.page(session, DiscFilter(), "name", None, 3)
        with database.write() as session:
            session.execute(delete(Disc).where(Disc.name.in_(["Film b", "Film d"])))
            make_discs(session, [{"name": "Film a"}, {"name": "Film da"}])
        with database.read() as session:
            rest = queries.page(session, DiscFilter(), "name", first.next_cursor, 10)
        assert [row.name for row in rest.rows] == ["Film da", "Film e", "Film f", "Film g", "Film h"]

    def test_the_end_is_known(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, [{}, {}])
        with database.read() as session:
            assert queries.page(session, DiscFilter(), limit=2).next_cursor is None
            assert queries.page(session, DiscFilter(), limit=1).next_cursor is not None

    @pytest.mark.parametrize("cursor", ["x", "!!!!", "bnVsbA", "WyJuYW1lIiwxLDJd", "WyItY3JlYXRlZCIsbnVsbCw1XQ"])
    def test_a_strange_place_is_refused(self, database: Database, cursor: str) -> None:
        with database.read() as session, pytest.raises(DiscInvalid, match="begin at its start"):
            queries.page(session, DiscFilter(), "-created", cursor)

    def test_a_place_in_another_order_and_an_unknown_order(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, [{}, {}])
        with database.read() as session:
            cursor = queries.page(session, DiscFilter(), "name", limit=1).next_cursor
            with pytest.raises(DiscInvalid):
                queries.page(session, DiscFilter(), "-name", cursor)
            with pytest.raises(DiscInvalid, match="cannot be put in order by colour"):
                queries.page(session, DiscFilter(), "colour")

    @pytest.mark.parametrize(
        ("number", "expected"), [(1, 1), ("2", 2), (99, 3), ("0", 1), ("-4", 1), ("x", 1), ("", 1), ("9" * 30, 1)]
    )
    def test_a_number_out_of_range_shows_an_end(self, database: Database, number: Any, expected: int) -> None:
        with database.write() as session:
            make_discs(session, [{}] * 5)
        with database.read() as session:
            found = queries.numbered_page(session, DiscFilter(), "name", number, 2)
        assert (found.number, found.pages, found.total) == (expected, 3, 5)
        assert len(found.rows) == (1 if expected == 3 else 2)

    def test_an_empty_shelf_has_one_page(self, database: Database) -> None:
        with database.read() as session:
            found = queries.numbered_page(session, DiscFilter())
            assert (list(found.rows), found.number, found.pages, found.total) == ([], 1, 1, 0)


@pytest.fixture
def shelf(database: Database) -> Database:
    with database.write() as session:
        add_disc(
            session,
            name="Am\u00e9lie",
            release_year=2001,
            genres="Romance, Com\u00e9die",
            director="Jean-Pierre Jeunet",
            storage_box="Box 1",
            rating=7.9,
            runtime=122,
            tags="paris,loved",
            overview="A waitress in Montmartre helps others.",
            purchase_price="5.00",
            purchase_currency="EUR",
            purchased_on="2020-05-01",
        )
        add_disc(
            session,
            name="Spider-Man: Far from Home",
            release_year=2019,
            genres="Action, Science Fiction",
            production_companies="Marvel Studios, Columbia",
            status="disposed",
            disk_type="UHD",
            box_set_name="Spider-Man",
            is_unwatched=True,
            rating=7.4,
            condition="mint",
            tmdb_id=429617,
            tags="loved",
        )
        lent = add_disc(
            session,
            name="Schindler's List",
            release_year=1993,
            genres="Drama",
            status="unboxed",
            location="12",
            media_type="rip",
            barcode="036000291452",
            edition="20th Anniversary",
            uk_certification="15",
            is_downloaded="yes",
        )
        add_loan(session, lent)
        add_disc(session, name="Schindler's List", release_year=1993, is_tartan_dvd=True, is_unopened=True)
        add_disc(session, name="100% Wolf_", region="2")
    return database


QUERIES: list[tuple[dict[str, str], int]] = [
    ({"search": "amelie"}, 1),
    ({"search": "AM\u00c9LIE"}, 1),
    ({"search": "waitress amelie jeunet"}, 1),
    ({"search": "waitress spider"}, 0),
    ({"search": "spiderman"}, 1),
    ({"search": "spider man home"}, 1),
    ({"search": "schindlers"}, 2),
    ({"search": "schindler\u2019s list"}, 2),
    ({"search": "ontmar"}, 1),
    ({"search": "box 1"}, 1),
    ({"search": "036000291452"}, 1),
    ({"search": "loved"}, 2),
    ({"search": "100%"}, 1),
    ({"search": "wolf_"}, 1),
    ({"search": "%"}, 0),
    ({"search": "..."}, 0),
    ({"search": "  "}, 5),
    ({"status": "disposed"}, 1),
    ({"status": "Kept,unboxed"}, 4),
    ({"not_status": "kept"}, 2),
    ({"media_type": "rip"}, 1),
    ({"disk_type": "4k"}, 1),
    ({"condition": "mint"}, 1),
    ({"is_tartan_dvd": "true"}, 1),
    ({"is_tartan_dvd": "false"}, 4),
    ({"is_tartan_dvd": ""}, 5),
    ({"is_box_set": "yes"}, 1),
    ({"is_unopened": "1"}, 1),
    ({"is_unwatched": "on"}, 1),
    ({"is_downloaded": "true"}, 1),
    ({"has_torrents": "true"}, 0),
    ({"has_torrents": "false"}, 5),
    ({"on_loan": "true"}, 1),
    ({"on_loan": "false"}, 4),
    ({"has_copies": "true"}, 2),
    ({"has_poster": "true"}, 0),
    ({"is_matched": "true"}, 1),
    ({"tag": "loved"}, 2),
    ({"tag": "love"}, 0),
    ({"genre": "science fiction"}, 1),
    ({"genre": "fiction"}, 0),
    ({"genre": "COM\u00c9DIE"}, 1),
    ({"box_set_name": "Spider-Man"}, 1),
    ({"box_set_name": "-"}, 4),
    ({"storage_box": "Box 1"}, 1),
    ({"storage_box": "Box"}, 0),
    ({"director": "jeunet"}, 1),
    ({"production_company": "marvel"}, 1),
    ({"edition": "anniversary"}, 1),
    ({"region": "2"}, 1),
    ({"uk_certification": "15"}, 1),
    ({"purchase_currency": "eur"}, 1),
    ({"location": "0012"}, 1),
    ({"location": "x"}, 0),
    ({"barcode": "0036000291452"}, 1),
    ({"barcode": "5"}, 0),
    ({"decade": "1990"}, 2),
    ({"decade": "2000s"}, 1),
    ({"year_from": "2001", "year_to": "2019"}, 2),
    ({"rating_from": "7.5"}, 1),
    ({"rating_to": "7.5"}, 1),
    ({"runtime_from": "120", "runtime_to": "122"}, 1),
    ({"price_to": "5"}, 1),
    ({"price_from": "5.01"}, 0),
    ({"purchased_from": "2020-05-01", "purchased_to": "2020-05-01"}, 1),
    ({"tmdb_id": "429617"}, 1),
    ({"tag": "loved", "status": "kept"}, 1),
    ({"tag": "loved", "status": "kept", "decade": "2010"}, 0),
    ({"page": "3", "unknown": "x"}, 5),
]


class TestFilter:
    @pytest.mark.databases("sqlite")
    def test_table(self, shelf: Database) -> None:
        found = [(query, len(names_of(shelf, **query))) for query, _number in QUERIES]
        assert found == QUERIES

    def test_on_either_database(self, shelf: Database) -> None:
        assert names_of(shelf, search="AMELIE montmartre") == ["Am\u00e9lie"]
        assert names_of(shelf, genre="com\u00e9die", rating_from="7.9", purchased_to="2020-05-01") == ["Am\u00e9lie"]
        assert names_of(shelf, search="100%") == names_of(shelf, search="wolf_") == ["100% Wolf_"]
        assert names_of(shelf, has_copies="true", on_loan="false") == ["Schindler's List"]
        assert names_of(shelf, tag="loved", has_poster="false", is_matched="yes") == ["Spider-Man: Far from Home"]

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({"status": "lost"}, "the filter status must be one of kept, disposed, unboxed"),
            ({"is_box_set": "maybe"}, "the filter is_box_set must be true or false"),
            ({"year_from": "x"}, "the filter year_from must be a whole number"),
            ({"rating_to": "11"}, "the filter rating_to must lie between 0 and 10"),
            ({"purchased_from": "soon"}, "the filter purchased_from must be a date"),
            ({"ids": "1,x"}, "the filter ids must be a whole number"),
        ],
    )
    def test_a_value_without_sense_is_said_and_never_left_out(self, query: dict[str, str], words: str) -> None:
        with pytest.raises(DiscInvalid) as refused:
            DiscFilter.from_query(query)
        assert refused.value.message.startswith(words)

    def test_survives_an_address(self) -> None:
        query = {
            "search": "a b",
            "status": "kept,unboxed",
            "is_box_set": "true",
            "on_loan": "false",
            "decade": "1990",
            "rating_from": "7.5",
            "purchased_to": "2020-05-01",
            "tag": "x",
            "ids": "3,4",
        }
        wanted = DiscFilter.from_query(query)
        assert wanted.as_query() == query
        assert not wanted.is_empty
        assert DiscFilter.from_query({}).is_empty
        assert wanted.but(search="").search == ""


class TestFacets:
    def test_count_each_choice_beside_the_other_filters(self, shelf: Database) -> None:
        with shelf.read() as session:
            whole = queries.facets(session)
            loved = queries.facets(session, DiscFilter(tag="loved", status=("kept",)))
        assert whole.status == {"kept": 3, "disposed": 1, "unboxed": 1}
        assert whole.media_type == {"physical": 4, "download": 0, "rip": 1}
        assert whole.disk_type == {"DVD": 4, "UHD": 1}
        assert whole.decades == {2010: 1, 2000: 1, 1990: 2}
        assert whole.flags["is_unwatched"] == {True: 1, False: 4}
        assert whole.genres["Drama"] == whole.genres["Science Fiction"] == 1
        assert whole.tags == {"loved": 2, "paris": 1}
        assert (whole.storage_boxes, whole.box_sets) == ({"Box 1": 1}, {"Spider-Man": 1})
        # Its own choice is left aside: what the others would show.
        assert loved.status == {"kept": 1, "disposed": 1, "unboxed": 0}
        assert loved.decades == {2000: 1}
        assert loved.tags == {"loved": 1, "paris": 1}

    def test_are_what_the_filters_show(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, varied_discs(300))
        wanted = DiscFilter(search="film", status=("kept",), is_unwatched=False, decade=1990)
        with database.read() as session:
            found = queries.facets(session, wanted)
            for status, number in found.status.items():
                assert queries.count(session, wanted.but(status=(status,))) == number
            for decade, number in found.decades.items():
                assert queries.count(session, wanted.but(decade=decade)) == number
            for value, number in found.flags["is_unwatched"].items():
                assert queries.count(session, wanted.but(is_unwatched=value)) == number
            for genre, number in found.genres.items():
                assert queries.count(session, wanted.but(genre=genre)) == number
            for box, number in found.storage_boxes.items():
                assert queries.count(session, wanted.but(storage_box=box)) == number


class TestSingle:
    @pytest.mark.parametrize("number", [0, -1, 4711, 2**63, 2**70])
    def test_an_unknown_one(self, database: Database, number: int) -> None:
        with database.read() as session, pytest.raises(DiscNotFound):
            queries.get(session, number)


class TestSuggestions:
    def test_hold_the_part_whatever_the_case(self, database: Database) -> None:
        with database.write() as session:
            for number in range(12):
                add_disc(session, box_set_name=f"Bond {number:02}", storage_box=f"Shelf {number:02}")
            add_disc(session, box_set_name="Carry On", storage_box="\u00c4rger", status="kept")
            add_disc(session, storage_box="Attic", status="disposed")
        with database.read() as session:
            assert queries.suggest_box_sets(session, "OND") == [f"Bond {number:02}" for number in range(10)]
            assert queries.suggest_box_sets(session, "b") == []
            assert queries.suggest_box_sets(session, "carry") == ["Carry On"]
            assert queries.suggest_storage_boxes(session, "\u00e4") == ["\u00c4rger"]
            assert queries.suggest_storage_boxes(session, "attic") == []
            assert queries.suggest_storage_boxes(session, " ") == []
            assert queries.suggest_storage_boxes(session, "%") == []
            assert len(queries.storage_boxes(session)) == 14
            assert queries.box_sets(session)[0] == ("Bond 00", 1)


class TestLoans:
    def test_a_returned_disc_is_no_longer_on_loan(self, shelf: Database) -> None:
        (lent,) = ids_of(shelf, DiscFilter(on_loan=True))
        with shelf.write() as session:
            give_back_disc(session, lent, MADE_AT.date())
        assert ids_of(shelf, DiscFilter(on_loan=True)) == []
