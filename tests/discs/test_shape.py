from __future__ import annotations

import json
from decimal import Decimal

from kinoshelf.core.database import Database
from kinoshelf.discs import queries
from kinoshelf.discs.fields import FIELDS
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.shape import as_json, badges
from kinoshelf.images.wanting import want
from tests.factories.discs import MADE_AT, add_disc, make_discs


class TestAsJson:
    def test_has_every_field_as_plain_values(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(
                session,
                name="Heat",
                rating="7.9",
                purchase_price="9.90",
                purchased_on="2020-01-02",
                genres="Drama, Crime",
                tags="x",
                budget=10,
                revenue=4,
                poster_id=want(session, "tmdb:/x.jpg", None, MADE_AT),
            )
        found = as_json(disc, base_path="/films")
        assert found.keys() >= FIELDS.keys()
        assert (found["rating"], found["purchase_price"], found["purchased_on"]) == (7.9, 9.9, "2020-01-02")
        assert (found["genres_list"], found["tags"], found["profit"]) == (["Drama", "Crime"], ["x"], -6)
        assert (found["created_at"], found["torrent_state"]) == ("2026-01-02T03:04:05.000Z", "unknown")
        assert found["url"] == f"/films/dvd/{disc.id}/"
        assert found["poster"] == f"/films/artwork/{disc.poster_id}/w342"
        assert json.loads(json.dumps(found)) == found

    def test_rows_of_a_page_look_the_same(self, database: Database) -> None:
        with database.write() as session:
            disc_id = add_disc(session, rating=5, tmdb_id=3).id
        with database.read() as session:
            (row,) = queries.page(session, DiscFilter()).rows
            assert as_json(row) == as_json(queries.get(session, disc_id))
            assert row.rating == Decimal(5)

    def test_profit_needs_both_sides(self, database: Database) -> None:
        with database.write() as session:
            assert as_json(add_disc(session, budget=5))["profit"] is None
            assert as_json(add_disc(session, revenue=5))["profit"] is None


class TestBadges:
    def test_in_the_order_of_the_documents(self, database: Database) -> None:
        with database.write() as session:
            make_discs(
                session,
                [
                    {
                        "is_tartan_dvd": True,
                        "is_box_set": True,
                        "is_unopened": True,
                        "is_unwatched": True,
                        "copy_number": 3,
                        "has_cached_torrents": True,
                    },
                    {},
                ],
            )
        with database.read() as session:
            plain, full = queries.page(session, DiscFilter()).rows
        assert badges(plain) == []
        assert [badge["text"] for badge in badges(full)] == [
            "Tartan",
            "Box Set",
            "Unopened",
            "Unwatched",
            "Copy #3",
            "Torrent",
        ]
        assert badges(full)[0]["class"] == "bg-purple text-white"
