"""Every change to a job's row, each inside the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Table,
    Update,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.claims import candidates, held, is_free, orphaned, renew, take
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.events import publish
from kinoshelf.core.jobs.context import JobProgress
from kinoshelf.core.jobs.errors import JobNotCancellable, JobNotFound
from kinoshelf.core.jobs.events import JobCancelRequested, JobFinished, JobQueued, JobStarted
from kinoshelf.core.jobs.kinds import kind_of, known_kinds
from kinoshelf.core.jobs.models import UNFINISHED, Job, JobState

Trigger = Literal["user", "schedule", "event"]

jobs = cast("Table", Job.__table__)

RELEASED: Mapping[str, Any] = {"claimed_by": None, "lease_until": None}


def rows_changed(session: Session, statement: Update | Delete) -> int:
    """Execute an UPDATE or DELETE and return how many rows it met."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def enqueue(
    session: Session,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    clock: Clock,
    trigger: Trigger = "user",
    dedupe_key: str | None = None,
    exclusive_key: str | None = None,
    priority: int = 0,
    not_before: datetime | None = None,
) -> Job:
    """Add a job in this transaction, or return the equal one that is not finished yet.

    An equal one that waits is brought forward when this call asks for it earlier or with a higher priority. Keys that
    are not given follow from what the job declares. Raises JobUnknown.
    """
    kind = kind_of(name)
    given = dict(arguments or {})
    dedupe_key = dedupe_key or kind.dedupe_key(given)
    for _ in range(5):
        if dedupe_key is not None:
            found = session.scalars(
                select(Job).where(Job.dedupe_key == dedupe_key, Job.state.in_(UNFINISHED))
            ).one_or_none()
            if found is not None:
                return _brought_forward(session, found, priority, not_before)
        job = Job(
            id=str(uuid.uuid4()),
            name=name,
            arguments=given,
            dedupe_key=dedupe_key,
            exclusive_key=exclusive_key or kind.exclusive_key(given),
            state=JobState.QUEUED,
            priority=priority,
            trigger=trigger,
            max_attempts=kind.max_attempts,
            not_before=not_before,
            created_at=clock.now(),
        )
        try:
            with session.begin_nested():
                session.add(job)
        except IntegrityError:
            # Somebody enqueued the same at this very moment.
            continue
        publish(session, JobQueued(job.id, name))
        return job
    raise DatabaseUnavailable("the job could not be enqueued: equal ones come and go")


def _brought_forward(session: Session, job: Job, priority: int, not_before: datetime | None) -> Job:
    if job.state != JobState.QUEUED:
        return job
    is_earlier = job.not_before is not None and (not_before is None or not_before < job.not_before)
    if is_earlier or priority > job.priority:
        job.not_before = not_before if is_earlier else job.not_before
        job.priority = max(job.priority, priority)
        session.flush()
        publish(session, JobQueued(job.id, job.name))
    return job


def cancel(session: Session, job_id: str, *, clock: Clock) -> Job:
    """End a waiting job, or ask its worker to stop it. Raises JobNotFound, and JobNotCancellable for a finished one."""
    job = session.scalars(select(Job).where(Job.id == job_id).with_for_update()).one_or_none()
    if job is None:
        raise JobNotFound(job_id)
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, clock.now()
        publish(session, JobFinished(job.id, job.name, job.state))
    elif job.state == JobState.RUNNING:
        job.is_cancel_requested = True
        publish(session, JobCancelRequested(job.id))
    else:
        raise JobNotCancellable(job_id, job.state)
    session.flush()
    return job


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    id: str
    name: str
    arguments: dict[str, Any]
    trigger: str
    attempt: int


def _is_runnable(names: Collection[str], now: datetime) -> ColumnElement[bool]:
    other = jobs.alias()
    is_blocked = exists().where(other.c.exclusive_key == jobs.c.exclusive_key, other.c.state == JobState.RUNNING)
    return and_(
        jobs.c.state == JobState.QUEUED,
        jobs.c.name.in_(names),
        or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now),
        or_(jobs.c.exclusive_key.is_(None), ~is_blocked),
    )


def has_runnable(session: Session, names: Collection[str], now: datetime) -> bool:
    """Tell whether `claim` would find anything; it only reads."""
    return bool(session.scalar(select(exists().where(_is_runnable(names, now), is_free(jobs, now)))))


def claim(session: Session, worker: str, names: Collection[str], limit: int, now: datetime) -> list[ClaimedJob]:
    """Take up to `limit` jobs: by priority, then by age. Those of one exclusive key come one at a time."""
    c = jobs.c
    rows = session.execute(
        candidates(
            jobs,
            (c.id, c.name, c.arguments, c.trigger, c.attempts, c.exclusive_key),
            _is_runnable(names, now),
            (c.priority.desc(), c.created_at, c.id),
            limit,
            now,
        )
    ).all()
    taken: list[ClaimedJob] = []
    keys: set[str] = set()
    values = {
        "state": JobState.RUNNING,
        "attempts": c.attempts + 1,
        "started_at": now,
        "progress_done": 0,
        "progress_total": None,
        "message": "",
    }
    for row in rows:
        if row.exclusive_key in keys:
            continue
        try:
            with session.begin_nested():
                take(session, jobs, [row.id], worker, now, **values)
        except IntegrityError:
            # Another worker began one of the same exclusive key; this one stays queued.
            continue
        if row.exclusive_key is not None:
            keys.add(row.exclusive_key)
        taken.append(ClaimedJob(row.id, row.name, row.arguments, row.trigger, row.attempts + 1))
        publish(session, JobStarted(row.id, row.name))
    return taken


