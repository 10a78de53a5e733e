"""Each picture is fetched once, by one; what cannot be had is remembered, said, and tried less and less often."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from kinoshelf.app import Role
from kinoshelf.core.clock import FrozenClock
from kinoshelf.images import wanting
from kinoshelf.images.client import MOST_BYTES, PictureClient
from kinoshelf.images.sizes import ArtworkSize, tmdb_key
from kinoshelf.images.store import ArtworkStore, NotThere
from kinoshelf.images.wanting import LEASE, REFUSED_STEPS, UNREACHED_STEPS
from tests.simulators.pictures import PictureServer, picture


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr(PictureClient, "most_attempts", 1)
    monkeypatch.setattr(PictureClient, "timeout_seconds", 0.3)


class TestFailure:
    @pytest.mark.parametrize(
        ("misbehave", "words"),
        [
            (lambda server: None, "does not have this"),
            (lambda server: server.put_page("a.jpg"), "a web page, not a picture"),
            (lambda server: server.put_huge("a.jpg", MOST_BYTES), "more than 20 MiB"),
            (lambda server: server.put_truncated("a.jpg"), "its end is missing"),
            (lambda server: server.put("a.jpg", b""), "the file is empty"),
            (lambda server: server.fail("a.jpg", 403), "does not allow this"),
            (lambda server: server.redirect("a.jpg", *["/t/p/original/a.jpg"] * 5), "from one place to the next"),
            (lambda server: server.redirect("a.jpg", "file:///etc/passwd"), "no web address"),
        ],
    )
    async def test_a_clear_answer_is_remembered_and_rarely_asked_again(
        self, artwork, want, row, pictures, clock, misbehave, words
    ):
        misbehave(pictures)
        number = want("a.jpg")
        for pause in (*REFUSED_STEPS, None):
            await artwork.fetcher.fetch(number)
            found = row(number)
            assert found.state == "failed"
            assert words in found.error_message
            assert found.retry_at == (None if pause is None else clock.now() + pause)
            asked = pictures.count("a.jpg")
            assert not await artwork.fetcher.fetch(number)
            assert pictures.count("a.jpg") == asked
            clock.advance(pause or timedelta(days=1000))
        assert not await artwork.fetcher.fetch(number)

    @pytest.mark.parametrize(
        ("misbehave", "words"),
        [
            (lambda server: server.fail("a.jpg", 500), "has trouble (status 500)"),
            (lambda server: server.stall("a.jpg"), "did not answer in time"),
            (lambda server: server.drop("a.jpg"), "broke the connection"),
        ],
    )
    async def test_trouble_is_waited_out(self, artwork, want, row, pictures, clock, misbehave, words):
        misbehave(pictures)
        await artwork.fetcher.fetch(number := want("a.jpg"))
        assert words in row(number).error_message
        assert row(number).retry_at == clock.now() + UNREACHED_STEPS[0]
        pictures.put("a.jpg", picture())
        clock.advance(UNREACHED_STEPS[0])
        await artwork.fetcher.fetch(number)
        assert (row(number).state, row(number).error_message, row(number).attempts) == ("kept", None, 0)

    async def test_waits_as_long_as_it_is_asked_to(self, artwork, want, row, pictures, clock):
        pictures.fail("a.jpg", 429, retry_after_seconds=4000)
        await artwork.fetcher.fetch(number := want("a.jpg"))
        assert row(number).retry_at == clock.now() + timedelta(seconds=4000)

    async def test_it_ends(self, artwork, want, row, pictures, clock):
        pictures.fail("a.jpg", 503)
        number = want("a.jpg")
        while await artwork.fetcher.fetch(number):
            clock.advance(timedelta(days=4))
        assert pictures.count("a.jpg") == len(UNREACHED_STEPS) + 1
        assert row(number).retry_at is None

    async def test_a_person_can_ask_again(self, artwork, want, row, pictures):
        await artwork.fetcher.fetch(number := want("a.jpg"))
        pictures.put("a.jpg", picture())
        assert await artwork.want_again(number)
        await artwork.fetcher.fetch(number)
        assert row(number).state == "kept"
        assert not await artwork.want_again(number)

    async def test_another_address_is_another_chance(self, artwork, want, row, pictures):
        pictures.put("b.jpg", picture())
        number = want("list:7", url=pictures.url("a.jpg"))
        await artwork.fetcher.fetch(number)
        assert want("list:7", url=pictures.url("a.jpg")) == number
        assert row(number).state == "failed"
        assert want("list:7", url=pictures.url("b.jpg")) == number
        await artwork.fetcher.fetch(number)
        assert row(number).state == "kept"


class TestAddress:
    async def test_the_address_in_the_settings_may_be_private(self, artwork, want, row, pictures):
        pictures.put("a.jpg", picture())
        await artwork.fetcher.fetch(number := want("a.jpg"))
        assert row(number).state == "kept"

    async def test_no_other_private_address_is_asked(self, artwork, want, row):
        with PictureServer() as other:
            other.put("a.jpg", picture())
            await artwork.fetcher.fetch(number := want("list:1", url=other.url("a.jpg")))
            assert "private network" in row(number).error_message
            assert other.count("a.jpg") == 0

    async def test_a_redirect_opens_no_door(self, artwork, want, row, pictures):
        with PictureServer() as other:
            other.put("a.jpg", picture())
            pictures.redirect("a.jpg", other.url("a.jpg"))
            await artwork.fetcher.fetch(number := want("a.jpg"))
            assert "private network" in row(number).error_message
            assert other.count("a.jpg") == 0

    async def test_a_changed_setting_counts_at_once(self, hub, artwork, want, row, pictures):
        with PictureServer() as other:
            other.put("a.jpg", picture())
            await artwork.fetcher.fetch(number := want("list:1", url=other.url("a.jpg")))
            hub.store.update({"allow_private_hosts": [other.host]})
            await artwork.want_again(number)
            await artwork.fetcher.fetch(number)
            assert row(number).state == "kept"
            await artwork.fetcher.aclose()


class TestOnce:
    async def test_only_one_of_many_fetches_it(self, artwork, make_hub, want, pictures):
        pictures.hold("a.jpg", picture())
        number = want("a.jpg")
        others = [make_hub().container.get(ArtworkStore) for _ in range(2)]
        fetching = [asyncio.create_task(store.fetcher.fetch(number)) for store in (artwork, *others)]
        await asyncio.wait(fetching, return_when=asyncio.FIRST_COMPLETED)
        pictures.let_go()
        assert sorted(await asyncio.gather(*fetching)) == [False, False, True]
        assert pictures.count("a.jpg") == 1
        for store in others:
            await store.fetcher.aclose()

    async def test_the_first_look_has_it_fetched_and_others_join_in(self, artwork, want, pictures):
        pictures.hold("a.jpg", picture())
        number = want("a.jpg")
        artwork.start()
        looks = [await artwork.file(number, ArtworkSize.W92) for _ in range(5)]
        assert all(isinstance(look, NotThere) and look.state == "wanted" for look in looks)
        waiting = [asyncio.create_task(artwork.file(number, ArtworkSize.W92, wait_seconds=20)) for _ in range(5)]
        pictures.let_go()
        assert not any(isinstance(look, NotThere) for look in await asyncio.gather(*waiting))
        assert pictures.count("a.jpg") == 1
        artwork.fetcher.stop()

    async def test_a_look_does_not_wait_longer_than_it_wants_to(self, artwork, want, pictures):
        pictures.hold("a.jpg", picture())
        number = want("a.jpg")
        artwork.start()
        assert isinstance(await artwork.file(number, ArtworkSize.W92, wait_seconds=0.02), NotThere)
        pictures.let_go()
        artwork.fetcher.stop()

    async def test_a_failed_one_is_not_asked_for_by_looking(self, artwork, want, pictures, clock):
        number = want("a.jpg")
        artwork.start()
        for _ in range(3):
            found = await artwork.file(number, ArtworkSize.W92, wait_seconds=20)
        assert found == NotThere("failed")
        assert pictures.count("a.jpg") == 1
        clock.advance(REFUSED_STEPS[0])
        pictures.put("a.jpg", picture())
        assert not isinstance(await artwork.file(number, ArtworkSize.W92, wait_seconds=20), NotThere)
        artwork.fetcher.stop()

    async def test_a_page_of_posters_is_fetched_some_at_a_time(self, artwork, want, pictures, row):
        names = [f"{number}.jpg" for number in range(30)]
        for number, name in enumerate(names):
            pictures.put(name, picture(60 + number, 90))
        numbers = [want(name) for name in names]
        artwork.start()
        found = await asyncio.gather(*(artwork.file(number, ArtworkSize.W92, wait_seconds=20) for number in numbers))
        assert not any(isinstance(one, NotThere) for one in found)
        assert {pictures.count(name) for name in names} == {1}
        artwork.fetcher.stop()


class TestInterrupted:
    async def test_what_was_under_way_at_the_end_is_given_back(self, artwork, want, row, pictures, wait_until):
        pictures.hold("a.jpg", picture())
        number = want("a.jpg")
        artwork.start()
        await artwork.file(number, ArtworkSize.W92)
        await asyncio.to_thread(wait_until, lambda: pictures.count("a.jpg") == 1, "the picture is asked for")
        await asyncio.to_thread(artwork.fetcher.stop)
        assert (row(number).state, row(number).attempts, row(number).retry_at) == ("wanted", 0, None)

    async def test_what_a_dead_one_had_is_free_after_a_while(self, hub, artwork, want, row, pictures, clock):
        pictures.put("a.jpg", picture())
        number = want("a.jpg")
        with hub.database.write() as session:
            assert wanting.claim(session, number, clock.now())
        assert not await artwork.fetcher.fetch(number)
        assert (await artwork.index.find(number)).retry_at == clock.now() + LEASE
        clock.advance(LEASE)
        assert await artwork.fetcher.fetch(number)
        assert row(number).state == "kept"

    async def test_a_picture_that_ends_every_process_is_left_alone(self, hub, artwork, want, row, clock):
        number = want("a.jpg")
        for _ in range(20):
            with hub.database.write() as session:
                wanting.claim(session, number, clock.now())
            clock.advance(LEASE)
        assert (row(number).state, row(number).retry_at) == ("failed", None)

    @pytest.mark.databases("sqlite", "postgres")
    @pytest.mark.parametrize("moment", ["before_the_file", "between_file_and_row"])
    async def test_a_kill_leaves_no_lie(self, artwork, want, row, pictures, clock, environ, data_dir, moment):
        pictures.put("a.jpg", picture())
        number = want("a.jpg")
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, moment, str(number), env={**os.environ, **environ}
        )
        assert await killed.wait() == -signal.SIGKILL
        assert row(number).state == "wanted"
        assert bool(list((data_dir / "images").rglob("*.jpg"))) == (moment == "between_file_and_row")
        assert isinstance(await artwork.file(number, ArtworkSize.W92), NotThere)
        # The dead one had it by the real clock.
        assert isinstance(clock, FrozenClock)
        clock.advance(row(number).retry_at - clock.now())
        assert await artwork.fetcher.fetch(number)
        assert row(number).state == "kept"


KILLED = """
import asyncio, os, signal, sys
from kinoshelf.app import Role, open_hub
from kinoshelf.core.settings import SettingsStore
from kinoshelf.images import folder, wanting
from kinoshelf.images.store import ArtworkStore

def die(*_arguments, **_values):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "before_the_file":
    folder.write_atomic = die
else:
    wanting.record_kept = die
hub = open_hub(SettingsStore.load(dict(os.environ)), Role.COMMAND)
asyncio.run(hub.container.get(ArtworkStore).fetcher.fetch(int(sys.argv[2])))
"""


class TestWant:
    def test_many_at_once_get_one_number(self, hub, artwork, make_hub):
        hubs = [hub, make_hub(Role.COMMAND)]

        def want_one(turn: int) -> int:
            store = hubs[turn % 2].container.get(ArtworkStore)
            return hubs[turn % 2].database.run_write(lambda session: store.want(session, tmdb_key("/a.jpg")))

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(want_one, range(40)))) == 1
