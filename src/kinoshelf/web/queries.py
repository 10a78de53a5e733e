"""Reads of the pages that the download queue itself does not need: batches and single downloads in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, case, func, literal, nulls_last, or_, select, union_all
from sqlalchemy.orm import Session

from kinoshelf.downloads.models import Batch, Download
from kinoshelf.downloads.queries import (
    BatchSummary,
    Filter,
    Sort,
    contains,
    count_downloads,
    get_downloads,
    list_batches,
    list_downloads,
)
from kinoshelf.downloads.states import FINAL, State

# What runs, what will, what waits for somebody, what is over.
_RANK = case(
    {
        State.DOWNLOADING.value: 0,
        State.EXTRACTING.value: 0,
        State.STARTING.value: 1,
        State.QUEUED.value: 2,
        State.WAITING.value: 2,
        State.PAUSED.value: 3,
        State.FAILED.value: 4,
        State.COMPLETED.value: 5,
    },
    value=Download.state,
    else_=6,
)
# Final downloads keep the place they had, but the queue has none for them.
_IS_FINAL = case((Download.state.in_(sorted(FINAL)), 1), else_=0)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: batches and downloads by id, and the order they stand in. `total` counts both."""

    order: tuple[str, ...]
    batches: Sequence[BatchSummary]
    downloads: Sequence[Row[Any]]
    total: int


def list_flat(session: Session, wanted: Filter, *, page: int, limit: int, sort: Sort, descending: bool) -> Listing:
    rows = list_downloads(session, wanted, page=page, limit=limit, sort=sort, descending=descending)
    return Listing(tuple(row.id for row in rows), (), rows, count_downloads(session, wanted))


def list_grouped(session: Session, wanted: Filter, *, page: int, limit: int, sort: Sort, descending: bool) -> Listing:
    """Return a page of batches with something that fits `wanted` and of downloads that belong to no batch, in one
    order. A batch stands where the first of its fitting downloads would.
    """
    heads = union_all(_single_heads(wanted, sort), _batch_heads(wanted, sort)).subquery()
    total = session.scalar(select(func.count()).select_from(heads)) or 0
    keys = [nulls_last(key.desc() if descending else key.asc()) for key in (heads.c.first, heads.c.second)]
    page_of = select(heads.c.kind, heads.c.id).order_by(*keys, heads.c.id)
    rows = session.execute(page_of.limit(limit).offset((page - 1) * limit)).all()
    batches = list_batches(session, ids=[row.id for row in rows if row.kind == "batch"])
    downloads = get_downloads(session, [row.id for row in rows if row.kind == "download"])
    return Listing(tuple(row.id for row in rows), batches, downloads, total)


def _single_heads(wanted: Filter, sort: Sort) -> Select[Any]:
    first, second = {
        "status": (_RANK, Download.position),
        "queue": (_IS_FINAL, Download.position),
        "added": (Download.created_at, Download.position),
        "filename": (func.lower(Download.filename), literal(0)),
        "size": (Download.size_bytes, Download.position),
        "progress": (_share(Download.downloaded_bytes, Download.size_bytes), Download.position),
    }[sort]
    if sort == "queue":
        # Priority decides first; 10^9 is beyond what it may be.
        first = first * literal(10**9, BigInteger) - Download.priority
    kind = literal("download").label("kind")
    columns: tuple[Any, ...] = (kind, Download.id.label("id"), first.label("first"), second.label("second"))
    return select(*columns).where(Download.batch_id.is_(None), *_fitting(wanted))


def _batch_heads(wanted: Filter, sort: Sort) -> Select[Any]:
    total, done = func.sum(Download.size_bytes), func.sum(Download.downloaded_bytes)
    place = func.min(Download.position)
    first, second = {
        "status": (func.min(_RANK), place),
        "queue": (func.min(_IS_FINAL * literal(10**9, BigInteger) - Download.priority), place),
        "added": (func.max(Batch.created_at), place),
        "filename": (func.min(func.lower(Batch.name)), literal(0)),
        "size": (total, place),
        "progress": (_share(done, total), place),
    }[sort]
    kind = literal("batch").label("kind")
    columns: tuple[Any, ...] = (kind, Batch.id.label("id"), first.label("first"), second.label("second"))
    query = select(*columns).join(Download, Download.batch_id == Batch.id).group_by(Batch.id)
    if wanted.search:
        query = query.where(or_(contains(Batch.name, wanted.search), _has(wanted.search)))
    return query.where(*_in_states(wanted))


def _fitting(wanted: Filter) -> list[ColumnElement[bool]]:
    return [*_in_states(wanted), *([_has(wanted.search)] if wanted.search else [])]


def _in_states(wanted: Filter) -> list[ColumnElement[bool]]:
    return [Download.state.in_(sorted(wanted.states))] if wanted.states else []


def _has(search: str) -> ColumnElement[bool]:
    return or_(contains(Download.filename, search), contains(Download.original_url, search))


def _share(done: Any, total: Any) -> Any:
    return case((total > 0, done * 1000 / total), else_=0)


def list_finished(session: Session, limit: int) -> Sequence[Any]:
    """Return the downloads that were completed last, the newest first."""
    columns = (Download.id, Download.filename, Download.size_bytes, Download.completed_at, Download.destination)
    query = select(*columns).where(Download.state == State.COMPLETED.value)
    return session.execute(query.order_by(nulls_last(Download.completed_at.desc())).limit(limit)).all()
