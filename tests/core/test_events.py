from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session

from kinoshelf.core.database import Database
from kinoshelf.core.events import Event, EventBus, publish, unpacked


@dataclass(frozen=True, slots=True)
class ShelfMoved(Event):
    """A shelf stands elsewhere."""

    name: ClassVar[str] = "test.shelf_moved"
    shelf_ids: tuple[str, ...]
    place: str = "hall"


@dataclass(frozen=True, slots=True)
class ShelfEmptied(Event):
    """A shelf holds nothing."""

    name: ClassVar[str] = "test.shelf_emptied"
    shelf_id: str


@pytest.fixture
def heard(database: Database) -> list[Event]:
    facts: list[Event] = []
    database.bus.subscribe(ShelfMoved, facts.append)
    return facts


class TestPublish:
    def test_tells_after_the_commit_and_outside_the_transaction(self, database: Database) -> None:
        seen: list[bool] = []

        def on_shelf_moved(_fact: ShelfMoved) -> None:
            # A write from a subscriber would wait for itself if the transaction were still open.
            with database.write():
                seen.append(True)

        database.bus.subscribe(ShelfMoved, on_shelf_moved)
        with database.write() as session:
            publish(session, ShelfMoved(("a",)))
            assert seen == []
        assert seen == [True]

    def test_a_rollback_forgets(self, database: Database, heard: list[Event]) -> None:

        def fail(session: Session) -> None:
            publish(session, ShelfMoved(("a",)))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.run_write(fail)
        with database.write():
            pass
        assert heard == []

    def test_keeps_the_order(self, database: Database, heard: list[Event]) -> None:
        with database.write() as session:
            for name in "cab":
                publish(session, ShelfMoved((name,)))
        assert heard == [ShelfMoved(("c",)), ShelfMoved(("a",)), ShelfMoved(("b",))]


class TestEventBus:
    def test_a_failing_subscriber_is_logged_and_stops_nobody(self, expected_logs) -> None:
        bus, heard = EventBus(), []

        def on_shelf_moved(_fact: ShelfMoved) -> None:
            raise ValueError("broken")

        bus.subscribe(ShelfMoved, on_shelf_moved)
        bus.subscribe(ShelfMoved, heard.append)
        bus.tell([ShelfMoved(("a",))])
        assert heard == [ShelfMoved(("a",))]
        expected_logs.expect("events.subscriber_failed")

    def test_each_kind_has_its_own_subscribers(self) -> None:
        bus, heard = EventBus(), []
        bus.subscribe(ShelfMoved, heard.append)
        bus.tell([ShelfEmptied("a")])
        assert heard == []

    def test_unsubscribing_ends_it_and_may_happen_while_telling(self) -> None:
        bus, heard = EventBus(), []
        ends = []

        def once(fact: ShelfMoved) -> None:
            heard.append(fact)
            ends[0]()
            ends[0]()

        ends.append(bus.subscribe(ShelfMoved, once))
        bus.tell([ShelfMoved(("a",)), ShelfMoved(("b",))])
        assert heard == [ShelfMoved(("a",))]


class TestPacking:
    def test_comes_back_equal(self) -> None:
        fact = ShelfMoved(("a", "b"), place="attic")
        assert unpacked(fact.packed()) == fact

    def test_a_fact_of_another_version_is_read_as_far_as_it_is_known(self) -> None:
        assert unpacked({"name": "test.never_heard_of"}) is None
        assert unpacked({**ShelfMoved(("a",)).packed(), "colour": "red"}) == ShelfMoved(("a",))
