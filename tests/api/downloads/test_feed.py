"""What the socket cannot show from outside."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from kinoshelf.api.downloads.clients import MOST_FRAMES, Client, Step
from kinoshelf.api.downloads.feed import LiveFeed
from kinoshelf.app import create_app
from kinoshelf.core.access.gate import Caller
from kinoshelf.downloads import control
from kinoshelf.downloads.control import Selection

LOCAL = Caller("127.0.0.1", is_local=True)
SECONDS = 10


@pytest.fixture
async def feed(hub):
    create_app(hub)
    feed = hub.container.get(LiveFeed)
    joined = []
    join = feed.join
    feed.join = lambda **options: joined.append(join(LOCAL, **options)) or joined[-1]
    yield feed
    for client in joined:
        feed.leave(client)


async def following(client: Client, kind: str) -> str:
    """Return the next frame of a kind."""
    while True:
        frame = await asyncio.wait_for(client.next_frame(), SECONDS)
        if json.loads(frame)["type"] == kind:
            return frame


@pytest.mark.databases("sqlite")
class TestFeed:
    async def test_a_frame_is_encoded_once_for_all(self, feed, hub, put):
        task = put()
        clients = [feed.join(is_page=is_page) for is_page in (False, True, False)]
        for client in clients:
            await following(client, "ENGINE_STATS")
        await asyncio.to_thread(
            hub.database.run_write, lambda db: control.pause(db, Selection(ids=(task,)), hub.clock.now())
        )
        first, *others = [await following(client, "TASK_UPDATED") for client in clients]
        assert all(other is first for other in others)

    async def test_lost_facts_of_other_processes_bring_everything_anew(self, feed, hub, put):
        ordinary, page = feed.join(is_page=False), feed.join(is_page=True)
        await following(ordinary, "SYNC_ALL")
        await following(page, "SYNC_ALL")
        put(state="paused")
        for handler in hub.bus._gap_handlers:
            handler()
        assert len(json.loads(await following(ordinary, "SYNC_ALL"))["tasks"]) == 1
        await following(page, "QUEUE_CHANGED")

    async def test_outlives_a_database_that_is_away(self, feed, hub, put, expected_logs):
        failed = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = put(state="paused")
        client = feed.join(is_page=False)
        await following(client, "ENGINE_STATS")

        def fail(*_arguments):
            loop.call_soon_threadsafe(failed.set)
            raise OperationalError("SELECT", {}, Exception("away"))

        expected_logs.expect("downloads.feed_failed")
        event.listen(hub.database.read_engine, "before_cursor_execute", fail)
        await asyncio.to_thread(
            hub.database.run_write, lambda db: control.resume(db, Selection(ids=(task,)), hub.clock.now())
        )
        await asyncio.wait_for(failed.wait(), SECONDS)
        event.remove(hub.database.read_engine, "before_cursor_execute", fail)
        assert json.loads(await following(client, "SYNC_ALL"))["tasks"][0]["state"] == "queued"
        assert len(expected_logs.records) == 1


class TestClient:
    def made(self, *, wishes: list[int] | None = None) -> Client:
        return Client(LOCAL, is_page=False, wish=lambda: wishes.append(1) if wishes is not None else None)

    async def test_what_changes_while_everything_is_read_comes_after_it(self):
        client = self.made()
        client.push("before it began")
        client.await_all()
        client.push("meanwhile")
        client.give_all("everything", "figures")
        client.push("afterwards")
        assert [await client.next_frame() for _ in range(4)] == ["everything", "figures", "meanwhile", "afterwards"]

    async def test_keeps_a_bounded_number_of_frames_and_then_none(self):
        wishes: list[int] = []
        client = self.made(wishes=wishes)
        client.await_all()
        client.give_all("everything")
        for number in range(MOST_FRAMES):
            client.push(str(number))
        assert client.step is Step.LAGS
        client.push("lost")
        waiting = asyncio.create_task(client.next_frame())
        await asyncio.wait([waiting], timeout=0)
        # Its sender came back for more, so it reads again: now it gets everything.
        assert (client.step, wishes) == (Step.WANTS_ALL, [1])
        client.await_all()
        client.give_all("everything anew")
        assert await waiting == "everything anew"

    async def test_bounds_the_size_too(self):
        client = self.made()
        client.await_all()
        # Everything itself counts nothing: it would never fit.
        client.give_all("x" * 10_000_000)
        for _ in range(5):
            client.push("x" * 1_000_000)
        assert client.step is Step.LAGS

    async def test_too_much_while_everything_is_read_begins_anew(self):
        client = self.made()
        client.await_all()
        for number in range(MOST_FRAMES + 1):
            client.push(str(number))
        assert client.step is Step.WANTS_ALL
        client.give_all("outdated")
        assert client.step is Step.WANTS_ALL

    async def test_ends_when_closed(self):
        client = self.made()
        waiting = asyncio.create_task(client.next_frame())
        await asyncio.wait([waiting], timeout=0)
        client.close(1008)
        assert await waiting is None
