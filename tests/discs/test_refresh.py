from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from kinoshelf.app import Hub, Role
from kinoshelf.core.clock import SystemClock
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.jobs.errors import JobNotCancellable
from kinoshelf.core.jobs.models import Job
from kinoshelf.discs import refresh
from kinoshelf.discs.editing import edit, remove
from kinoshelf.discs.models import Disc, DiscRefresh
from kinoshelf.discs.queries import get
from kinoshelf.titles.models import KeptAnswer
from tests.factories.discs import MADE_AT, add_disc
from tests.simulators.tmdb import TMDBSimulator
from tests.simulators.tmdb_films import FILMS

pytestmark = pytest.mark.system_clock

MATCHED = [film.id for film in FILMS[:12]]


@pytest.fixture
def worker(make_hub: Callable[..., Hub], tmdb: TMDBSimulator) -> Hub:
    """A hub whose jobs run, beside the local TMDB."""
    hub = make_hub(Role.WORKER, clock=SystemClock())
    hub.start()
    return hub


def start(hub: Hub, kind: Any = "full") -> str:
    return hub.database.run_write(lambda session: refresh.start(session, kind, clock=hub.clock))


def progress(hub: Hub, task_id: str) -> dict[str, Any]:
    return hub.database.run_read(lambda session: refresh.progress(session, task_id))


@pytest.fixture
def finished(wait_until: Callable[..., None]) -> Callable[[Hub, str], dict[str, Any]]:
    """Wait until a refresh has ended and return its progress."""

    def wait(hub: Hub, task_id: str) -> dict[str, Any]:
        wait_until(lambda: progress(hub, task_id)["completed"], "the refresh ends", seconds=30)
        return progress(hub, task_id)

    return wait


def kept_answers(hub: Hub) -> int:
    return hub.database.run_read(lambda session: session.scalar(select(func.count()).select_from(KeptAnswer))) or 0


def fill(hub: Hub, *films: dict[str, Any]) -> list[int]:
    with hub.database.write() as session:
        return [add_disc(session, **fields).id for fields in films]


class TestFull:
    def test_writes_what_changed_and_counts_what_did_not(self, worker: Hub, finished) -> None:
        fresh, edited, unknown, _by_hand = fill(
            worker, {"tmdb_id": 603}, {"tmdb_id": 604}, {"tmdb_id": 999_999, "name": "Gone"}, {"name": "By hand"}
        )
        with worker.database.write() as session:
            edit(session, edited, {"name": "Mine", "runtime": 5}, MADE_AT)
        found = finished(worker, start(worker))
        assert found["results"] == {"updated": 2, "failed": 1, "skipped": 1}
        assert (found["progress"], found["completed"], found["kind"]) == (100.0, True, "full")
        assert found["status"] == "Refresh completed: 2 updated, 1 failed, 1 skipped"
        assert found["failures"] == [
            {"disc_id": unknown, "name": "Gone", "reason": "TMDB has no film of the number 999999 any more"}
        ]
        with worker.database.read() as session:
            assert get(session, fresh).name == "The Matrix"
            kept = get(session, edited)
            assert (kept.name, kept.runtime, kept.release_year) == ("Mine", 5, 2003)
        # Once more: nothing is new, and the films are asked for again.
        again = finished(worker, start(worker))
        assert again["results"] == {"updated": 0, "failed": 1, "skipped": 3}

    def test_an_empty_shelf_is_done_at_once(self, worker: Hub) -> None:
        found = progress(worker, start(worker))
        assert (found["progress"], found["completed"]) == (100.0, True)
        assert found["results"] == {"updated": 0, "failed": 0, "skipped": 0}

    def test_says_how_far_it_is(self, worker: Hub, tmdb: TMDBSimulator, wait_until, finished) -> None:
        fill(worker, *({"tmdb_id": one} for one in MATCHED))
        tmdb.hold()
        task_id = start(worker)
        wait_until(lambda: tmdb.waiting == 8, "the first films are asked for")
        assert progress(worker, task_id)["progress"] == 0.0
        seen: list[dict[str, Any]] = []
        tmdb.let_go()
        while not (found := progress(worker, task_id))["completed"]:
            seen.append(found)
        for one in seen:
            assert one["progress"] == round(100 * sum(one["results"].values()) / 12, 1)
            if one["results"]["updated"]:
                assert one["status"].startswith("Updating ")
                assert one["status"].endswith(f"... ({one['results']['updated']}/12)")
        assert finished(worker, task_id)["results"] == {"updated": 12, "failed": 0, "skipped": 0}


class TestDetails:
    def test_asks_only_for_discs_that_lack_something_and_fills_only_that(
        self, worker: Hub, tmdb: TMDBSimulator, finished
    ) -> None:
        whole = {
            "tagline": "t",
            "revenue": 1,
            "budget": 1,
            "production_companies": "c",
            "director": "d",
            "uk_certification": "u",
        }
        _complete, lacking, _by_hand = fill(
            worker,
            {"tmdb_id": 603, **whole},
            {"tmdb_id": 604, **whole, "director": "", "runtime": 1},
            {"name": "By hand"},
        )
        found = finished(worker, start(worker, "details"))
        assert found["results"] == {"updated": 1, "failed": 0, "skipped": 1}
        assert tmdb.count("/movie/603") == 0
        with worker.database.read() as session:
            disc = get(session, lacking)
            assert (disc.director, disc.runtime, disc.tagline) == ("Lana Wachowski, Lilly Wachowski", 1, "t")

    def test_an_unknown_kind(self, hub: Hub) -> None:
        with pytest.raises(InvalidInput, match="one of full, details"):
            start(hub, "other")


