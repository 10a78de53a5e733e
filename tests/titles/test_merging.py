from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Numeric, String, Table, delete, func, insert, inspect, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import Base, Database, UTCDateTime
from kinoshelf.discs.models import Disc, DiscWish
from kinoshelf.titles.events import TitleMerged, TitleSplit
from kinoshelf.titles.identity import (
    Source,
    TitleNotFound,
    attach,
    ensure_film,
    find_by_id,
    get_title,
    ids_of,
    make_title,
    resolve,
)
from kinoshelf.titles.likeness import Match, Wanted
from kinoshelf.titles.merging import MergeRefused, NotMerged, gone_into, links, merge, split
from kinoshelf.titles.models import Title, TitleMerge, TitleName
from kinoshelf.titles.review import add_review, decide, decision_for

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def film(session: Session, name: str = "Alien", year: int | None = 1979, **facts: Any) -> int:
    title_id = make_title(session, kind="film", name=name, year=year, now=NOW)
    for column, value in facts.items():
        setattr(session.get_one(Title, title_id), column, value)
    session.flush()
    return title_id


def disc(session: Session, title_id: int | None, name: str = "Alien") -> int:
    row = Disc(
        title_id=title_id,
        name=name,
        sort_name=name.lower(),
        search_text=name.lower(),
        tags=[],
        edited_fields=[],
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id


def series(session: Session, *episodes: tuple[int, int | None], name: str = "Dark") -> tuple[int, dict[Any, int]]:
    """Make a series with parts: (season, episode), the episode None for the season itself."""
    title_id = make_title(session, kind="series", name=name, year=2017, now=NOW)
    parts = {}
    for season, episode in episodes:
        part = make_title(session, kind="episode" if episode else "season", name=f"Part {season}", year=None, now=NOW)
        row = session.get_one(Title, part)
        row.parent_id, row.season_number, row.episode_number = title_id, season, episode
        parts[season, episode] = part
    session.flush()
    return title_id, parts


def picture(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    session.flush()
    return {
        table.name: sorted(tuple(map(str, row)) for row in session.execute(select(table)))
        for table in Base.metadata.sorted_tables
        if table.name not in {"alembic_version", "jobs", "schedules"}
    }


@pytest.fixture
def ratings(database: Database) -> Iterator[Table]:
    """A table as another room may add one: one rating a user and title, of which further rows may hang."""
    table = Table(
        "probe_ratings",
        Base.metadata,
        Column("title_id", ForeignKey("titles.id", ondelete="CASCADE"), primary_key=True),
        Column("user", String(20), primary_key=True),
        Column("rating", Integer),
        Column("rated_at", UTCDateTime),
        Column("price", Numeric(8, 2)),
    )
    try:
        with database.write() as session:
            table.create(session.connection())
        yield table
        # The database of the next test may be this one.
        with database.write() as session:
            table.drop(session.connection())
    finally:
        Base.metadata.remove(table)


class TestWhatBothHave:
    @pytest.fixture
    def rated(self, database: Database, ratings: Table) -> tuple[int, int]:
        with database.write() as session:
            keep, gone = film(session), film(session)
            for title_id, user, rating in ((keep, "ann", 9), (gone, "ann", 4), (gone, "bob", 7)):
                session.execute(
                    insert(ratings).values(
                        title_id=title_id, user=user, rating=rating, rated_at=NOW, price=Decimal("9.90")
                    )
                )
            return keep, gone

    def test_stays_as_the_kept_one_has_it(self, database: Database, ratings: Table, rated: tuple[int, int]) -> None:
        keep, gone = rated
        with database.write() as session:
            merge(session, keep, gone, now=NOW)
            rows = session.execute(select(ratings.c.title_id, ratings.c.user, ratings.c.rating)).all()
            assert sorted(map(tuple, rows)) == [(keep, "ann", 9), (keep, "bob", 7)]

    def test_comes_back(self, database: Database, ratings: Table, rated: tuple[int, int]) -> None:
        keep, gone = rated
        with database.write() as session:
            before = picture(session)
            merge(session, keep, gone, now=NOW)
            split(session, gone, now=NOW)
            assert picture(session) == before

    def test_does_not_come_back_over_what_came_since(
        self, database: Database, ratings: Table, rated: tuple[int, int]
    ) -> None:
        keep, gone = rated
        with database.write() as session:
            merge(session, keep, gone, now=NOW)
            session.execute(delete(ratings).where(ratings.c.user == "bob"))
            split(session, gone, now=NOW)
            rows = session.execute(select(ratings.c.title_id, ratings.c.user, ratings.c.rating)).all()
            assert sorted(map(tuple, rows)) == [(keep, "ann", 9), (gone, "ann", 4)]


class TestMerge:
    def test_moves_everything(self, database: Database) -> None:
        with database.write() as session:
            keep, gone = film(session), film(session, "Alien: Das unheimliche Wesen", 1979)
            attach(session, gone, Source.IMDB, "tt0078748", now=NOW)
            session.add(TitleName(title_id=gone, name="Obcy", search_name="obcy"))
            disc_id = disc(session, gone)
            session.add(DiscWish(title_id=gone, name="Alien", created_at=NOW))
            review_id = add_review(session, Wanted("film", "Alien", subject="disc:1"), Match(), NOW)
            assert review_id is not None
            decide(session, review_id, now=NOW, source="title", key=gone)
            merge(session, keep, gone, now=LATER)
        with database.read() as session:
            assert session.get_one(Disc, disc_id).title_id == keep
            assert session.scalar(select(DiscWish.title_id)) == keep
            assert decision_for(session, "disc:1") == keep
            assert find_by_id(session, Source.IMDB, "tt0078748") == keep
            names = session.scalars(select(TitleName.name).where(TitleName.title_id == keep))
            assert set(names) == {"Obcy", "Alien: Das unheimliche Wesen"}
            for link in links():
                assert session.scalar(select(func.count()).select_from(link.table).where(link.column == gone)) == 0

    def test_the_old_number_leads_to_it(self, database: Database) -> None:
        with database.write() as session:
            one, two, three = film(session, "One"), film(session, "Two"), film(session, "Three")
            merge(session, two, one, now=NOW)
            merge(session, three, two, now=LATER)
            assert resolve(session, one) == resolve(session, two) == three
            assert get_title(session, one).name == "Three"
            assert [row.gone_id for row in gone_into(session, three)] == [two, one]

    def test_the_number_never_comes_again(self, database: Database) -> None:
        with database.write() as session:
            keep, gone = film(session), film(session)
            merge(session, keep, gone, now=NOW)
            assert film(session, "Aliens", 1986) not in {keep, gone}

    def test_takes_over_what_the_kept_one_does_not_know(self, database: Database) -> None:
        with database.write() as session:
            keep = film(session, "Alien", None, overview="A ship.", genres=[])
            gone = film(session, "Alien", 1979, overview="Another.", genres=["Horror"], score=8.2, facts_fetched_at=NOW)
            merge(session, keep, gone, now=LATER)
            title = get_title(session, keep)
            assert (title.year, title.overview, title.genres, title.score) == (1979, "A ship.", ["Horror"], 8.2)
            assert (title.facts_fetched_at, title.updated_at) == (NOW, LATER)

    def test_tells_it(self, database: Database) -> None:
        told: list[TitleMerged] = []
        database.bus.subscribe(TitleMerged, told.append)
        with database.write() as session:
            keep, gone = film(session), film(session)
            merge(session, keep, gone, now=NOW)
        assert told == [TitleMerged(keep, gone)]

    def test_seasons_and_episodes_find_their_counterparts(self, database: Database) -> None:
        with database.write() as session:
            keep, theirs = series(session, (1, None), (1, 1), (1, 2))
            gone, mine = series(session, (1, None), (1, 1), (2, 1))
            disc_id = disc(session, mine[1, 1])
            merge(session, keep, gone, now=NOW)
            parts = session.scalars(select(Title.id).where(Title.parent_id == keep))
            assert set(parts) == {*theirs.values(), mine[2, 1]}
            session.expire_all()
            assert session.get_one(Disc, disc_id).title_id == theirs[1, 1]
            assert resolve(session, mine[1, None]) == theirs[1, None]

    def test_what_a_person_said_is_moved_by_a_person_only(self, database: Database) -> None:
        with database.write() as session:
            keep, gone = film(session), film(session)
            attach(session, gone, Source.TMDB_MOVIE, 348, now=NOW, is_manual=True)
            with pytest.raises(MergeRefused, match="only a person"):
                merge(session, keep, gone, now=NOW)
            assert find_by_id(session, Source.TMDB_MOVIE, 348) == gone
            merge(session, keep, gone, now=NOW, is_manual=True)
            assert [(row.value, row.is_manual) for row in ids_of(session, keep)] == [("348", True)]

    def test_refuses_what_makes_no_sense(self, database: Database) -> None:
        with database.write() as session:
            one = film(session)
            other, _ = series(session)
            with pytest.raises(MergeRefused, match="with itself"):
                merge(session, one, one, now=NOW)
            with pytest.raises(MergeRefused, match="a series cannot be joined into a film"):
                merge(session, one, other, now=NOW)
            with pytest.raises(TitleNotFound):
                merge(session, one, 4711, now=NOW)

    def test_two_at_once_do_it_once(self, database: Database) -> None:
        with database.write() as session:
            keep, gone = film(session), film(session)
        together, outcomes = threading.Barrier(2), []

        def work() -> None:
            together.wait()
            try:
                with database.write() as session:
                    merge(session, keep, gone, now=NOW)
                outcomes.append("merged")
            except TitleNotFound:
                outcomes.append("gone")

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["gone", "merged"]

    def test_a_disc_added_at_the_same_moment_is_not_lost(self, database: Database) -> None:
        with database.write() as session:
            keep, gone = film(session), film(session)
            attach(session, gone, Source.TMDB_MOVIE, 348, now=NOW)
        together = threading.Barrier(2)

        def add() -> None:
            together.wait()
            with database.write() as session:
                disc(session, ensure_film(session, now=NOW, tmdb_id=348, name="Alien", year=1979))

        def join() -> None:
            together.wait()
            with database.write() as session:
                merge(session, keep, gone, now=NOW)

        threads = [threading.Thread(target=work) for work in (add, join)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.read() as session:
            assert session.scalars(select(Disc.title_id)).all() == [keep]


class TestSplit:
    def test_leaves_everything_as_it_was(self, database: Database) -> None:
        with database.write() as session:
            keep = film(session, "Alien", None)
            gone = film(session, "Obcy", 1979, genres=["Horror"], score=8.2, facts={"cast": []}, facts_fetched_at=NOW)
            attach(session, keep, Source.TMDB_MOVIE, 348, now=NOW)
            attach(session, gone, Source.IMDB, "tt0078748", now=NOW, is_manual=True)
            session.add(TitleName(title_id=gone, name="Vetřelec", search_name="vetrelec", country="CZ"))
            disc(session, keep)
            disc(session, gone)
            before = picture(session)
            merge(session, keep, gone, now=NOW, is_manual=True)
            assert picture(session) != before
            assert split(session, gone, now=NOW) == keep
            assert picture(session) == before

    def test_of_series_with_their_parts(self, database: Database) -> None:
        with database.write() as session:
            keep, _ = series(session, (1, None), (1, 1), (1, 2))
            gone, mine = series(session, (1, None), (1, 1), (2, 1))
            for part in mine.values():
                disc(session, part)
            before = picture(session)
            merge(session, keep, gone, now=NOW)
            split(session, gone, now=NOW)
            assert picture(session) == before

    def test_what_was_changed_since_stays(self, database: Database) -> None:
        with database.write() as session:
            keep, gone, third = (
                film(session, "One", None),
                film(session, "Two", 1979, score=5.0),
                film(session, "Three"),
            )
            moved, given_away = disc(session, gone), disc(session, gone)
            merge(session, keep, gone, now=NOW)
            added = disc(session, keep)
            session.get_one(Disc, given_away).title_id = third
            get_title(session, keep).year = 1980
            session.flush()
            split(session, gone, now=LATER)
            assert {row.id: row.title_id for row in session.scalars(select(Disc))} == {
                moved: gone,
                given_away: third,
                added: keep,
            }
            title = get_title(session, keep)
            assert (title.year, title.score) == (1980, None)

    def test_out_of_the_one_it_stands_in_today(self, database: Database) -> None:
        with database.write() as session:
            one, two, three = film(session, "One"), film(session, "Two"), film(session, "Three")
            attach(session, one, Source.IMDB, "tt0000001", now=NOW)
            attach(session, two, Source.IMDB, "tt0000002", now=NOW)
            before = picture(session)
            merge(session, two, one, now=NOW)
            merge(session, three, two, now=NOW)
            assert split(session, one, now=NOW) == three
            assert find_by_id(session, Source.IMDB, "tt0000001") == one
            assert find_by_id(session, Source.IMDB, "tt0000002") == three
            assert split(session, two, now=NOW) == three
            after = picture(session)
            names = {"title_names", "title_merges"}
            assert {name: rows for name, rows in after.items() if name not in names} == {
                name: rows for name, rows in before.items() if name not in names
            }
            assert session.scalar(select(func.count()).select_from(TitleMerge)) == 0

    def test_of_what_was_never_joined(self, database: Database) -> None:
        with database.write() as session:
            one = film(session)
            with pytest.raises(NotMerged, match="was not joined"):
                split(session, one, now=NOW)

    def test_tells_it(self, database: Database) -> None:
        told: list[TitleSplit] = []
        database.bus.subscribe(TitleSplit, told.append)
        with database.write() as session:
            keep, gone = film(session), film(session)
            merge(session, keep, gone, now=NOW)
            split(session, gone, now=NOW)
        assert told == [TitleSplit(keep, gone)]


class TestLinks:
    def test_are_all_there_are(self, database: Database) -> None:
        """What names a title in the database is found, whoever made the table."""
        with database.read() as session:
            seen = inspect(session.connection())
            found = {
                f"{table}.{column}"
                for table in seen.get_table_names()
                for key in seen.get_foreign_keys(table)
                if key["referred_table"] == "titles"
                for column in key["constrained_columns"]
            }
        assert {str(link.column) for link in links()} == found - {"titles.parent_id"}
        assert "discs.title_id" in found
