"""Putting links into the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kinoshelf.core.errors import InvalidInput
from kinoshelf.downloads.adding import AddDownloads, NewDownload, TitleFacts, add_all, checked_batch, prepared
from kinoshelf.downloads.errors import DownloadAlreadyQueued, LinkNotUsable
from kinoshelf.downloads.events import DownloadsAdded, DownloadsRemoved
from kinoshelf.downloads.models import Batch, Download
from kinoshelf.downloads.states import State
from tests.factories.downloads import MADE_AT, add_batch

URL = "https://files.example/film.mkv"


def add(database, *wanted: NewDownload | str, **batch):
    with database.write() as session:
        return add_all(session, [NewDownload(one) if isinstance(one, str) else one for one in wanted], MADE_AT, **batch)


def rows(database) -> list[Download]:
    with database.read() as session:
        return list(session.scalars(select(Download).order_by(Download.position)))


class TestAdd:
    def test_many_keeps_their_order_and_tells_it(self, database) -> None:
        told = []
        database.bus.subscribe(DownloadsAdded, told.append)
        added = add(database, *(f"{URL}?{number}" for number in range(3)))
        found = rows(database)
        assert [row.id for row in found] == [one.download_id for one in added]
        assert {(row.state, row.filename, row.host, row.category) for row in found} == {
            ("queued", "film.mkv", "files.example", "other")
        }
        assert [fact.download_ids for fact in told] == [tuple(row.id for row in found)]

    def test_of_nothing_tells_nothing(self, database) -> None:
        told = []
        database.bus.subscribe(DownloadsAdded, told.append)
        assert add(database) == []
        assert told == []

    def test_takes_what_is_right_and_says_what_is_wrong(self, database) -> None:
        added = add(database, URL, "ftp://files.example/a", NewDownload(f"{URL}?2", checksum="md5:1"), f"{URL}?3")
        assert [one.outcome for one in added] == ["added", "invalid", "invalid", "added"]
        assert "only http and https" in added[1].error
        assert "digits" in added[2].error
        assert len(rows(database)) == 2

    async def test_one_raises_what_is_wrong(self, hub) -> None:
        use_case = hub.container.get(AddDownloads)
        download_id = await use_case.one(NewDownload(URL))
        with pytest.raises(DownloadAlreadyQueued) as caught:
            await use_case.one(NewDownload(URL.upper().replace("/FILM.MKV", "/film.mkv") + "#part"))
        assert caught.value.download_id == download_id
        with pytest.raises(LinkNotUsable):
            await use_case.one(NewDownload("nonsense"))
        with pytest.raises(InvalidInput):
            await use_case.one(NewDownload(f"{URL}?2"), batch_name=" ")


class TestDuplicate:
    @pytest.mark.parametrize("state", [State.QUEUED, State.DOWNLOADING, State.PAUSED, State.WAITING])
    def test_of_an_open_one_is_told(self, database, state: State) -> None:
        (first,) = add(database, URL)
        with database.write() as session:
            session.get(Download, first.download_id).state = state
        (again,) = add(database, URL)
        assert (again.outcome, again.download_id, again.error) == ("duplicate", first.download_id, state)

    @pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.SKIPPED])
    def test_of_one_that_came_to_nothing_takes_its_place(self, database, state: State) -> None:
        told = []
        database.bus.subscribe(DownloadsRemoved, told.append)
        (first,) = add(database, URL, batch_name="Old")
        with database.write() as session:
            session.get(Download, first.download_id).state = state
        (again,) = add(database, URL)
        assert again.outcome == "added"
        assert [row.id for row in rows(database)] == [again.download_id]
        assert told[0].download_ids == (first.download_id,)
        with database.read() as session:
            assert session.scalars(select(Batch)).all() == []

    def test_goes_on_with_what_had_arrived(self, database) -> None:
        (first,) = add(database, URL)
        with database.write() as session:
            row = session.get(Download, first.download_id)
            row.state, row.part_path = State.FAILED, "/films/film.mkv.part"
        add(database, f"{URL}?other", URL)
        assert {row.url: row.part_path for row in rows(database)} == {
            URL: "/films/film.mkv.part",
            f"{URL}?other": None,
        }

    def test_leaves_what_a_worker_still_holds_to_it(self, database) -> None:
        (first,) = add(database, URL)
        with database.write() as session:
            row = session.get(Download, first.download_id)
            row.state, row.part_path = State.FAILED, "/films/film.mkv.part"
            row.claimed_by, row.lease_until = "another", MADE_AT + timedelta(minutes=1)
        add(database, URL)
        assert [row.part_path for row in rows(database)] == [None]

    def test_of_a_completed_one_counts_while_its_file_is_there(self, database, tmp_path) -> None:
        film = tmp_path / "film.mkv"
        film.touch()
        (first,) = add(database, URL)
        with database.write() as session:
            row = session.get(Download, first.download_id)
            row.state, row.destination = State.COMPLETED, str(film)
        assert add(database, URL)[0].outcome == "duplicate"
        film.unlink()
        assert add(database, URL)[0].outcome == "added"

    def test_in_one_request_is_added_once(self, database) -> None:
        added = add(database, URL, f"{URL}#a", f"{URL}?b", URL)
        assert [one.outcome for one in added] == ["added", "duplicate", "added", "duplicate"]
        assert added[1].download_id == added[3].download_id == added[0].download_id


class TestBatch:
    def test_is_found_by_name_then_title_then_id(self, database) -> None:
        with database.write() as session:
            by_name = add_batch(session, name="The Wire").id
            by_title = add_batch(session, name="Lost", tmdb_id=4607).id
        film = TitleFacts(tmdb_id=4607)
        assert self.batch_of(add(database, f"{URL}?1", batch_id="mine", batch_name="The Wire")) == by_name
        (titled,) = add(database, NewDownload(f"{URL}?2", facts=film), batch_name="Lost, again")
        assert self.batch_of([titled]) == by_title
        assert self.batch_of(add(database, f"{URL}?3", batch_id="mine")) == "mine"
        assert self.batch_of(add(database, f"{URL}?4", batch_id="mine", batch_name="Other name")) == "mine"

    def test_of_a_series_is_made_where_none_is_named(self, database) -> None:
        facts = TitleFacts(tmdb_id=1438, media_type="tv", title="The Wire", season=1, episode=2, year=2002)
        added = add(database, *(NewDownload(f"{URL}?{number}", facts=facts) for number in range(2)))
        with database.read() as session:
            (batch,) = session.scalars(select(Batch)).all()
        assert (batch.name, batch.tmdb_id) == ("The Wire", 1438)
        assert {self.batch_of([one]) for one in added} == {batch.id}

    @staticmethod
    def batch_of(added) -> str:
        return added[0].row["batch_id"]

    @pytest.mark.parametrize(
        ("batch_id", "name"), [("", None), ("a b", None), ("x" * 65, None), (None, ""), (None, "x" * 501)]
    )
    def test_with_a_name_that_makes_no_sense_is_refused(self, batch_id, name) -> None:
        with pytest.raises(InvalidInput):
            checked_batch(batch_id, name)


class TestPrepared:
    def test_film_and_episode_get_clean_names_and_places(self) -> None:
        film = prepared(NewDownload(URL, facts=TitleFacts(media_type="movie", title="Heat", year=1995)))
        assert (film["filename"], film["folder"], film["category"]) == ("Heat (1995).mkv", "Heat (1995)", "movies")
        facts = TitleFacts(media_type="tv", title="The Wire", year=2002, season=1, episode=2)
        episode = prepared(NewDownload(URL, facts=facts))
        assert (episode["filename"], episode["folder"]) == ("The Wire (2002) - S01E02.mkv", "The Wire (2002)/Season 1")
        assert episode["is_filename_given"]

    def test_episode_of_unknown_season_stays_where_it_is(self) -> None:
        row = prepared(NewDownload(URL, facts=TitleFacts(media_type="tv", title="The Wire", episode=2)))
        assert (row["filename"], row["folder"], row["category"]) == ("film.mkv", "", "tv")

    def test_what_the_user_says_wins(self) -> None:
        facts = TitleFacts(media_type="movie", title="Heat", year=1995)
        row = prepared(NewDownload(URL, filename="mine.mkv", folder="here", facts=facts, category="x"))
        assert (row["filename"], row["folder"], row["category"]) == ("mine.mkv", "here", "movies")

    @pytest.mark.parametrize(
        "fields",
        [
            {"priority": 10**7},
            {"priority": -(10**7)},
            {"speed_limit_bytes_per_second": -1},
            {"max_segments": 0},
            {"max_segments": 33},
            {"checksum": "nonsense"},
            {"folder": "../up"},
            {"folder": "/etc"},
        ],
    )
    def test_refuses_what_makes_no_sense(self, fields) -> None:
        with pytest.raises(InvalidInput):
            prepared(NewDownload(URL, **fields))
