"""The page of discs in other people's hands: lent, overdue, and what came back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import page_for_signed_in
from kinoshelf.core.clock import Clock
from kinoshelf.core.web import use
from kinoshelf.discs.loans import Loan, count_loans, list_loans, today_of
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 1000
KINDS = {"open": mark("Lent"), "overdue": mark("Overdue"), "history": mark("Returned")}

ClockDep = Annotated[Clock, Depends(use(Clock))]


@router.get("/loans", dependencies=[Depends(page_for_signed_in)])
async def loans(
    database: DatabaseDep,
    store: StoreDep,
    clock: ClockDep,
    shown: Annotated[str, Query(alias="show", max_length=20)] = "open",
    borrower: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    today = today_of(clock.now(), store.current.zone)
    kind = shown if shown in KINDS else "open"
    who = borrower.replace("\x00", "").strip()

    def read(session: Session) -> tuple[list[Loan], tuple[int, int]]:
        found = list_loans(
            session,
            today,
            is_open=kind != "history",
            overdue_only=kind == "overdue",
            borrower=who,
            limit=MOST_SHOWN,
        )
        return found, count_loans(session, today)

    found, (lent, overdue) = await database.reading(read)
    return render(
        "loans.html",
        loans=found,
        kind=kind,
        kinds=[(key, gettext(label)) for key, label in KINDS.items()],
        counts={"open": lent, "overdue": overdue},
        borrower=who,
        today=today,
    )
