"""Jobs that start by themselves: once at each moment, however many processes watch the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.events import publish
from kinoshelf.core.jobs.cron import machine_zone, next_run
from kinoshelf.core.jobs.errors import ScheduleNotFound
from kinoshelf.core.jobs.events import SchedulesChanged
from kinoshelf.core.jobs.models import Job, Schedule
from kinoshelf.core.jobs.queue import enqueue, rows_changed
from kinoshelf.core.jobs.registry import JobRegistry

log = structlog.get_logger()


class Schedules:
    """`zone` tells the user's time zone, None for that of the machine; it is asked anew every time."""

    def __init__(self, registry: JobRegistry, clock: Clock, zone: Callable[[], tzinfo | None] = lambda: None) -> None:
        self._registry = registry
        self._clock = clock
        self._zone = zone

    def _next(self, cron: str, now: datetime) -> datetime:
        return next_run(cron, now, self._zone() or machine_zone())

    def _wanted(self, row: Schedule, now: datetime) -> datetime | None:
        if not row.is_enabled:
            return None
        # A moment that passed while nothing ran is still to be caught up.
        return (
            row.next_run_at
            if row.next_run_at and row.next_run_at <= now
            else self._next_if_any(row.name, row.cron, now)
        )

    def _next_if_any(self, name: str, cron: str, now: datetime) -> datetime | None:
        """Return None for a line that became unreadable: one bad schedule must not stop the others."""
        try:
            return self._next(cron, now)
        except InvalidInput as error:
            log.error("jobs.schedule_unreadable", schedule=name, error=error.message)  # noqa: TRY400 -- no defect
            return None

    def is_installed(self, session: Session) -> bool:
        """Tell whether `install` would change anything; it only reads."""
        now = self._clock.now()
        rows = {row.name: row for row in session.scalars(select(Schedule))}
        return all(
            name in rows and rows[name].next_run_at == self._wanted(rows[name], now) for name in self._registry.plans
        )

    def install(self, session: Session) -> None:
        """Give every declared schedule a row, and every row the next moment in the time zone of now."""
        now = self._clock.now()
        for plan in self._registry.plans.values():
            row = session.get(Schedule, plan.name)
            if row is None:
                row = Schedule(
                    name=plan.name,
                    cron=plan.cron,
                    is_enabled=plan.is_enabled,
                    next_run_at=self._next(plan.cron, now) if plan.is_enabled else None,
                )
                try:
                    with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    # Another process that starts at this moment was first.
                    continue
            else:
                row.next_run_at = self._wanted(row, now)
        session.flush()

    def next_due(self, session: Session) -> datetime | None:
        due: datetime | None = session.scalar(
            select(func.min(Schedule.next_run_at)).where(Schedule.is_enabled, Schedule.name.in_(self._registry.plans))
        )
        return due

    def fire_due(self, session: Session) -> list[Job]:
        """Enqueue what is due and move its schedule on, in one transaction. Missed moments count once."""
        now = self._clock.now()
        due = session.execute(
            select(Schedule.name, Schedule.cron, Schedule.next_run_at).where(
                Schedule.is_enabled, Schedule.next_run_at <= now, Schedule.name.in_(self._registry.plans)
            )
        ).all()
        fired = []
        for row in due:
            moved = rows_changed(
                session,
                update(Schedule)
                .where(Schedule.name == row.name, Schedule.is_enabled, Schedule.next_run_at == row.next_run_at)
                .values(next_run_at=self._next_if_any(row.name, row.cron, now), last_run_at=now)
                .execution_options(synchronize_session=False),
            )
            if moved:
                plan = self._registry.plans[row.name]
                fired.append(enqueue(session, plan.job, plan.arguments, clock=self._clock, trigger="schedule"))
        return fired

    def list_all(self, session: Session) -> list[Schedule]:
        """Return the schedules declared in this process, by name."""
        return list(
            session.scalars(select(Schedule).where(Schedule.name.in_(self._registry.plans)).order_by(Schedule.name))
        )

    def change(
        self, session: Session, name: str, *, cron: str | None = None, is_enabled: bool | None = None
    ) -> Schedule:
        """Change a schedule; every process follows at once. Raises ScheduleNotFound, and InvalidInput for the line."""
        row = session.get(Schedule, name, with_for_update=True)
        if row is None or name not in self._registry.plans:
            raise ScheduleNotFound(name)
        row.cron = row.cron if cron is None else cron.strip()
        row.is_enabled = row.is_enabled if is_enabled is None else is_enabled
        upcoming = self._next(row.cron, self._clock.now())
        row.next_run_at = upcoming if row.is_enabled else None
        session.flush()
        publish(session, SchedulesChanged())
        return row

    def start_now(self, session: Session, name: str) -> Job:
        """Enqueue the job of a schedule at the user's wish; its next moment stays. Raises ScheduleNotFound."""
        plan = self._registry.plans.get(name)
        if plan is None:
            raise ScheduleNotFound(name)
        return enqueue(session, plan.job, plan.arguments, clock=self._clock, trigger="user")
