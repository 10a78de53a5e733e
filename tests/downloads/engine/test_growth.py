"""When more connections pay, on hosts that are simulated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kinoshelf.downloads.engine.growth import MEMORY_SECONDS, Growth, HostMemory

MIB = 1024 * 1024
TICK = 0.05


def run(
    growth: Growth, host: Callable[[int], float], size_bytes: int = 4096 * MIB, head_seconds: float = 0.02
) -> tuple[list[int], float]:
    """Download from a host whose rate depends on the connections; return the connections at each tick, and the time."""
    now, received, seen = 100.0, 0.0, []
    while received < size_bytes and len(seen) < 20_000:
        target = growth.step(now, int(received), int(size_bytes - received), head_seconds)
        seen.append(target)
        received += host(target) * TICK
        now += TICK
    return seen, now - 100.0


def limited(per_connection: float, line: float = 1e12) -> Callable[[int], float]:
    return lambda connections: min(connections * per_connection, line)


class TestGrowth:
    @pytest.mark.parametrize("rate", [0.2 * MIB, 2 * MIB, 20 * MIB])
    def test_takes_all_it_may_where_each_connection_is_limited(self, rate: float) -> None:
        seen, seconds = run(Growth(16, None), limited(rate), int(300 * rate))
        assert seen[0] == 1
        assert seen[-1] == 16
        assert seconds < 300 / 16 + 4

    @pytest.mark.parametrize("limit", [2, 3, 5, 32])
    def test_takes_no_more_than_it_may(self, limit: int) -> None:
        seen, _seconds = run(Growth(limit, None), limited(MIB), 500 * MIB)
        assert max(seen) == seen[-1] == limit

    @pytest.mark.parametrize("line", [0.1 * MIB, MIB, 50 * MIB])
    def test_settles_at_one_where_the_line_is_the_limit(self, line: float) -> None:
        growth = Growth(16, None)
        seen, _seconds = run(growth, limited(1e12, line), int(60 * line))
        assert seen[-1] == 1
        assert sum(connections > 1 for connections in seen) * TICK < 3
        assert growth.learned == 1

    def test_keeps_a_few_where_more_bring_nothing(self) -> None:
        seen, _seconds = run(Growth(16, None), limited(2 * MIB, 8 * MIB), 800 * MIB)
        assert seen[-1] == 4

    def test_never_tries_where_it_is_fast(self) -> None:
        seen, _seconds = run(Growth(16, None), limited(400 * MIB))
        assert set(seen) == {1}

    def test_never_tries_for_what_is_done_in_a_moment(self) -> None:
        seen, _seconds = run(Growth(16, None), limited(20 * MIB), 10 * MIB)
        assert set(seen) == {1}

    def test_never_tries_where_one_is_all_there_is(self) -> None:
        growth = Growth(1, None)
        assert not growth.is_watching
        assert set(run(growth, limited(MIB), 100 * MIB)[0]) == {1}

    def test_waits_longer_for_a_far_host(self) -> None:
        near, far = (run(Growth(16, None), limited(MIB), 60 * MIB, seconds)[0] for seconds in (0.01, 0.5))
        assert near.count(1) < far.count(1)

    @pytest.mark.parametrize(("known", "first"), [(1, 1), (4, 4), (16, 8), (None, 1)])
    def test_begins_with_what_the_host_taught(self, known: int | None, first: int) -> None:
        growth = Growth(8, known)
        assert growth.step(100, 0, 100 * MIB, 0.01) == first
        assert growth.is_watching is (known is None)

    def test_ends_where_the_host_refuses(self) -> None:
        growth = Growth(16, None)
        run(growth, limited(MIB), 2 * MIB)
        growth.refused(2)
        assert max(run(growth, limited(MIB), 100 * MIB)[0]) <= 2


class TestHostMemory:
    def test_keeps_a_verdict_for_a_while(self) -> None:
        memory = HostMemory()
        assert memory.verdict("host", 100) is None
        assert memory.ceiling("host", 100) > 100
        memory.learn("host", 16, 100)
        memory.refused("host", 0, 100)
        assert (memory.verdict("host", 101), memory.ceiling("host", 101)) == (16, 1)
        assert memory.verdict("other", 101) is None
        later = 100 + MEMORY_SECONDS + 1
        assert (memory.verdict("host", later), memory.ceiling("host", later) > 100) == (None, True)
