from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from kinoshelf.api.downloads.answers import EngineStats, Task
from kinoshelf.app import Role
from kinoshelf.core.access.keys import APIKeys
from kinoshelf.core.access.passwords import set_first_password
from kinoshelf.core.events import publish
from kinoshelf.downloads import control
from kinoshelf.downloads.control import Selection
from kinoshelf.downloads.events import DownloadsAdded
from kinoshelf.downloads.progress import ProgressBoard
from tests.factories.downloads import add_download
from tests.running import Server, served

OPEN = ("queued", "starting", "downloading", "paused", "waiting", "extracting")
FINAL = ("completed", "failed", "cancelled", "skipped")
PARTIAL = {
    "id",
    "state",
    "progress",
    "speed",
    "eta",
    "downloaded",
    "downloaded_bytes",
    "size",
    "total_bytes",
    "connections",
    "filename",
}


class Listener:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def next(self, seconds: float = 10) -> dict[str, Any]:
        return json.loads(self.connection.recv(timeout=seconds))

    def until(self, kind: str) -> list[dict[str, Any]]:
        """Return what comes, up to the first message of `kind`."""
        seen = [self.next()]
        while seen[-1]["type"] != kind:
            seen.append(self.next())
        return seen

    def first(self, kind: str) -> dict[str, Any]:
        return self.until(kind)[-1]

    def greeted(self) -> Listener:
        assert [self.next()["type"], self.next()["type"]] == ["SYNC_ALL", "ENGINE_STATS"]
        return self

    def answered(self) -> list[str]:
        """Return the types of all that came before an answer to a question asked now."""
        self.connection.send('{"action": "ping"}')
        return [message["type"] for message in self.until("PONG")[:-1]]


Listen = Callable[..., Listener]


@pytest.fixture
def quiet(hub) -> Iterator[Server]:
    """The application on a thread, without an engine: nothing happens but what a test does."""
    with served(hub) as running:
        yield running


@pytest.fixture
def listen(quiet: Server) -> Iterator[Listen]:
    with ExitStack() as stack:

        def open_one(query: str = "", **options: Any) -> Listener:
            options = {"max_size": None, "compression": None, "proxy": None, "close_timeout": 0.2, **options}
            return Listener(stack.enter_context(connect(f"{quiet.ws_url}/api/ws{query}", **options)))

        yield open_one


@pytest.fixture
def call(quiet: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=quiet.base_url, timeout=20) as client:
        yield client


class TestConnection:
    def test_begins_with_everything_that_is_not_final(self, listen, put):
        ids = {state: put(state=state) for state in (*OPEN, *FINAL)}
        listener = listen()
        everything, stats = listener.next(), listener.next()
        assert everything["type"] == "SYNC_ALL"
        assert {task["id"] for task in everything["tasks"]} == {ids[state] for state in OPEN}
        assert {task["state"] for task in everything["tasks"][:3]} == {"starting", "downloading", "extracting"}
        for task in everything["tasks"]:
            assert task.keys() == Task.model_fields.keys()
            Task.model_validate_json(json.dumps(task), strict=True)
        assert stats["type"] == "ENGINE_STATS"
        assert stats["stats"].keys() == EngineStats.model_fields.keys()
        assert (stats["stats"]["active_downloads"], stats["stats"]["queued"]) == (3, 2)

    def test_a_page_gets_counts_instead(self, listen, put):
        put(state="paused")
        everything = listen("?sync=page").next()
        assert (everything["type"], everything["tasks"]) == ("SYNC_ALL", [])
        assert everything["status_counts"]["paused"] == 1

    def test_a_long_queue_arrives_whole_and_in_order(self, listen, hub):
        with hub.database.write() as session:
            for number in range(1_200):
                add_download(session, filename=str(number), tmdb_title="„“日本" * 20)
        tasks = listen().next()["tasks"]
        assert [task["filename"] for task in tasks] == [str(number) for number in range(1_200)]

    @pytest.mark.databases("sqlite")
    def test_answers_pings_and_nothing_else(self, listen):
        listener = listen().greeted()
        for nonsense in (
            "",
            "ping",
            "{",
            "[]",
            '{"action": "delete_everything"}',
            '{"action": ["ping"]}',
            b"\x00\xff",
            "[" * 4000,
        ):
            listener.connection.send(nonsense)
        assert listener.answered() == []

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("message", ["x" * 5000, b"x" * 5000])
    def test_ends_with_1009_where_a_message_is_too_long(self, listen, message):
        listener, other = listen().greeted(), listen().greeted()
        listener.connection.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            listener.next()
        assert closed.value.rcvd.code == 1009
        assert other.answered() == []


