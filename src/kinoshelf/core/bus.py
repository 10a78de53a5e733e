"""Facts between the processes of one hub.

On PostgreSQL they travel by NOTIFY, sent inside the transaction and so delivered at its commit. On SQLite they are
rows of `bus_messages`, written only while another process listens and found through `PRAGMA data_version`, which
costs an idle hub microseconds and no disk access.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import String, Text, delete, func, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kinoshelf.core.database import Base, Database
from kinoshelf.core.events import Event, unpacked
from kinoshelf.core.processes import others_listen

log = structlog.get_logger()

CHANNEL = "kinoshelf"
# PostgreSQL refuses payloads of 8,000 bytes and more.
MAX_PAYLOAD_BYTES = 7500
KEEP = timedelta(minutes=10)
LOOK_SECONDS = 0.5
START_SECONDS = 10
SAMPLE = "~sample"


class BusMessage(Base):
    __tablename__ = "bus_messages"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    origin: Mapped[str] = mapped_column(String(100))
    payload: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 -- SQLAlchemy's form


def split(message: dict[str, Any]) -> Iterator[str]:
    """Render one fact as payloads under the limit, cutting its longest list in halves where needed."""
    rendered = json.dumps(message, separators=(",", ":"))
    if len(rendered.encode()) <= MAX_PAYLOAD_BYTES:
        yield rendered
        return
    lists = {key: value for key, value in message.items() if isinstance(value, list | tuple) and len(value) > 1}
    if not lists:
        log.error("bus.fact_too_long", fact=message.get("name"), size_bytes=len(rendered))
        return
    key = max(lists, key=lambda name: len(lists[name]))
    half = len(lists[key]) // 2
    yield from split({**message, key: list(lists[key][:half])})
    yield from split({**message, key: list(lists[key][half:])})


class ProcessBus:
    """Joins this process to the others: announces its facts, and tells theirs to the local bus.

    `name` is this process; it never hears itself. A fact from elsewhere reaches local subscribers exactly as a local
    one does, on the bus thread.
    """

    def __init__(self, database: Database, data_dir: Path, name: str) -> None:
        self._database = database
        self._data_dir = data_dir
        self._name = name
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._thread: threading.Thread | None = None
        self._samplers: list[Callable[[dict[str, Any]], None]] = []
        self._gap_handlers: list[Callable[[], None]] = []
        self._last_id = 0
        self._is_interrupted = False
        database.announce = self._announce

    def start(self) -> None:
        """Listen, on a thread of its own. Facts committed from now on are heard."""
        self._stopping.clear()
        self._listening.clear()
        if self._database.is_sqlite:
            with self._database.read() as session:
                self._last_id = session.scalar(select(func.max(BusMessage.id))) or 0
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
        self._thread.start()
        self._listening.wait(START_SECONDS)

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call `handler` when facts of other processes may have been missed, after a lost connection."""
        self._gap_handlers.append(handler)

    def on_sample(self, handler: Callable[[dict[str, Any]], None]) -> None:
        """Call `handler` with each sample of progress another process sends."""
        self._samplers.append(handler)

    def send_sample(self, sample: dict[str, Any]) -> None:
        """Send progress to the other processes: PostgreSQL only, kept nowhere, free to be lost."""
        if self._database.is_sqlite:
            return
        with self._database.write() as session:
            for payload in split({**sample, "name": SAMPLE, "origin": self._name}):
                session.execute(select(func.pg_notify(CHANNEL, payload)))

    def _announce(self, session: Session, events: list[Event]) -> None:
        if self._database.is_sqlite:
            if others_listen(self._data_dir, self._name):
                now = datetime.now(UTC)
                rows = [{"origin": self._name, "payload": json.dumps(event.packed()), "at": now} for event in events]
                session.execute(insert(BusMessage), rows)
                session.execute(delete(BusMessage).where(BusMessage.at < now - KEEP))
            return
        for event in events:
            for payload in split({**event.packed(), "origin": self._name}):
                session.execute(select(func.pg_notify(CHANNEL, payload)))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._database.is_sqlite:
                    self._follow_sqlite()
                else:
                    self._follow_postgresql()
            except Exception as error:
                # A lost connection must not end the listening; what was missed is caught up by the safety polls.
                if not self._is_interrupted:
                    log.warning("bus.interrupted", error=str(error))
                self._is_interrupted = True
                self._stopping.wait(1)

    def _follow_sqlite(self) -> None:
        with self._database.read_engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            with closing(raw.cursor()) as cursor:
                seen = -1
                self._listening.set()
                while not self._stopping.wait(LOOK_SECONDS):
                    found = cursor.execute("PRAGMA data_version").fetchone()[0]
                    if found != seen:
                        seen = found
                        self._deliver_rows()
                        self._is_interrupted = False

    def _deliver_rows(self) -> None:
        with self._database.read() as session:
            rows = session.execute(
                select(BusMessage.id, BusMessage.origin, BusMessage.payload)
                .where(BusMessage.id > self._last_id)
                .order_by(BusMessage.id)
            ).all()
        for row in rows:
            self._last_id = row.id
            if row.origin != self._name:
                self._tell(row.payload)

    def _follow_postgresql(self) -> None:
        with self._database.read_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.execute(text(f"LISTEN {CHANNEL}"))
                self._listening.set()
                if self._is_interrupted:
                    self._is_interrupted = False
                    log.info("bus.resumed")
                    self._call(self._gap_handlers)
                raw: Any = connection.connection.driver_connection
                while not self._stopping.is_set():
                    for notice in raw.notifies(timeout=LOOK_SECONDS):
                        self._tell(notice.payload)
                        if self._stopping.is_set():
                            break
            finally:
                # A connection that listens must not go back to the pool.
                connection.invalidate()

    def _tell(self, payload: str) -> None:
        """Hand a message to the subscribers here. One that cannot be read, as of another version, is left out."""
        try:
            message: dict[str, Any] = json.loads(payload)
            if message.pop("origin", None) == self._name:
                return
            fact = None if message["name"] == SAMPLE else unpacked(message)
        except Exception as error:
            log.warning("bus.unreadable", error=str(error))
            return
        if fact is not None:
            self._database.bus.tell([fact])
        elif message["name"] == SAMPLE:
            self._call(self._samplers, message)

    @staticmethod
    def _call(handlers: list[Callable[..., None]], *arguments: Any) -> None:
        for handler in handlers:
            try:
                handler(*arguments)
            except Exception:
                log.exception("bus.handler_failed", handler=getattr(handler, "__qualname__", repr(handler)))
