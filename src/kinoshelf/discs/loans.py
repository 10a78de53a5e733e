"""Discs in other people's hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.errors import Conflict, NotFound
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.events import DiscChanged, tell
from kinoshelf.discs.fields import FIELDS, label
from kinoshelf.discs.models import Disc, DiscLoan

MOST_BORROWER_CHARACTERS = 200
MOST_NOTES_CHARACTERS = 500
MOST_SUGGESTIONS = 10


class DiscOnLoan(Conflict):
    def __init__(self, name: str, borrower: str) -> None:
        super().__init__(f"\u00ab{name}\u00bb is already lent to {borrower}")


class LoanNotFound(NotFound):
    def __init__(self, loan_id: int) -> None:
        super().__init__(f"there is no loan {loan_id}")


class LoanReturned(Conflict):
    def __init__(self, on: date) -> None:
        super().__init__(f"it came back on {on.isoformat()} already")


@dataclass(frozen=True, slots=True)
class Loan:
    """One loan with the name of its disc. Overdue: open, and its day has passed."""

    id: int
    disc_id: int
    disc_name: str
    borrower: str
    lent_on: date
    due_on: date | None
    returned_on: date | None
    notes: str
    is_overdue: bool

    def as_json(self) -> dict[str, Any]:
        days = {name: getattr(self, name) for name in ("lent_on", "due_on", "returned_on")}
        return {
            "id": self.id,
            "disc_id": self.disc_id,
            "disc_name": self.disc_name,
            "borrower": self.borrower,
            "notes": self.notes,
            "is_overdue": self.is_overdue,
            **{name: day.isoformat() if day else None for name, day in days.items()},
        }


def lend(
    session: Session,
    disc_id: int,
    borrower: str,
    today: date,
    *,
    lent_on: Any = None,
    due_on: Any = None,
    notes: str = "",
) -> Loan:
    """Write down who has the disc; `today` is the user's. Raises DiscNotFound, DiscInvalid, DiscOnLoan."""
    disc = session.get(Disc, disc_id, with_for_update=True)
    if disc is None:
        raise DiscNotFound(disc_id)
    values = _checked(borrower, lent_on or today, due_on, notes)
    lent = session.scalars(select(DiscLoan).where(DiscLoan.disc_id == disc_id, DiscLoan.returned_on.is_(None))).first()
    if lent is not None:
        raise DiscOnLoan(disc.name, lent.borrower)
    if disc.status == "disposed":
        raise DiscInvalid([("borrower", f"\u00ab{disc.name}\u00bb is disposed of and cannot be lent")])
    row = DiscLoan(disc_id=disc_id, returned_on=None, **values)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise DiscOnLoan(disc.name, "somebody") from None
    tell(session, DiscChanged, (disc_id,))
    return _loan(row, disc.name, today)


def change(session: Session, loan_id: int, today: date, **given: Any) -> Loan:
    """Change `borrower`, `lent_on`, `due_on` or `notes` of a loan. Raises LoanNotFound, DiscInvalid."""
    row, name = _get(session, loan_id)
    present = {field: getattr(row, field) for field in ("borrower", "lent_on", "due_on", "notes")}
    for field, value in _checked(**{**present, **given}).items():
        setattr(row, field, value)
    session.flush()
    tell(session, DiscChanged, (row.disc_id,))
    return _loan(row, name, today)


def give_back(session: Session, loan_id: int, today: date, *, returned_on: Any = None) -> Loan:
    """End a loan. Raises LoanNotFound, LoanReturned, DiscInvalid."""
    row, name = _get(session, loan_id)
    if row.returned_on is not None:
        raise LoanReturned(row.returned_on)
    on = _day("returned_on", returned_on or today)
    if on is not None and on < row.lent_on:
        raise DiscInvalid([("returned_on", "it cannot come back before it was lent")])
    row.returned_on = on
    session.flush()
    tell(session, DiscChanged, (row.disc_id,))
    return _loan(row, name, today)


def give_back_disc(session: Session, disc_id: int, today: date) -> Loan:
    """End the open loan of a disc. Raises DiscNotFound, DiscInvalid where it is not lent."""
    disc = session.get(Disc, disc_id)
    if disc is None:
        raise DiscNotFound(disc_id)
    query = select(DiscLoan.id).where(DiscLoan.disc_id == disc_id, DiscLoan.returned_on.is_(None))
    loan_id = session.scalar(query)
    if loan_id is None:
        raise DiscInvalid([("disc_id", f"\u00ab{disc.name}\u00bb is not lent")])
    return give_back(session, loan_id, today)


