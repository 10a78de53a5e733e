"""How far running downloads are, seen from a command: what a server on the same data directory says, or our own engine.

States come from the database, which is always right; speeds and fresh byte counts come from here and may be missing.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kinoshelf.cli.server_record import ServerRecord, find_server
from kinoshelf.downloads.progress import Live
from kinoshelf.downloads.states import State

if TYPE_CHECKING:
    from kinoshelf.core.settings import Settings

# A server on this machine answers within milliseconds, or it is too busy to be asked.
ASK_SECONDS = 1.0
MOST_ASKED = 100
RECONNECT_SECONDS = 2.0
OPEN_SECONDS = 3.0
# What a frame can tell that the rows cannot.
MOVING = frozenset({"starting", "downloading", "extracting"})


def live_progress(settings: Settings) -> dict[str, Live]:
    """Ask the running server once how far its downloads are; nothing where none runs or it does not tell us."""
    server = find_server(settings.data_dir)
    if server is None:
        return {}
    try:
        found = _asked(server)
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    tasks = found.get("tasks") if isinstance(found, Mapping) else None
    return {live.id: live for live in _lives(tasks or ())}


def _asked(server: ServerRecord) -> Any:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/api/downloads?status=downloading&limit={MOST_ASKED}")
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == 200 else None
    finally:
        connection.close()


def _lives(tasks: Sequence[Any]) -> list[Live]:
    return [live for live in map(_live, tasks) if live is not None]


def _live(task: Any) -> Live | None:
    """Read one task of the documented interface; None for what this version does not understand."""
    try:
        state = str(task["state"]).lower()
        if state not in MOVING:
            return None
        size, downloaded = (
            task.get("total_bytes", task.get("size")),
            task.get("downloaded_bytes", task.get("downloaded")),
        )
        return Live(
            id=str(task["id"]),
            state=State(state),
            downloaded_bytes=int(downloaded or 0),
            size_bytes=int(size) if size else None,
            speed_bytes_per_second=int(task.get("speed") or 0),
            eta_seconds=int(task["eta"]) if task.get("eta") is not None else None,
            connections=0,
            filename=str(task.get("filename") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


class ServerFeed:
    """Listens to the socket of the server on this data directory, whichever it is at the moment.

    `wake` is set when something changed that is worth a look at the database.
    """

    def __init__(self, data_dir: Path, wake: threading.Event) -> None:
        self._data_dir = data_dir
        self._wake = wake
        self._lives: dict[str, Live] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._connection: Any = None
        self._thread = threading.Thread(target=self._run, name="server-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.close()
        self._thread.join(timeout=OPEN_SECONDS)

    def everything(self) -> dict[str, Live]:
        """Return the running downloads by id, as last heard."""
        with self._lock:
            return dict(self._lives)

    def _run(self) -> None:
        import logging

        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        quiet = logging.getLogger("kinoshelf.server_feed")
        quiet.setLevel(logging.CRITICAL)
        while not self._stopping.is_set():
            server = find_server(self._data_dir)
            if server is not None:
                try:
                    with connect(
                        server.socket_url,
                        compression=None,
                        proxy=None,
                        open_timeout=OPEN_SECONDS,
                        close_timeout=1,
                        max_size=None,
                        logger=quiet,
                    ) as connection:
                        self._connection = connection
                        for frame in connection:
                            self._take(frame)
                            if self._stopping.is_set():
                                break
                except (OSError, WebSocketException, TimeoutError):
                    # It does not let us in, or it ended: the database tells the rest.
                    pass
                self._connection = None
                with self._lock:
                    self._lives.clear()
                self._wake.set()
            self._stopping.wait(RECONNECT_SECONDS)

    def _take(self, frame: str | bytes) -> None:
        try:
            message = json.loads(frame)
            kind = message["type"]
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            if kind == "SYNC_ALL":
                self._lives = {live.id: live for live in _lives(message.get("tasks") or ())}
            elif kind == "TASK_BATCH_UPDATE":
                for task in message.get("tasks") or ():
                    self._put(task)
            elif kind in {"TASK_ADDED", "TASK_UPDATED"}:
                self._put(message.get("task"))
            elif kind == "TASK_REMOVED":
                self._lives.pop(str(message.get("task_id")), None)
        if kind in {"SYNC_ALL", "TASK_ADDED", "TASK_UPDATED", "TASK_REMOVED", "QUEUE_CHANGED"}:
            self._wake.set()

    def _put(self, task: Any) -> None:
        """Merge what may be a part of a task: fields a frame leaves out stay as they were."""
        if not isinstance(task, Mapping) or "id" not in task:
            return
        before = self._lives.get(str(task["id"]))
        known: dict[str, Any] = {}
        if before is not None:
            known = {
                "state": before.state.value,
                "total_bytes": before.size_bytes,
                "downloaded_bytes": before.downloaded_bytes,
                "filename": before.filename,
            }
        live = _live({**known, **task})
        if live is None:
            self._lives.pop(str(task["id"]), None)
        else:
            self._lives[live.id] = live
