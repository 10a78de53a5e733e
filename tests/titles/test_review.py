from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput
from kinoshelf.titles.events import ReviewDecided
from kinoshelf.titles.identity import Source, TitleNotFound, ensure_film, find_by_id, get_title
from kinoshelf.titles.likeness import Candidate, Judged, Match
from kinoshelf.titles.matching import Wanted, match
from kinoshelf.titles.review import (
    ReviewClosed,
    ReviewNotFound,
    add_review,
    count_waiting,
    decide,
    decision_for,
    dismiss,
    forget,
    get_review,
    list_waiting,
    reopen,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOLARIS = Wanted("film", "Solaris", None, subject="disc:17")
BOTH = Match(
    tuple(
        Judged(Candidate("tmdb.movie", number, "Solaris", year, poster_path="/p.jpg"), 79, ("the same name",))
        for number, year in ((593, 1972), (2103, 2002))
    )
)


@pytest.fixture
def review_id(database: Database) -> int:
    with database.write() as session:
        found = add_review(session, SOLARIS, BOTH, NOW)
    assert found is not None
    return found


class TestAdd:
    def test_waits_with_its_candidates(self, database: Database, review_id: int) -> None:
        with database.read() as session:
            (row,) = list_waiting(session)
            assert (row.id, row.subject, row.kind, row.name, row.year) == (
                review_id,
                "disc:17",
                "film",
                "Solaris",
                None,
            )
            assert row.candidates[0] == {
                "source": "tmdb.movie",
                "id": 593,
                "name": "Solaris",
                "year": 1972,
                "poster_path": "/p.jpg",
                "confidence": 79,
                "reasons": ["the same name"],
            }

    def test_a_subject_asks_once(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            again = add_review(session, Wanted("film", "Solaris", 1972, subject="disc:17"), Match(), NOW)
            assert again == review_id
            assert count_waiting(session) == 1
            assert get_review(session, review_id).candidates == []

    def test_what_a_person_said_stays(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            title_id = decide(session, review_id, now=NOW, source="tmdb.movie", key=593)
            assert add_review(session, SOLARIS, Match(), NOW) is None
            assert decision_for(session, "disc:17") == title_id
            assert len(get_review(session, review_id).candidates) == 2

    @pytest.mark.parametrize("subject", [None, "", "x" * 201])
    def test_nobody_asks_nothing(self, database: Database, subject: str | None) -> None:
        with database.write() as session, pytest.raises(InvalidInput):
            add_review(session, Wanted("film", "Solaris", subject=subject), Match(), NOW)

    def test_the_list_has_pages(self, database: Database) -> None:
        with database.write() as session:
            numbers = [
                add_review(session, Wanted("film", f"Film {at}", subject=f"disc:{at}"), Match(), NOW) for at in range(5)
            ]
            first = list_waiting(session, limit=3)
            rest = list_waiting(session, after=first[-1].id, limit=3)
            assert [row.id for row in (*first, *rest)] == numbers


class TestDecide:
    def test_for_one_of_tmdb(self, database: Database, review_id: int) -> None:
        told: list[ReviewDecided] = []
        database.bus.subscribe(ReviewDecided, told.append)
        with database.write() as session:
            title_id = decide(session, review_id, now=NOW, source="tmdb.movie", key=2103)
        with database.read() as session:
            title = get_title(session, title_id)
            assert (title.name, title.year) == ("Solaris", 2002)
            assert find_by_id(session, Source.TMDB_MOVIE, 2103) == title_id
            assert count_waiting(session) == 0
            assert match(session, SOLARIS).reasons == ("a person said so",)
            assert match(session, SOLARIS).title_id == title_id
        assert told == [ReviewDecided(review_id, "disc:17", title_id)]

    def test_for_one_of_ours(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            mine = ensure_film(session, now=NOW, name="Solaris", year=1972)
            assert decide(session, review_id, now=NOW, source="title", key=mine) == mine

    def test_for_one_nobody_had_thought_of(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            title_id = decide(session, review_id, now=NOW, source="tmdb.movie", key=999)
            assert get_title(session, title_id).name == "Solaris"
            assert find_by_id(session, Source.TMDB_MOVIE, 999) == title_id

    def test_a_series(self, database: Database) -> None:
        with database.write() as session:
            review_id = add_review(session, Wanted("series", "Dark", 2017, subject="folder:1"), Match(), NOW)
            assert review_id is not None
            title_id = decide(session, review_id, now=NOW, source="tmdb.tv", key=70523)
            assert get_title(session, title_id).kind == "series"

    def test_a_person_may_change_their_mind(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            decide(session, review_id, now=NOW, source="tmdb.movie", key=593)
            title_id = decide(session, review_id, now=NOW, source="tmdb.movie", key=2103)
            assert decision_for(session, "disc:17") == title_id
            reopen(session, review_id)
            assert decision_for(session, "disc:17") is None
            assert count_waiting(session) == 1

    def test_for_what_does_not_exist(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            with pytest.raises(TitleNotFound):
                decide(session, review_id, now=NOW, source="title", key=4711)
            with pytest.raises(InvalidInput):
                decide(session, review_id, now=NOW, source="imdb", key=1)
            with pytest.raises(ReviewNotFound, match="no open question 4711"):
                decide(session, 4711, now=NOW, source="title", key=1)


class TestDismiss:
    def test_nobody_asks_again(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            dismiss(session, review_id, now=NOW)
            assert count_waiting(session) == 0
            assert add_review(session, SOLARIS, BOTH, NOW) is None
            assert decision_for(session, "disc:17") is None
            with pytest.raises(ReviewClosed, match="dismissed already"):
                dismiss(session, review_id, now=NOW)

    def test_a_subject_that_is_no_more(self, database: Database, review_id: int) -> None:
        with database.write() as session:
            forget(session, "disc:17")
            forget(session, "disc:18")
            assert count_waiting(session) == 0
