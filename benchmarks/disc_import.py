"""Reading a collection in: preview, import, the same file again, export and undo, beside bare SQLite with the same rows."""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.hub import environment
from benchmarks.machine import described, on_disk, room, say, table, warn_of_load, write_results
from kinoshelf.app import Hub, Role, open_hub
from kinoshelf.core.logging import configure
from kinoshelf.core.settings import SettingsStore
from kinoshelf.discs.csv_export import export_csv
from kinoshelf.discs.csv_import.imports import ImportDiscs

WORDS = ("amber", "bridge", "castle", "desert", "ember", "forest", "garden", "harbour", "island", "journey")
HEAD = "Title,Release Year,Barcode,Format,Edition,Location,Tags,Notes,Genres,Director,Purchase Date,Purchase Price\n"
PLAIN = "bare SQLite, executemany"


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kinoshelf bench import", description=__doc__)
    parser.add_argument("--sizes", default="500,10000", help="rows of the files (500,10000)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each size; the median counts (3)")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    chosen = options(words)
    warn_of_load()
    machine = described()
    sizes = [int(text) for text in chosen.sizes.split(",")]
    found: dict[int, dict[str, float]] = {}
    with room(on_disk()) as folder:
        for size in sizes:
            runs = []
            for number in range(chosen.repeats):
                say(f"{size:,} rows, run {number + 1}")
                runs.append(_run(folder / f"{size}-{number}", size))
            found[size] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(_report(found))
    write_results("import", {"machine": machine, "options": vars(chosen), "seconds": found})
    return 0


def _run(home: Path, size: int) -> dict[str, float]:
    """Return the seconds of each step, and of the processor for the import."""
    environ = environment(home)
    store = SettingsStore.load({**environ, "KINOSHELF_LOGGING_LEVEL": "WARNING"})
    configure(store.current.logging)
    hub = open_hub(store, Role.COMMAND)
    try:
        return _steps(hub, home, _file(size))
    finally:
        hub.close()


def _steps(hub: Hub, home: Path, content: bytes) -> dict[str, float]:
    importing = ImportDiscs(database=hub.database, clock=hub.clock)
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        done = step()
        seconds[name] = time.perf_counter() - begin
        return done

    first = timed("read and preview", lambda: importing.start("films.csv", content))
    before = time.process_time()
    timed("import", lambda: importing.run_here(first))
    seconds["import, processor"] = time.process_time() - before
    exported = timed("complete export", lambda: b"".join(export_csv(hub.database, "complete")))
    timed("read that back, nothing new", lambda: importing.run_here(importing.start("same.csv", exported)))
    seconds[PLAIN] = _bare(Path(hub.database.url.database or ""), home / "bare.db")
    timed("undo", lambda: importing.undo_here(first))
    return seconds


def _bare(ours: Path, beside: Path) -> float:
    """Write the rows our import made into a table of the same columns and indexes, in one go."""
    with closing(sqlite3.connect(ours)) as source, closing(sqlite3.connect(beside)) as target:
        made = source.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'discs' AND sql IS NOT NULL ORDER BY type DESC"
        )
        rows = source.execute("SELECT * FROM discs").fetchall()
        target.execute("PRAGMA journal_mode=WAL")
        target.execute("PRAGMA synchronous=NORMAL")
        for (statement,) in made.fetchall():
            target.execute(statement)
        marks = ",".join("?" * len(rows[0]))
        begin = time.perf_counter()
        with target:
            target.executemany(f"INSERT INTO discs VALUES ({marks})", rows)
        return time.perf_counter() - begin


def _file(size: int) -> bytes:
    chance = random.Random(size)
    lines = [HEAD]
    for number in range(size):
        name = f"The {chance.choice(WORDS)} of {chance.choice(WORDS)} {number}"
        lines.append(
            f'"{name}",{1950 + number % 75},,{chance.choice(("DVD", "Blu-ray", "4K"))},,Box {number % 60},'
            f'"{chance.choice(WORDS)}, {chance.choice(WORDS)}",note {number},"Drama, Crime",Person {number % 700},'
            f"2019-{1 + number % 12:02}-{1 + number % 28:02},{number % 30}.99\n"
        )
    return "".join(lines).encode()


def _report(found: dict[int, dict[str, float]]) -> str:
    sizes = sorted(found)
    rows = []
    for name in found[sizes[0]]:
        each = [found[size][name] / size * 1e6 for size in sizes]
        ratio = found[sizes[-1]][name] / found[sizes[-1]][PLAIN]
        rows.append([name, *(f"{value:,.0f}" for value in each), f"{each[-1] / each[0]:.2f}", f"{ratio:,.1f}"])
    head = ["microseconds a row", *(f"{size:,} rows" for size in sizes), "growth a row", f"÷ {PLAIN}"]
    return table(head, rows)
