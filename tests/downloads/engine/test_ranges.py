"""The set of bytes that are there, against a plain set of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.downloads.engine.ranges import Ranges

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=25)


class TestRanges:
    @given(SPANS)
    def test_it_is_the_set_of_its_bytes(self, spans):
        ranges, bytes_there = Ranges(), set()
        for begin, end in spans:
            ranges.add(begin, end)
            bytes_there.update(range(begin, end))
        assert ranges.total == len(bytes_there)
        assert {at for begin, end in ranges.spans for at in range(begin, end)} == bytes_there
        assert all(one[1] < two[0] for one, two in zip(ranges.spans, ranges.spans[1:], strict=False))
        missing = {at for begin, end in ranges.gaps(64) for at in range(begin, end)}
        assert missing == set(range(64)) - bytes_there
        assert ranges.covers(64) == (not missing)
        assert Ranges(ranges.spans).spans == ranges.spans

    def test_an_empty_file_is_covered(self):
        assert Ranges().covers(0)
        assert Ranges().gaps(0) == []
