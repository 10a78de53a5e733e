from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqlalchemy import func, select

from kinoshelf.core.database import Database
from kinoshelf.core.events import Event
from kinoshelf.discs.editing import edit, edit_many, fix_match, lock, remove, unlock
from kinoshelf.discs.errors import DiscConflict, DiscInvalid, DiscNotFound
from kinoshelf.discs.events import DiscChanged, DiscRemoved
from kinoshelf.discs.models import Disc, DiscLoan, DiscTag
from kinoshelf.discs.queries import get
from kinoshelf.images.wanting import want
from kinoshelf.titles.identity import Source, find_by_id
from tests.factories.discs import MADE_AT, add_disc, add_loan

LATER = MADE_AT + timedelta(days=1)


class TestEdit:
    def test_writes_what_is_given_and_all_that_follows_from_it(self, database: Database) -> None:
        with database.write() as session:
            disc_id = add_disc(session, name="Old", storage_box="A", tags="x,y").id
        told: list[Event] = []
        database.bus.subscribe(DiscChanged, told.append)
        with database.write() as session:
            edit(session, disc_id, {"name": "A New Hope", "tags": ["y", "z"]}, LATER)
        with database.read() as session:
            disc = get(session, disc_id)
            assert (disc.name, disc.sort_name, disc.storage_box) == ("A New Hope", "new hope", "A")
            assert {"hope", "z"} <= set(disc.search_text.split())
            assert {"old", "x"}.isdisjoint(disc.search_text.split())
            assert set(session.scalars(select(DiscTag.tag))) == {"y", "z"}
            assert (disc.created_at, disc.updated_at) == (MADE_AT, LATER)
        assert told == [DiscChanged((disc_id,))]

    def test_the_same_again_changes_nothing(self, database: Database) -> None:
        with database.write() as session:
            disc_id = add_disc(session, name="x", rating=8.2, runtime=90).id
        told: list[Event] = []
        database.bus.subscribe(DiscChanged, told.append)
        with database.write() as session:
            disc = edit(session, disc_id, {"name": "x", "rating": "8.2", "runtime": "90", "status": "Kept"}, LATER)
        assert (disc.updated_at, disc.edited_fields, told) == (MADE_AT, [], [])

    def test_an_unknown_disc_and_a_wrong_value(self, database: Database) -> None:
        with database.write() as session:
            disc_id = add_disc(session).id
            with pytest.raises(DiscNotFound, match="there is no disc 4711"):
                edit(session, 4711, {}, LATER)
            with pytest.raises(DiscInvalid):
                edit(session, disc_id, {"name": ""}, LATER)

    def test_another_film_has_other_copies(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, name="Heat", release_year=1995)
            second = add_disc(session, name="Heat", release_year=1995)
            assert edit(session, second.id, {"release_year": 1986}, LATER).copy_number == 1
            assert edit(session, second.id, {"release_year": 1995}, LATER).copy_number == 2
            assert edit(session, second.id, {"tmdb_id": 949, "copy_number": 5}, LATER).copy_number == 5
            assert second.copy_key == "tmdb:949"
            assert second.title_id == find_by_id(session, Source.TMDB_MOVIE, 949)

    def test_torrents_of_another_film_are_forgotten(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, imdb_id="tt0133093")
            disc.yts_data, disc.has_cached_torrents, disc.yts_last_updated = [{"hash": "x"}], True, MADE_AT
            session.flush()
            assert edit(session, disc.id, {"runtime": 5}, LATER).has_cached_torrents
            edit(session, disc.id, {"imdb_id": "tt0133094"}, LATER)
            assert (disc.yts_data, disc.has_cached_torrents, disc.yts_last_updated) == (None, False, None)


class TestLocks:
    def test_facts_a_person_changes_are_locked_and_other_fields_never(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, runtime=90, director="A")
            edit(session, disc.id, {"runtime": 91, "director": "A", "storage_box": "B", "notes": "n"}, LATER)
            assert disc.edited_fields == ["runtime"]
            edit(session, disc.id, {"director": ""}, LATER)
            assert disc.edited_fields == ["director", "runtime"]

    def test_machines_write_around_them(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, runtime=90)
            edit(session, disc.id, {"runtime": 91}, LATER)
            edit(session, disc.id, {"runtime": 88, "tagline": "t"}, LATER, by_person=False)
            assert (disc.runtime, disc.tagline, disc.edited_fields) == (91, "t", ["runtime"])

    def test_can_be_opened_and_set(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, runtime=90)
            edit(session, disc.id, {"runtime": 91, "tagline": "t"}, LATER)
            assert unlock(session, disc.id, ["runtime", "overview"], LATER).edited_fields == ["tagline"]
            assert lock(session, disc.id, ["genres"], LATER).edited_fields == ["genres", "tagline"]
            with pytest.raises(DiscInvalid, match="no refresh ever writes the notes"):
                lock(session, disc.id, ["notes"], LATER)
            with pytest.raises(DiscInvalid):
                unlock(session, disc.id, ["flavour"], LATER)
            with pytest.raises(DiscNotFound):
                unlock(session, 4711, [], LATER)