def list_loans(
    session: Session,
    today: date,
    *,
    is_open: bool | None = None,
    overdue_only: bool = False,
    disc_id: int | None = None,
    borrower: str = "",
    limit: int = 200,
    offset: int = 0,
) -> list[Loan]:
    """Return loans: open ones by their day, then returned ones, the latest first."""
    query = select(DiscLoan, Disc.name).join(Disc, Disc.id == DiscLoan.disc_id)
    if is_open is not None or overdue_only:
        query = query.where(
            DiscLoan.returned_on.is_(None) if is_open or overdue_only else DiscLoan.returned_on.is_not(None)
        )
    if overdue_only:
        query = query.where(DiscLoan.due_on < today)
    if disc_id is not None:
        query = query.where(DiscLoan.disc_id == disc_id)
    if borrower:
        query = query.where(DiscLoan.borrower == borrower)
    # Whatever a database thinks of empty values: open loans first, those without a day after those with one.
    query = query.order_by(
        DiscLoan.returned_on.is_not(None),
        DiscLoan.returned_on.desc(),
        DiscLoan.due_on.is_(None),
        DiscLoan.due_on,
        DiscLoan.lent_on.desc(),
        DiscLoan.id.desc(),
    )
    return [_loan(row, name, today) for row, name in session.execute(query.limit(limit).offset(offset))]


def count_loans(session: Session, today: date) -> tuple[int, int]:
    """Return how many discs are lent, and how many of them are overdue."""
    is_open = DiscLoan.returned_on.is_(None)
    query = select(func.count(), func.count().filter(DiscLoan.due_on < today)).where(is_open)
    row = session.execute(query).one()
    return row[0], row[1]


def suggest_borrowers(session: Session, part: str = "") -> Sequence[str]:
    """Return names of people who borrowed before, the latest first."""
    query = select(DiscLoan.borrower, func.max(DiscLoan.id).label("latest")).group_by(DiscLoan.borrower)
    rows = session.execute(query.order_by(func.max(DiscLoan.id).desc())).all()
    wanted = part.strip().casefold()
    return [row.borrower for row in rows if wanted in row.borrower.casefold()][:MOST_SUGGESTIONS]


def _get(session: Session, loan_id: int) -> tuple[DiscLoan, str]:
    row = session.get(DiscLoan, loan_id, with_for_update=True)
    if row is None:
        raise LoanNotFound(loan_id)
    return row, session.scalar(select(Disc.name).where(Disc.id == row.disc_id)) or ""


def _day(field: str, value: Any) -> date | None:
    try:
        found: date | None = FIELDS["purchased_on"].read(value)
    except ValueError as problem:
        raise DiscInvalid([(field, f"the day {problem}")]) from None
    return found


def _checked(borrower: Any, lent_on: Any, due_on: Any, notes: Any) -> dict[str, Any]:
    try:
        who = FIELDS["purchase_place"].read(borrower)
    except ValueError as problem:
        raise DiscInvalid([("borrower", f"the borrower {problem}")]) from None
    try:
        words = FIELDS["notes"].read(notes)
    except ValueError as problem:
        raise DiscInvalid([("notes", f"{label('notes')} {problem}")]) from None
    if not who:
        raise DiscInvalid([("borrower", "who has the disc?")])
    if len(words) > MOST_NOTES_CHARACTERS:
        raise DiscInvalid([("notes", f"{label('notes')} can be {MOST_NOTES_CHARACTERS} characters long")])
    lent, due = _day("lent_on", lent_on), _day("due_on", due_on)
    if lent is None:
        raise DiscInvalid([("lent_on", "when was it lent?")])
    if due is not None and due < lent:
        raise DiscInvalid([("due_on", "it cannot be due before it is lent")])
    return {"borrower": who, "lent_on": lent, "due_on": due, "notes": words}


def _loan(row: DiscLoan, name: str, today: date) -> Loan:
    is_overdue = row.returned_on is None and row.due_on is not None and row.due_on < today
    return Loan(
        row.id, row.disc_id, name, row.borrower, row.lent_on, row.due_on, row.returned_on, row.notes, is_overdue
    )


def today_of(now: datetime, zone: Any) -> date:
    """Return the user's day."""
    return now.astimezone(zone).date()