class TestOneAtATime:
    def test_a_second_start_is_the_running_one_whatever_its_kind(self, hub: Hub) -> None:
        fill(hub, {"tmdb_id": 603})
        first = start(hub)
        assert start(hub, "details") == start(hub) == first
        with hub.database.read() as session:
            assert refresh.running(session) == refresh.latest(session) == first
            assert refresh.latest(session, "details") is None
            assert session.scalar(select(func.count()).select_from(DiscRefresh)) == 1
        assert progress(hub, first)["status"] == "Waiting to start..."

    def test_after_the_end_another_begins(self, worker: Hub, finished) -> None:
        fill(worker, {"tmdb_id": 603})
        first = start(worker)
        finished(worker, first)
        second = start(worker)
        assert second != first
        assert finished(worker, second)["results"]["skipped"] == 1
        assert progress(worker, first)["results"]["updated"] == 1


class TestTrouble:
    def test_without_a_key_it_fails_with_a_sentence(
        self, make_hub: Callable[..., Hub], finished, expected_logs
    ) -> None:
        hub = make_hub(Role.WORKER, clock=SystemClock())
        fill(hub, {"tmdb_id": 603})
        hub.start()
        found = finished(hub, start(hub))
        assert (found["progress"], found["completed"], found["results"]["updated"]) == (0.0, True, 0)
        assert found["error"].startswith("TMDB has no key yet")
        assert found["status"].startswith("Refresh failed: TMDB has no key yet")
        expected_logs.expect("jobs.failed")

    def test_a_disc_that_fails_stops_no_other(self, worker: Hub, tmdb: TMDBSimulator, finished) -> None:
        tmdb.always(path="/movie/604", status=422)
        fill(worker, {"tmdb_id": 603}, {"tmdb_id": 604, "name": "Reloaded"}, {"tmdb_id": 605})
        found = finished(worker, start(worker))
        assert found["results"] == {"updated": 2, "failed": 1, "skipped": 0}
        assert found["failures"][0]["reason"].startswith("TMDB did not understand")

    def test_a_disc_removed_meanwhile_is_skipped(self, worker: Hub, tmdb: TMDBSimulator, wait_until, finished) -> None:
        ids = fill(worker, {"tmdb_id": 603}, {"tmdb_id": 604})
        tmdb.hold()
        task_id = start(worker)
        wait_until(lambda: tmdb.waiting == 2, "both films are asked for")
        with worker.database.write() as session:
            remove(session, ids[:1])
            edit(session, ids[1], {"tmdb_id": 605}, MADE_AT)
        tmdb.let_go()
        # The other one is another film by now: nothing of the one that was asked for may be written.
        assert finished(worker, task_id)["results"] == {"updated": 0, "failed": 0, "skipped": 2}
        with worker.database.read() as session:
            assert get(session, ids[1]).runtime is None

    def test_can_be_cancelled(self, worker: Hub, tmdb: TMDBSimulator, wait_until, finished) -> None:
        fill(worker, {"tmdb_id": 603})
        tmdb.hold()
        task_id = start(worker)
        wait_until(lambda: tmdb.waiting == 1, "the film is asked for")
        worker.database.run_write(lambda session: refresh.cancel(session, task_id, clock=worker.clock))
        found = finished(worker, task_id)
        tmdb.let_go()
        wait_until(lambda: kept_answers(worker) == 1, "the question that was on its way is answered")
        assert (found["cancelled"], found["status"]) == (True, "Refresh cancelled: 0 updated, 0 failed, 0 skipped")
        with pytest.raises(JobNotCancellable):
            worker.database.run_write(lambda session: refresh.cancel(session, task_id, clock=worker.clock))

    def test_an_unknown_task(self, hub: Hub) -> None:
        with pytest.raises(refresh.RefreshNotFound, match="Task not found"):
            progress(hub, "nobody")


class TestAfterwards:
    def test_is_readable_after_its_job_is_forgotten_until_it_is_old_itself(self, worker: Hub, finished) -> None:
        fill(worker, {"tmdb_id": 603})
        task_id = start(worker)
        finished(worker, task_id)
        with worker.database.write() as session:
            session.delete(session.get_one(Job, task_id))
        assert progress(worker, task_id)["results"]["updated"] == 1
        with worker.database.write() as session:
            assert refresh.remove_old(session, worker.clock.now()) == 0
            assert refresh.remove_old(session, worker.clock.now() + refresh.KEEP) == 1


@pytest.mark.databases("sqlite")
class TestKill:
    def test_goes_on_where_it_was_ended_and_counts_nothing_twice(
        self, hub: Hub, tmdb: TMDBSimulator, server_process, wait_until, finished
    ) -> None:
        fill(hub, *({"tmdb_id": one} for one in MATCHED), {"name": "By hand"})
        task_id = start(hub)
        first = server_process("worker")
        wait_until(lambda: progress(hub, task_id)["done"] >= 3, "some are written", seconds=30)
        tmdb.hold()
        first.kill()
        done = progress(hub, task_id)["done"]
        tmdb.let_go()
        server_process("worker")
        found = finished(hub, task_id)
        assert found["results"] == {"updated": 12, "failed": 0, "skipped": 1}
        assert done >= 3
        with hub.database.read() as session:
            assert session.scalar(select(func.count()).where(Disc.runtime.is_not(None))) == 12
