"""More connections only where each one is limited: against simulated hosts."""

from __future__ import annotations

from kinoshelf.downloads.engine.growth import Growth, HostMemory

MIB = 1024 * 1024


def run(growth, rate_of, *, size=2000 * MIB, seconds=6.0, step=0.05):
    """Let a host send `rate_of(connections)` bytes a second; return the most connections and the last number."""
    now, received, most = 100.0, 0.0, 1
    while now < 100 + seconds and received < size:
        target = growth.step(now, int(received), int(size - received), 0.01)
        most = max(most, target)
        received += rate_of(target) * step
        now += step
    return most, growth.target


class TestGrowth:
    def test_a_host_that_limits_each_connection_gets_all_that_are_allowed(self):
        growth = Growth(16, None)
        assert run(growth, lambda connections: 20 * MIB * connections) == (16, 16)
        assert growth.learned == 16

    def test_a_line_that_is_full_goes_back_to_one(self):
        growth = Growth(16, None)
        _most, last = run(growth, lambda _connections: 10 * MIB)
        assert last == 1
        assert growth.learned == 1

    def test_a_fast_host_is_never_tried(self):
        assert run(Growth(16, None), lambda _connections: 500 * MIB, size=100_000 * MIB)[0] == 1

    def test_a_file_that_is_almost_there_is_left_alone(self):
        assert run(Growth(16, None), lambda _connections: 20 * MIB, size=8 * MIB)[0] == 1

    def test_one_connection_is_a_wish_to_keep(self):
        assert run(Growth(1, None), lambda connections: 20 * MIB * connections) == (1, 1)

    def test_what_is_known_of_a_host_is_used_at_once(self):
        assert Growth(16, 8).target == 8
        assert Growth(4, 8).target == 4
        assert not Growth(16, 1).is_watching

    def test_gain_that_ends_early_keeps_the_few(self):
        _most, last = run(Growth(16, None), lambda connections: 10 * MIB * min(connections, 4))
        assert last == 4

    def test_a_refusal_settles_it(self):
        growth = Growth(16, None)
        growth.refused(3)
        assert not growth.is_watching
        assert growth.target <= 3


class TestHostMemory:
    def test_verdicts_are_forgotten_after_a_while(self):
        memory = HostMemory()
        memory.learn("example.org", 8, 1000.0)
        assert memory.verdict("example.org", 1001.0) == 8
        assert memory.verdict("example.org", 5000.0) is None
        assert memory.verdict("other.example", 1001.0) is None

    def test_a_refusal_is_a_ceiling(self):
        memory = HostMemory()
        memory.refused("example.org", 2, 1000.0)
        assert memory.ceiling("example.org", 1001.0) == 2
        assert memory.ceiling("example.org", 5000.0) > 100