class TestStatus:
    def test_unboxing_finds_a_place_and_boxing_gives_it_back(self, database: Database) -> None:
        with database.write() as session:
            first, second = add_disc(session), add_disc(session)
            assert edit(session, first.id, {"status": "unboxed"}, LATER).location == "1"
            assert edit(session, first.id, {"status": "unboxed"}, LATER).location == "1"
            assert edit(session, second.id, {"status": "unboxed", "location": "7"}, LATER).location == "7"
            assert edit(session, first.id, {"status": "kept"}, LATER).location == ""
            assert edit(session, second.id, {"location": "01"}, LATER).location == "1"

    def test_a_location_alone_keeps_to_the_rules(self, database: Database) -> None:
        with database.write() as session:
            kept, first, second = add_disc(session), add_disc(session), add_disc(session)
            edit(session, first.id, {"status": "unboxed"}, LATER)
            edit(session, second.id, {"status": "unboxed"}, LATER)
            assert edit(session, kept.id, {"location": "9"}, LATER).location == ""
            for wrong, kind in (("x", DiscInvalid), ("", DiscInvalid), ("1", DiscConflict)):
                with pytest.raises(kind):
                    edit(session, second.id, {"location": wrong}, LATER)
            assert second.location == "2"

    def test_two_people_at_once_never_share_a_place(self, database: Database) -> None:
        with database.write() as session:
            ids = [add_disc(session).id for _ in range(6)]
        barrier, refused = threading.Barrier(6), []

        def work(disc_id: int) -> None:
            barrier.wait(10)
            try:
                database.run_write(
                    lambda session: edit(session, disc_id, {"status": "unboxed", "location": "5"}, LATER)
                )
            except DiscConflict as problem:
                refused.append(problem.message)

        threads = [threading.Thread(target=work, args=(one,)) for one in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with database.read() as session:
            assert session.scalar(select(func.count()).where(Disc.location == "5")) == 1
        assert len(refused) == 5


class TestEditMany:
    def test_gives_each_its_place_and_says_which_were_not_there(self, database: Database) -> None:
        with database.write() as session:
            ids = [add_disc(session).id for _ in range(3)]
            assert edit_many(session, [ids[2], ids[0], 4711, ids[2]], {"status": "unboxed"}, LATER) == [
                (4711, "there is no disc 4711")
            ]
            assert [get(session, one).location for one in ids] == ["2", "", "1"]

    def test_a_wrong_value_is_refused_before_anything_is_written(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session)
            with pytest.raises(DiscInvalid):
                edit_many(session, [disc.id], {"status": "lost", "notes": "x"}, LATER)
            assert disc.notes == ""


class TestFixMatch:
    FACTS: ClassVar[dict[str, Any]] = {
        "name": "Solaris",
        "release_year": 1972,
        "runtime": 167,
        "director": "Andrei Tarkovsky",
        "tmdb_id": 593,
    }

    def test_every_fact_of_the_wrong_film_goes(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(
                session,
                name="Solaris",
                release_year=2002,
                tmdb_id=2103,
                imdb_id="tt0307479",
                director="Steven Soderbergh",
                uk_certification="12",
                budget=47_000_000,
                revenue=30_000_000,
                tagline="t",
                rating=6.1,
                tmdb_user_score=6.12,
                production_companies="Lightstorm",
                storage_box="B 2",
                notes="a gift",
                tags="x",
            )
            fix_match(session, disc.id, self.FACTS, LATER, tmdb_id=593)
            assert (disc.tmdb_id, disc.release_year, disc.director) == (593, 1972, "Andrei Tarkovsky")
            assert (disc.imdb_id, disc.uk_certification, disc.budget, disc.revenue) == (None, "", None, None)
            assert (disc.tagline, disc.rating, disc.tmdb_user_score, disc.production_companies) == ("", None, None, "")
            assert (disc.storage_box, disc.notes, disc.tags) == ("B 2", "a gift", ["x"])
            assert (disc.copy_key, disc.edited_fields) == ("tmdb:593", [])
            assert disc.title_id == find_by_id(session, Source.TMDB_MOVIE, 593)

    def test_what_a_person_wrote_stays(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, name="Wrong", tmdb_id=1)
            edit(session, disc.id, {"name": "Solaris (my print)", "rating": 9}, LATER)
            fix_match(session, disc.id, self.FACTS, LATER, tmdb_id=593)
            assert (disc.name, disc.rating, disc.runtime) == ("Solaris (my print)", Decimal(9), 167)

    def test_numbers_and_posters_of_the_wrong_film_go_even_where_a_person_chose_them(self, database: Database) -> None:
        with database.write() as session:
            chosen = want(session, "tmdb:/wrong.jpg", None, MADE_AT)
            handed_in = want(session, "upload:abc", None, MADE_AT)
            for poster_id, expected in ((chosen, None), (handed_in, handed_in)):
                disc = add_disc(session, name="Wrong", tmdb_id=1)
                edit(session, disc.id, {"imdb_id": "tt0307479", "poster_id": poster_id}, LATER)
                fix_match(session, disc.id, self.FACTS, LATER, tmdb_id=593)
                assert (disc.imdb_id, disc.poster_id) == (None, expected)
                assert disc.edited_fields == ([] if expected is None else ["poster_id"])

    def test_an_unknown_disc(self, database: Database) -> None:
        with database.write() as session, pytest.raises(DiscNotFound):
            fix_match(session, 4711, self.FACTS, LATER, tmdb_id=593)


class TestRemove:
    def test_takes_loans_and_tags_along_and_names_what_was_there(self, database: Database) -> None:
        with database.write() as session:
            discs = [add_disc(session, name=name, tags="t") for name in ("A", "B", "C")]
            add_loan(session, discs[0])
        told: list[Event] = []
        database.bus.subscribe(DiscRemoved, told.append)
        with database.write() as session:
            assert remove(session, [discs[1].id, 4711, discs[0].id, discs[1].id]) == ["B", "A"]
        with database.read() as session:
            assert [session.scalar(select(func.count()).select_from(table)) for table in (Disc, DiscLoan, DiscTag)] == [
                1,
                0,
                1,
            ]
        assert told == [DiscRemoved((discs[1].id, discs[0].id))]
