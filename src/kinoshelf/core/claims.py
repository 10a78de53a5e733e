"""Work is claimed from the database: one row, one worker, for as long as its lease is renewed.

The same code serves the download queue and the background jobs, on SQLite and on PostgreSQL. A claim is taken in a
write transaction: on SQLite the one writer makes it exclusive, on PostgreSQL `FOR UPDATE SKIP LOCKED` does, so that
several workers never wait for each other. A worker that dies stops renewing; its rows are free again when the lease
runs out, or at once where its death can be seen (`processes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Table, and_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=10)


class Claimable:
    """Columns of a table whose rows are claimed. A released row has neither owner nor lease."""

    claimed_by: Mapped[str | None] = mapped_column(String(100), index=True)
    lease_until: Mapped[datetime | None]


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """The condition that nobody holds the row, or that its holder let the lease run out."""
    return or_(table.c.claimed_by.is_(None), table.c.lease_until < now)


def candidates(
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    eligible: ColumnElement[bool],
    order: Sequence[Any],
    limit: int,
    now: datetime,
) -> Select[Any]:
    """Select the first `limit` free eligible rows, locked against other claimers until the transaction ends."""
    query = select(*columns).where(eligible, is_free(table, now)).order_by(*order).limit(limit)
    return query.with_for_update(skip_locked=True, of=table)


def take(session: Session, table: Table, ids: Sequence[Any], worker: str, now: datetime, **values: Any) -> None:
    """Write the claim on rows that `candidates` returned in this same transaction."""
    if ids:
        session.execute(
            update(table).where(table.c.id.in_(ids)).values(claimed_by=worker, lease_until=now + LEASE, **values)
        )


def renew(session: Session, table: Table, worker: str, now: datetime) -> None:
    """Heartbeat: extend the lease of everything `worker` holds."""
    session.execute(update(table).where(table.c.claimed_by == worker).values(lease_until=now + LEASE))


def release(session: Session, table: Table, ids: Iterable[Any], worker: str) -> None:
    """Give rows back. Rows that somebody else holds by now are left alone."""
    session.execute(
        update(table)
        .where(and_(table.c.id.in_(list(ids)), table.c.claimed_by == worker))
        .values(claimed_by=None, lease_until=None)
    )


def held(table: Table, worker: str) -> ColumnElement[bool]:
    """The condition that `worker` still holds the row."""
    return table.c.claimed_by == worker


def orphaned(table: Table, now: datetime, dead: Sequence[str]) -> ColumnElement[bool]:
    """The condition that the row is claimed by a worker that is known dead or silent for longer than its lease."""
    silent = and_(table.c.claimed_by.is_not(None), table.c.lease_until < now)
    return or_(silent, table.c.claimed_by.in_(dead)) if dead else silent
