"""How often a client may try: requests to the sign-in, and wrong passwords. Kept in the database, so a restart forgives nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, String, bindparam, delete, text
from sqlalchemy.orm import Session

from kinoshelf.core.access.addresses import client_bucket
from kinoshelf.core.access.models import AccessLimit
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, UTCDateTime
from kinoshelf.core.errors import LimitReached
from kinoshelf.core.settings import SecuritySettings, SettingsStore

WINDOW = timedelta(seconds=60)
# Refused buckets that are remembered without asking the database.
MOST_REMEMBERED = 10_000

# One statement, so that callers who come together are counted one after another; SQLite and PostgreSQL read it alike.
_TAKE = (
    text(
        """
        INSERT INTO access_limits (bucket, count, window_ends_at) VALUES (:bucket, 1, :ends_at)
        ON CONFLICT (bucket) DO UPDATE SET
            count = CASE
                WHEN access_limits.window_ends_at <= :now THEN 1
                WHEN access_limits.count > :most THEN access_limits.count
                ELSE access_limits.count + 1
            END,
            window_ends_at = CASE
                WHEN access_limits.window_ends_at <= :now THEN :ends_at
                WHEN :is_sliding = 1 AND access_limits.count < :most THEN :ends_at
                ELSE access_limits.window_ends_at
            END
        RETURNING count, window_ends_at
        """
    )
    .bindparams(
        bindparam("bucket", type_=String),
        bindparam("most", type_=Integer),
        bindparam("is_sliding", type_=Integer),
        bindparam("now", type_=UTCDateTime),
        bindparam("ends_at", type_=UTCDateTime),
    )
    .columns(count=Integer, window_ends_at=UTCDateTime)
)


@dataclass(frozen=True, slots=True)
class Taken:
    """The place a caller got in a window: the first is 1."""

    count: int
    window_ends_at: datetime


def take(
    session: Session, now: datetime, bucket: str, most: int, lasts: timedelta, *, is_sliding: bool = False
) -> Taken:
    """Count one in `bucket`. A sliding window begins anew with each one until `most` is reached, and then stands."""
    count, window_ends_at = session.execute(
        _TAKE,
        {"bucket": bucket, "most": most, "is_sliding": int(is_sliding), "now": now, "ends_at": now + lasts},
    ).one()
    return Taken(count, window_ends_at)


class TooManyAttempts(LimitReached):
    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"Too many authentication attempts, try again in {retry_after_seconds} seconds",
            retry_after_seconds=retry_after_seconds,
        )


class LockedOut(LimitReached):
    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"Locked after too many wrong passwords, try again in {retry_after_seconds} seconds",
            retry_after_seconds=retry_after_seconds,
        )


class AccessLimits:
    """Limits per client and what they count. Raise before the work they protect is done."""

    def __init__(self, database: Database, clock: Clock, store: SettingsStore) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._refused: dict[str, datetime] = {}

    @property
    def _settings(self) -> SecuritySettings:
        return self._store.current.security

    async def count_request(self, action: str, client: str) -> None:
        """Count a request to `action`. Raises TooManyAttempts."""
        bucket = f"requests:{action}:{client_bucket(client)}"
        taken = await self._take(bucket, self._settings.login_attempts_per_minute, WINDOW)
        if taken.count > self._settings.login_attempts_per_minute:
            raise TooManyAttempts(self._refuse(bucket, taken))

    async def begin_attempt(self, client: str) -> None:
        """Count a password as wrong before it is tried, so that many tried at once are no way around the lock.

        `forgive` takes it back. Raises LockedOut.
        """
        bucket = _failures(client)
        lock = timedelta(seconds=self._settings.lock_seconds)
        taken = await self._take(bucket, self._settings.lock_after_failures, lock, is_sliding=True)
        if taken.count > self._settings.lock_after_failures:
            raise LockedOut(self._refuse(bucket, taken))

    def forgive(self, session: Session, client: str) -> None:
        """Forget the wrong passwords of a client that knew the right one, and windows that are over."""
        bucket = _failures(client)
        self._refused.pop(bucket, None)
        session.execute(delete(AccessLimit).where(AccessLimit.bucket == bucket))
        session.execute(delete(AccessLimit).where(AccessLimit.window_ends_at <= self._clock.now()))

    async def _take(self, bucket: str, most: int, lasts: timedelta, *, is_sliding: bool = False) -> Taken:
        now = self._clock.now()
        ends_at = self._refused.get(bucket)
        if ends_at is not None and ends_at > now:
            # Whoever hammers on must not make the disk write.
            return Taken(most + 1, ends_at)

        def count(session: Session) -> Taken:
            taken = take(session, now, bucket, most, lasts, is_sliding=is_sliding)
            if taken.count == 1:
                session.execute(delete(AccessLimit).where(AccessLimit.window_ends_at <= now))
            return taken

        return await self._database.writing(count)

    def _refuse(self, bucket: str, taken: Taken) -> int:
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused.clear()
        self._refused[bucket] = taken.window_ends_at
        return max(1, math.ceil((taken.window_ends_at - self._clock.now()).total_seconds()))


def _failures(client: str) -> str:
    return f"failures:{client_bucket(client)}"
