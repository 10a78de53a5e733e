"""The interface over an open hub whose TMDB and YTS are simulators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from kinoshelf.app import Hub
from kinoshelf.discs import adding
from kinoshelf.discs.torrents import Torrents
from kinoshelf.titles.catalogue import Catalogue
from tests.simulators.yts import YTSSimulator


@pytest.fixture
def yts() -> Iterator[YTSSimulator]:
    """A local YTS; the hub of the test asks it."""
    with YTSSimulator() as running:
        yield running


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    if "yts" in request.fixturenames:
        environ.update(request.getfixturevalue("yts").environ)
    return environ


@pytest.fixture
async def api(api: httpx2.AsyncClient, hub: Hub) -> AsyncIterator[httpx2.AsyncClient]:
    yield api
    # What the lifespan of a served application does.
    await hub.container.get(Catalogue).aclose()
    await hub.container.get(Torrents).aclose()


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Callable[..., int]:
    """Put a disc on the shelf: `own(name="Alien", status="disposed")` returns its id."""
    is_served = "server" in request.fixturenames or "client" in request.fixturenames
    hub: Hub = request.getfixturevalue("server").hub if is_served else request.getfixturevalue("hub")

    def own_one(**fields: Any) -> int:
        with hub.database.write() as session:
            return adding.add(session, {"name": "The Matrix", **fields}, hub.clock.now()).id

    return own_one
