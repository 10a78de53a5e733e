"""Ranges against the plainest model there is: a set of positions."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.downloads.engine.ranges import Ranges

SIZE = 40
SPANS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)), max_size=12)


class TestRanges:
    @given(SPANS, st.integers(0, SIZE + 5))
    def test_are_the_set_of_what_was_added(self, spans: list[tuple[int, int]], size: int) -> None:
        ranges, model = Ranges(), set()
        for begin, end in spans:
            ranges.add(begin, end)
            model |= set(range(begin, end))
            assert ranges.total == len(model)
        found = ranges.spans
        assert {at for begin, end in found for at in range(begin, end)} == model
        assert all(begin < end for begin, end in found)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
        missing = set(range(size)) - model
        assert {at for begin, end in ranges.gaps(size) for at in range(begin, end)} == missing
        assert ranges.gaps(size) == sorted(ranges.gaps(size))
        if not model or max(model) < size:
            assert ranges.covers(size) is not bool(missing)
        assert ranges.prefix == next((at for at in range(SIZE + 1) if at not in model), SIZE + 1)
        assert Ranges(reversed(found)).spans == found

    def test_can_be_emptied(self) -> None:
        ranges = Ranges([(0, 5), (7, 9)])
        ranges.clear()
        assert (ranges.spans, ranges.total, ranges.prefix, ranges.gaps(3)) == ((), 0, 0, [(0, 3)])
