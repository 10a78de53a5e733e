from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kinoshelf.core.clock import FrozenClock
from tests.simulators.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def naps() -> list[float]:
    """How long was slept, in order."""
    return []


@pytest.fixture
def sleep(clock: FrozenClock, naps: list[float]) -> Callable[[float], object]:
    """Sleep on the frozen clock: it takes no time and moves it."""

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(seconds)

    return nap
