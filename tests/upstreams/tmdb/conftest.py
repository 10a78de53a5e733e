from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kinoshelf.core.clock import FrozenClock
from kinoshelf.upstreams.tmdb import TMDBClient
from tests.simulators.tmdb import TMDBSimulator


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def naps() -> list[float]:
    """How long was slept, in order."""
    return []


@pytest.fixture
async def make(tmdb: TMDBSimulator, clock: FrozenClock, naps: list[float]) -> AsyncIterator[Callable[..., TMDBClient]]:
    """Build a client of the simulator; sleeping moves the clock and takes no time."""
    made: list[TMDBClient] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(seconds)

    def build(key: str = tmdb.key, **options: Any) -> TMDBClient:
        client = TMDBClient(tmdb.base_url, key, clock=clock, sleep=nap, chance=lambda: 1.0, **options)
        made.append(client)
        return client

    yield build
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make: Callable[..., TMDBClient]) -> TMDBClient:
    return make()
