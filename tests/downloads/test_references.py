"""Finding downloads and batches by what a person types."""

from __future__ import annotations

import pytest

from kinoshelf.downloads.references import find_batches, find_downloads, followed, followed_open, states_of
from kinoshelf.downloads.states import State
from tests.factories.downloads import add_batch, add_download

ONE = "aaaa1111-0000-4000-8000-000000000001"
TWO = "aaaa2222-0000-4000-8000-000000000002"


@pytest.fixture
def two_downloads(database):
    with database.write() as session:
        add_download(session, id=ONE)
        add_download(session, id=TWO, state=State.COMPLETED)


@pytest.mark.usefixtures("two_downloads")
class TestFindDownloads:
    @pytest.mark.parametrize(
        ("words", "ids", "not_found"),
        [
            ((TWO, ONE), (TWO, ONE), ()),
            (("aaaa1",), (ONE,), ()),
            (("AAAA1",), (ONE,), ()),
            ((ONE, "aaaa1111", ONE), (ONE,), ()),
            (("bbbb", ONE), (ONE,), ("bbbb",)),
            (("aaa",), (), ("aaa",)),
            (("",), (), ("",)),
            (("aaa_1", "aaaa%"), (), ("aaa_1", "aaaa%")),
        ],
    )
    def test_by_id_or_its_beginning(self, database, words, ids, not_found):
        with database.read() as session:
            found = find_downloads(session, words)
        assert (found.ids, found.not_found, found.ambiguous) == (ids, not_found, {})

    def test_names_the_candidates_of_what_is_too_short(self, database):
        with database.read() as session:
            found = find_downloads(session, ["aaaa"])
        assert found.ambiguous == {"aaaa": [ONE, TWO]}

    def test_tells_the_states(self, database):
        with database.read() as session:
            assert states_of(session, [ONE, TWO, "nobody"]) == {ONE: State.QUEUED, TWO: State.COMPLETED}

    def test_follows_what_is_open_and_what_is_named(self, database):
        with database.read() as session:
            assert [row.id for row in followed_open(session)] == [ONE]
            assert {row.id for row in followed(session, [ONE, TWO])} == {ONE, TWO}


class TestFindBatches:
    def test_by_id_then_by_name_then_by_the_beginning(self, database):
        with database.write() as session:
            add_batch(session, id="batch-one", name="The Wire")
            add_batch(session, id="batch-two", name="batch-one")
        with database.read() as session:
            assert find_batches(session, "batch-one") == ["batch-one"]
            assert find_batches(session, "The Wire") == ["batch-one"]
            assert find_batches(session, "batch-t") == ["batch-two"]
            assert sorted(find_batches(session, "batch-")) == ["batch-one", "batch-two"]
            assert find_batches(session, "bat") == []
