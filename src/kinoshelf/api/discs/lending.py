"""/ajax: discs in other people's hands."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, BeforeValidator
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Day, Suggestions, answered
from kinoshelf.api.discs.parts import CONFLICT, NOT_FOUND, DatabaseDep, RowNumber, Today, Words
from kinoshelf.api.discs.requests import MOST, DiscChosen, LoanRequest, LoanUpdate, none_if_empty
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.discs import loans
from kinoshelf.discs.loans import Loan

router = SurfaceRouter(prefix="/ajax", tags=["loans"])

MOST_LOANS = 1000


class LoanRead(BaseModel):
    id: int
    disc_id: int
    disc_name: str
    borrower: str
    notes: str
    is_overdue: bool
    lent_on: Day
    due_on: Day | None
    returned_on: Day | None


class OneLoan(Answer):
    loan: LoanRead


class Loans(Answer):
    loans: list[LoanRead]


def _one(loan: Loan, message: str, status: int = 200) -> Response:
    found = loan.as_json()
    return answered(found, message, status_code=status, loan=found)


@router.get("/loans/", response_model=Loans)
async def list_loans(
    database: DatabaseDep,
    today: Today,
    all: Annotated[bool, Query(description="Also those that came back.")] = False,  # noqa: A002 -- the name in the query
    overdue: bool = False,
    dvd_id: Annotated[int | None, Query(ge=1, le=MOST), BeforeValidator(none_if_empty)] = None,
    borrower: Words = "",
) -> Response:
    """Return what is lent, what is due first in front."""

    def read(session: Session) -> list[Loan]:
        return loans.list_loans(
            session,
            today,
            is_open=None if all else True,
            overdue_only=overdue,
            disc_id=dvd_id,
            borrower=borrower.strip(),
            limit=MOST_LOANS,
        )

    found = [loan.as_json() for loan in await database.reading(read)]
    return answered(found, loans=found)


@router.get("/borrower-autocomplete/", response_model=Suggestions)
async def suggest_borrowers(database: DatabaseDep, q: Words = "") -> Response:
    """Complete the name of somebody who borrowed before."""
    found = list(await database.reading(lambda session: loans.suggest_borrowers(session, q)))
    return answered(found, suggestions=found)


@router.post("/lend-dvd/", status_code=201, response_model=OneLoan, responses={**NOT_FOUND, **CONFLICT})
async def lend(body: LoanRequest, database: DatabaseDep, today: Today) -> Response:
    """Write down who has a disc from now on."""

    def write(session: Session) -> Loan:
        return loans.lend(
            session,
            body.dvd_id,
            body.borrower,
            today,
            lent_on=body.lent_on or None,
            due_on=body.due_on or None,
            notes=body.notes,
        )

    loan = await database.writing(write)
    return _one(loan, f"\u00ab{loan.disc_name}\u00bb is lent to {loan.borrower}", status=201)


@router.post("/return-dvd/", response_model=OneLoan, responses={**NOT_FOUND, **CONFLICT})
async def give_back(body: DiscChosen, database: DatabaseDep, today: Today) -> Response:
    """Write down that a disc came back."""
    loan = await database.writing(lambda session: loans.give_back_disc(session, body.dvd_id, today))
    return _one(loan, f"\u00ab{loan.disc_name}\u00bb is back")


@router.patch("/loans/{loan_id}/", response_model=OneLoan, responses=NOT_FOUND)
async def change_loan(loan_id: RowNumber, body: LoanUpdate, database: DatabaseDep, today: Today) -> Response:
    """Change who, when and until when."""
    given = body.model_dump(exclude_unset=True)
    return _one(await database.writing(lambda session: loans.change(session, loan_id, today, **given)), "")
