"""kinoshelf disc loan and return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kinoshelf.cli.frame import Answer, Here

if TYPE_CHECKING:
    from datetime import date

    from kinoshelf.app import Hub


def loan(
    disc: Annotated[int, Parameter(name="ID", help="Its number.")],
    borrower: Annotated[str, Parameter(name="BORROWER", help="Who has it now.")],
    /,
    *,
    due: Annotated[str | None, Parameter(help="When it comes back, as in 2026-12-24.")] = None,
    notes: Annotated[str, Parameter(help="Notes about the loan.")] = "",
    at: Here,
) -> Answer:
    """Write down who borrowed a disc."""
    from kinoshelf.discs.loans import lend

    with at.hub() as hub:
        lent = hub.database.run_write(
            lambda session: lend(session, disc, borrower, _today(hub), due_on=due, notes=notes)
        )
    until = f", due back {lent.due_on.isoformat()}" if lent.due_on else ""
    return Answer(lent.as_json(), text=f"{lent.disc_name} is with {lent.borrower}{until}.")


def give_back(disc: Annotated[int, Parameter(name="ID", help="Its number.")], /, *, at: Here) -> Answer:
    """Write down that a disc is back."""
    from kinoshelf.discs.loans import give_back_disc

    with at.hub() as hub:
        back = hub.database.run_write(lambda session: give_back_disc(session, disc, _today(hub)))
    return Answer(back.as_json(), text=f"{back.disc_name} is back from {back.borrower}.")


def _today(hub: Hub) -> date:
    from kinoshelf.discs.loans import today_of

    return today_of(hub.clock.now(), hub.store.current.zone)
