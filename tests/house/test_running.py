"""The whole server starts, dies and starts again on the same data."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from tests.running import Server, ServerProcess


def test_on_a_thread(server: Server, client: httpx2.Client) -> None:
    assert server.hub.started_at is not None
    assert client.get("/api/downloads").json()["total"] == 0


@pytest.mark.timeout(180)
@pytest.mark.databases("sqlite", "postgres")
def test_as_a_process_that_is_killed_and_started_again(server_process: Callable[..., ServerProcess]) -> None:
    process = server_process(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="1")
    address = f"{process.base_url}/api/downloads"
    added = httpx2.post(address, json={"url": "https://films.invalid/film.mkv"}, timeout=20)
    assert added.status_code == 201, added.text
    process.restart()
    assert [task["id"] for task in httpx2.get(address, timeout=20).json()["tasks"]] == [added.json()["id"]]
    assert process.stop() == 0, process.log
