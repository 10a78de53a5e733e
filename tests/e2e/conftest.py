"""Pages over two kinds of server: `still` has no engine, so that downloads stay as a test put them; `server` works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from kinoshelf.app import Role, open_hub
from kinoshelf.core.clock import SystemClock
from kinoshelf.core.events import publish
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.events import DownloadsAdded
from kinoshelf.downloads.progress import Live, ProgressBoard
from kinoshelf.downloads.states import State
from tests.factories.downloads import add_download
from tests.running import Server, served
from tests.simulators.browser import DESKTOP, PHONE, open_page

MIB = 1024 * 1024
Put = Callable[..., str]


@pytest.fixture
def still(store: SettingsStore) -> Iterator[Server]:
    with served(open_hub(store, Role.COMMAND, SystemClock())) as running:
        yield running


@pytest.fixture
def put(still: Server) -> Put:
    """Put a download into the list as it is: `put(state="failed", filename="a.mkv")` returns its id."""

    def put_one(**fields: Any) -> str:
        with still.hub.database.write() as session:
            download_id = add_download(session, **fields).id
            publish(session, DownloadsAdded((download_id,)))
        return download_id

    return put_one


@pytest.fixture
def run(still: Server) -> Callable[..., None]:
    """Let a worker report running downloads: `run({id: bytes so far})`."""
    board = still.hub.container.get(ProgressBoard)

    def report(downloaded: dict[str, int], *, size_bytes: int = 100 * MIB, speed: int = 5 * MIB) -> None:
        lives = [
            Live(one, State.DOWNLOADING, done, size_bytes, speed, (size_bytes - done) // speed, 1, f"{one}.mkv")
            for one, done in downloaded.items()
        ]
        board.put("elsewhere", lives)

    return report


@pytest.fixture
def desk(browser: Any, still: Server) -> Iterator[Page]:
    """A page of a desktop browser on `still`."""
    with open_page(browser, still.base_url, **DESKTOP) as page:
        yield page


@pytest.fixture
def phone(browser: Any, still: Server) -> Iterator[Page]:
    """A page of a phone's browser on `still`."""
    with open_page(browser, still.base_url, **PHONE) as page:
        yield page
