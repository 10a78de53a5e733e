"""Which bytes of a file are there. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

Span = tuple[int, int]


class Ranges:
    """A set of byte positions kept as sorted, disjoint half-open spans."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self.total = 0
        for begin, end in sorted(spans):
            self.add(begin, end)

    def add(self, begin: int, end: int) -> None:
        if end <= begin:
            return
        spans = self._spans
        if spans and begin == spans[-1][1]:
            # The common case: one connection that appends.
            spans[-1] = (spans[-1][0], end)
            self.total += end - begin
            return
        first = bisect_left(spans, (begin,))
        if first and spans[first - 1][1] >= begin:
            first -= 1
        last = first
        while last < len(spans) and spans[last][0] <= end:
            begin, end = min(begin, spans[last][0]), max(end, spans[last][1])
            last += 1
        self.total += end - begin - sum(stop - start for start, stop in spans[first:last])
        spans[first:last] = [(begin, end)]

    def clear(self) -> None:
        self._spans.clear()
        self.total = 0

    def gaps(self, size: int) -> list[Span]:
        """Return what is missing below `size`, in order."""
        missing: list[Span] = []
        at = 0
        for begin, end in self._spans:
            if begin > at:
                missing.append((at, min(begin, size)))
            at = max(at, end)
        if at < size:
            missing.append((at, size))
        return [span for span in missing if span[1] > span[0]]

    def covers(self, size: int) -> bool:
        return self._spans == [(0, size)] if size else True

    @property
    def prefix(self) -> int:
        """How many bytes are there from the beginning without a hole."""
        return self._spans[0][1] if self._spans and self._spans[0][0] == 0 else 0

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(self._spans)
