"""What a worker that died left behind, and what the next one makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from kinoshelf.app import Role
from kinoshelf.core.processes import try_lock
from kinoshelf.downloads import control
from kinoshelf.downloads.engine.finish import JOURNAL_PREFIX
from kinoshelf.downloads.engine.partfile import part_path, sidecar_path
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue
from tests.running import wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(1_000_000, seed=1)
DEAD = "worker-here-1-dead"


@pytest.fixture
def still(make_hub) -> Queue:
    """The queue without an engine."""
    queue = Queue(make_hub(Role.COMMAND))
    queue.folder.mkdir(parents=True)
    run = queue.hub.store.current.data_dir / "run"
    run.mkdir(exist_ok=True)
    (run / f"{DEAD}.lock").touch()
    return queue


def held_by_dead(queue: Queue, download_id: str, **fields: object) -> None:
    lease = queue.hub.clock.now() + timedelta(hours=1)
    with queue.hub.database.write() as session:
        values = {"state": State.DOWNLOADING, "claimed_by": DEAD, "lease_until": lease, **fields}
        session.execute(update(Download).where(Download.id == download_id).values(**values))


def journal(queue: Queue, *rows: tuple[object, ...]) -> Path:
    path = queue.folder / f"{JOURNAL_PREFIX}{DEAD}.json"
    path.write_text(json.dumps(rows))
    return path


class TestJournal:
    def test_of_a_placed_file_is_recorded_and_nothing_is_fetched(self, make_queue, still: Queue, faulty) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download)
        part, final = part_path(still.folder, "film.mkv", download), still.folder / "film.mkv"
        final.write_bytes(CONTENT)
        sidecar_path(part).write_text("{}")
        journal(still, (download, str(part), str(final), len(CONTENT), f"sha256:{file.sha256}"))
        queue = make_queue()
        assert queue.finish(download) == final
        row = queue.row(download)
        assert (row.size_bytes, row.downloaded_bytes, row.is_verified) == (len(CONTENT), len(CONTENT), True)
        assert (row.checksum, row.claimed_by) == (f"sha256:{file.sha256}", None)
        assert queue.files == {"film.mkv": file.sha256}
        assert file.requests == []

    def test_of_a_part_that_still_is_one_is_forgotten(self, make_queue, still: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download)
        part, final = part_path(still.folder, "film.mkv", download), still.folder / "film.mkv"
        part.write_bytes(CONTENT)
        # Holds the name where the file system cannot rename without overwriting.
        final.touch()
        journal(still, (download, str(part), str(final), len(CONTENT), ""))
        queue = make_queue()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}

    @pytest.mark.parametrize("content", ["", "{", "[1]", '[["a", "b"]]', '{"a": 1}', '[[1, 2, 3, "x", 5]]'])
    def test_that_cannot_be_read_stops_nobody(self, make_queue, still: Queue, faulty, content: str) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download)
        (still.folder / f"{JOURNAL_PREFIX}{DEAD}.json").write_text(content)
        (still.folder / f"{JOURNAL_PREFIX}{DEAD}.json.new").write_text(content)
        queue = make_queue()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}

    def test_of_one_that_was_cancelled_takes_the_file_away(self, make_queue, still: Queue, faulty) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download, state=State.CANCELLED)
        part, final = part_path(still.folder, "film.mkv", download), still.folder / "film.mkv"
        final.write_bytes(CONTENT)
        journal(still, (download, str(part), str(final), len(CONTENT), ""))
        queue = make_queue()
        assert queue.let_go(download).state == State.CANCELLED
        assert queue.files == {}


class TestPart:
    def test_of_a_running_download_is_resumed(self, make_queue, still: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download)
        part = part_path(still.folder, "film.mkv", download)
        # More than the sidecar names: what was not yet durable counts for nothing.
        part.write_bytes(CONTENT[:500_000] + b"?" * 100_000)
        sidecar_path(part).write_text(
            json.dumps(
                {
                    "version": 1,
                    "size_bytes": len(CONTENT),
                    "etag": file.etag(),
                    "last_modified": file.last_modified,
                    "ranges": [[0, 400_000], [450_000, 500_000]],
                }
            )
        )
        queue = make_queue()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert file.sent_bytes <= 550_000 + 2 * 64 * 1024

    @pytest.mark.parametrize(
        "sidecar",
        [
            "",
            "[]",
            "{}",
            '{"version": 2}',
            '{"version": 1, "size_bytes": 1000000, "etag": "", "last_modified": "", "ranges": []}',
            '{"version": 1, "size_bytes": 1000000, "etag": "", "last_modified": "", "ranges": [[0, 9999999]]}',
            '{"version": 1, "size_bytes": 10, "etag": "", "last_modified": "", "ranges": [[0, 1000]]}',
            '{"version": 1, "size_bytes": 1000000, "etag": "", "last_modified": "", "ranges": [[-5, 1000]]}',
            '{"version": 1, "size_bytes": "x", "etag": "", "last_modified": "", "ranges": [[0, 1000]]}',
        ],
    )
    def test_with_a_sidecar_that_makes_no_sense_begins_anew(self, make_queue, still, faulty, sidecar: str) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        held_by_dead(still, download)
        part = part_path(still.folder, "film.mkv", download)
        part.write_bytes(b"?" * 500_000)
        sidecar_path(part).write_text(sidecar)
        queue = make_queue()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [request.range for request in file.requests] == [None]

    @pytest.mark.parametrize("is_named", [True, False])
    def test_of_a_cancelled_download_goes(self, make_queue, still: Queue, faulty: FaultyServer, is_named: bool) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        part = part_path(still.folder, "film.mkv", download)
        held_by_dead(still, download, state=State.CANCELLED, part_path=str(part) if is_named else None)
        part.write_bytes(CONTENT[:1000])
        sidecar_path(part).write_text("{}")
        queue = make_queue()
        assert queue.let_go(download).state == State.CANCELLED
        assert queue.files == {}

    def test_of_a_deleted_download_goes(self, make_queue, still: Queue, faulty: FaultyServer) -> None:
        gone, paused = (still.add(faulty.add(f"{name}.mkv", CONTENT).url) for name in ("gone", "paused"))
        for name, download in (("gone", gone), ("paused", paused)):
            held_by_dead(still, download, state=State.PAUSED)
            part = part_path(still.folder, f"{name}.mkv", download)
            part.write_bytes(CONTENT[:1000])
            sidecar_path(part).write_text(json.dumps({"version": 1, "download_id": download}))
        (still.folder / "mine.part").write_bytes(b"mine")
        (still.folder / "mine.part.json").write_text("{}")
        (still.folder / "theirs.12345678.part").write_bytes(b"theirs")
        still.act(control.remove, gone)
        queue = make_queue()
        assert queue.let_go(paused).state == State.PAUSED
        wait(lambda: not list(queue.folder.glob("gone*")), "it goes", 5)
        names = sorted(path.name for path in queue.folder.iterdir())
        assert names == [
            "mine.part",
            "mine.part.json",
            f"paused.mkv.{paused[:8]}.part",
            f"paused.mkv.{paused[:8]}.part.json",
            "theirs.12345678.part",
        ]

    @pytest.mark.databases("sqlite")
    def test_that_another_process_holds_is_waited_for(self, make_queue, still: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        with part_path(still.folder, "film.mkv", download).open("wb") as held:
            assert try_lock(held.fileno())
            queue = make_queue()
            wait(lambda: len(queue.errors(download)) > 4, "it is looked at again and again")
            assert file.requests == []
            category, words = queue.errors(download)[0]
            assert category == "in_use"
            assert "another" in words
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}


class TestProcessThatDied:
    @pytest.mark.databases("sqlite")
    def test_is_noticed_though_its_lease_runs(self, make_queue, still: Queue, faulty: FaultyServer) -> None:
        """A real process takes the seat and the claim, and is killed."""
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        script = (
            "import sys, time; from pathlib import Path; from kinoshelf.core.processes import ProcessSeat\n"
            "seat = ProcessSeat(Path(sys.argv[1]), 'worker').take(); print(seat.name, flush=True); time.sleep(60)"
        )
        data_dir = still.hub.store.current.data_dir
        with subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, env=os.environ
        ) as other:
            assert other.stdout is not None
            held_by_dead(still, download, claimed_by=other.stdout.readline().decode().strip())
            other.kill()
        queue = make_queue()
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}


class TestSilentWorker:
    """Leases tell the living from the dead, unless nobody could renew any."""

    @pytest.fixture
    def rows(self, still: Queue, faulty: FaultyServer) -> tuple[str, str]:
        mine, others = (still.add(faulty.add(f"{name}.mkv", CONTENT).url) for name in ("mine", "others"))
        return mine, others

    def test_is_taken_for_dead_when_its_lease_ran_out(self, make_hub, still: Queue, rows: tuple[str, str]) -> None:
        hub = make_hub(Role.WORKER)
        mine, others = rows
        held_by_dead(still, mine, claimed_by=hub.seat.name, lease_until=hub.clock.now() - timedelta(seconds=1))
        held_by_dead(still, others, claimed_by="worker-far-1-x", lease_until=hub.clock.now() - timedelta(seconds=1))
        assert hub.engine._recovery.recover(hub.store.current) == 1
        assert (still.state(mine), still.state(others)) == (State.DOWNLOADING, State.QUEUED)

    def test_gets_its_time_after_the_database_was_away(self, make_hub, still: Queue, rows: tuple[str, str]) -> None:
        hub = make_hub(Role.WORKER)
        mine, others = rows
        held_by_dead(still, mine, claimed_by=hub.seat.name, lease_until=hub.clock.now() - timedelta(seconds=20))
        held_by_dead(still, others, claimed_by="worker-far-1-x", lease_until=hub.clock.now() - timedelta(seconds=20))
        assert hub.engine._recovery.recover(hub.store.current, True) == 0
        assert (still.state(mine), still.state(others)) == (State.DOWNLOADING, State.DOWNLOADING)

    def test_is_read_in_its_journal_before_its_file_is_fetched_again(self, make_hub, make_queue, still, faulty) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = still.add(file.url)
        part, final = part_path(still.folder, "film.mkv", download), still.folder / "film.mkv"
        final.write_bytes(CONTENT)
        hub = make_hub(Role.WORKER)
        held_by_dead(still, download, claimed_by="worker-far-1-x", lease_until=hub.clock.now() - timedelta(seconds=1))
        told = still.folder / f"{JOURNAL_PREFIX}worker-far-1-x.json"
        told.write_text(json.dumps([(download, str(part), str(final), len(CONTENT), "")]))
        hub.engine._recovery.recover(hub.store.current)
        assert still.state(download) == State.COMPLETED
        assert final.read_bytes() == CONTENT
        assert told.exists(), "it is its own to clear"
