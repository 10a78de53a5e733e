"""The interface over an open hub without an engine: downloads stay as a test put them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from kinoshelf.app import Hub, create_app
from kinoshelf.downloads.progress import Live, ProgressBoard
from kinoshelf.downloads.states import State
from tests.factories.downloads import add_download

Put = Callable[..., str]
ADDRESS = "http://127.0.0.1:8484"


@pytest.fixture
async def api(hub: Hub) -> AsyncIterator[httpx2.AsyncClient]:
    """A program on this machine that calls the interface."""
    transport = httpx2.ASGITransport(app=create_app(hub), client=("127.0.0.1", 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, timeout=30) as client:
        yield client


@pytest.fixture
def put(hub: Hub) -> Put:
    """Put a download into the list as it is: `put(state="failed", filename="a.mkv")` returns its id."""

    def put_one(**fields: Any) -> str:
        with hub.database.write() as session:
            return add_download(session, **fields).id

    return put_one


@pytest.fixture
def run(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a worker report a download: `run(id, downloaded_bytes=…)`."""
    # A real worker reports again and again; this one once, and a slow machine must not outlive it.
    monkeypatch.setattr("kinoshelf.downloads.progress.STALE_SECONDS", 3600.0)
    board = hub.container.get(ProgressBoard)

    def report(download_id: str, **fields: Any) -> None:
        values = {
            "state": State.DOWNLOADING,
            "downloaded_bytes": 250_000,
            "size_bytes": 1_000_000,
            "speed_bytes_per_second": 50_000,
            "eta_seconds": 15,
            "connections": 2,
            "filename": "live.mkv",
        }
        board.put("elsewhere", [Live(download_id, **{**values, **fields})])

    return report
