"""Matches nobody can be sure of: they wait for a person, whose word stays."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import Conflict, InvalidInput, NotFound
from kinoshelf.core.events import publish
from kinoshelf.titles.events import ReviewDecided
from kinoshelf.titles.identity import Source, attach, ensure_film, find_by_id, get_title, make_title
from kinoshelf.titles.likeness import Match, Wanted
from kinoshelf.titles.models import TitleReview

WAITING, DECIDED, DISMISSED = "waiting", "decided", "dismissed"
MOST_CANDIDATES = 10
LONGEST_SUBJECT = 200


class ReviewNotFound(NotFound):
    def __init__(self, review_id: int) -> None:
        super().__init__(f"there is no open question {review_id}")


class ReviewClosed(Conflict):
    def __init__(self, state: str) -> None:
        super().__init__(f"this question is {state} already")


def add_review(session: Session, wanted: Wanted, match: Match, now: datetime) -> int | None:
    """Let a match wait for a person; return its number, or None where the person has spoken already.

    Each subject asks once: what waits is brought up to date, what was decided or dismissed stays.
    """
    if not wanted.subject or len(wanted.subject) > LONGEST_SUBJECT:
        raise InvalidInput(f"who asks is named in 1 to {LONGEST_SUBJECT} characters")
    wait_turn(session, f"titles.review.{wanted.subject}")
    row = session.scalar(select(TitleReview).where(TitleReview.subject == wanted.subject))
    candidates = [judged.packed() for judged in match.candidates[:MOST_CANDIDATES]]
    if row is None:
        row = TitleReview(subject=wanted.subject, kind=wanted.kind, state=WAITING, created_at=now)
        session.add(row)
    elif row.state != WAITING:
        return None
    row.kind, row.name, row.year, row.candidates = (
        wanted.kind,
        wanted.name.replace("\0", " ")[:500],
        wanted.year,
        candidates,
    )
    session.flush()
    return row.id


def count_waiting(session: Session) -> int:
    query = select(func.count()).select_from(TitleReview).where(TitleReview.state == WAITING)
    return session.scalar(query) or 0


def list_waiting(session: Session, *, after: int = 0, limit: int = 50) -> list[TitleReview]:
    """Return what waits, the oldest first; `after` is the number of the last one seen."""
    query = select(TitleReview).where(TitleReview.state == WAITING, TitleReview.id > after)
    return list(session.scalars(query.order_by(TitleReview.id).limit(limit)))


def get_review(session: Session, review_id: int) -> TitleReview:
    """Raises ReviewNotFound."""
    row = session.get(TitleReview, review_id)
    if row is None:
        raise ReviewNotFound(review_id)
    return row


def decision_for(session: Session, subject: str) -> int | None:
    """Return the title a person chose for this subject."""
    return session.scalar(
        select(TitleReview.title_id).where(TitleReview.subject == subject, TitleReview.state == DECIDED)
    )


def decide(session: Session, review_id: int, *, now: datetime, source: str, key: int) -> int:
    """Take a person's word: `title` and one of our titles, or `tmdb.movie` and TMDB's number. Return the title.

    A decision may be changed by a further one, by a person only. Raises ReviewNotFound, TitleNotFound, InvalidInput.
    """
    row = get_review(session, review_id)
    if source == "title":
        title_id = get_title(session, key).id
    elif source in {Source.TMDB_MOVIE, Source.TMDB_TV}:
        title_id = _title_of(session, row, source, key, now)
    else:
        raise InvalidInput("a title is chosen by its own number or by that of TMDB")
    row.state, row.title_id, row.decided_at = DECIDED, title_id, now
    session.flush()
    publish(session, ReviewDecided(row.id, row.subject, title_id))
    return title_id


def dismiss(session: Session, review_id: int, *, now: datetime) -> None:
    """Take it from the list: no title fits, and nobody is to ask again. Raises ReviewNotFound, ReviewClosed."""
    row = get_review(session, review_id)
    if row.state != WAITING:
        raise ReviewClosed(row.state)
    row.state, row.decided_at = DISMISSED, now
    session.flush()
    publish(session, ReviewDecided(row.id, row.subject, None))


def reopen(session: Session, review_id: int) -> None:
    """Let it wait again, as before the decision."""
    row = get_review(session, review_id)
    row.state, row.title_id, row.decided_at = WAITING, None, None
    session.flush()


def forget(session: Session, subject: str) -> None:
    """Drop the question of a subject that is no more."""
    row = session.scalar(select(TitleReview).where(TitleReview.subject == subject))
    if row is not None:
        session.delete(row)
        session.flush()


def _title_of(session: Session, row: TitleReview, source: str, key: int, now: datetime) -> int:
    found = find_by_id(session, source, key)
    if found is not None:
        return found
    known = next((one for one in row.candidates if (one["source"], one["id"]) == (source, key)), None)
    name, year = (known["name"], known["year"]) if known else (row.name, row.year)
    if source == Source.TMDB_MOVIE:
        return ensure_film(session, now=now, tmdb_id=key, name=name, year=year)
    title_id = make_title(session, kind="series", name=name, year=year, now=now)
    attach(session, title_id, source, key, now=now)
    return title_id
