"""Moving downloads within a long queue: the order is the one a person sees, however often a place is used."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from kinoshelf.downloads.adding import NewDownload, add_all
from kinoshelf.downloads.control import move_between, put_first
from kinoshelf.downloads.models import Download
from tests.factories.downloads import MADE_AT

pytestmark = pytest.mark.usefixtures("hub")


@pytest.fixture
def queued(hub):
    links = [NewDownload(f"https://example.org/{number}.bin") for number in range(300)]
    with hub.database.write() as session:
        return [one.download_id for one in add_all(session, links, hub.clock.now())]


def order_of(hub):
    with hub.database.read() as session:
        query = select(Download.id).order_by(Download.priority.desc(), Download.position)
        return list(session.scalars(query))


class TestMoveBetween:
    def test_many_moves_into_one_gap_keep_the_order(self, hub, queued):
        expected = list(queued)
        target = expected[150]
        for moving in [*queued[200:260], *queued[20:80]]:
            with hub.database.write() as session:
                move_between(session, moving, before=target, after=None)
            expected.remove(moving)
            expected.insert(expected.index(target), moving)
        assert order_of(hub) == expected

    def test_any_moves_give_the_order_a_list_would(self, hub, queued):
        expected = list(queued)
        chance = random.Random(7)
        for _move in range(200):
            moving, target = chance.sample(expected[:40], 2)
            is_before = chance.random() < 0.5
            with hub.database.write() as session:
                move_between(session, moving, target if is_before else None, None if is_before else target)
            expected.remove(moving)
            expected.insert(expected.index(target) + (not is_before), moving)
        assert order_of(hub) == expected

    def test_the_first_place_and_the_last(self, hub, queued):
        with hub.database.write() as session:
            put_first(session, [queued[5], queued[3]])
            move_between(session, queued[0], None, None)
        rest = [one for one in queued[1:] if one not in {queued[5], queued[3]}]
        assert order_of(hub) == [queued[5], queued[3], *rest, queued[0]]


class TestTwoAtOnce:
    @pytest.mark.parametrize(
        "move",
        [
            pytest.param(lambda session, one: put_first(session, [one]), id="to the front"),
            pytest.param(lambda session, one: move_between(session, one, None, None), id="to the end"),
            pytest.param(
                lambda session, one: add_all(session, [NewDownload(f"https://example.org/{one}")], MADE_AT), id="added"
            ),
        ],
    )
    def test_get_different_places(self, hub, queued, move):
        with ThreadPoolExecutor(1) as other:
            with hub.database.write() as session:
                move_between(session, queued[10], None, None)
                put_first(session, [queued[11]])
                second = other.submit(hub.database.run_write, lambda session: move(session, queued[20]))
                # It waits for the end of this transaction, or it would look at the places before they are taken.
                with pytest.raises(TimeoutError):
                    second.result(timeout=0.2)
            second.result(timeout=30)
        with hub.database.read() as session:
            places = list(session.scalars(select(Download.position)))
        assert len(set(places)) == len(places)
