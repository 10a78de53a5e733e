from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kinoshelf.core.database import Database
from kinoshelf.discs import loans
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from tests.factories.discs import add_disc, add_loan

TODAY = date(2026, 3, 1)
WEEK = timedelta(days=7)


class TestLend:
    def test_and_give_back(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, name="Heat")
            lent = loans.lend(session, disc.id, " Ada  Lovelace ", TODAY, due_on="2026-03-08", notes="be nice")
            assert lent.as_json() == {
                "id": lent.id,
                "disc_id": disc.id,
                "disc_name": "Heat",
                "borrower": "Ada Lovelace",
                "lent_on": "2026-03-01",
                "due_on": "2026-03-08",
                "returned_on": None,
                "notes": "be nice",
                "is_overdue": False,
            }
            back = loans.give_back(session, lent.id, TODAY + WEEK)
            assert back.returned_on == TODAY + WEEK
            with pytest.raises(loans.LoanReturned, match="came back on 2026-03-08"):
                loans.give_back(session, lent.id, TODAY)
            assert loans.lend(session, disc.id, "Bob", TODAY).borrower == "Bob"
            assert loans.give_back_disc(session, disc.id, TODAY).borrower == "Bob"
            with pytest.raises(DiscInvalid, match="is not lent"):
                loans.give_back_disc(session, disc.id, TODAY)

    def test_one_disc_is_in_one_pair_of_hands(self, database: Database) -> None:
        with database.write() as session:
            disc_id = add_disc(session, name="Heat").id
        barrier, refused = threading.Barrier(4), []

        def work(number: int) -> None:
            barrier.wait(10)
            try:
                database.run_write(lambda session: loans.lend(session, disc_id, f"Person {number}", TODAY))
            except loans.DiscOnLoan as problem:
                refused.append(problem.message)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(refused) == 3
        assert all(words.startswith("\u00abHeat\u00bb is already lent to Person") for words in refused)

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"borrower": " "}, "who has the disc"),
            ({"borrower": "x" * 201}, "the borrower can be 200 characters"),
            ({"borrower": "x", "due_on": "2026-02-28"}, "cannot be due before it is lent"),
            ({"borrower": "x", "due_on": "soon"}, "the day must be a date"),
            ({"borrower": "x", "notes": "n" * 501}, "can be 500 characters"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, database: Database, fields: dict[str, Any], words: str) -> None:
        with database.write() as session:
            disc = add_disc(session)
            with pytest.raises(DiscInvalid, match=words):
                loans.lend(session, disc.id, today=TODAY, **fields)

    @pytest.mark.databases("sqlite")
    def test_what_is_gone_cannot_be_lent(self, database: Database) -> None:
        with database.write() as session:
            gone = add_disc(session, status="disposed")
            with pytest.raises(DiscInvalid, match="disposed of"):
                loans.lend(session, gone.id, "x", TODAY)
            with pytest.raises(DiscNotFound):
                loans.lend(session, 4711, "x", TODAY)
            with pytest.raises(loans.LoanNotFound):
                loans.give_back(session, 4711, TODAY)

    def test_can_be_changed(self, database: Database) -> None:
        with database.write() as session:
            lent = loans.lend(session, add_disc(session).id, "Ada", TODAY)
            changed = loans.change(session, lent.id, TODAY + WEEK, due_on=TODAY + timedelta(days=1), notes="call her")
            assert (changed.borrower, changed.notes, changed.is_overdue) == ("Ada", "call her", True)
            with pytest.raises(DiscInvalid):
                loans.change(session, lent.id, TODAY, borrower="")


class TestList:
    def test_open_ones_by_their_day_then_the_returned(self, database: Database) -> None:
        with database.write() as session:
            discs = [add_disc(session, name=f"Film {number}") for number in range(5)]
            add_loan(session, discs[0], lent_on=TODAY)
            add_loan(session, discs[1], lent_on=TODAY, due_on=TODAY + WEEK, borrower="Bob")
            add_loan(session, discs[2], lent_on=TODAY - WEEK, due_on=TODAY - timedelta(days=1))
            add_loan(session, discs[3], lent_on=TODAY - WEEK, returned_on=TODAY - timedelta(days=2))
            add_loan(session, discs[3], lent_on=TODAY - WEEK, returned_on=TODAY)
            names = [loan.disc_name for loan in loans.list_loans(session, TODAY)]
            assert names == ["Film 2", "Film 1", "Film 0", "Film 3", "Film 3"]
            assert [loan.disc_name for loan in loans.list_loans(session, TODAY, overdue_only=True)] == ["Film 2"]
            assert len(loans.list_loans(session, TODAY, is_open=True)) == 3
            assert len(loans.list_loans(session, TODAY, is_open=False)) == 2
            assert len(loans.list_loans(session, TODAY, disc_id=discs[3].id)) == 2
            assert len(loans.list_loans(session, TODAY, borrower="Bob")) == 1
            assert len(loans.list_loans(session, TODAY, limit=2, offset=4)) == 1
            assert loans.count_loans(session, TODAY) == (3, 1)
            assert loans.suggest_borrowers(session) == ["Ada", "Bob"]
            assert loans.suggest_borrowers(session, "bO") == ["Bob"]


class TestDay:
    def test_is_that_of_the_user(self) -> None:
        evening = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
        assert loans.today_of(evening, ZoneInfo("Europe/Berlin")) == date(2026, 3, 2)
        assert loans.today_of(evening, UTC) == TODAY
