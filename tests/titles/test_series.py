from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from kinoshelf.core.database import Database
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.identity import Source, attach, ensure_series, find_by_id, get_title, make_title
from kinoshelf.titles.models import Title, TitleName
from kinoshelf.titles.series import series_facts, store_season, store_series
from tests.simulators.tmdb import TMDBSimulator

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


class TestSeriesFacts:
    async def test_of_a_series(self, catalogue: Catalogue, tmdb: TMDBSimulator) -> None:
        facts = series_facts(await catalogue.tv(1396), "GB", "en-US")
        assert (facts.tmdb_id, facts.imdb_id, facts.tvdb_id) == (1396, "tt0903747", 81189)
        assert (facts.name, facts.year, facts.status, facts.certificate) == ("Breaking Bad", 2008, "Ended", "15")
        assert (facts.creators, facts.runtime_minutes) == (("Maker of Breaking Bad",), None)
        assert facts.more["networks"] == ["AMC"]
        assert facts.more["seasons"][0] == {"season_number": 0, "name": "Specials", "episode_count": 3}


class TestStoreSeries:
    async def test_with_a_season(self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database) -> None:
        facts = series_facts(await catalogue.tv(1429))
        seasons = [await catalogue.season(1429, number) for number in (1, 2)]
        with database.write() as session:
            series_id = store_series(session, facts, NOW)
            season_ids = [store_season(session, series_id, season, NOW) for season in seasons]
        with database.read() as session:
            series = get_title(session, series_id)
            assert (series.kind, series.name, series.year, series.score) == ("series", "Attack on Titan", 2013, 8.7)
            assert find_by_id(session, Source.TVDB_SERIES, 267440) == series_id
            assert session.scalar(select(TitleName.name).where(TitleName.title_id == series_id)) == "進撃の巨人"
            parts = list(session.scalars(select(Title).where(Title.parent_id == series_id)))
            assert sum(part.kind == "episode" for part in parts) == 25 + 12
            assert {part.id for part in parts if part.kind == "season"} == set(season_ids)
            (last,) = [part for part in parts if (part.season_number, part.episode_number) == (2, 12)]
            assert (last.runtime_minutes, last.facts["episode_type"]) == (57, "finale")

    async def test_twice_is_once(self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database) -> None:
        facts, season = series_facts(await catalogue.tv(1396)), await catalogue.season(1396, 1)
        with database.write() as session:
            for at in (NOW, LATER):
                series_id = store_series(session, facts, at)
                store_season(session, series_id, season, at)
            rows = list(session.scalars(select(Title)))
            assert len(rows) == 1 + 1 + 7
            assert {row.updated_at for row in rows} == {LATER}

    async def test_what_tmdb_no_longer_lists_stays(
        self, catalogue: Catalogue, tmdb: TMDBSimulator, database: Database
    ) -> None:
        season = await catalogue.season(1396, 1)
        with database.write() as session:
            series_id = ensure_series(session, now=NOW, tmdb_id=1396, name="Breaking Bad", year=2008)
            store_season(session, series_id, season, NOW)
            store_season(session, series_id, season.model_copy(update={"episodes": season.episodes[:3]}), LATER)
            assert len(session.scalars(select(Title.id).where(Title.kind == "episode")).all()) == 7


class TestEnsureSeries:
    def test_by_any_number_or_name(self, database: Database) -> None:
        with database.write() as session:
            first = ensure_series(session, now=NOW, tvdb_id=81189, name="Breaking Bad", year=2008)
            assert ensure_series(session, now=NOW, tmdb_id=1396, name="breaking bad", year=2008) == first
            assert ensure_series(session, now=NOW, tmdb_id=1396) == first
            film = make_title(session, kind="film", name="Breaking Bad", year=2008, now=NOW)
            attach(session, film, Source.TMDB_MOVIE, 1396, now=NOW)
            assert ensure_series(session, now=NOW, tmdb_id=1396) == first
