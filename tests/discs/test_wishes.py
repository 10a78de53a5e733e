from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from kinoshelf.core.database import Database
from kinoshelf.discs import wishes
from kinoshelf.discs.errors import DiscInvalid
from tests.factories.discs import MADE_AT, add_disc, add_wish_row


class TestWish:
    def test_is_written_changed_and_removed(self, database: Database) -> None:
        with database.write() as session:
            wish = wishes.add_wish(session, {"name": "Heat", "disk_type": "4k", "most_price": "15,5"}, MADE_AT)
            assert wishes.wish_as_json(wish) == {
                "id": wish.id,
                "title_id": None,
                "name": "Heat",
                "release_year": None,
                "tmdb_id": None,
                "disk_type": "UHD",
                "most_price": 15.5,
                "notes": "",
                "created_at": "2026-01-02T03:04:05.000Z",
            }
            wishes.edit_wish(session, wish.id, {"disk_type": "", "most_price": None})
            assert (wish.disk_type, wish.most_price, wish.name) == ("", None, "Heat")
            assert wishes.remove_wish(session, wish.id) == "Heat"
            with pytest.raises(wishes.WishNotFound):
                wishes.get_wish(session, wish.id)

    def test_the_same_film_on_the_same_disc_is_wished_once(self, database: Database) -> None:
        with database.write() as session:
            wishes.add_wish(session, {"name": "The Heat", "release_year": 1995}, MADE_AT)
            wishes.add_wish(session, {"name": "Heat", "release_year": 1995, "disk_type": "UHD"}, MADE_AT)
            wishes.add_wish(session, {"name": "Heat", "release_year": 1986}, MADE_AT)
            wishes.add_wish(session, {"name": "Heat", "tmdb_id": 949}, MADE_AT)
            for again in ({"name": "heat", "release_year": 1995}, {"name": "Other words", "tmdb_id": 949}):
                with pytest.raises(wishes.AlreadyWished, match="on the wish list already"):
                    wishes.add_wish(session, again, MADE_AT)
            assert wishes.count_wishes(session) == 4

    def test_wrong_values_are_refused(self, database: Database) -> None:
        with database.write() as session, pytest.raises(DiscInvalid) as refused:
            wishes.add_wish(session, {"name": "", "most_price": -1, "colour": "red"}, MADE_AT)
        assert {field for field, _ in refused.value.errors} == {"name", "most_price", "colour"}


class TestList:
    def test_newest_first_or_by_name(self, database: Database) -> None:
        with database.write() as session:
            for number, name in enumerate(("The Birds", "Alien", "Casablanca")):
                add_wish_row(session, name=name, created_at=MADE_AT + timedelta(days=number))
            assert [wish.name for wish in wishes.list_wishes(session)] == ["Casablanca", "Alien", "The Birds"]
            assert [wish.name for wish in wishes.list_wishes(session, order="name")] == [
                "Alien",
                "The Birds",
                "Casablanca",
            ]
            assert [wish.name for wish in wishes.list_wishes(session, limit=1, offset=1)] == ["Alien"]


class TestFulfil:
    def test_becomes_a_disc_with_what_the_wish_said(self, database: Database) -> None:
        with database.write() as session:
            wish = wishes.add_wish(
                session, {"name": "Heat", "release_year": 1995, "disk_type": "UHD", "notes": "the steelbook"}, MADE_AT
            )
            assert wishes.owned_copies(session, wish) == []
            disc = wishes.fulfil(session, wish.id, {"purchase_price": 12, "edition": "Steelbook"}, MADE_AT)
            assert (disc.name, disc.release_year, disc.disk_type, disc.notes) == ("Heat", 1995, "UHD", "the steelbook")
            assert (disc.purchase_price, disc.edition) == (Decimal(12), "Steelbook")
            assert wishes.count_wishes(session) == 0

    def test_knows_what_is_owned_already(self, database: Database) -> None:
        with database.write() as session:
            wish = wishes.add_wish(session, {"name": "Heat", "release_year": 1995}, MADE_AT)
            owned = add_disc(session, name="Heat", release_year=1995)
            add_disc(session, name="Heat", release_year=1995, status="disposed")
            assert wishes.owned_copies(session, wish) == [owned]
