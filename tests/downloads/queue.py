"""The download queue of an open hub, as tests use it: add links, act on them, wait for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from kinoshelf.app import Hub
from kinoshelf.downloads import control
from kinoshelf.downloads.adding import NewDownload, add_all
from kinoshelf.downloads.control import Edit, Selection
from kinoshelf.downloads.engine.finish import JOURNAL_PREFIX
from kinoshelf.downloads.engine.partfile import sidecar_path
from kinoshelf.downloads.leftovers import clear_away
from kinoshelf.downloads.progress import Live, ProgressBoard
from kinoshelf.downloads.queries import find_download, list_errors
from kinoshelf.downloads.states import State
from tests.running import wait
from tests.simulators.nginx import sha256

both = pytest.mark.parametrize("transport", ["libcurl", "threads"], indirect=True)
"""Runs a test on libcurl and on urllib3 in threads."""


@dataclass
class Queue:
    hub: Hub

    @property
    def folder(self) -> Path:
        return self.hub.store.current.download_dir

    # What users do.

    def add(self, url: str, **fields: Any) -> str:
        return self.add_many([NewDownload(url, **fields)])[0]

    def add_many(self, wanted: Sequence[NewDownload]) -> list[str]:
        now = self.hub.clock.now()
        with self.hub.database.write() as session:
            added = add_all(session, wanted, now)
        assert all(one.outcome == "added" for one in added), added
        return [str(one.download_id) for one in added]

    def act(self, action: Callable[..., Any], *ids: str) -> Any:
        """Pause, resume, retry, cancel or remove; files of what is gone are cleared away, as every surface does."""
        now = self.hub.clock.now()
        with self.hub.database.write() as session:
            found = action(session, Selection(ids=ids), now)
        if isinstance(found, control.Removed):
            clear_away(self.folder, found)
        return found

    def edit(self, download_id: str, **fields: Any) -> None:
        with self.hub.database.write() as session:
            control.edit(session, download_id, Edit(**fields), self.hub.clock.now())

    # What became of it.

    def row(self, download_id: str) -> Row[Any]:
        with self.hub.database.read() as session:
            found = find_download(session, download_id)
        assert found is not None, f"no download {download_id}"
        return found

    def state(self, download_id: str) -> State:
        return State(self.row(download_id).state)

    def errors(self, download_id: str) -> list[tuple[str, str]]:
        """Return category and message of each failure, oldest first."""
        with self.hub.database.read() as session:
            return [(row.category, row.message) for row in list_errors(session, download_id)]

    def live(self, download_id: str) -> Live | None:
        return self.hub.container.get(ProgressBoard).get(download_id)

    def reach(self, download_id: str, *states: State, seconds: float = 15) -> Row[Any]:
        """Wait for one of the states; the row then. A final state that was not asked for ends the waiting."""
        give_up = time.monotonic() + seconds
        while True:
            row = self.row(download_id)
            if State(row.state) in states:
                return row
            story = f"{row.state}: {row.error_message}; {self.errors(download_id)}"
            is_over = row.state in {State.COMPLETED, State.FAILED, State.CANCELLED} and row.claimed_by is None
            assert not is_over, f"never {states}: {story}"
            assert time.monotonic() < give_up, f"not {states} after {seconds:g} s: {story}"
            time.sleep(0.01)

    def finish(self, download_id: str, seconds: float = 15) -> Path:
        """Wait for the completed file and return it."""
        row = self.reach(download_id, State.COMPLETED, seconds=seconds)
        assert row.destination is not None
        return Path(row.destination)

    def fail(self, download_id: str, seconds: float = 15) -> Row[Any]:
        return self.reach(download_id, State.FAILED, seconds=seconds)

    def arrive(self, download_id: str, size_bytes: int = 1, seconds: float = 10) -> None:
        """Wait until so many bytes have arrived."""
        wait(
            lambda: (live := self.live(download_id)) is not None and live.downloaded_bytes >= size_bytes,
            f"{size_bytes} bytes arrive",
            seconds,
        )

    def let_go(self, download_id: str, seconds: float = 10) -> Row[Any]:
        """Wait until no worker holds it."""
        wait(lambda: self.row(download_id).claimed_by is None, "the worker lets go", seconds)
        return self.row(download_id)

    @property
    def files(self) -> dict[str, str]:
        """What lies in the download folder, part files and all: name and SHA-256."""
        # What is cleared away goes right after the commit that shows how a download ended.
        wait(lambda: not list(self.folder.glob(f"{JOURNAL_PREFIX}*")), "the journal is cleared", 5)
        wait(lambda: not any(map(_is_empty, self.folder.rglob("*.part"))), "empty part files go", 5)
        found: dict[str, str] = {}
        for path in sorted(self.folder.rglob("*")):
            # Part files and sidecars may go while this looks.
            with suppress(FileNotFoundError):
                if path.is_file():
                    found[str(path.relative_to(self.folder))] = sha256(path)
        return found

    def part_of(self, download_id: str) -> Path:
        (found,) = self.folder.rglob(f"*.{download_id[:8]}.part")
        return found

    def sidecar_of(self, download_id: str) -> Path:
        return sidecar_path(self.part_of(download_id))


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return False
