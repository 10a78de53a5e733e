"""One action on a selection of downloads, whichever endpoint asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from kinoshelf.downloads import control
from kinoshelf.downloads.control import Removed, Selection
from kinoshelf.downloads.states import CANCELLABLE, State

Act = Callable[[Session, Selection, datetime], Removed]

# What failed stays failed when many are cancelled: nothing of it would come any more.
CANCELLED_IN_BULK = CANCELLABLE - {State.FAILED}
RETRIED_IN_BULK = frozenset({State.FAILED, State.WAITING})
RETRIED_IN_BATCH = frozenset({State.FAILED, State.WAITING, State.CANCELLED, State.SKIPPED})


def pause(session: Session, selection: Selection, now: datetime) -> Removed:
    return Removed(control.pause(session, selection, now))


def resume(session: Session, selection: Selection, now: datetime) -> Removed:
    return Removed(control.resume(session, selection, now))


def retry(session: Session, selection: Selection, now: datetime) -> Removed:
    return Removed(control.retry(session, selection, now))


def retry_unfinished(session: Session, selection: Selection, now: datetime) -> Removed:
    return Removed(control.retry(session, selection, now, RETRIED_IN_BULK))


def cancel(session: Session, selection: Selection, now: datetime) -> Removed:
    return control.cancel(session, selection, now)


def cancel_unfinished(session: Session, selection: Selection, now: datetime) -> Removed:
    return control.cancel(session, selection, now, CANCELLED_IN_BULK)


def delete(session: Session, selection: Selection, now: datetime) -> Removed:
    return control.remove(session, selection, now)


def resume_batch(session: Session, selection: Selection, now: datetime) -> Removed:
    """Bring back everything of a batch that is not completed, the failed and the cancelled included."""
    resumed = control.resume(session, selection, now)
    again = control.retry(session, selection, now, {State.FAILED, State.CANCELLED})
    return Removed([*resumed, *again])


def retry_batch(session: Session, selection: Selection, now: datetime) -> Removed:
    return Removed(control.retry(session, selection, now, RETRIED_IN_BATCH))


ON_SINGLE: dict[str, Act] = {"pause": pause, "resume": resume, "retry": retry, "cancel": cancel, "delete": delete}
ON_ALL: dict[str, Act] = {
    "pause": pause,
    "resume": resume,
    "retry": retry_unfinished,
    "cancel": cancel_unfinished,
}
ON_BATCH: dict[str, Act] = {
    "pause": pause,
    "resume": resume_batch,
    "retry": retry_batch,
    "cancel": cancel_unfinished,
    "delete": delete,
}
PAST = {"pause": "paused", "resume": "resumed", "retry": "retried", "cancel": "cancelled"}
