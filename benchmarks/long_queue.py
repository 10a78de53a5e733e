"""The API and the live socket of a running hub while its queue grows: what 50,000 downloads cost more than 500."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.hub import Hub, environment, listen
from benchmarks.machine import (
    Cores,
    Unavailable,
    described,
    on_disk,
    pin_myself,
    room,
    say,
    table,
    warn_of_load,
    write_results,
)
from benchmarks.processes import cpu_seconds, memory_bytes
from benchmarks.web_server import WebServer
from kinoshelf.app import Role, open_hub
from kinoshelf.core.logging import configure
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.adding import AddDownloads, NewDownload, TitleFacts

MIB = 2**20
ACTIVE = 5
ACTIVE_BYTES = 64 * MIB
CHUNK = 5_000
SAME_GAP_MOVES = 25
WORDS = (
    "amber", "bridge", "castle", "desert", "ember", "forest", "garden", "harbour", "island", "journey",
    "kingdom", "lantern", "meadow", "night", "ocean", "palace", "quarry", "river", "silver", "tower",
)  # fmt: skip
RARE = "zugzwang"


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kinoshelf bench queue", description=__doc__)
    parser.add_argument("--sizes", default="500,5000,50000", help="lengths of the queue (500,5000,50000)")
    parser.add_argument("--repeats", type=int, default=20, help="requests of each kind; the median counts (20)")
    parser.add_argument("--seconds", type=float, default=10, help="how long live progress is watched (10)")
    parser.add_argument("--no-pin", action="store_true", help="let the system choose the cores")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    chosen = options(words)
    warn_of_load()
    cores = Cores.chosen(is_pinned=not chosen.no_pin)
    machine = described()
    sizes = [int(text) for text in chosen.sizes.split(",")]
    if min(sizes) < 100:
        raise Unavailable("a queue of fewer than 100 downloads has no deep page")
    found: dict[int, dict[str, float]] = {}
    with ExitStack() as stack:
        memory = stack.enter_context(room(needed_bytes=2 * ACTIVE * ACTIVE_BYTES))
        disk = stack.enter_context(room(on_disk()))
        pin_myself(cores.driver)
        server = stack.enter_context(WebServer(memory, cores.server))
        for number in range(ACTIVE):
            server.add(f"active/{number}.bin", ACTIVE_BYTES)
        for size in sizes:
            say(f"{size:,} downloads")
            home = disk / str(size)
            with _queued(size, server, home, memory / f"target-{size}", cores) as (hub, inserted_seconds):
                figures = {"insert, per 1,000 (ms)": inserted_seconds * 1e6 / size}
                figures |= _requests(hub, size, chosen.repeats)
                figures |= _socket(hub, size, chosen.seconds)
                figures |= _mass(hub, max(1, min(3, chosen.repeats)))
                figures["memory (MiB)"] = memory_bytes(hub.pid) / MIB
            found[size] = figures
    print(_report(found))
    content = {"machine": machine, "options": vars(chosen), "figures": found}
    write_results("queue", content)
    return 0


# The queue.


@contextmanager
def _queued(size: int, server: WebServer, home: Path, target: Path, cores: Cores) -> Iterator[tuple[Hub, float]]:
    """Yield a running hub with `size` downloads: five that trickle in, all others queued behind them."""
    environ = environment(
        home,
        KINOSHELF_DOWNLOAD_DIR=str(target),
        KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS=str(ACTIVE),
        KINOSHELF_ENGINE_MAX_SEGMENTS_PER_DOWNLOAD="1",
    )
    seconds = _insert(size, server, environ)
    with Hub(environ, home / "hub.log", cores.client) as hub:
        give_up = time.monotonic() + 30
        while hub.read("/api/engine/stats")["active_downloads"] < ACTIVE:
            if time.monotonic() > give_up:
                raise Unavailable("the five active downloads did not start")
            time.sleep(0.1)
        yield hub, seconds


def _insert(size: int, server: WebServer, environ: dict[str, str]) -> float:
    """Add links through the domain, before any engine runs; return the seconds."""
    chance = random.Random(size)
    wanted = [NewDownload(server.trickle_url(f"active/{number}.bin"), priority=10) for number in range(ACTIVE)]
    wanted += [_download(number, server, chance) for number in range(size - ACTIVE - 1)]
    rare = NewDownload(server.trickle_url(f"wanted/{RARE}.mkv"))
    wanted.insert(ACTIVE + size // 2, rare)
    store = SettingsStore.load({**environ, "KINOSHELF_LOGGING_LEVEL": "WARNING"})
    configure(store.current.logging)
    hub = open_hub(store, Role.COMMAND)
    try:
        add = hub.container.get(AddDownloads)

        async def work() -> None:
            for begin in range(0, size, CHUNK):
                await add.many(wanted[begin : begin + CHUNK])

        begun = time.perf_counter()
        asyncio.run(work())
        return time.perf_counter() - begun
    finally:
        hub.close()


def _download(number: int, server: WebServer, chance: random.Random) -> NewDownload:
    """Three in ten are episodes, ten of a series, in batches; the others stand alone."""
    title = " ".join(chance.sample(WORDS, 3))
    url = server.trickle_url(f"wanted/{title.replace(' ', '.')}.{number}.mkv")
    if number % 100 >= 30:
        return NewDownload(url)
    series, episode = number // 100 * 3 + number % 100 // 10, number % 10 + 1
    return NewDownload(url, facts=TitleFacts(media_type="tv", title=f"Series {series}", season=1, episode=episode))


# What is asked.


def _median_ms(ask: Callable[[int], Any], repeats: int) -> float:
    seconds = []
    for number in range(repeats):
        begin = time.perf_counter()
        ask(number)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1000


def _requests(hub: Hub, size: int, repeats: int) -> dict[str, float]:
    pages = size // 50
    queue = "/api/downloads?limit=50&sort=queue&direction=asc"
    order = [task["id"] for task in hub.read(f"{queue}&page={pages // 2}")["tasks"]]
    last = hub.read(f"{queue}&page={pages}")["tasks"][-1]["id"]
    asked = {
        "first page, newest first": "/api/downloads?limit=50",
        "first page, queue order": queue,
        "first page, queued only": "/api/downloads?limit=50&status=queued",
        "first page, by name": "/api/downloads?limit=50&sort=filename",
        "deep page, newest first": f"/api/downloads?limit=50&page={pages - 1}",
        "deep page, queue order": f"{queue}&page={pages - 1}",
        "counts": "/api/engine/stats",
        "batches": "/api/batches",
        "search, one hit": f"/api/downloads?limit=50&search={RARE}",
        "search, many hits": f"/api/downloads?limit=50&search={WORDS[0]}",
        "one download": f"/api/downloads/{last}",
    }
    found: dict[str, float] = {}
    for name, path in asked.items():
        hub.ask("GET", path)
        found[f"{name} (ms)"] = _median_ms(lambda _number, path=path: hub.ask("GET", path), repeats)
    reorder = "/api/downloads/reorder"
    found["reorder: one to the front (ms)"] = _median_ms(
        lambda number: hub.ask("POST", reorder, {"ids": [order[number % len(order)]]}), repeats
    )
    found["reorder: one between two (ms)"] = _median_ms(
        lambda number: hub.ask("POST", reorder, {"id": last, "before": order[number % len(order)]}), repeats
    )
    found["reorder: 50 to the front (ms)"] = _median_ms(lambda _number: hub.ask("POST", reorder, {"ids": order}), 5)
    # Each halves what is left of the gap, until all positions are spread anew.
    worst = 0.0
    for number in range(SAME_GAP_MOVES):
        moved = {"id": order[number], "before": order[-1]}
        worst = max(worst, _median_ms(lambda _number, moved=moved: hub.ask("POST", reorder, moved), 1))
    found[f"reorder: worst of {SAME_GAP_MOVES} into one gap (ms)"] = worst
    return found


def _socket(hub: Hub, size: int, seconds: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, path in (("SYNC_ALL", ""), ("SYNC_ALL for a page", "?sync=page")):
        took, length = zip(*(_sync_all(hub, path) for _ in range(3)), strict=True)
        found[f"{name} (ms)"] = statistics.median(took) * 1000
        found[f"{name} (KiB)"] = statistics.median(length) / 1024
    # Nobody listens: what five active downloads cost by themselves.
    before = cpu_seconds(hub.pid)
    time.sleep(seconds)
    alone = (cpu_seconds(hub.pid) - before) / seconds
    rounds, with_listener = _progress(hub, seconds)
    gaps = [later - earlier for earlier, later in itertools.pairwise(rounds)]
    if not gaps:
        raise Unavailable(f"no progress was told in {seconds:g} s with {size:,} downloads")
    found["CPU with 5 active, nobody listens (%)"] = alone * 100
    found["CPU with 5 active, one listens (%)"] = with_listener * 100
    found["progress: between two rounds (ms)"] = statistics.median(gaps) * 1000
    found["progress: longest between two rounds (ms)"] = max(gaps) * 1000
    return found


def _sync_all(hub: Hub, path: str) -> tuple[float, int]:
    answer: list[tuple[float, int]] = []

    async def first(socket: Any) -> None:
        text = await socket.recv()
        assert text.startswith('{"type":"SYNC_ALL"')
        answer.append((time.perf_counter() - begin, len(text)))

    begin = time.perf_counter()
    listen(hub, first, path=path)
    return answer[0]


def _progress(hub: Hub, seconds: float) -> tuple[list[float], float]:
    """Return the moments of the rounds of progress, and the share of a core the hub used meanwhile."""
    moments: list[float] = []
    used: list[float] = []

    async def follow(socket: Any) -> None:
        await socket.recv()
        before, begin = cpu_seconds(hub.pid), time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if json.loads(await socket.recv())["type"] == "TASK_BATCH_UPDATE":
                        moments.append(time.perf_counter())
        except TimeoutError:
            used.append((cpu_seconds(hub.pid) - before) / (time.perf_counter() - begin))

    listen(hub, follow)
    return moments, used[0]


def _mass(hub: Hub, repeats: int) -> dict[str, float]:
    """Pause and resume everything: every row is written."""
    paused, resumed = [], []
    for _ in range(repeats):
        paused.append(_median_ms(lambda _number: hub.ask("POST", "/api/downloads/pause-all"), 1))
        resumed.append(_median_ms(lambda _number: hub.ask("POST", "/api/downloads/resume-all"), 1))
    return {"pause all (ms)": statistics.median(paused), "resume all (ms)": statistics.median(resumed)}


def _report(found: dict[int, dict[str, float]]) -> str:
    sizes = sorted(found)
    smallest, largest = found[sizes[0]], found[sizes[-1]]
    rows = [
        [
            name,
            *(f"{found[size][name]:,.1f}" for size in sizes),
            f"{largest[name] / smallest[name]:.1f}" if smallest[name] else "-",
        ]
        for name in smallest
    ]
    head = ["", *(f"{size:,}" for size in sizes), f"growth {sizes[0]:,} → {sizes[-1]:,}"]
    return table(head, rows)
