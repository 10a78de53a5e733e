"""The whole product: a picture is looked at, the server ends or dies meanwhile, and the next one shows it."""

from __future__ import annotations

import httpx2
import pytest

from kinoshelf.app import Hub, Role
from kinoshelf.images.sizes import address, tmdb_key
from kinoshelf.images.store import ArtworkStore
from tests.simulators.pictures import picture


@pytest.mark.timeout(180)
@pytest.mark.databases("sqlite")
def test_what_was_looked_at_comes_after_a_polite_end(make_hub, server_process, pictures, wait_until):
    pictures.hold("a.jpg", picture())
    hub: Hub = make_hub(Role.COMMAND)
    with hub.database.write() as session:
        number = hub.container.get(ArtworkStore).want(session, tmdb_key("a.jpg"))
    running = server_process()
    place = f"{running.base_url}{address(number, 'w185')}"
    assert httpx2.get(place, timeout=30).headers["x-artwork-state"] == "wanted"
    wait_until(lambda: pictures.count("a.jpg") == 1, "the picture is asked for")
    assert running.stop() == 0
    pictures.let_go()
    running.start()
    found = httpx2.get(place, params={"wait": 20}, headers={"Accept": "image/webp"}, timeout=30)
    assert (found.headers["x-artwork-state"], found.headers["content-type"]) == ("kept", "image/webp")
    assert running.stop() == 0
    assert "Traceback" not in running.log
