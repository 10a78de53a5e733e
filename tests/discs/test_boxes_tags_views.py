from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kinoshelf.core.database import Database
from kinoshelf.discs import locations, queries, tags, views
from kinoshelf.discs.editing import edit
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.models import DiscTag
from tests.factories.discs import MADE_AT, add_disc, add_tag

LATER = MADE_AT + timedelta(days=1)


class TestStorageBoxes:
    def test_are_renamed_joined_and_emptied(self, database: Database) -> None:
        with database.write() as session:
            for box in ("A", "A", "B"):
                add_disc(session, storage_box=box)
            assert locations.rename_storage_box(session, "A", " Attic ", LATER) == 2
            assert queries.storage_boxes(session) == [("Attic", 2), ("B", 1)]
            assert locations.rename_storage_box(session, "Attic", "B", LATER) == 2
            assert queries.storage_boxes(session) == [("B", 3)]
            assert queries.count(session, DiscFilter(search="attic")) == 0
            assert locations.empty_storage_box(session, "B", LATER) == 3
            assert queries.storage_boxes(session) == []
            for refuse in (
                lambda: locations.rename_storage_box(session, "B", "C", LATER),
                lambda: locations.empty_storage_box(session, "", LATER),
            ):
                with pytest.raises(locations.NoSuchBox, match="holds no disc"):
                    refuse()

    def test_names_keep_to_the_rules(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, storage_box="A")
            for wrong in ("", "x" * 101):
                with pytest.raises(DiscInvalid):
                    locations.rename_storage_box(session, "A", wrong, LATER)

    def test_what_is_in_them(self, database: Database) -> None:
        with database.write() as session:
            add_disc(session, storage_box="b")
            add_disc(session, storage_box="b", status="disposed")
            add_disc(session, storage_box="A", now=LATER)
            found = locations.box_contents(session)
            assert [(box["name"], box["count"], box["kept"]) for box in found] == [("A", 1, 1), ("b", 2, 1)]
            assert found[0]["updated_at"] == LATER
            assert locations.last_storage_box(session) == "A"

    def test_none_is_the_last_before_the_first(self, database: Database) -> None:
        with database.read() as session:
            assert locations.last_storage_box(session) == ""


class TestBoxSets:
    def test_are_renamed_and_broken_up(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, box_set_name="Bond")
            assert disc.is_box_set
            assert locations.rename_box_set(session, "Bond", "James Bond", LATER) == 1
            assert queries.count(session, DiscFilter(search="james", is_box_set=True)) == 1
            assert locations.break_up_box_set(session, "James Bond", LATER) == 1
            assert (disc.is_box_set, disc.box_set_name, disc.updated_at) == (False, "", LATER)
            with pytest.raises(locations.NoSuchBox):
                locations.rename_box_set(session, "Bond", "x", LATER)


class TestTags:
    def test_are_counted_renamed_joined_and_taken_off(self, database: Database) -> None:
        with database.write() as session:
            first = add_disc(session, tags="b,a")
            second = add_disc(session, tags="b")
            assert tags.list_tags(session) == [("a", 1), ("b", 2)]
            assert tags.rename_tag(session, "b", "a", LATER) == 2
            assert (first.tags, second.tags, tags.list_tags(session)) == (["a"], ["a"], [("a", 2)])
            assert tags.rename_tag(session, "a", "", LATER) == 2
            assert (first.tags, session.scalars(select(DiscTag)).all()) == ([], [])
            with pytest.raises(tags.TagNotFound):
                tags.rename_tag(session, "a", "x", LATER)

    def test_names_keep_to_the_rules(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session)
            add_tag(session, disc, "x")
            with pytest.raises(DiscInvalid, match="longer than 50"):
                tags.rename_tag(session, "x", "y" * 51, LATER)
            assert edit(session, disc.id, {"tags": ["X", "x", " y "]}, LATER).tags == ["X", "y"]


class TestViews:
    def test_are_kept_renamed_and_removed(self, database: Database) -> None:
        with database.write() as session:
            first = views.save_view(session, " Unwatched  UHD ", "?is_unwatched=true&disk_type=UHD", MADE_AT)
            assert (first.name, first.query) == ("Unwatched UHD", "is_unwatched=true&disk_type=UHD")
            again = views.save_view(session, "Unwatched UHD", "status=kept", MADE_AT)
            assert (again.id, again.query) == (first.id, "status=kept")
            views.save_view(session, "all", "", MADE_AT)
            assert [view.name for view in views.list_views(session)] == ["all", "Unwatched UHD"]
            with pytest.raises(views.ViewNameTaken):
                views.save_view(session, "all", "", MADE_AT, replaces=False)
            with pytest.raises(views.ViewNameTaken):
                views.rename_view(session, first.id, "all")
            assert views.rename_view(session, first.id, "Later").name == "Later"
            assert views.remove_view(session, first.id) == "Later"
            with pytest.raises(views.ViewNotFound):
                views.get_view(session, first.id)

    def test_what_makes_no_sense_is_refused(self, database: Database) -> None:
        with database.write() as session:
            for name, query in (("", "x"), ("x" * 101, "x"), ("x", "y" * 4001)):
                with pytest.raises(DiscInvalid):
                    views.save_view(session, name, query, MADE_AT)
