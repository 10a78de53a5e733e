"""Pictures: which file a number is, with 500 and 100,000 of them, and serving one beside an nginx with the same file."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import socket
import sqlite3
import statistics
import time
import tracemalloc
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from sqlalchemy import insert

from benchmarks.hub import Hub, environment
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
from benchmarks.web_server import WebServer
from kinoshelf.app import Role, open_hub
from kinoshelf.core.logging import configure
from kinoshelf.core.settings import SettingsStore
from kinoshelf.images.index import ArtworkIndex
from kinoshelf.images.models import Artwork
from kinoshelf.images.sizes import ArtworkSize, address
from kinoshelf.images.store import ArtworkStore

SIZE = ArtworkSize.W342
CHUNK = 5_000
POSTER = (1000, 1500)
ACCEPT = "image/webp,*/*"


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kinoshelf bench artwork", description=__doc__)
    parser.add_argument("--sizes", default="500,100000", help="numbers of pictures (500,100000)")
    parser.add_argument("--lookups", type=int, default=50_000, help="lookups of random numbers (50,000)")
    parser.add_argument("--posters", type=int, default=60, help="posters of a page, served in turn (60)")
    parser.add_argument("--requests", type=int, default=3_000, help="requests in each round (3,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, hub and nginx in turn (5)")
    parser.add_argument("--no-pin", action="store_true", help="let the system choose the cores")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    chosen = options(words)
    warn_of_load()
    cores = Cores.chosen(is_pinned=not chosen.no_pin)
    machine = described()
    lookups: dict[int, dict[str, float]] = {}
    with ExitStack() as stack:
        disk = stack.enter_context(room(on_disk()))
        pin_myself(cores.driver)
        for size in (int(text) for text in chosen.sizes.split(",")):
            say(f"{size:,} pictures")
            lookups[size] = _lookups(size, disk / str(size), chosen.lookups)
        say(f"{chosen.posters} posters over HTTP")
        server = stack.enter_context(WebServer(disk, cores.server))
        serving = _serving(server, disk, cores, chosen)
    print(_lookup_report(lookups))
    print()
    print(_serving_report(serving))
    write_results("artwork", {"machine": machine, "options": vars(chosen), "lookups": lookups, "serving": serving})
    return 0


# Which file a number is.


def _lookups(size: int, home: Path, count: int) -> dict[str, float]:
    environ = environment(home, KINOSHELF_LOGGING_LEVEL="WARNING")
    store = SettingsStore.load(environ)
    configure(store.current.logging)
    hub = open_hub(store, Role.COMMAND)
    try:
        now = hub.clock.now()
        for begin in range(0, size, CHUNK):
            rows = [
                {
                    "source_key": f"tmdb:/{number}.jpg",
                    "state": "kept",
                    "content_key": f"{number:064x}",
                    "media_type": "image/jpeg",
                    "attempts": 0,
                    "created_at": now,
                }
                for number in range(begin, min(begin + CHUNK, size))
            ]
            with hub.database.write() as session:
                session.execute(insert(Artwork), rows)
        artwork = hub.container.get(ArtworkStore)
        numbers = random.Random(size).choices(range(1, size + 1), k=count)
        found = asyncio.run(_looked_up(artwork, hub.database, hub.events, size, numbers))
        found["plain SQL, by number (µs)"] = _plain_sql(store.current.data_dir / "kinoshelf.db", numbers)
        return found
    finally:
        hub.close()


async def _looked_up(
    artwork: ArtworkStore, database: Any, events: Any, size: int, numbers: Sequence[int]
) -> dict[str, float]:
    begin = time.perf_counter()
    await artwork.index.find(1)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    for number in range(1, size + 1):
        await artwork.index.find(number)
    filled = (time.perf_counter() - begin) / size
    took = []
    for number in numbers:
        begin = time.perf_counter()
        await artwork.file(number, SIZE)
        took.append(time.perf_counter() - begin)
    tracemalloc.start()
    other = ArtworkIndex(database, events)
    for number in range(1, size + 1):
        await other.find(number)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {
        "lookup, median (µs)": statistics.median(took) * 1e6,
        "lookup, 99 % (µs)": statistics.quantiles(took, n=100)[98] * 1e6,
        "the first, with its block from the database (ms)": first * 1e3,
        "into memory, each (µs)": filled * 1e6,
        "memory, each (bytes)": memory / size,
    }


def _plain_sql(path: Path, numbers: Sequence[int]) -> float:
    took = []
    with closing(sqlite3.connect(path)) as connection:
        for number in numbers:
            begin = time.perf_counter()
            connection.execute("SELECT state, content_key, media_type FROM artworks WHERE id = ?", (number,)).fetchone()
            took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1e6


# Serving.


class Connection:
    """As little client as there can be: it sends bytes that are ready and counts what comes back."""

    def __init__(self, host: str) -> None:
        name, _, port = host.partition(":")
        self._host = host
        self._socket = socket.create_connection((name, int(port)), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, path: str, **headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}", f"Accept: {ACCEPT}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        self._socket.sendall(request)
        received = self._socket.recv(1 << 18)
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(1 << 18)
        head = received[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        pieces, left = [received[end + 4 :]], length - (len(received) - end - 4)
        while left > 0:
            pieces.append(self._socket.recv(1 << 18))
            left -= len(pieces[-1])
        return head, b"".join(pieces)

    def close(self) -> None:
        self._socket.close()


def _poster(number: int) -> bytes:
    """Return a picture with some detail: shades, and grain like that of film."""
    chance = random.Random(number)
    grain = Image.frombytes("L", (250, 375), chance.randbytes(250 * 375)).resize(POSTER, Image.Resampling.BICUBIC)
    shades = [Image.linear_gradient("L").rotate(chance.randrange(4) * 90).resize(POSTER) for _ in range(3)]
    bands = [Image.blend(shade, grain, 0.15) for shade in shades]
    out = io.BytesIO()
    Image.merge("RGB", bands).save(out, "JPEG", quality=90)
    return out.getvalue()


def _serving(server: WebServer, disk: Path, cores: Cores, chosen: argparse.Namespace) -> dict[str, Any]:
    environ = environment(disk / "serving")
    with Hub(environ, disk / "hub.log", cores.client) as hub:
        numbers, first = [], []
        with closing(Connection(hub.address)) as connection:
            for number in range(chosen.posters):
                content = _poster(number)
                head = f"POST /artwork HTTP/1.1\r\nHost: {hub.address}\r\nContent-Length: {len(content)}\r\n\r\n"
                _, answer = connection.ask(head.encode() + content)
                numbers.append(json.loads(answer)["id"])
            for number in numbers:
                begin = time.perf_counter()
                head, content = connection.ask(connection.request(address(number, SIZE)))
                first.append(time.perf_counter() - begin)
                if b"image/webp" not in head:
                    raise Unavailable(f"the hub did not serve picture {number}: {head.decode(errors='replace')}")
                (disk / "served" / f"{number}.webp").write_bytes(content)
            etag = head[head.find(b'etag: "') + 6 :].split(b"\r", 1)[0].decode()
        size_bytes = len(content)
        nginx = urlsplit(server.url("")).netloc
        rounds: dict[str, list[dict[str, float]]] = {"one": [], "page": [], "304": []}
        for number in range(chosen.rounds):
            say(f"round {number + 1}")
            last = numbers[-1]
            for name, chosen_numbers in (("one", [last]), ("page", numbers)):
                ours = _timed(hub.address, [address(one, SIZE) for one in chosen_numbers], chosen.requests)
                theirs = _timed(nginx, [f"/{one}.webp" for one in chosen_numbers], chosen.requests)
                rounds[name].append({"hub": ours, "nginx": theirs, "ratio": ours / theirs})
            with closing(Connection(nginx)) as connection:
                head, _ = connection.ask(connection.request(f"/{last}.webp"))
                nginx_etag = head[head.find(b'etag: "') + 6 :].split(b"\r", 1)[0].decode()
            ours = _timed(hub.address, [address(last, SIZE)], chosen.requests, If_None_Match=etag)
            theirs = _timed(nginx, [f"/{last}.webp"], chosen.requests, If_None_Match=nginx_etag)
            rounds["304"].append({"hub": ours, "nginx": theirs, "ratio": ours / theirs})
    return {
        "size_bytes": size_bytes,
        "first_milliseconds": statistics.median(first) * 1e3,
        "rounds": rounds,
    }


def _timed(host: str, paths: Sequence[str], count: int, **headers: str) -> float:
    """Return the median of the milliseconds a request takes, one after the other over one connection."""
    took = []
    with closing(Connection(host)) as connection:
        requests = [connection.request(path, **headers) for path in paths]
        for number in range(count + len(requests)):
            begin = time.perf_counter()
            head, _ = connection.ask(requests[number % len(requests)])
            took.append(time.perf_counter() - begin)
            wanted = b" 304 " if headers else b" 200 "
            if wanted not in head[:20]:
                raise Unavailable(f"{host}{paths[0]} answered {head[:60].decode(errors='replace')}")
    return statistics.median(took[len(requests) :]) * 1e3


# What is told.


def _lookup_report(found: dict[int, dict[str, float]]) -> str:
    sizes = sorted(found)
    least, most = found[sizes[0]], found[sizes[-1]]
    rows = [
        [name, *(f"{found[size][name]:,.2f}" for size in sizes), f"{most[name] / least[name]:.1f}"] for name in least
    ]
    return table(["which file", *(f"{size:,}" for size in sizes), f"growth {sizes[0]:,} → {sizes[-1]:,}"], rows)


def _serving_report(found: dict[str, Any]) -> str:
    def middle(name: str, who: str) -> float:
        return statistics.median(one[who] for one in found["rounds"][name])

    labels = {
        "one": f"one poster of {found['size_bytes'] / 1024:.0f} KiB again and again (ms)",
        "page": "the posters of a page in turn (ms)",
        "304": "one the caller has already (ms)",
    }
    rows = [
        [label, f"{middle(name, 'hub'):.3f}", f"{middle(name, 'nginx'):.3f}", f"{middle(name, 'ratio'):.1f}"]
        for name, label in labels.items()
    ]
    rows.append(["the first look: made from 1000 by 1500 (ms)", f"{found['first_milliseconds']:.1f}", "-", "-"])
    return table([f"serving {SIZE}", "Kinoshelf", "nginx", "ours ÷ it"], rows)
