"""Reads for screens and checks."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.jobs.errors import JobNotFound
from kinoshelf.core.jobs.models import Job, JobState


def get_job(session: Session, job_id: str) -> Job:
    """Raises JobNotFound."""
    found = session.get(Job, job_id)
    if found is None:
        raise JobNotFound(job_id)
    return found


def list_jobs(
    session: Session,
    *,
    states: Collection[JobState] = (),
    name: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Job]:
    """Return jobs, newest first."""
    query = select(Job).order_by(Job.created_at.desc(), Job.id).limit(limit).offset(offset)
    if states:
        query = query.where(Job.state.in_(states))
    if name is not None:
        query = query.where(Job.name == name)
    return list(session.scalars(query))


def count_jobs_by_state(session: Session) -> dict[JobState, int]:
    """Return a number for every state, 0 included."""
    found = {
        JobState(state): count
        for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    }
    return {state: found.get(state, 0) for state in JobState}
