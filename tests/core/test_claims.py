from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Table, select, true
from sqlalchemy.orm import Session

from kinoshelf.core.claims import LEASE, candidates, held, is_free, orphaned, release, renew, take
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.database import Database
from kinoshelf.core.jobs.models import Job

table = cast("Table", Job.__table__)


@pytest.fixture
def rows(database: Database, clock: FrozenClock) -> list[str]:
    names = [f"{number:03}" for number in range(6)]
    with database.write() as session:
        for name in names:
            session.add(Job(id=name, name="x", arguments={}, state="queued", trigger="user", created_at=clock.now()))
    return names


def claim(session: Session, worker: str, limit: int, clock: FrozenClock) -> list[str]:
    found = session.execute(candidates(table, (table.c.id,), true(), (table.c.id,), limit, clock.now()))
    ids = [row.id for row in found]
    take(session, table, ids, worker, clock.now())
    return ids


def where(database: Database, condition: Any) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(table.c.id).where(condition).order_by(table.c.id)))


class TestClaiming:
    def test_takes_the_first_free_rows_and_nobody_gets_them_again(
        self, database: Database, clock: FrozenClock, rows: list[str]
    ) -> None:
        with database.write() as session:
            assert claim(session, "one", 2, clock) == rows[:2]
        with database.write() as session:
            assert claim(session, "other", 10, clock) == rows[2:]
        assert where(database, held(table, "one")) == rows[:2]
        assert where(database, is_free(table, clock.now())) == []

    def test_a_claim_runs_out_unless_it_is_renewed(
        self, database: Database, clock: FrozenClock, rows: list[str]
    ) -> None:
        with database.write() as session:
            claim(session, "one", 1, clock)
            claim(session, "other", 1, clock)
        clock.advance(LEASE - timedelta(seconds=1))
        with database.write() as session:
            renew(session, table, "other", clock.now())
        clock.advance(2)
        assert where(database, orphaned(table, clock.now(), [])) == rows[:1]
        with database.write() as session:
            assert claim(session, "third", 1, clock) == rows[:1]
            renew(session, table, "one", clock.now())
        assert where(database, held(table, "third")) == rows[:1]

    def test_a_dead_workers_rows_are_orphans_at_once(
        self, database: Database, clock: FrozenClock, rows: list[str]
    ) -> None:
        with database.write() as session:
            claim(session, "one", 2, clock)
        assert where(database, orphaned(table, clock.now(), [])) == []
        assert where(database, orphaned(table, clock.now(), ["one"])) == rows[:2]

    def test_releases_only_what_it_still_holds(self, database: Database, clock: FrozenClock, rows: list[str]) -> None:
        with database.write() as session:
            claim(session, "one", 2, clock)
            release(session, table, rows, "other")
            release(session, table, rows[:1], "one")
        assert where(database, held(table, "one")) == rows[1:2]
        assert where(database, is_free(table, clock.now())) == rows[:1] + rows[2:]

    def test_workers_at_the_same_moment_share_without_doubles(
        self, make_hub: Callable[..., Any], clock: FrozenClock, rows: list[str]
    ) -> None:
        databases = [make_hub().database for _ in range(3)]
        together = threading.Barrier(len(databases))
        taken: list[str] = []

        def work(number: int) -> None:
            together.wait(timeout=20)
            for _ in range(2):
                taken.extend(databases[number].run_write(lambda session: claim(session, f"w{number}", 1, clock)))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(databases))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert sorted(taken) == rows
