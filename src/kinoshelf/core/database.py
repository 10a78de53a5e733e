"""One door to SQLite and PostgreSQL: short transactions, one writer on SQLite, facts told after the commit.

A transaction is a block or a plain function, never a coroutine: nothing inside it can wait for the network, which is
the rule that keeps one writer enough (docs/decisions/0003). Coroutines hand a function to `reading` or `writing`.
All differences between the two databases live in this file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL, DateTime, Dialect, Engine, MetaData, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from kinoshelf.core.errors import KinoshelfError, NotConfigured
from kinoshelf.core.events import Event, EventBus

log = structlog.get_logger()
T = TypeVar("T")

# Before these versions a rare WAL-reset race can corrupt a database with several connections (sqlite.org, 2026).
SQLITE_FIXED = (3, 51, 3)
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.rclone", "glusterfs"}
)
READERS = 4
BUSY_SECONDS = 10


def _sqlite_module() -> ModuleType:
    try:
        import pysqlite3
    except ImportError:
        return sqlite3
    return pysqlite3  # type: ignore[no-any-return]


class DatabaseUnavailable(KinoshelfError):
    """The database cannot be reached or stayed locked; nothing was changed."""

    status = 503
    code = "DATABASE_ERROR"


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; microseconds since 1970 on SQLite (compact, sorts right), timestamptz on PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        from sqlalchemy import BigInteger

        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time has no place in the database")
        if dialect.name == "sqlite":
            return round(value.timestamp() * 1_000_000)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromtimestamp(value / 1_000_000, UTC)
        found: datetime = value
        return found.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables. Relationships are declared with lazy="raise": no hidden queries."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 -- SQLAlchemy reads it as a class attribute


def file_system_of(path: Path) -> str:
    """Return the type of the file system that holds `path`; empty where the system does not tell."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        point = fields[1].replace("\\040", " ")
        if (str(path) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def database_url(data_dir: Path, configured: str) -> URL:
    """Return the address to connect to: PostgreSQL when configured, else SQLite in the data directory."""
    if not configured:
        return URL.create("sqlite", database=str(data_dir / "kinoshelf.db"))
    try:
        url = make_url(configured)
    except Exception as error:
        raise NotConfigured(
            "the database address cannot be read; it looks like postgresql://user:password@host/name"
        ) from error
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database:
        return url
    raise NotConfigured(f"{url.drivername} is not supported; the database is SQLite or PostgreSQL")


class Database:
    """Engines, sessions and threads of one database.

    `announce(session, events)` is called inside a write transaction before it commits, so that facts can travel to
    other processes in the same transaction.
    """

    def __init__(self, url: URL, bus: EventBus | None = None) -> None:
        self.url = url
        self.bus = bus or EventBus()
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.announce: Callable[[Session, list[Event]], None] | None = None
        self._write_lock = threading.Lock()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else READERS, thread_name_prefix="db-write")
        if self.is_sqlite:
            self._refuse_network_file_system(Path(url.database or ""))
            self.read_engine = self._sqlite_engine(read_only=True)
            self.write_engine = self._sqlite_engine(read_only=False)
        else:
            self.write_engine = create_engine(
                url,
                hide_parameters=True,
                pool_size=READERS * 2,
                max_overflow=8,
                pool_pre_ping=True,
                pool_recycle=1800,
                connect_args={"connect_timeout": 10},
            )
            # The same pool. One picture for the whole transaction, as SQLite gives.
            self.read_engine = self.write_engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @staticmethod
    def _refuse_network_file_system(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = file_system_of(path.parent.resolve())
        if kind in NETWORK_FILE_SYSTEMS:
            raise NotConfigured(
                f"{path.parent} lies on a network file system ({kind}), where SQLite loses data. "
                "Put KINOSHELF_DATA_DIR on a local disk, or use PostgreSQL (KINOSHELF_DATABASE_URL)."
            )

    def _sqlite_engine(self, *, read_only: bool) -> Engine:
        engine = create_engine(
            self.url,
            hide_parameters=True,
            module=_sqlite_module(),
            poolclass=QueuePool,
            pool_size=READERS * 2 if read_only else 1,
            max_overflow=8 if read_only else 0,
            connect_args={
                "check_same_thread": False,
                "timeout": BUSY_SECONDS,
                "isolation_level": None,
                "cached_statements": 512,
            },
        )

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA temp_store=MEMORY")
            cursor.execute("PRAGMA cache_size=-8000")
            cursor.execute("PRAGMA mmap_size=134217728")
            if read_only:
                cursor.execute("PRAGMA query_only=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def on_begin(connection: Any) -> None:
            # The driver would begin lazily and without the write lock; a deferred upgrade fails with «locked».
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

        return engine

    @property
    def version(self) -> str:
        if self.is_sqlite:
            return f"SQLite {_sqlite_module().sqlite_version}"
        with self.read_engine.connect() as connection:
            return f"PostgreSQL {'.'.join(str(part) for part in connection.dialect.server_version_info or ())}"

    def warn_of_old_sqlite(self) -> None:
        found = tuple(int(part) for part in _sqlite_module().sqlite_version.split("."))
        if self.is_sqlite and found < SQLITE_FIXED:
            log.warning("database.old_sqlite", found=".".join(map(str, found)), fixed=".".join(map(str, SQLITE_FIXED)))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read transaction: one consistent picture. On SQLite it cannot write."""
        with (
            self._translated(),
            self.read_engine.connect() as connection,
            Session(connection, autoflush=False, expire_on_commit=False) as session,
        ):
            yield session
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a write transaction; commit at the end of the block, roll back on an exception.

        On SQLite writers of this process stand in line, and other processes are waited for up to ten seconds.
        Facts published in the block are told after the commit, outside the lock.
        """
        events: list[Event]
        turn = self._write_lock if self.is_sqlite else nullcontext()
        with self._translated(), turn, self.write_engine.connect() as connection:
            session = Session(connection, autoflush=False, expire_on_commit=False)
            try:
                yield session
                session.flush()
                events = session.info.get("events", [])
                if events and self.announce is not None:
                    self.announce(session, events)
                session.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                session.close()
        self.bus.tell(events)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise DatabaseUnavailable(f"the database does not answer: {_first_line(error)}") from error

    async def reading(self, work: Callable[[Session], T]) -> T:
        """Run `work(session)` in a read transaction on a database thread, in the caller's context."""
        run = partial(copy_context().run, self.run_read, work)
        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def writing(self, work: Callable[[Session], T]) -> T:
        """Run `work(session)` in a write transaction on a database thread, in the caller's context.

        Committed when this returns.
        """
        run = partial(copy_context().run, self.run_write, work)
        return await asyncio.get_running_loop().run_in_executor(self._writers, run)

    def run_read(self, work: Callable[[Session], T]) -> T:
        with self.read() as session:
            return work(session)

    def run_write(self, work: Callable[[Session], T]) -> T:
        """Run `work(session)` in a write transaction, again on a deadlock or serialization failure (three times at most)."""
        for attempt in (1, 2, 3):
            try:
                with self.write() as session:
                    return work(session)
            except DatabaseUnavailable as error:
                if attempt == 3 or not _is_transient(error.__cause__):
                    raise
                time.sleep(0.02 * attempt)
        raise AssertionError("unreachable")

    def ping(self) -> float:
        """Return the milliseconds one trivial query takes. Raises DatabaseUnavailable."""
        begin = time.perf_counter()
        with self.read() as session:
            session.connection().exec_driver_sql("SELECT 1")
        return (time.perf_counter() - begin) * 1000

    def close(self) -> None:
        self._readers.shutdown(wait=True)
        self._writers.shutdown(wait=True)
        self.read_engine.dispose()
        self.write_engine.dispose()


def wait_turn(session: Session, name: str) -> None:
    """Wait until no other transaction is open that asked for a turn of this name; it lasts until the commit.

    For work that looks whether something is there and makes it: on SQLite the one writer keeps it apart already, on
    PostgreSQL two transactions would both find nothing.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__


def _is_transient(error: BaseException | None) -> bool:
    # 40001 serialization failure, 40P01 deadlock.
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def private_file(path: Path) -> None:
    """Only the hub's own user may read it."""
    if os.name != "nt" and path.exists():
        path.chmod(0o600)
