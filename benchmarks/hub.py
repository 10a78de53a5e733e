"""The whole product as a program of its own, spoken to over HTTP and the live socket."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

from benchmarks.machine import ROOT, Unavailable
from benchmarks.processes import end, spawn
from kinoshelf.core.settings import leaves

START_SECONDS = 30
ANSWER_SECONDS = 120
IDLE_SECONDS = 2
FINAL = frozenset({"completed", "failed", "cancelled", "skipped"})
# Without a word on the socket for this long, the API is asked.
SILENCE_SECONDS = 1.0


def environment(home: Path, **changes: str) -> dict[str, str]:
    """Return the environment of a hub that keeps everything below `home`, free of the user's own settings and proxies."""
    ours = {variable for leaf in leaves() for name in leaf.variables for variable in (name, f"{name}_FILE")}
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {name: text for name, text in os.environ.items() if name not in ours and name.lower() not in proxies}
    return {
        **kept,
        "KINOSHELF_DATA_DIR": str(home / "hub"),
        "KINOSHELF_CONFIG_DIR": str(home / "tokens"),
        "KINOSHELF_TIMEZONE": "UTC",
        "KINOSHELF_PORT": "0",
        "KINOSHELF_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        **changes,
    }


class Hub:
    """`kinoshelf serve` on a free port."""

    def __init__(
        self, environ: dict[str, str], log: Path, cores: frozenset[int] | None, words: Sequence[str | Path] = ()
    ) -> None:
        self._environ, self._log, self._cores = environ, log, cores
        self._words = list(words) or [sys.executable, "-m", "kinoshelf", "serve"]
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        self.address = ""
        self.begun_at = 0.0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def socket_url(self) -> str:
        return f"ws://{self.address}/api/ws"

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> Self:
        """Start it; return when it says that it is ready."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as file:
            self.begun_at = time.perf_counter()
            self._process = spawn(
                [*self._words, "--json"],
                self._cores,
                cwd=ROOT,
                env=self._environ,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        killer = threading.Timer(START_SECONDS, self._process.kill)
        killer.start()
        try:
            self.address = urlsplit(self._first_document().get("url", "")).netloc
        finally:
            killer.cancel()
        if not self.address:
            raise Unavailable(f"the hub did not start:\n{self.said}")
        return self

    def _first_document(self) -> dict[str, Any]:
        """Return what it says once it is ready; empty when it has ended before."""
        assert self._process is not None
        assert self._process.stdout is not None
        text = ""
        for line in self._process.stdout:
            text += line.decode()
            with suppress(json.JSONDecodeError):
                found: dict[str, Any] = json.loads(text)
                return found
        return {}

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            end(self._process)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            # Interrupted while it starts: it would go on making files where all are being removed.
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """Send one request over a connection that stays open; return what was answered."""
        if self._connection is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            # The server closes what is idle for some seconds.
            self._connection.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.address, timeout=ANSWER_SECONDS)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = json.dumps(body).encode() if body is not None else None
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        found = answer.read()
        self._used_at = time.monotonic()
        if answer.status >= 400:
            raise Unavailable(f"{method} {path} answered {answer.status}: {found[:300].decode(errors='replace')}")
        return found

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path))

    def wait_for(self, path: str, seconds: float = START_SECONDS) -> None:
        """Wait until a path answers without an error."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                self.ask("GET", path)
                return
            except (Unavailable, OSError, http.client.HTTPException) as error:
                if time.monotonic() > give_up:
                    raise Unavailable(f"{path} did not answer: {error}") from error
                if self._connection is not None:
                    self._connection.close()
                time.sleep(0.005)


@dataclass
class Told:
    """What was heard and how long it took: seconds since the request was sent."""

    seconds: float = 0.0
    request_seconds: float = 0.0
    first_completed_seconds: float = 0.0
    is_from_socket: bool = True
    """False where the socket fell silent and the API had to be asked."""
    frames: Counter[str] = field(default_factory=Counter)
    frame_bytes: int = 0
    failures: list[str] = field(default_factory=list)


def download(hub: Hub, urls: Sequence[str], give_up_seconds: float) -> Told:
    """Hand links to a hub and listen until it says that the last one is completed."""
    return asyncio.run(_download(hub, urls, give_up_seconds))


async def _download(hub: Hub, urls: Sequence[str], give_up_seconds: float) -> Told:
    told = Told()
    ended: set[str] = set()
    ids: set[str] | None = None
    not_final: set[str] | None = None
    async with connect(hub.socket_url, max_size=None, compression=None, proxy=None) as socket:
        await socket.recv()
        begin = time.perf_counter()
        if len(urls) == 1:
            asked = asyncio.create_task(asyncio.to_thread(hub.ask, "POST", "/api/downloads", {"url": urls[0]}))
        else:
            asked = asyncio.create_task(asyncio.to_thread(hub.ask, "POST", "/api/downloads/bulk", {"urls": [*urls]}))

        def note_request(_task: Any) -> None:
            told.request_seconds = time.perf_counter() - begin

        asked.add_done_callback(note_request)
        async with asyncio.timeout(give_up_seconds):
            while ids is None or not ids <= ended:
                if ids is None and asked.done():
                    ids = _ids(await asked, len(urls))
                    if not_final is not None:
                        ended |= ids - not_final
                    continue
                try:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        text = await socket.recv()
                except TimeoutError:
                    if ids is not None and _is_over(hub, ids):
                        told.is_from_socket = False
                        break
                    continue
                message = json.loads(text)
                told.frames[message["type"]] += 1
                told.frame_bytes += len(text)
                if message["type"] in {"TASK_UPDATED", "TASK_ADDED"}:
                    _note(message["task"], ended, told, begin)
                elif message["type"] == "SYNC_ALL":
                    # It holds what is not final: what is missing has ended.
                    not_final = {task["id"] for task in message["tasks"]}
                    if ids is not None:
                        ended |= ids - not_final
        told.seconds = time.perf_counter() - begin
        if not told.request_seconds:
            await asked
    counts = hub.read("/api/downloads?limit=1")["status_counts"]
    if counts["failed"] or told.failures:
        rows = hub.read("/api/downloads?limit=3&status=failed")["tasks"]
        raise Unavailable(f"{counts['failed']} downloads failed: {[row['error_message'] for row in rows]}")
    return told


def _ids(answer: bytes, wanted: int) -> set[str]:
    found = json.loads(answer)
    ids = {one["id"] for one in found["results"]} if "results" in found else {found["id"]}
    if len(ids) != wanted:
        raise Unavailable(f"{wanted} links were handed over, {len(ids)} were taken")
    return ids


def _note(task: dict[str, Any], ended: set[str], told: Told, begin: float) -> None:
    if task["state"] not in FINAL:
        return
    if not told.first_completed_seconds:
        told.first_completed_seconds = time.perf_counter() - begin
    ended.add(task["id"])
    if task["state"] != "completed":
        told.failures.append(str(task["error_message"]))


def _is_over(hub: Hub, ids: set[str]) -> bool:
    counts = hub.read("/api/downloads?limit=1")["status_counts"]
    return not counts["downloading"] + counts["queued"] + counts["paused"] and counts["all"] >= len(ids)


def listen(hub: Hub, until: Callable[[Any], Awaitable[None]], *, path: str = "") -> None:
    """Open the live socket and hand it to a coroutine."""

    async def work() -> None:
        async with connect(hub.socket_url + path, max_size=None, compression=None, proxy=None) as socket:
            await until(socket)

    with suppress(asyncio.CancelledError):
        asyncio.run(work())