class TestFacts:
    def test_added_changed_removed(self, listen, call):
        listeners = [listen().greeted(), listen("?sync=page").greeted()]
        task = call.post("/api/downloads", json={"url": "https://u:secret@files.example/a"}).json()
        for listener in listeners:
            added = listener.first("TASK_ADDED")["task"]
            assert added == task
        call.post(f"/api/downloads/{task['id']}/pause")
        for listener in listeners:
            changed = listener.first("TASK_UPDATED")["task"]
            assert (changed["id"], changed["state"]) == (task["id"], "paused")
            assert changed.keys() == task.keys()
        call.delete(f"/api/downloads/{task['id']}")
        for listener in listeners:
            assert listener.first("TASK_REMOVED") == {"type": "TASK_REMOVED", "task_id": task["id"]}

    def test_mass_changes_are_not_told_one_by_one(self, listen, call):
        ordinary, page = listen().greeted(), listen("?sync=page").greeted()
        call.post("/api/downloads/bulk?tasks=false", json={"urls": [f"https://files.example/{n}" for n in range(600)]})
        told = ordinary.until("SYNC_ALL")
        assert len(told[-1]["tasks"]) == 600
        assert "TASK_ADDED" not in {message["type"] for message in told}
        assert "TASK_ADDED" not in {message["type"] for message in page.until("QUEUE_CHANGED")}
        call.post("/api/downloads/pause-all")
        assert {task["state"] for task in ordinary.first("SYNC_ALL")["tasks"]} == {"paused"}
        page.first("QUEUE_CHANGED")

    @pytest.mark.databases("sqlite")
    def test_a_new_order(self, listen, call, put):
        ids = [put(), put()]
        listeners = [listen().greeted(), listen("?sync=page").greeted()]
        call.post("/api/downloads/reorder", json={"ids": ids[1:]})
        for listener in listeners:
            assert listener.first("QUEUE_CHANGED") == {"type": "QUEUE_CHANGED"}

    def test_figures_follow_a_change(self, listen, call):
        listener = listen().greeted()
        call.post("/api/downloads", json={"url": "https://files.example/a"})
        assert listener.first("ENGINE_STATS")["stats"]["queued"] == 1

    @pytest.mark.databases("sqlite", "postgres")
    def test_of_another_process(self, server, make_hub):
        other = make_hub(Role.WORKER)
        with connect(f"{server.ws_url}/api/ws", proxy=None) as connection:
            listener = Listener(connection).greeted()
            with other.database.write() as session:
                task = add_download(session, state="paused").id
                publish(session, DownloadsAdded((task,)))
            assert listener.first("TASK_ADDED")["task"]["id"] == task
            with other.database.write() as session:
                control.cancel(session, Selection(ids=(task,)), other.clock.now())
            assert listener.first("TASK_UPDATED")["task"]["state"] == "cancelled"


