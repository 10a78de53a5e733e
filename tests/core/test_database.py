"""One door to two databases: the same behaviour behind it, checked on both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from kinoshelf.app import Hub
from kinoshelf.core import database as module
from kinoshelf.core.access.models import AccessLimit
from kinoshelf.core.database import Database, DatabaseUnavailable, database_url, file_system_of
from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.events import Event, publish

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CounterMoved(Event):
    name: ClassVar[str] = "tests.counter_moved"
    bucket: str


def add(session: Session, bucket: str, count: int = 0, at: datetime = NOON) -> None:
    session.add(AccessLimit(bucket=bucket, count=count, window_ends_at=at))


def count(database: Database, bucket: str) -> int | None:
    with database.read() as session:
        return session.scalar(select(AccessLimit.count).where(AccessLimit.bucket == bucket))


class TestWrite:
    def test_commits_at_the_end_of_the_block(self, database: Database) -> None:
        with database.write() as session:
            add(session, "a", 1)
        assert count(database, "a") == 1

    def test_an_exception_rolls_back(self, database: Database) -> None:
        def work(session: Session) -> None:
            add(session, "a")
            session.flush()
            raise LookupError

        with pytest.raises(LookupError):
            database.run_write(work)
        assert count(database, "a") is None

    def test_writers_stand_in_line_and_lose_nothing(self, database: Database, make_hub: Callable[..., Hub]) -> None:
        with database.write() as session:
            add(session, "a")

        def increase(session: Session) -> None:
            # Read, then write: two at once would lose one without the lock.
            found = session.get_one(AccessLimit, "a", with_for_update=True)
            found.count += 1

        other_process: Database = make_hub().database
        failures: list[BaseException] = []

        def work(mine: Database) -> None:
            try:
                for _ in range(20):
                    mine.run_write(increase)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(one,)) for one in (database, database, other_process)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert count(database, "a") == 60

    @pytest.mark.databases("postgres")
    def test_a_deadlock_is_tried_again(self, database: Database) -> None:
        with database.write() as session:
            add(session, "a")
            add(session, "b")
        both_hold_one = threading.Barrier(2, timeout=10)
        attempts: list[str] = []

        def swap(first: str, second: str) -> Callable[[Session], None]:
            def work(session: Session) -> None:
                session.execute(update(AccessLimit).where(AccessLimit.bucket == first).values(count=1))
                attempts.append(first)
                if len(attempts) <= 2:
                    both_hold_one.wait()
                session.execute(update(AccessLimit).where(AccessLimit.bucket == second).values(count=1))

            return work

        other = threading.Thread(target=database.run_write, args=(swap("b", "a"),))
        other.start()
        database.run_write(swap("a", "b"))
        other.join()
        assert len(attempts) == 3
        assert (count(database, "a"), count(database, "b")) == (1, 1)

    @pytest.mark.databases("sqlite")
    def test_a_database_that_stays_locked(self, make_hub: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
        here: Database = make_hub().database
        there: Database = make_hub().database
        with there.write() as session:
            add(session, "a")
            session.flush()
            with pytest.raises(DatabaseUnavailable, match=r"does not answer: database is locked"):
                here.run_write(lambda session: add(session, "b"))
        assert count(here, "a") == 0


class TestRead:
    def test_cannot_write(self, database: Database) -> None:
        with pytest.raises((DatabaseUnavailable, DBAPIError), match=r"read-?only"), database.read() as session:
            session.execute(delete(AccessLimit))

    def test_is_one_consistent_picture(self, database: Database) -> None:
        with database.read() as session:
            before = session.scalar(select(func.count()).select_from(AccessLimit))
            database.run_write(lambda other: add(other, "a"))
            assert session.scalar(select(func.count()).select_from(AccessLimit)) == before
        assert count(database, "a") == 0

    def test_leaves_nothing_behind(self, database: Database) -> None:
        with database.read() as session:
            add(session, "a")
        assert count(database, "a") is None

    def test_does_not_wait_for_a_writer(self, database: Database) -> None:
        with database.write() as session:
            add(session, "a")
            session.flush()
            assert count(database, "a") is None
        assert count(database, "a") == 0


class TestFromCoroutines:
    async def test_runs_on_a_database_thread(self, database: Database) -> None:
        def work(session: Session) -> str:
            add(session, "a", 7)
            return threading.current_thread().name

        assert (await database.writing(work)).startswith("db-write")
        assert await database.reading(lambda session: session.scalar(select(func.sum(AccessLimit.count)))) == 7

    async def test_a_failure_reaches_the_caller(self, database: Database) -> None:
        def work(session: Session) -> None:
            add(session, "a")
            raise LookupError("gone")

        with pytest.raises(LookupError, match="gone"):
            await database.writing(work)
        assert count(database, "a") is None


class TestFacts:
    def test_are_told_after_the_commit_in_order(self, database: Database) -> None:
        heard: list[tuple[str, int | None]] = []
        # A subscriber sees the committed state, and may write itself: the lock is free again.
        database.bus.subscribe(CounterMoved, lambda fact: heard.append((fact.bucket, count(database, "a"))))
        database.bus.subscribe(CounterMoved, lambda fact: database.run_write(lambda session: add(session, fact.bucket)))
        with database.write() as session:
            add(session, "a", 5)
            publish(session, CounterMoved("x"))
            publish(session, CounterMoved("y"))
            assert heard == []
        assert heard == [("x", 5), ("y", 5)]
        assert count(database, "y") == 0

    def test_are_forgotten_after_a_rollback(self, database: Database) -> None:
        heard: list[Event] = []
        database.bus.subscribe(CounterMoved, heard.append)

        def work(session: Session) -> None:
            publish(session, CounterMoved("x"))
            raise LookupError

        with pytest.raises(LookupError):
            database.run_write(work)
        with database.write() as session:
            add(session, "a")
        assert heard == []


class TestTimes:
    def test_come_back_aware_and_exact(self, database: Database) -> None:
        kabul = timezone(timedelta(hours=4, minutes=30))
        with database.write() as session:
            add(session, "utc", at=NOON)
            add(session, "kabul", at=NOON.astimezone(kabul))
            add(session, "old", at=datetime(1931, 3, 4, tzinfo=UTC))
        with database.read() as session:
            found = {row.bucket: row.window_ends_at for row in session.scalars(select(AccessLimit))}
            later = session.scalars(select(AccessLimit.bucket).where(AccessLimit.window_ends_at < NOON)).all()
        assert found == {"utc": NOON, "kabul": NOON, "old": datetime(1931, 3, 4, tzinfo=UTC)}
        assert {at.tzinfo for at in found.values()} == {UTC}
        assert later == ["old"]

    def test_naive_ones_are_refused(self, database: Database) -> None:
        with pytest.raises(StatementError, match="naive time"), database.write() as session:
            add(session, "a", at=NOON.replace(tzinfo=None))


class TestAddress:
    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
    def test_forms_of_postgresql(self, tmp_path: Path, scheme: str) -> None:
        url = database_url(tmp_path, f"{scheme}://anna:pass@db/kinoshelf")
        assert (url.get_backend_name(), url.host, url.database) == ("postgresql", "db", "kinoshelf")

    def test_sqlite_in_the_data_directory_by_default(self, tmp_path: Path) -> None:
        assert database_url(tmp_path, "").database == str(tmp_path / "kinoshelf.db")

    @pytest.mark.parametrize("text", ["mysql://anna:secret@db/x", "nonsense secret", "://secret"])
    def test_others_are_refused_without_repeating_the_password(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(NotConfigured) as refused:
            database_url(tmp_path, text)
        assert "secret" not in refused.value.message

    def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        database = Database(database_url(tmp_path, "postgresql://anna:secret@127.0.0.1:1/kinoshelf"))
        with pytest.raises(DatabaseUnavailable, match=r"does not answer: .*refused") as refused:
            database.ping()
        assert "secret" not in refused.value.message
        database.close()


class TestNetworkFileSystem:
    MOUNTS = (
        "/dev/sda1 / ext4 rw 0 0\n"
        "nas:/films /srv/films nfs4 rw 0 0\n"
        "//nas/x /srv/with\\040space cifs rw 0 0\n"
        "tmpfs /srv/films/local tmpfs rw 0 0\n"
    )

    @pytest.fixture(autouse=True)
    def mounts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read_text = Path.read_text

        def fake(path: Path, *args: object, **kwargs: object) -> str:
            return self.MOUNTS if str(path) == "/proc/mounts" else read_text(path, *args, **kwargs)

        monkeypatch.setattr(Path, "read_text", fake)

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/srv/films", "nfs4"),
            ("/srv/films/data", "nfs4"),
            ("/srv/films2", "ext4"),
            ("/srv/with space/data", "cifs"),
            ("/srv/films/local/data", "tmpfs"),
        ],
    )
    def test_the_nearest_mount_decides(self, path: str, kind: str) -> None:
        assert file_system_of(Path(path)) == kind

    def test_is_refused_with_the_way_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "MOUNTS", f"nas:/x {tmp_path} nfs4 rw 0 0\n")
        with pytest.raises(NotConfigured, match=r"network file system \(nfs4\).*KINOSHELF_DATABASE_URL"):
            Database(database_url(tmp_path / "data", ""))


def test_says_what_it_is(database: Database, database_kind: str) -> None:
    assert database.version.startswith({"sqlite": "SQLite 3.", "postgres": "PostgreSQL "}[database_kind])
    assert database.ping() > 0
