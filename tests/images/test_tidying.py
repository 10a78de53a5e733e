"""Once a day, what nothing refers to goes: rows and files, after a day's grace."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from kinoshelf.core.jobs.context import JobContext
from kinoshelf.discs.models import Disc
from kinoshelf.images.models import Artwork
from kinoshelf.images.sizes import ArtworkSize
from kinoshelf.images.tidying import GRACE, TidyArtwork, references
from kinoshelf.titles.models import Title
from tests.simulators.pictures import picture

A_WHILE = GRACE + timedelta(minutes=1)


@pytest.fixture
def tidy(hub):
    job = hub.container.get(TidyArtwork)
    return lambda: job.run(JobContext("1", "images.tidy", {}))


@pytest.fixture
def exists(hub):
    def look(number):
        with hub.database.read() as session:
            return session.get(Artwork, number) is not None

    return look


@pytest.fixture
def age(data_dir):
    """Make every file of the store older."""

    def make_older(step=A_WHILE):
        then = time.time() - step.total_seconds()
        for path in (data_dir / "images").rglob("*.*"):
            os.utime(path, (then, then))

    return make_older


@pytest.fixture
def kept(artwork, want, pictures):
    async def keep(name, colour="red"):
        pictures.put(name, picture(60, 90, colour=colour))
        await artwork.fetcher.fetch(number := want(name))
        return number

    return keep


class TestRows:
    def test_every_table_that_shows_pictures_counts(self):
        assert Disc.__table__.c.poster_id in references()

    def test_a_row_goes_a_day_after_its_last_reference(self, want, tidy, exists, clock):
        number = want("a.jpg")
        assert tidy()["rows"] == 0
        clock.advance(GRACE)
        assert tidy()["rows"] == 0
        clock.advance(timedelta(minutes=1))
        assert tidy()["rows"] == 1
        assert not exists(number)

    def test_what_a_disc_shows_stays(self, hub, want, tidy, exists, clock, make_disc):
        number = want("a.jpg")
        make_disc(poster_id=number)
        for _ in range(3):
            tidy()
            clock.advance(A_WHILE)
        assert exists(number)
        with hub.database.write() as session:
            session.execute(update(Disc).values(poster_id=None))
        tidy()
        assert exists(number)
        clock.advance(A_WHILE)
        tidy()
        assert not exists(number)

    def test_what_a_title_is_known_by_stays(self, hub, want, tidy, exists, clock):
        number = want("/a.jpg")
        with hub.database.write() as session:
            now = clock.now()
            names = dict.fromkeys(("name", "sort_name", "search_name"), "A")
            session.add(Title(kind="film", poster_path="/a.jpg", created_at=now, updated_at=now, **names))
        tidy()
        clock.advance(A_WHILE)
        tidy()
        assert exists(number)

    def test_being_wanted_again_saves_it(self, want, tidy, exists, clock):
        number = want("a.jpg")
        tidy()
        clock.advance(A_WHILE)
        assert want("a.jpg") == number
        tidy()
        assert exists(number)

    async def test_what_is_gone_is_not_found_any_more(self, artwork, want, tidy, clock):
        number = want("a.jpg")
        assert await artwork.index.find(number)
        tidy()
        clock.advance(A_WHILE)
        tidy()
        assert await artwork.index.find(number) is None


class TestFiles:
    async def test_files_no_row_names_go_after_a_day(self, kept, tidy, exists, clock, age, data_dir):
        number = await kept("a.jpg")
        tidy()
        clock.advance(A_WHILE)
        tidy()
        assert not exists(number)
        assert list((data_dir / "images").rglob("*.jpg"))
        age()
        assert tidy()["files"] == 1
        assert not list((data_dir / "images").rglob("*.jpg"))

    async def test_what_is_kept_stays_with_its_sizes_however_old(self, kept, artwork, tidy, age, data_dir, make_disc):
        make_disc(poster_id=(number := await kept("a.jpg")))
        await artwork.content(await artwork.file(number, ArtworkSize.W92))
        age(timedelta(days=400))
        assert tidy()["files"] == 0
        assert len(list((data_dir / "images").rglob("*.*"))) == 2

    async def test_what_a_crash_left_half_way_goes(self, kept, tidy, age, data_dir):
        await kept("a.jpg")
        folder = next((data_dir / "images").rglob("*.jpg")).parent
        (folder / ".half.x8s7").write_bytes(b"half")
        assert tidy()["files"] == 0
        age()
        assert tidy()["files"] == 1

    async def test_pictures_that_are_the_same_share_a_file(self, kept, tidy, age, clock, data_dir, make_disc):
        one, _other = await kept("a.jpg", "blue"), await kept("b.jpg", "blue")
        make_disc(poster_id=one)
        assert len(list((data_dir / "images").rglob("*.jpg"))) == 1
        tidy()
        clock.advance(A_WHILE)
        age()
        assert tidy() == {"rows": 1, "files": 0, "freed_bytes": 0}