@pytest.mark.databases("sqlite")
class TestProgress:
    def test_every_half_second_what_moved(self, listen, put, run):
        moving, beside = put(state="downloading"), put(state="paused")
        run(moving)
        listener = listen()
        assert listener.next()["tasks"][0]["speed"] == 50_000
        listener.first("TASK_BATCH_UPDATE")
        seen, at = [], []
        for step in range(1, 4):
            run(moving, downloaded_bytes=250_000 + step)
            seen.append(listener.first("TASK_BATCH_UPDATE")["tasks"])
            at.append(time.monotonic())
        assert [[task["downloaded"] for task in tasks] for tasks in seen] == [[250_001], [250_002], [250_003]]
        assert all(task.keys() == PARTIAL and task["id"] != beside for tasks in seen for task in tasks)
        assert all(0.3 < second - first < 1.5 for first, second in pairwise(at))

    def test_is_silent_while_nothing_moves(self, listen, hub, put, run):
        task = put(state="downloading")
        run(task)
        listener = listen().greeted()
        listener.first("TASK_BATCH_UPDATE")
        # The worker reports the same again: nothing to say but the figures.
        run(task)
        assert listener.next()["type"] == "ENGINE_STATS"
        hub.container.get(ProgressBoard).put("elsewhere", [])
        with hub.database.write() as session:
            control.pause(session, Selection(ids=(task,)), hub.clock.now())
        assert listener.next()["task"]["state"] == "paused"
        stopped = listener.next()
        assert (stopped["type"], stopped["stats"]["active_downloads"]) == ("ENGINE_STATS", 0)
        with pytest.raises(TimeoutError):
            listener.next(seconds=2.5)
        # And wakes again.
        with hub.database.write() as session:
            control.resume(session, Selection(ids=(task,)), hub.clock.now())
        assert listener.next()["task"]["state"] == "queued"

    def test_figures_every_two_seconds(self, listen, put, run):
        run(put(state="downloading"))
        listener = listen().greeted()
        at = []
        for _ in range(2):
            listener.first("ENGINE_STATS")
            at.append(time.monotonic())
        assert all(1.7 < second - first < 3 for first, second in pairwise(at))

    def test_what_was_stopped_is_not_said_to_run(self, listen, hub, put, run):
        """Its worker reports for a moment longer."""
        task, other = put(state="downloading"), put(state="downloading")
        run(task)
        listener = listen().greeted()
        with hub.database.write() as session:
            control.pause(session, Selection(ids=(task,)), hub.clock.now())
        listener.first("TASK_UPDATED")
        board = hub.container.get(ProgressBoard)
        for step in range(3):
            run(task, downloaded_bytes=300_000 + step)
            both = [*board.everything().values()]
            run(other, downloaded_bytes=step)
            board.put("third", both)
            moved = listener.first("TASK_BATCH_UPDATE")["tasks"]
            assert {one["id"] for one in moved} == {other}

    def test_nothing_is_read_for_nobody(self, listen, hub, call, put):
        from sqlalchemy import event

        task = put()
        listener = listen().greeted()
        listener.connection.close()
        statements = []

        def note(_connection, _cursor, statement, *_rest):
            statements.append(statement)

        # The server has seen the listener leave once it has answered another.
        listen("?sync=page").greeted().connection.close()
        call.get("/api/health")
        event.listen(hub.database.read_engine, "before_cursor_execute", note)
        with hub.database.write() as session:
            control.pause(session, Selection(ids=(task,)), hub.clock.now())
        call.get("/api/settings")
        event.remove(hub.database.read_engine, "before_cursor_execute", note)
        assert statements == []


@pytest.mark.databases("sqlite")
class TestSlowListener:
    def test_gets_everything_anew_and_holds_up_nobody(self, quiet, listen, hub):
        with hub.database.write() as session:
            # Long rows fill what the systems keep between two programs.
            long = "x" * 7_900
            ids = tuple(add_download(session, url=f"https://x.example/{n}/{long}", filename="x").id for n in range(200))
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", int(quiet.base_url.rpartition(":")[2])))
        slow, quick = listen(sock=narrow, max_queue=1).greeted(), listen().greeted()

        def change(act) -> None:
            with hub.database.write() as session:
                act(session, Selection(ids=ids), hub.clock.now())

        for _ in range(6):
            for act, state in ((control.pause, "paused"), (control.resume, "queued")):
                change(act)
                # 3 MB a round, which the quick one has long before the slow one has read the first.
                told = [quick.first("TASK_UPDATED")["task"]["state"] for _ in ids]
                assert told == [state] * 200
        change(control.pause)
        seen = slow.until("SYNC_ALL")
        assert len(seen) < 13 * 200
        assert {task["state"] for task in seen[-1]["tasks"]} == {"paused"}


class TestAccess:
    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"X-Forwarded-For": "192.0.2.1"},
            {"Host": "evil.example"},
        ],
        ids=str,
    )
    def test_strangers_are_refused(self, listen, headers):
        with pytest.raises(InvalidStatus) as refused:
            listen(additional_headers=headers)
        assert refused.value.response.status_code == 403

    @pytest.mark.databases("sqlite")
    def test_an_end_of_the_sign_in_ends_the_connection(self, listen, hub):
        with hub.database.write() as session:
            set_first_password(session, hub.clock, "unused hash")
        keys = hub.container.get(APIKeys)
        made, kept = keys.create("one"), keys.create("two")
        stranger = {"X-Forwarded-For": "192.0.2.1"}
        revoked = listen(additional_headers={**stranger, "X-Api-Key": made.key}).greeted()
        others = [listen(additional_headers={**stranger, "X-Api-Key": kept.key}).greeted(), listen().greeted()]
        keys.revoke(made.id)
        with pytest.raises(ConnectionClosed) as closed:
            revoked.next()
        assert closed.value.rcvd.code == 1008
        for other in others:
            assert other.answered() == []