def finish(
    session: Session,
    job: ClaimedJob,
    worker: str,
    now: datetime,
    state: JobState,
    *,
    progress: JobProgress,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Write the end of a job; False, and nothing written, when it is no longer this worker's."""
    ended = _update_held(
        session,
        job,
        worker,
        state=state,
        result=result,
        error=error,
        finished_at=now,
        **_progress_values(progress),
        **RELEASED,
    )
    if ended:
        publish(session, JobFinished(job.id, job.name, state))
    return ended


def put_back(session: Session, job: ClaimedJob, worker: str, *, not_before: datetime | None, error: str | None) -> bool:
    """Let the job be tried again. Without an `error` it was given back unharmed and the attempt does not count."""
    back = _update_held(
        session,
        job,
        worker,
        state=JobState.QUEUED,
        not_before=not_before,
        error=error,
        attempts=jobs.c.attempts - (0 if error else 1),
        **RELEASED,
    )
    if back:
        publish(session, JobQueued(job.id, job.name))
    return back


def _update_held(session: Session, job: ClaimedJob, worker: str, **values: Any) -> bool:
    return rows_changed(session, update(jobs).where(jobs.c.id == job.id, held(jobs, worker)).values(**values)) > 0


def write_progress(session: Session, worker: str, samples: Sequence[JobProgress]) -> None:
    for sample in samples:
        session.execute(
            update(jobs).where(jobs.c.id == sample.job_id, held(jobs, worker)).values(**_progress_values(sample))
        )


def _progress_values(sample: JobProgress) -> dict[str, Any]:
    return {"progress_done": sample.done, "progress_total": sample.total, "message": sample.text}


def heartbeat(session: Session, worker: str, now: datetime) -> dict[str, bool]:
    """Renew what `worker` holds; return those jobs, and whether each was asked to stop."""
    renew(session, jobs, worker, now)
    rows = session.execute(
        select(jobs.c.id, jobs.c.is_cancel_requested).where(jobs.c.state == JobState.RUNNING, held(jobs, worker))
    )
    return {row.id: row.is_cancel_requested for row in rows}


def _is_orphan(worker: str, now: datetime, dead: Sequence[str], *, restarted: bool) -> ColumnElement[bool]:
    lost = and_(orphaned(jobs, now, dead), jobs.c.claimed_by != worker)
    return and_(jobs.c.state == JobState.RUNNING, or_(lost, held(jobs, worker)) if restarted else lost)


def has_orphans(session: Session, worker: str, now: datetime, dead: Sequence[str], *, restarted: bool = False) -> bool:
    """Tell whether `rescue` would find anything; it only reads."""
    return bool(session.scalar(select(exists().where(_is_orphan(worker, now, dead, restarted=restarted)))))


def rescue(session: Session, worker: str, now: datetime, dead: Sequence[str], *, restarted: bool = False) -> int:
    """Free the jobs whose worker died: to be tried again, or failed when they outlived too many workers.

    `restarted`: this worker runs nothing yet, so what it holds is left over from before. Returns how many.
    """
    rows = session.scalars(
        select(Job).where(_is_orphan(worker, now, dead, restarted=restarted)).with_for_update(skip_locked=True)
    ).all()
    for job in rows:
        job.claimed_by = job.lease_until = None
        if job.is_cancel_requested:
            job.state, job.finished_at = JobState.CANCELLED, now
        elif job.attempts >= job.max_attempts:
            job.state, job.finished_at = JobState.FAILED, now
            job.error = f"the process that ran this job ended before it was done, {job.attempts} times"
        else:
            job.state = JobState.QUEUED
            publish(session, JobQueued(job.id, job.name))
            continue
        publish(session, JobFinished(job.id, job.name, job.state))
    session.flush()
    return len(rows)


def next_due(session: Session, names: Collection[str], now: datetime) -> datetime | None:
    """Return when the next waiting job may start that may not start now."""
    due: datetime | None = session.scalar(
        select(func.min(jobs.c.not_before)).where(
            jobs.c.state == JobState.QUEUED, jobs.c.name.in_(names), jobs.c.not_before > now
        )
    )
    return due


def others_run_until(session: Session, worker: str) -> datetime | None:
    """Return when the first lease of another worker would run out; None when no other runs anything."""
    until: datetime | None = session.scalar(
        select(func.min(jobs.c.lease_until)).where(jobs.c.state == JobState.RUNNING, jobs.c.claimed_by != worker)
    )
    return until


def remove_finished(session: Session, before: datetime) -> int:
    """Remove the rows of jobs that ended before that time; return how many."""
    return rows_changed(session, delete(jobs).where(jobs.c.finished_at < before))


def fail_unknown(session: Session, now: datetime, created_before: datetime) -> int:
    """Fail old waiting jobs that no code of this version declares; return how many."""
    rows = session.scalars(
        select(Job).where(Job.state == JobState.QUEUED, Job.name.not_in(known_kinds()), Job.created_at < created_before)
    ).all()
    for job in rows:
        job.state, job.finished_at, job.error = JobState.FAILED, now, f"this version has no job called {job.name}"
    return len(rows)
