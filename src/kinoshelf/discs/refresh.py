"""Refreshing what TMDB says about all discs: one job at a time, that goes on where it was ended.

How far it is stands in `disc_refreshes`, written together with each disc: after a crash nothing is done twice or
counted twice. Full asks for every matched disc anew; details asks for discs that lack something, and fills only that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotFound, UpstreamError
from kinoshelf.core.http.errors import UpstreamNotFound, UpstreamUnavailable
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.kinds import JobKind, declare
from kinoshelf.core.jobs.models import UNFINISHED, Job, JobState
from kinoshelf.core.jobs.queue import rows_changed
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.discs.errors import DiscNotFound
from kinoshelf.discs.looking_up import FilmFacts, LookUp
from kinoshelf.discs.models import Disc, DiscRefresh

log = structlog.get_logger()

REFRESH = "discs.refresh"
KINDS = ("full", "details")
Kind = Literal["full", "details"]

# TMDB is asked for so many at once; its limit of forty a second stands in its client.
AT_ONCE = 8
# So many in a row that could not be reached: TMDB is away, not the films.
MOST_UNREACHED = 5
MOST_FAILURES = 100
KEEP = timedelta(days=30)

declare(JobKind(REFRESH, max_attempts=6, exclusive=True, dedupe=REFRESH, timeout=timedelta(hours=12)))


class RefreshNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Task not found")


def start(session: Session, kind: Kind, *, clock: Clock) -> str:
    """Start a refresh and return the id of its task; where one runs already, that one's. Raises InvalidInput."""
    if kind not in KINDS:
        raise InvalidInput(f"a refresh is one of {', '.join(KINDS)}")
    job = queue.enqueue(session, REFRESH, {"kind": kind}, clock=clock)
    if session.get(DiscRefresh, job.id) is None:
        _begin(session, job.id, kind, clock.now())
    return job.id


def running(session: Session) -> str | None:
    """Return the id of the refresh that waits or runs."""
    query = select(Job.id).where(Job.name == REFRESH, Job.state.in_(UNFINISHED))
    return session.scalar(query.order_by(Job.created_at).limit(1))


def latest(session: Session, kind: Kind | None = None) -> str | None:
    """Return the id of the last refresh that was started."""
    query = select(DiscRefresh.id)
    if kind is not None:
        query = query.where(DiscRefresh.kind == kind)
    return session.scalar(query.order_by(DiscRefresh.started_at.desc(), DiscRefresh.id).limit(1))


def progress(session: Session, task_id: str) -> dict[str, Any]:
    """Return how far a refresh is: progress (0 to 100), status, completed, results, and more. Raises RefreshNotFound."""
    row = session.get(DiscRefresh, task_id)
    job = session.get(Job, task_id)
    if row is None:
        raise RefreshNotFound
    state = JobState(job.state) if job is not None else JobState.DONE
    is_finished = state not in UNFINISHED or row.total == 0
    error = (job.error or "") if job is not None and state is JobState.FAILED else ""
    percent = 100.0 if row.total == 0 else round(100 * row.done / row.total, 1)
    if error and row.done == 0:
        percent = 0.0
    found: dict[str, Any] = {
        "task_id": task_id,
        "kind": row.kind,
        "progress": percent,
        "status": _status(row, job, state, error),
        "completed": is_finished,
        "cancelled": state is JobState.CANCELLED,
        "results": {"updated": row.updated, "failed": row.failed, "skipped": row.skipped},
        "total": row.total,
        "done": row.done,
        "failures": list(row.failures),
    }
    if error:
        found["error"] = error
    return found


def _status(row: DiscRefresh, job: Job | None, state: JobState, error: str) -> str:
    counts = f"{row.updated} updated, {row.failed} failed, {row.skipped} skipped"
    if error:
        return f"Refresh failed: {error}"
    if state is JobState.CANCELLED:
        return f"Refresh cancelled: {counts}"
    if state is JobState.DONE or row.total == 0:
        return f"Refresh completed: {counts}"
    if state is JobState.QUEUED:
        if job is not None and job.error:
            return f"Waiting to try again: {job.error}"
        return row.status or "Waiting to start..."
    return row.status or "Starting..."


def cancel(session: Session, task_id: str, *, clock: Clock) -> None:
    """Stop a refresh; what it has written stays. Raises RefreshNotFound, JobNotCancellable."""
    if session.get(DiscRefresh, task_id) is None:
        raise RefreshNotFound
    queue.cancel(session, task_id, clock=clock)


def _lacks_details() -> ColumnElement[bool]:
    return or_(
        Disc.tagline == "",
        Disc.revenue.is_(None),
        Disc.budget.is_(None),
        Disc.production_companies == "",
        Disc.director == "",
        Disc.uk_certification == "",
    )


def _conditions(kind: str, end_disc_id: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Disc.tmdb_id.is_not(None), Disc.id <= end_disc_id]
    if kind == "details":
        found.append(_lacks_details())
    return found


