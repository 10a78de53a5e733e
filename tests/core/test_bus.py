from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from kinoshelf.app import Hub
from kinoshelf.core.bus import CHANNEL, MAX_PAYLOAD_BYTES, BusMessage, split
from kinoshelf.core.database import Database
from kinoshelf.core.events import Event, publish
from kinoshelf.core.processes import ProcessSeat, bury_dead, living, others_listen

pytestmark = pytest.mark.system_clock


@dataclass(frozen=True, slots=True)
class LampLit(Event):
    """Somebody lit lamps."""

    name: ClassVar[str] = "test.lamp_lit"
    lamp_ids: tuple[str, ...]


def tell(hub: Hub, *lamp_ids: str) -> None:
    with hub.database.write() as session:
        publish(session, LampLit(lamp_ids))


@pytest.fixture
def listeners(make_hub: Callable[..., Hub]) -> tuple[Hub, Hub, list[Event], list[Event]]:
    """Two processes on one state, and what each of them heard."""
    hubs = (make_hub(), make_hub())
    heard: tuple[list[Event], list[Event]] = ([], [])
    for hub, facts in zip(hubs, heard, strict=True):
        hub.events.subscribe(LampLit, facts.append)
        hub.seat.take()
        hub.bus.start()
    return (*hubs, *heard)


class TestProcessBus:
    def test_both_hear_each_other_and_nobody_hears_twice(self, listeners, wait_until) -> None:
        one, other, heard_by_one, heard_by_other = listeners
        tell(one, "a")
        tell(other, "b")
        wait_until(lambda: len(heard_by_one) == len(heard_by_other) == 2, "both facts arrive everywhere")
        tell(one, "c")
        wait_until(lambda: LampLit(("c",)) in heard_by_other, "the last fact arrives")
        assert sorted(fact.lamp_ids for fact in heard_by_one) == [("a",), ("b",), ("c",)]
        assert sorted(fact.lamp_ids for fact in heard_by_other) == [("a",), ("b",), ("c",)]

    def test_a_command_beside_them_is_heard(self, listeners, make_hub, wait_until) -> None:
        _, _, heard_by_one, heard_by_other = listeners
        tell(make_hub(), "a")
        wait_until(lambda: bool(heard_by_one and heard_by_other), "the command's fact arrives")

    def test_a_rollback_reaches_nobody(self, listeners, wait_until) -> None:
        one, _, _, heard_by_other = listeners

        def fail(session: Session) -> None:
            publish(session, LampLit(("never",)))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            one.database.run_write(fail)
        tell(one, "a")
        wait_until(lambda: bool(heard_by_other), "the next fact arrives")
        assert heard_by_other == [LampLit(("a",))]

    def test_a_fact_longer_than_a_notification_arrives_in_parts(self, listeners, wait_until) -> None:
        one, _, _, heard_by_other = listeners
        names = tuple(f"lamp-{number:06}" for number in range(3000))
        tell(one, *names)
        wait_until(lambda: sum(len(fact.lamp_ids) for fact in heard_by_other) == 3000, "all parts arrive")
        assert tuple(name for fact in heard_by_other for name in fact.lamp_ids) == names

    def test_a_message_nobody_can_read_is_left_out(self, listeners, wait_until, expected_logs) -> None:
        one, _, _, heard_by_other = listeners
        send(one.database, "not json")
        send(one.database, json.dumps({"name": "test.lamp_lit", "origin": "elsewhere"}))
        send(one.database, json.dumps({"name": "test.unknown", "origin": "elsewhere"}))
        tell(one, "a")
        wait_until(lambda: bool(heard_by_other), "the next fact arrives")
        expected_logs.expect("bus.unreadable")

    @pytest.mark.databases("sqlite")
    def test_a_lonely_process_writes_no_message(self, make_hub) -> None:
        hub = make_hub()
        hub.seat.take()
        hub.bus.start()
        tell(hub, "a")
        with hub.database.read() as session:
            assert session.scalar(select(func.count()).select_from(BusMessage)) == 0

    @pytest.mark.databases("postgres")
    def test_samples_arrive_and_are_kept_nowhere(self, listeners, wait_until) -> None:
        one, other, _, _ = listeners
        samples: list[dict[str, object]] = []
        other.bus.on_sample(samples.append)
        one.bus.send_sample({"job": "x", "done": 3})
        wait_until(lambda: bool(samples), "the sample arrives")
        assert samples == [{"name": "~sample", "job": "x", "done": 3}]

    @pytest.mark.databases("postgres")
    def test_listens_again_after_a_lost_connection_and_says_so(self, listeners, wait_until, expected_logs) -> None:
        one, other, _, heard_by_other = listeners
        gaps: list[bool] = []
        other.bus.on_gap(lambda: gaps.append(True))
        with one.database.write() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )
        wait_until(lambda: bool(gaps), "the bus listens again")
        tell(one, "a")
        wait_until(lambda: bool(heard_by_other), "facts arrive again")
        expected_logs.expect("bus.interrupted")


def send(database: Database, payload: str) -> None:
    with database.write() as session:
        if database.is_sqlite:
            session.add(BusMessage(origin="elsewhere", payload=payload, at=datetime.now(UTC)))
        else:
            session.execute(select(func.pg_notify(CHANNEL, payload)))


class TestSplit:
    def test_every_part_fits_and_together_they_are_the_whole(self) -> None:
        message = {"name": "x", "ids": [f"{number:040}" for number in range(1000)], "other": ["a"]}
        parts = [json.loads(part) for part in split(message)]
        assert all(len(json.dumps(part).encode()) <= MAX_PAYLOAD_BYTES + 500 for part in parts)
        assert [name for part in parts for name in part["ids"]] == message["ids"]
        assert all(part["other"] == ["a"] for part in parts)

    def test_what_cannot_be_cut_is_logged(self, expected_logs) -> None:
        assert list(split({"name": "x", "text": "y" * 9000})) == []
        expected_logs.expect("bus.fact_too_long")


def _sit(data_dir: str, names: multiprocessing.Queue[str]) -> None:
    seat = ProcessSeat(Path(data_dir), "worker").take()
    names.put(seat.name)
    signal.pause()


class TestProcessSeat:
    def test_others_see_it_while_it_is_held(self, tmp_path: Path) -> None:
        with ProcessSeat(tmp_path, "server") as seat:
            assert living(tmp_path) == [seat.name]
            assert bury_dead(tmp_path) == []
            assert others_listen(tmp_path, "somebody")
            assert not others_listen(tmp_path, seat.name)
        assert living(tmp_path) == []
        assert bury_dead(tmp_path) == []

    def test_every_room_hears_of_a_killed_process(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        names: multiprocessing.Queue[str] = context.Queue()
        process = context.Process(target=_sit, args=(str(tmp_path), names))
        process.start()
        name = names.get(timeout=20)
        assert living(tmp_path) == [name]
        process.kill()
        process.join(timeout=20)
        assert bury_dead(tmp_path) == [name]
        assert bury_dead(tmp_path) == [name]
        assert living(tmp_path) == []
        assert not others_listen(tmp_path, "somebody")

    def test_the_dead_are_forgotten_in_time(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "worker-x.lock").touch()
        assert bury_dead(tmp_path) == ["worker-x"]
        os.utime(folder / "worker-x.dead", (1, 1))
        assert bury_dead(tmp_path) == []
        assert list(folder.iterdir()) == []
