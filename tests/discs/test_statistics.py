from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from kinoshelf.core.database import Database
from kinoshelf.discs.models import Disc
from kinoshelf.discs.statistics import Growth, Spread, Value, statistics
from tests.factories.discs import add_disc, add_loan, make_discs, varied_discs


class TestStatistics:
    def test_of_an_empty_shelf(self, database: Database) -> None:
        with database.read() as session:
            found = statistics(session)
        assert (found.total, found.kept, found.films, found.on_loan) == (0, 0, 0, 0)
        assert (found.ratings, found.runtimes) == (Spread(), Spread())
        assert (found.earliest_year, found.latest_year, found.year_span) == (None, None, None)
        assert (found.decades, found.genres, found.values, found.growth, list(found.newest)) == ([], [], [], [], [])

    def test_of_some_discs(self, database: Database) -> None:
        with database.write() as session:
            first = add_disc(
                session,
                name="A",
                release_year=1979,
                genres="Drama, Comedy",
                director="X, Y",
                production_companies="P",
                rating=8,
                runtime=100,
                purchase_price="10.10",
                purchase_currency="EUR",
                is_tartan_dvd=True,
                box_set_name="S",
                tmdb_id=5,
            )
            add_disc(
                session, name="A", release_year=1979, tmdb_id=5, status="disposed", media_type="download", rating=4
            )
            add_disc(
                session,
                name="B",
                release_year=2001,
                genres="Drama",
                director="X",
                status="unboxed",
                media_type="rip",
                disk_type="UHD",
                purchase_price="0.20",
                purchase_currency="EUR",
                is_unopened=True,
            )
            add_disc(session, name="C", disk_type="BluRay", purchase_price=5, is_unwatched=True, storage_box="1")
            add_disc(
                session, name="D", purchase_price=7, purchase_currency="EUR", status="disposed", is_downloaded=True
            )
            add_loan(session, first)
        with database.read() as session:
            found = statistics(session)
        assert (found.total, found.kept, found.disposed, found.unboxed) == (5, 2, 2, 1)
        assert (found.physical, found.download, found.rip, found.digital) == (3, 1, 1, 2)
        assert (found.tartan, found.unopened, found.unwatched, found.downloaded) == (1, 1, 1, 1)
        assert (found.box_sets, found.in_box_sets, found.storage_boxes, found.films) == (1, 1, 1, 4)
        assert (found.on_loan, found.matched, found.with_torrents) == (1, 2, 0)
        assert found.ratings == Spread(2, 6.0, 4.0, 8.0, 12.0)
        assert found.runtimes == Spread(1, 100.0, 100.0, 100.0, 100.0)
        assert (found.earliest_year, found.latest_year, found.year_span) == (1979, 2001, 22)
        assert found.decades == [(1970, 2), (1980, 0), (1990, 0), (2000, 1)]
        assert found.genres == [("Drama", 2), ("Comedy", 1)]
        assert found.directors == [("X", 2), ("Y", 1)]
        assert (found.companies, found.top_box_sets) == ([("P", 1)], [("S", 1)])
        assert found.formats == [("DVD", 2), ("BluRay", 1)]
        assert found.values == [
            Value("EUR", 3, Decimal("17.30"), Decimal("10.30")),
            Value("", 1, Decimal("5.00"), Decimal("5.00")),
        ]
        assert [row.name for row in found.newest] == ["D", "C", "B", "A", "A"]

    def test_months_are_those_of_the_user(self, database: Database) -> None:
        moments = [
            datetime(2025, 10, 31, 22, 30, tzinfo=UTC),
            datetime(2025, 10, 31, 23, 30, tzinfo=UTC),
            datetime(2026, 1, 31, 12, tzinfo=UTC),
        ]
        with database.write() as session:
            make_discs(session, ({"created_at": at} for at in moments))
        with database.read() as session:
            berlin = statistics(session, zone=ZoneInfo("Europe/Berlin")).growth
            utc = statistics(session).growth
        assert berlin == [
            Growth("2025-10", 1, 1),
            Growth("2025-11", 1, 2),
            Growth("2025-12", 0, 2),
            Growth("2026-01", 1, 3),
        ]
        assert [(month.month, month.added) for month in utc][:2] == [("2025-10", 2), ("2025-11", 0)]

    @pytest.mark.databases("sqlite")
    def test_are_those_of_a_plain_count(self, database: Database) -> None:
        with database.write() as session:
            make_discs(session, varied_discs(500))
        with database.read() as session:
            found = statistics(session)
            discs = list(session.scalars(select(Disc)))
        genres = Counter(word for disc in discs for word in disc.genres.split(", ") if word)
        assert dict(found.genres) == dict(genres.most_common(10))
        assert found.kept == sum(disc.status == "kept" for disc in discs)
        assert found.films == len({disc.copy_key for disc in discs})
        assert sum(count for _decade, count in found.decades) == sum(disc.release_year is not None for disc in discs)
        assert found.growth[-1].total == 500
        prices = [disc.purchase_price for disc in discs if disc.purchase_price is not None]
        assert sum(value.total for value in found.values) == sum(prices)
