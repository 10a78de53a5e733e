"""API keys: made by the owner for other programs, shown once, withdrawn at any time."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from kinoshelf.core.access.events import KeyRevoked
from kinoshelf.core.access.models import APIKey
from kinoshelf.core.access.sessions import hash_of
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotFound
from kinoshelf.core.events import publish

START = "ks_"
SHOWN_LETTERS = 12
LONGEST_NAME = 200
# A program that asks every second must not make the disk write every second.
NOTE_USE_EVERY = timedelta(hours=1)


class KeyNotFound(NotFound):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no API key {key_id}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """The one time a key is shown."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyRead:
    """A key as lists show it; `prefix` is how it begins."""

    id: str
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundKey:
    id: str
    should_note_use: bool


class APIKeys:
    """What the owner does with keys, from the command line or a page."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str = "") -> NewKey:
        """Make a key. Raises InvalidInput for a name that cannot be shown."""
        name = name.strip() or "unnamed"
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput(f"the name of a key has at most {LONGEST_NAME} characters, on one line")
        new = NewKey(str(uuid.uuid4()), name, START + secrets.token_urlsafe(32))
        with self._database.write() as session:
            session.add(
                APIKey(
                    id=new.id,
                    name=new.name,
                    key_hash=hash_of(new.key),
                    prefix=new.key[:SHOWN_LETTERS],
                    created_at=self._clock.now(),
                )
            )
        return new

    def list_all(self) -> list[KeyRead]:
        """Return the keys in the order they were made."""
        with self._database.read() as session:
            rows = session.scalars(select(APIKey).order_by(APIKey.created_at, APIKey.id)).all()
        return [KeyRead(row.id, row.name, row.prefix, row.created_at, row.last_used_at) for row in rows]

    def revoke(self, key_id: str) -> KeyRead:
        """Withdraw a key and return what it was. Raises KeyNotFound."""
        with self._database.write() as session:
            row = session.get(APIKey, key_id)
            if row is None:
                raise KeyNotFound(key_id)
            session.execute(delete(APIKey).where(APIKey.id == key_id))
            publish(session, KeyRevoked(key_id))
        return KeyRead(row.id, row.name, row.prefix, row.created_at, row.last_used_at)


def find_key(session: Session, now: datetime, text: str) -> FoundKey | None:
    if not text.startswith(START):
        return None
    row = session.execute(select(APIKey.id, APIKey.last_used_at).where(APIKey.key_hash == hash_of(text))).first()
    if row is None:
        return None
    return FoundKey(row.id, row.last_used_at is None or row.last_used_at <= now - NOTE_USE_EVERY)


def note_use(session: Session, now: datetime, key_id: str) -> None:
    """Write down that a key is in use, unless that was done within the hour."""
    session.execute(
        update(APIKey)
        .where(
            APIKey.id == key_id,
            or_(APIKey.last_used_at.is_(None), APIKey.last_used_at <= now - NOTE_USE_EVERY),
        )
        .values(last_used_at=now)
    )
