"""An import that is killed again and again ends with every row done once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kinoshelf.app import Hub
from kinoshelf.core.clock import SystemClock
from kinoshelf.discs.csv_import.imports import ImportDiscs
from kinoshelf.discs.models import Disc, DiscImport, DiscImportRow
from tests.faults.processes import Nursery
from tests.running import wait

KILLS = 5
ROWS = 10_000

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def nursery(environ: dict[str, str], tmp_path: Path) -> Iterator[Nursery]:
    with Nursery(environ, tmp_path / "processes.log") as running:
        yield running


def table(rows: int) -> bytes:
    return "".join(["Title,Year,Location\n", *(f"Film {number},1999,Box\n" for number in range(rows))]).encode()


def done(hub: Hub) -> int:
    with hub.database.read() as session:
        query = select(func.count()).select_from(DiscImportRow).where(DiscImportRow.outcome != "waiting")
        return session.scalar(query) or 0


def judge(hub: Hub, rows: int) -> None:
    """Every row made one disc, and says which."""
    with hub.database.read() as session:
        assert [found.state for found in session.scalars(select(DiscImport))] == ["done"]
        outcomes = Counter(session.scalars(select(DiscImportRow.outcome)))
        assert outcomes == {"added": rows}
        names = Counter(session.scalars(select(Disc.name)))
        assert len(names) == rows
        assert set(names.values()) == {1}
        linked = set(session.scalars(select(DiscImportRow.disc_id)))
        assert linked == set(session.scalars(select(Disc.id)))


@pytest.mark.databases("sqlite")
def test_a_command_killed_in_the_middle_goes_on(hub: Hub, nursery: Nursery, tmp_path: Path) -> None:
    """10,000 rows: the same command with the same file finishes what the killed ones began."""
    path = tmp_path / "films.csv"
    path.write_bytes(table(ROWS))
    chance = random.Random(7)
    for _kill in range(KILLS):
        before = done(hub)
        command = nursery.start("disc", "import", str(path))
        until = before + chance.randrange(1, 400)
        wait(lambda until=until: done(hub) >= until, f"some rows are done\n{nursery.log[-2000:]}", 120)
        command.kill()
    assert 0 < done(hub) < ROWS
    nursery.start("disc", "import", str(path))
    wait(lambda: done(hub) == ROWS, f"all rows are done\n{nursery.log[-2000:]}", 400)
    wait(lambda: _state(hub) == "done", "the import says so", 30)
    judge(hub, ROWS)


def test_a_worker_killed_in_the_middle_leaves_the_rest_to_another(hub: Hub, nursery: Nursery) -> None:
    hub.clock = SystemClock()
    rows = 1_500
    importing = ImportDiscs(database=hub.database, clock=hub.clock)
    import_id = importing.start("films.csv", table(rows))
    importing.run(import_id)
    for part in (0.2, 0.5):
        worker = nursery.start("worker")
        wait(lambda part=part: done(hub) >= rows * part, f"the worker goes on\n{nursery.log[-2000:]}", 120)
        worker.kill()
    assert done(hub) < rows
    worker = nursery.start("worker")
    wait(lambda: _state(hub) == "done", f"all rows are done\n{nursery.log[-2000:]}", 240)
    worker.kill()
    judge(hub, rows)


def _state(hub: Hub) -> str:
    with hub.database.read() as session:
        return session.scalars(select(DiscImport.state)).one()
