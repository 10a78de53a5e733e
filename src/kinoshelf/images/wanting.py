"""Rows of pictures: asked for, claimed to be fetched, kept, failed. Each inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.events import publish
from kinoshelf.core.jobs.queue import rows_changed
from kinoshelf.images.events import ArtworkChanged
from kinoshelf.images.formats import PictureFacts
from kinoshelf.images.models import Artwork, ArtworkState
from kinoshelf.images.sizes import UPLOAD

LEASE = timedelta(minutes=2)
"""Whoever fetches a picture has it for this long. If they die, it is free again."""
UNREACHED_STEPS = tuple(
    timedelta(seconds=seconds) for seconds in (60, 300, 1800, 2 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600)
)
"""Between attempts at a place that has trouble."""
REFUSED_STEPS = (timedelta(days=1), timedelta(days=7))
"""Between attempts where the answer was clear: nothing there, or no picture."""


@dataclass(frozen=True, slots=True)
class Fetchable:
    artwork_id: int
    source_key: str
    source_url: str | None
    attempts: int


def want(session: Session, source_key: str, url: str | None, now: datetime) -> int:
    """Return the number of the picture of that key; it is fetched when it is first looked at.

    Another address than before makes a picture that has failed wanted again.
    """
    for _ in range(5):
        row = session.execute(
            select(Artwork.id, Artwork.source_url, Artwork.state, Artwork.unused_at).where(
                Artwork.source_key == source_key
            )
        ).one_or_none()
        if row is None:
            artwork = Artwork(source_key=source_key, source_url=url, state=ArtworkState.WANTED, created_at=now)
            try:
                with session.begin_nested():
                    session.add(artwork)
            except IntegrityError:
                # Somebody wanted the same at this very moment.
                continue
            return artwork.id
        changes: dict[str, Any] = {}
        if row.unused_at is not None:
            changes["unused_at"] = None
        if row.state == ArtworkState.FAILED and url is not None and url != row.source_url:
            changes |= {"source_url": url, **_WANTED}
            publish(session, ArtworkChanged((row.id,)))
        # Nothing changed means that the tidying took the row meanwhile.
        if not changes or rows_changed(session, update(Artwork).where(Artwork.id == row.id).values(**changes)):
            found: int = row.id
            return found
    raise DatabaseUnavailable("the picture could not be noted: equal ones come and go")


_WANTED: dict[str, Any] = {"state": ArtworkState.WANTED, "attempts": 0, "retry_at": None, "error_message": None}


def want_again(session: Session, artwork_id: int) -> bool:
    """Let a picture that failed be fetched at the next look, whatever was said before; False where nothing failed."""
    changed = rows_changed(
        session,
        update(Artwork)
        .where(
            Artwork.id == artwork_id, Artwork.state == ArtworkState.FAILED, Artwork.source_key.not_like(f"{UPLOAD}%")
        )
        .values(**_WANTED),
    )
    if changed:
        publish(session, ArtworkChanged((artwork_id,)))
    return bool(changed)


def is_due(state: str, retry_at: datetime | None, now: datetime) -> bool:
    """Tell whether a picture may be fetched now. Pure."""
    if state == ArtworkState.KEPT:
        return False
    if retry_at is None:
        return state == ArtworkState.WANTED
    return retry_at <= now


def claim(session: Session, artwork_id: int, now: datetime) -> Fetchable | None:
    """Take a picture to fetch it; None when it is there, not due, or somebody else has it."""
    row = session.execute(
        update(Artwork)
        .where(
            Artwork.id == artwork_id,
            or_(
                (Artwork.state == ArtworkState.WANTED) & Artwork.retry_at.is_(None),
                (Artwork.state != ArtworkState.KEPT) & (Artwork.retry_at <= now),
            ),
            Artwork.source_key.not_like(f"{UPLOAD}%"),
        )
        .values(attempts=Artwork.attempts + 1, retry_at=now + LEASE)
        .returning(Artwork.id, Artwork.source_key, Artwork.source_url, Artwork.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    if row.attempts > len(UNREACHED_STEPS) + 1:
        # Attempts that never came to an end, as of a picture that ends the process.
        give_up(session, artwork_id, "this picture could not be fetched, however often it was tried")
        return None
    return Fetchable(row.id, row.source_key, row.source_url, row.attempts)


def give_back(session: Session, artwork_id: int) -> None:
    """Return a claimed picture unharmed: the attempt does not count."""
    session.execute(
        update(Artwork)
        .where(Artwork.id == artwork_id, Artwork.state != ArtworkState.KEPT)
        .values(attempts=Artwork.attempts - 1, retry_at=None, state=ArtworkState.WANTED)
    )
    publish(session, ArtworkChanged((artwork_id,)))


def record_kept(
    session: Session, artwork_id: int, content_key: str, facts: PictureFacts, size_bytes: int, now: datetime
) -> None:
    """The file lies in its place: from here on the row says so."""
    session.execute(
        update(Artwork)
        .where(Artwork.id == artwork_id)
        .values(
            state=ArtworkState.KEPT,
            content_key=content_key,
            media_type=facts.media_type,
            width=facts.width,
            height=facts.height,
            size_bytes=size_bytes,
            preview=facts.preview,
            error_message=None,
            attempts=0,
            retry_at=None,
            fetched_at=now,
        )
    )
    publish(session, ArtworkChanged((artwork_id,)))


def record_failure(session: Session, artwork_id: int, message: str, retry_at: datetime | None) -> None:
    session.execute(
        update(Artwork)
        .where(Artwork.id == artwork_id, Artwork.state != ArtworkState.KEPT)
        .values(state=ArtworkState.FAILED, error_message=message[:1000], retry_at=retry_at)
    )
    publish(session, ArtworkChanged((artwork_id,)))


def give_up(session: Session, artwork_id: int, message: str) -> None:
    record_failure(session, artwork_id, message, None)


def record_lost(session: Session, artwork_id: int, content_key: str) -> None:
    """The file of a kept picture is gone or damaged: fetch it again, or say that it cannot be had again."""
    lost = update(Artwork).where(
        Artwork.id == artwork_id, Artwork.content_key == content_key, Artwork.state == ArtworkState.KEPT
    )
    is_upload = Artwork.source_key.like(f"{UPLOAD}%")
    session.execute(
        lost.where(is_upload).values(
            state=ArtworkState.FAILED,
            error_message="the file of this picture is gone or damaged, and nobody but you has another",
            retry_at=None,
        )
    )
    session.execute(lost.where(~is_upload).values(**_WANTED))
    publish(session, ArtworkChanged((artwork_id,)))


def keep_upload(session: Session, content_key: str, facts: PictureFacts, size_bytes: int, now: datetime) -> int:
    """Note what a person handed in; its file lies in its place. The same picture has the same number."""
    artwork_id = want(session, f"{UPLOAD}{content_key}", None, now)
    record_kept(session, artwork_id, content_key, facts, size_bytes, now)
    return artwork_id


def retry_after(attempts: int, *, is_clear: bool, asked: timedelta | None) -> timedelta | None:
    """Return how long to wait after the failed attempt of that number, from 1; None: not again. Pure."""
    steps = REFUSED_STEPS if is_clear else UNREACHED_STEPS
    if attempts > len(steps):
        return None
    return max(steps[attempts - 1], asked or timedelta())
