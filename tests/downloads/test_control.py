"""What users do to rows; what the engine then does is tested in engine/test_control.py."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from kinoshelf.core.errors import InvalidInput
from kinoshelf.downloads import control
from kinoshelf.downloads.control import Edit, Selection
from kinoshelf.downloads.errors import BatchNotFound, DownloadNotFound, TransitionRefused
from kinoshelf.downloads.events import DownloadsChanged, DownloadsRemoved
from kinoshelf.downloads.models import Batch, Download, DownloadError
from kinoshelf.downloads.states import CANCELLABLE, PAUSABLE, RESUMABLE, RETRYABLE, State
from tests.factories.downloads import MADE_AT, add_batch, add_download, make_error

NOW = MADE_AT + timedelta(hours=1)
EVERYTHING = Selection()


@pytest.fixture
def of_each_state(database) -> dict[State, str]:
    with database.write() as session:
        return {state: add_download(session, state=state, part_path=f"/d/{state}.part").id for state in State}


def states(database) -> dict[str, str]:
    with database.read() as session:
        return {row.id: row.state for row in session.execute(select(Download.id, Download.state))}


@pytest.fixture
def told(database) -> list:
    facts: list = []
    for kind in (DownloadsChanged, DownloadsRemoved):
        database.bus.subscribe(kind, facts.append)
    return facts


class TestMoves:
    @pytest.mark.parametrize(
        ("action", "allowed", "target"),
        [
            (control.pause, PAUSABLE, State.PAUSED),
            (control.resume, RESUMABLE, State.QUEUED),
            (control.retry, RETRYABLE, State.QUEUED),
            (control.cancel, CANCELLABLE, State.CANCELLED),
        ],
    )
    def test_change_what_they_may_and_tell_it(self, database, of_each_state, told, action, allowed, target) -> None:
        with database.write() as session:
            changed = action(session, EVERYTHING, NOW)
        ids = set(changed.ids if isinstance(changed, control.Removed) else changed)
        assert ids == {of_each_state[state] for state in allowed}
        after = states(database)
        for state, download_id in of_each_state.items():
            assert after[download_id] == (target if state in allowed else state)
        assert [set(fact.download_ids) for fact in told] == [ids]

    def test_of_nothing_tell_nothing(self, database, told) -> None:
        with database.write() as session:
            assert control.pause(session, Selection(ids=("nobody",)), NOW) == []
        assert told == []

    def test_of_one_batch_leave_the_others(self, database) -> None:
        with database.write() as session:
            batch, other = (add_batch(session, downloads=3) for _ in range(2))
        with database.write() as session:
            assert len(control.pause(session, Selection(batch_id=batch.id), NOW)) == 3
            assert session.scalar(select(func.count()).where(Download.state == State.QUEUED)) == 3
            control.require_batch(session, other.id)
            with pytest.raises(BatchNotFound):
                control.require_batch(session, "nobody")

    def test_of_thousands_come_in_portions(self, database) -> None:
        with database.write() as session:
            ids = tuple(add_download(session).id for _ in range(1200))
        with database.write() as session:
            assert set(control.pause(session, Selection(ids=ids), NOW)) == set(ids)

    def test_refused_say_why(self, database, of_each_state) -> None:
        with database.write() as session:
            with pytest.raises(DownloadNotFound):
                control.refuse_unchanged(session, "nobody", [], "paused")
            with pytest.raises(TransitionRefused, match="completed cannot be paused"):
                control.refuse_unchanged(session, of_each_state[State.COMPLETED], [], "paused")
            control.refuse_unchanged(session, "nobody", ["changed"], "paused")


class TestTries:
    @pytest.mark.parametrize(("action", "retry_count"), [(control.resume, 0), (control.retry, 6)])
    def test_begin_anew(self, database, action, retry_count: int) -> None:
        with database.write() as session:
            waiting = add_download(
                session,
                state=State.WAITING,
                retry_count=5,
                retries_by_cause='{"timeout": 5}',
                wait_until=NOW,
                error_message="words",
                error_category="timeout",
                downloaded_bytes=7,
            ).id
        with database.write() as session:
            action(session, Selection(ids=(waiting,)), NOW)
            row = session.get(Download, waiting)
            assert (row.retry_count, row.retries_by_cause, row.downloaded_bytes) == (retry_count, "{}", 7)
            assert (row.wait_until, row.error_message, row.error_category) == (None, None, None)

    def test_of_a_completed_one_begin_at_its_first_byte(self, database) -> None:
        with database.write() as session:
            done = add_download(session, state=State.COMPLETED, destination="/d/film.mkv", is_verified=True).id
        with database.write() as session:
            control.retry(session, Selection(ids=(done,)), NOW)
            row = session.get(Download, done)
            assert (row.state, row.downloaded_bytes, row.destination) == (State.QUEUED, 0, None)
            assert (row.is_verified, row.completed_at) == (False, None)


class TestFilesToClear:
    def test_of_what_a_worker_holds_are_left_to_it(self, database) -> None:
        with database.write() as session:
            held = {"claimed_by": "worker", "lease_until": NOW + timedelta(minutes=1)}
            add_download(session, state=State.DOWNLOADING, part_path="/d/held.part", **held)
            add_download(session, state=State.PAUSED, part_path="/d/paused.part")
            add_download(session, state=State.COMPLETED, destination="/d/film.mkv", part_path="/d/old.part")
        with database.write() as session:
            cancelled = control.cancel(session, EVERYTHING, NOW)
            assert (cancelled.part_paths, cancelled.finished_paths) == (["/d/paused.part"], [])
        with database.write() as session:
            gone = control.remove(session, EVERYTHING, NOW)
            assert (gone.part_paths, gone.finished_paths) == (["/d/paused.part"], ["/d/film.mkv"])


class TestRemove:
    def test_takes_errors_and_empty_batches_along(self, database, told) -> None:
        with database.write() as session:
            batch = add_batch(session, downloads=2)
            (one, other) = session.scalars(select(Download.id).where(Download.batch_id == batch.id))
            session.add(make_error(session.get(Download, one)))
        with database.write() as session:
            control.remove(session, Selection(ids=(one,)), NOW)
            assert session.scalar(select(func.count()).select_from(Batch)) == 1
            assert session.scalar(select(func.count()).select_from(DownloadError)) == 0
        with database.write() as session:
            control.remove(session, Selection(ids=(other,)), NOW)
            assert session.scalar(select(func.count()).select_from(Batch)) == 0
        assert [fact.download_ids for fact in told] == [(one,), (other,)]

    def test_of_the_history_leaves_what_is_open_or_young(self, database, of_each_state) -> None:
        with database.write() as session:
            young = add_download(session, state=State.COMPLETED, completed_at=NOW).id
        with database.write() as session:
            gone = control.clear_history(session, NOW - timedelta(minutes=1), NOW)
        final = {State.COMPLETED, State.FAILED, State.CANCELLED, State.SKIPPED}
        assert set(gone.ids) == {of_each_state[state] for state in final}
        assert young in states(database)


class TestEdit:
    def test_changes_what_is_named(self, database, told) -> None:
        with database.write() as session:
            one = add_download(session).id
        with database.write() as session:
            wanted = Edit(3, 1000, "n\u202eame.mkv", "here/there", "a" * 64, 4)
            control.edit(session, one, wanted, NOW)
            control.edit(session, one, Edit(), NOW)
            row = session.get(Download, one)
            assert (row.priority, row.speed_limit_bytes_per_second, row.max_segments) == (3, 1000, 4)
            assert (row.filename, row.is_filename_given, row.folder) == ("name.mkv", True, "here/there")
            assert row.checksum == "sha256:" + "a" * 64
            control.edit(session, one, Edit(checksum=" "), NOW)
            session.refresh(row)
            assert row.checksum is None
        assert len(told) == 2

    @pytest.mark.parametrize(
        "wanted",
        [
            Edit(speed_limit_bytes_per_second=-1),
            Edit(max_segments=0),
            Edit(filename=".."),
            Edit(folder="../x"),
            Edit(checksum="x"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, database, wanted: Edit) -> None:
        with database.write() as session:
            one = add_download(session).id
        with database.write() as session, pytest.raises(InvalidInput):
            control.edit(session, one, wanted, NOW)

    def test_of_a_finished_file_comes_too_late(self, database) -> None:
        with database.write() as session:
            one = add_download(session, state=State.COMPLETED).id
        with database.write() as session:
            control.edit(session, one, Edit(priority=3), NOW)
            for wanted in (Edit(filename="x.mkv"), Edit(folder="x"), Edit(checksum="a" * 64)):
                with pytest.raises(TransitionRefused):
                    control.edit(session, one, wanted, NOW)
            with pytest.raises(DownloadNotFound):
                control.edit(session, "nobody", Edit(priority=1), NOW)