def _begin(session: Session, task_id: str, kind: str, now: datetime) -> DiscRefresh:
    end = session.scalar(select(func.max(Disc.id))) or 0
    counts = select(func.count()).select_from(Disc)
    unmatched = counts.where(Disc.tmdb_id.is_(None))
    if kind == "details":
        unmatched = unmatched.where(_lacks_details())
    row = DiscRefresh(
        id=task_id,
        kind=kind,
        total=session.scalar(counts.where(*_conditions(kind, end))) or 0,
        updated=0,
        failed=0,
        # Typed by hand, so that TMDB cannot be asked about them.
        skipped=session.scalar(unmatched) or 0,
        done=0,
        last_disc_id=0,
        end_disc_id=end,
        status="",
        failures=[],
        started_at=now,
    )
    session.add(row)
    session.flush()
    return row


def remove_old(session: Session, now: datetime) -> int:
    """Forget refreshes that began long ago; return how many."""
    return rows_changed(session, delete(DiscRefresh).where(DiscRefresh.started_at < now - KEEP))


class RefreshDiscs:
    """The job. Discs are asked for some at a time and written one after the other."""

    def __init__(self, *, look_up: LookUp, database: Database, clock: Clock) -> None:
        self._look_up = look_up
        self._database = database
        self._clock = clock

    def register(self, registry: JobRegistry) -> None:
        registry.add(
            JobKind(REFRESH, max_attempts=6, exclusive=True, dedupe=REFRESH, timeout=timedelta(hours=12)), self.run
        )

    async def run(self, context: JobContext) -> dict[str, Any]:
        try:
            return await self._run(context)
        finally:
            # The loop of the jobs may end before it has another use for the connections.
            await self._look_up.aclose()

    async def _run(self, context: JobContext) -> dict[str, Any]:
        kind = context.arguments.get("kind", "full")
        row = await self._database.writing(lambda session: self._row(session, context.job_id, kind))
        unreached = 0
        while batch := await self._database.reading(lambda session: self._next(session, context.job_id)):
            answers = await asyncio.gather(*(self._ask(one, kind) for one in batch))
            for (disc_id, name, _tmdb_id), answer in zip(batch, answers, strict=True):
                if isinstance(answer, UpstreamUnavailable):
                    unreached += 1
                    if unreached >= MOST_UNREACHED:
                        raise answer
                else:
                    unreached = 0
                row = await self._database.writing(
                    lambda session, disc_id=disc_id, name=name, answer=answer: self._write(  # type: ignore[misc]
                        session, context.job_id, disc_id, name, answer
                    )
                )
                context.progress(row.done, row.total, row.status)
        row = await self._database.writing(lambda session: self._end(session, context.job_id))
        return {"kind": kind, "updated": row.updated, "failed": row.failed, "skipped": row.skipped}

    def _row(self, session: Session, task_id: str, kind: str) -> DiscRefresh:
        return session.get(DiscRefresh, task_id) or _begin(session, task_id, kind, self._clock.now())

    @staticmethod
    def _next(session: Session, task_id: str) -> Sequence[tuple[int, str, int]]:
        row = session.get_one(DiscRefresh, task_id)
        query = select(Disc.id, Disc.name, Disc.tmdb_id).where(
            *_conditions(row.kind, row.end_disc_id), Disc.id > row.last_disc_id
        )
        return [
            (found[0], found[1], found[2] or 0) for found in session.execute(query.order_by(Disc.id).limit(AT_ONCE))
        ]

    async def _ask(self, one: tuple[int, str, int], kind: str) -> FilmFacts | UpstreamError:
        try:
            return await self._look_up.values_for(one[2], fresh=kind == "full")
        except UpstreamNotFound:
            return UpstreamNotFound(f"TMDB has no film of the number {one[2]} any more")
        except UpstreamError as problem:
            return problem

    def _write(
        self, session: Session, task_id: str, disc_id: int, name: str, answer: FilmFacts | UpstreamError
    ) -> DiscRefresh:
        row = session.get_one(DiscRefresh, task_id)
        row.done += 1
        row.total = max(row.total, row.done)
        row.status = f"Updating {name}... ({row.done}/{row.total})"
        row.last_disc_id = disc_id
        if isinstance(answer, UpstreamError):
            row.failed += 1
            if len(row.failures) < MOST_FAILURES:
                row.failures = [*row.failures, {"disc_id": disc_id, "name": name, "reason": answer.message}]
        else:
            try:
                changed = self._look_up.write_facts(session, disc_id, answer, only_missing=row.kind == "details")
            except DiscNotFound:
                changed = frozenset()
            if changed:
                row.updated += 1
            else:
                row.skipped += 1
        session.flush()
        return row

    def _end(self, session: Session, task_id: str) -> DiscRefresh:
        row = session.get_one(DiscRefresh, task_id)
        row.total = row.done
        row.finished_at = self._clock.now()
        session.flush()
        return row
