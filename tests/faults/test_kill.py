"""Killed at random moments, again and again, the hub loses nothing, doubles nothing and goes on where it was."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kinoshelf.app import Hub
from kinoshelf.core.clock import SystemClock
from kinoshelf.downloads.adding import NewDownload
from kinoshelf.downloads.engine.segment import OVERLAP_BYTES
from kinoshelf.downloads.models import Download
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue
from tests.faults.processes import Nursery, Victim
from tests.simulators.faulty import FaultyServer, File
from tests.simulators.nginx import pseudo_random

KILLS = 50
KILLS_OF_WORKERS = 30
# Each so many times the whole interpreter is started, too.
FRESH_EVERY = 10
SLOW = 120_000
LIMITED = 700_000

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.system_clock,
    pytest.mark.environ(
        KINOSHELF_ALLOW_PRIVATE_HOSTS="127.0.0.1",
        KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0.01",
        KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="8",
        KINOSHELF_ENGINE_FREE_SPACE_RESERVE_BYTES="0",
        KINOSHELF_LOGGING_FORMAT="json",
    ),
]


@pytest.fixture
def limited() -> Iterator[FaultyServer]:
    """A host that limits each connection."""
    with FaultyServer() as running:
        yield running


@pytest.fixture
def nursery(environ: dict[str, str], tmp_path: Path) -> Iterator[Nursery]:
    with Nursery(environ, tmp_path / "processes.log") as running:
        yield running


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 -- shown where the test fails
    return random.Random(seed)


class Wanted:
    """Thirty downloads of every kind, and what is to come of them."""

    def __init__(self, queue: Queue, faulty: FaultyServer, limited: FaultyServer) -> None:
        self.queue = queue
        self.files: dict[str, File] = {}
        self.names: dict[str, str] = {}
        downloads: list[tuple[File, str, NewDownload]] = []

        def add(host: FaultyServer, name: str, size_bytes: int, *, given: bool = False, **how: object) -> None:
            file = host.add(name, pseudo_random(size_bytes, seed=len(downloads)), **how)
            checksum = f"sha256:{file.sha256}" if given else None
            named = name if "disposition" not in how else f"named-{name}"
            folder = "below/deeper" if len(downloads) % 5 == 0 else None
            downloads.append(
                (
                    file,
                    f"{folder}/{named}" if folder else named,
                    NewDownload(file.url, checksum=checksum, folder=folder),
                )
            )

        for number in range(4):
            add(limited, f"segments-{number}.mkv", 5_000_000, bytes_per_second=LIMITED, given=number == 0)
        for number in range(8):
            add(faulty, f"slow-{number}.mkv", 500_000 + 100_000 * number, bytes_per_second=SLOW, given=number % 2 == 0)
        for number in range(4):
            disposition = f'attachment; filename="named-called-{number}.mkv"'
            add(faulty, f"called-{number}.mkv", 300_000, bytes_per_second=SLOW, disposition=disposition)
        for number in range(3):
            how = {"etag": "none", "last_modified": number == 0}
            add(faulty, f"plain-{number}.mkv", 300_000, bytes_per_second=SLOW, **how)
        for number in range(3):
            add(faulty, f"announced-{number}.mkv", 250_000, bytes_per_second=SLOW, digest="Repr-Digest")
        for number in range(2):
            add(faulty, f"endless-{number}.mkv", 60_000, bytes_per_second=SLOW, framing="chunked")
        for number in range(5):
            add(faulty, f"small-{number}.mkv", 1000 * number)
        add(faulty, "broken.mkv", 400_000, bytes_per_second=SLOW)
        downloads[-1][0].next(truncate_after=100_000).next(status=503).next(drop_after=50_000)
        assert len(downloads) == 30
        ids = queue.add_many([download for _file, _name, download in downloads])
        for download_id, (file, name, _download) in zip(ids, downloads, strict=True):
            self.files[download_id], self.names[download_id] = file, name

    @property
    def sent_bytes(self) -> int:
        return sum(file.sent_bytes for file in self.files.values())

    def hurry(self) -> None:
        for file in self.files.values():
            file.hurry()

    def missing_bytes(self) -> int:
        """What has to come yet, by the sidecars: what they do not name has to be fetched again."""
        missing = 0
        for download_id, file in self.files.items():
            if self.queue.state(download_id) is State.COMPLETED:
                continue
            sidecars = list(self.queue.folder.rglob(f"*.{download_id[:8]}.part.json"))
            spans = json.loads(sidecars[0].read_bytes())["ranges"] if sidecars else []
            missing += len(file.content) - sum(end - begin for begin, end in spans)
        return missing

    @property
    def open(self) -> int:
        over = [State.COMPLETED.value, State.FAILED.value]
        with self.queue.hub.database.read() as session:
            return session.scalar(select(func.count()).where(Download.state.not_in(over))) or 0

    def judge(self) -> None:
        """Every file whole and under its name, nothing else beside them, and the list says the same."""
        queue = self.queue
        for download_id, file in self.files.items():
            row = queue.row(download_id)
            story = f"{file.path}: {row.state} {row.error_message} {queue.errors(download_id)}"
            assert row.state == State.COMPLETED, story
            assert row.claimed_by is None, story
            assert row.destination == str(queue.folder / self.names[download_id]), story
            assert (row.size_bytes, row.downloaded_bytes) == (len(file.content),) * 2, story
            assert row.is_verified or not row.checksum, story
        assert queue.files == {self.names[one]: file.sha256 for one, file in self.files.items()}


@pytest.mark.databases("sqlite")
def test_a_server_killed_fifty_times(
    hub: Hub, nursery: Nursery, chance: random.Random, faulty: FaultyServer, limited: FaultyServer
) -> None:
    hub.clock = SystemClock()
    wanted = Wanted(Queue(hub), faulty, limited)

    def requests() -> int:
        return len(faulty.requests) + len(limited.requests)

    for kill in range(KILLS):
        before = requests()
        server = nursery.start("serve", fresh=kill % FRESH_EVERY == FRESH_EVERY - 1)
        if chance.random() < 0.8 and wanted.open:
            # What was whole already and only had no name yet is asked for no more.
            nursery.wait(lambda before=before: requests() > before or not wanted.open, "the server goes on", 60)
            time.sleep(chance.uniform(0, 1.3))
        else:
            # While it starts.
            time.sleep(chance.uniform(0, 0.4))
        server.kill()

    assert any(one.range and not one.range.endswith("-") for one in limited.requests), "no file came in segments"
    missing, sent = wanted.missing_bytes(), wanted.sent_bytes
    wanted.hurry()
    server = nursery.start("serve")
    nursery.wait(lambda: not wanted.open, "all is done", 60)
    # What has to be cleared away is, soon after the last commit.
    wanted.judge()
    server.kill()
    # The last run brought what was missing, and the few bytes that are compared at each resume.
    assert wanted.sent_bytes - sent <= missing + 30 * (OVERLAP_BYTES + 10_000) + 1_000_000


@pytest.mark.databases("postgres")
def test_two_of_three_workers_killed_again_and_again(
    hub: Hub, nursery: Nursery, chance: random.Random, faulty: FaultyServer, limited: FaultyServer
) -> None:
    hub.clock = SystemClock()
    wanted = Wanted(Queue(hub), faulty, limited)

    def start() -> Victim:
        return nursery.start("worker")

    workers = [start() for _ in range(3)]
    nursery.wait(lambda: bool(faulty.requests), "the workers begin", 60)
    for _kill in range(KILLS_OF_WORKERS):
        time.sleep(chance.uniform(0, 1.0))
        victim = chance.randrange(2)
        workers[victim].kill()
        time.sleep(chance.uniform(0, 0.3))
        workers[victim] = start()
    wanted.hurry()
    nursery.wait(lambda: not wanted.open, "all is done", 90)
    wanted.judge()
    for worker in workers:
        worker.kill()
