from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from kinoshelf.core.database import Database
from kinoshelf.core.events import Event
from kinoshelf.discs.adding import add
from kinoshelf.discs.errors import DiscConflict, DiscInvalid
from kinoshelf.discs.events import DiscAdded
from kinoshelf.discs.locations import check_location, next_free_location
from kinoshelf.discs.models import Disc, DiscTag
from kinoshelf.discs.queries import copies_of, get
from kinoshelf.titles.identity import Source, find_by_id
from tests.factories.discs import MADE_AT, add_disc


class TestAdd:
    def test_fills_the_row_and_all_that_follows_from_it(self, database: Database) -> None:
        told: list[Event] = []
        database.bus.subscribe(DiscAdded, told.append)
        values = {
            "name": "The Am\u00e9lie",
            "release_year": "2001",
            "tmdb_id": 194,
            "imdb_id": "tt0211915",
            "tags": "loved,x",
        }
        with database.write() as session:
            disc_id = add(session, values, MADE_AT).id
        with database.read() as session:
            disc = get(session, disc_id)
            assert (disc.sort_name, disc.copy_key, disc.copy_number) == ("amelie", "tmdb:194", 1)
            assert {"amelie", "loved", "2001", "tt0211915"} <= set(disc.search_text.split())
            assert (disc.created_at, disc.updated_at, disc.edited_fields) == (MADE_AT, MADE_AT, [])
            assert disc.title_id == find_by_id(session, Source.TMDB_MOVIE, 194)
            assert set(session.scalars(select(DiscTag.tag))) == {"loved", "x"}
        assert told == [DiscAdded((disc_id,))]

    def test_may_have_come_earlier(self, database: Database) -> None:
        earlier = datetime(2019, 5, 6, tzinfo=UTC)
        with database.write() as session:
            disc = add(session, {"name": "x"}, MADE_AT, created_at=earlier)
        assert (disc.created_at, disc.updated_at) == (earlier, MADE_AT)

    def test_a_refusal_leaves_nothing(self, database: Database) -> None:
        with pytest.raises(DiscInvalid), database.write() as session:
            add(session, {"name": "x", "rating": 11}, MADE_AT)
        with database.read() as session:
            assert session.scalars(select(Disc)).all() == []

    def test_facts_fill_the_gaps_and_what_a_person_wrote_differently_is_locked(self, database: Database) -> None:
        facts = {"name": "Alien", "runtime": 117, "overview": "Far away.", "rating": Decimal("8.2"), "tmdb_id": 348}
        values = {"tmdb_id": 348, "name": "Alien", "runtime": "118", "overview": "", "notes": "signed"}
        with database.write() as session:
            disc = add(session, values, MADE_AT, facts=facts)
            other = add(session, values, MADE_AT, facts=facts, by_person=False)
        assert (disc.runtime, disc.overview, disc.rating, disc.notes) == (118, "Far away.", Decimal("8.2"), "signed")
        assert (disc.edited_fields, other.edited_fields) == (["runtime"], [])
        assert disc.facts_refreshed_at == MADE_AT

    def test_several_are_told_in_one_fact(self, database: Database) -> None:
        told: list[Event] = []
        database.bus.subscribe(DiscAdded, told.append)
        with database.write() as session:
            ids = tuple(add_disc(session).id for _ in range(3))
        assert told == [DiscAdded(ids)]


class TestCopies:
    def test_of_the_same_number_or_name_and_year_count_on(self, database: Database) -> None:
        with database.write() as session:
            by_number = [add_disc(session, name=name, tmdb_id=603) for name in ("The Matrix", "Matrix", "Die Matrix")]
            by_name = [
                add_disc(session, name=name, release_year=1979) for name in ("The Alien", "ALIEN", "  Ali\u00ebn ")
            ]
            others = [
                add_disc(session, name="Alien", release_year=1980),
                add_disc(session, name="Alien"),
                add_disc(session, name="Alien", release_year=1979, tmdb_id=348),
            ]
        assert [disc.copy_number for disc in by_number] == [1, 2, 3]
        assert [disc.copy_number for disc in by_name] == [1, 2, 3]
        assert [disc.copy_number for disc in others] == [1, 1, 1]
        with database.read() as session:
            assert [disc.id for disc in copies_of(session, by_name[1])] == [by_name[0].id, by_name[2].id]

    def test_a_number_may_be_given_and_the_next_is_one_more_than_the_highest(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, name="x", copy_number=7)
            assert add_disc(session, name="x").copy_number == 8
            assert add_disc(session, name="x", copy_number=99).copy_number == 99
            with pytest.raises(DiscConflict, match="copy number 99"):
                add_disc(session, name="x")

    def test_added_at_the_same_moment_have_different_numbers(self, database: Database) -> None:
        barrier = threading.Barrier(4)
        problems: list[BaseException] = []

        def work() -> None:
            barrier.wait(10)
            try:
                for _ in range(3):
                    database.run_write(lambda session: add_disc(session, name="x", status="unboxed"))
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert problems == []
        with database.read() as session:
            rows = session.execute(select(Disc.copy_number, Disc.location)).all()
        assert sorted(row.copy_number for row in rows) == list(range(1, 13))
        assert sorted(int(row.location) for row in rows) == list(range(1, 13))


class TestLocation:
    def test_unboxed_discs_take_the_next_free_number(self, database: Database) -> None:
        with database.write() as session:
            found = [add_disc(session, status="unboxed", **given).location for given in ({}, {"location": "3"}, {}, {})]
            assert found == ["1", "3", "2", "4"]
            assert next_free_location(session) == "5"

    def test_is_there_for_unboxed_discs_only(self, database: Database) -> None:
        with database.write() as session:
            assert add_disc(session, status="kept", location="5").location == ""
            assert add_disc(session, status="disposed", location="5").location == ""
            assert add_disc(session, status="unboxed", location="5").location == "5"

    def test_an_empty_one_is_refused_with_an_offer(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, status="unboxed")
            with pytest.raises(DiscInvalid, match="an unboxed disc needs a location; 2 is free") as refused:
                add_disc(session, status="unboxed", location="")
        assert refused.value.status == 400

    def test_one_that_is_taken_is_a_conflict(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, name="Heat", status="unboxed", location="4")
            with pytest.raises(DiscConflict, match="location 4 holds \u00abHeat\u00bb; 1 is free") as refused:
                add_disc(session, status="unboxed", location="0004")
        assert refused.value.status == 409
        assert refused.value.errors[0][0] == "location"

    def test_long_numbers_are_taken_and_not_counted_from(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, status="unboxed", location="9" * 255)
            assert next_free_location(session) == "1"

    def test_can_be_asked_for_beforehand(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, name="Heat", status="unboxed", location="1")
            assert check_location(session, "2") == (True, "location 2 is free")
            assert check_location(session, "01") == (False, "location 1 holds \u00abHeat\u00bb; 2 is free")
            assert check_location(session, "1", disc_id=disc.id)[0]
            assert not check_location(session, "x")[0]
            assert not check_location(session, "")[0]
