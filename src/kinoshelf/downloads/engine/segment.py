"""One connection of a download and the span of the file it fills."""

from __future__ import annotations

from typing import Protocol

from kinoshelf.downloads.engine.heads import REDIRECTS, retry_after_seconds
from kinoshelf.downloads.engine.pace import Pace
from kinoshelf.downloads.engine.partfile import PartFile
from kinoshelf.downloads.engine.transport import Answer, Exchange
from kinoshelf.downloads.retry import Cause, Failure, failure_of_status

WRITE_BYTES = 256 * 1024
# Without a validator the last bytes are fetched again and compared before anything is added to them.
OVERLAP_BYTES = 64 * 1024
MAX_HELD_CHUNKS = 256


class Stop(Exception):
    """The attempt ends with a failure that was found while bytes arrived."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Whole(Protocol):
    """The attempt a segment is a part of."""

    part: PartFile
    pace: Pace
    size_bytes: int | None
    moved_bytes: int

    def accept(self, segment: Segment, answer: Answer) -> None:
        """Look at the head of an answer. Raises Stop when what follows does not belong here."""

    def store(self, chunks: list[bytes], position: int, length: int) -> None:
        """Write what has arrived."""


class Segment:
    """One connection and the span it fills: the sink of its exchange. `end` may move down while it runs, when another
    connection takes over the rest.
    """

    def __init__(self, fetch: Whole, start: int, end: int | None, *, is_extra: bool) -> None:
        self.fetch = fetch
        self.start = start
        self.position = start
        self.is_extra = is_extra
        self.exchange: Exchange | None = None
        self.answer: Answer | None = None
        self.failure: Failure | None = None
        self.held_bytes = 0
        self.overlap = b""
        self._end = end
        self._body_end = 0
        self._is_dropped = False
        self._asked_end: int | None = None
        self._chunks: list[bytes] = []
        self._easy_bytes = 0
        """While less than this is held, the next bytes need no look at anything else."""

    @property
    def end(self) -> int | None:
        """Where the span ends; None while nobody knows."""
        return self._end

    @end.setter
    def end(self, end: int | None) -> None:
        self._end = end
        self.look_ahead()

    def look_ahead(self) -> None:
        """Find out how much may come before the next look: at the limits, at what is to be compared, at the end."""
        if self._is_dropped or self.overlap or self.fetch.pace.is_limited:
            self._easy_bytes = 0
        else:
            self._easy_bytes = WRITE_BYTES if self._end is None else min(WRITE_BYTES, self._end - self.position)

    @property
    def remaining(self) -> int:
        """Bytes that are still to come; 0 as well where nobody knows."""
        return 0 if self.end is None else max(0, self.end - self.position - self.held_bytes)

    def headers(self) -> tuple[tuple[str, str], ...]:
        part = self.fetch.part
        size_bytes = self.fetch.size_bytes
        # The rest of the file is asked for as a whole; a hole in it, and the part of an extra connection, as what it is.
        is_bounded = self.end is not None and (self.is_extra or (size_bytes is not None and self.end < size_bytes))
        self._asked_end = self.end if is_bounded else size_bytes
        if not self.is_extra and self.start == 0 and self.end is None:
            return ()
        start = self.start
        validator = part.origin.validator
        if start > 0 and not self.is_extra:
            # Whatever the validators say: hosts err, and dates do not see two changes within a second.
            length = min(OVERLAP_BYTES, next((end - begin for begin, end in part.ranges.spans if end == start), 0))
            self.overlap = part.read(start - length, length)
            start -= length
        last = str(self.end - 1) if is_bounded and self.end is not None else ""
        found = [("Range", f"bytes={start}-{last}")]
        if validator:
            found.append(("If-Range", validator))
        return tuple(found)

    def begin(self, answer: Answer) -> bool:
        self.answer = answer
        self._body_end = 0
        if answer.status in REDIRECTS:
            return False
        if answer.status not in {200, 206}:
            after = retry_after_seconds(answer.headers.get("retry-after", ""))
            self.failure = failure_of_status(answer.status, after, answer.reason)
            return False
        try:
            self.fetch.accept(self, answer)
        except Stop as stop:
            self.failure = stop.failure
            return False
        self.look_ahead()
        return True

    def begin_at_zero(self) -> None:
        """The host sends the whole file from its start, whatever was asked."""
        self.start = self.position = 0
        self.overlap = b""

    def expect_until(self, end: int) -> None:
        """Note where the answer ends by its own word; it may bring fewer bytes than were asked for."""
        self._body_end = end

    @property
    def is_cut_short_by_host(self) -> bool:
        """Whether the host kept its word but gave a smaller part than was asked for."""
        return self.start < self.position == self._body_end

    def write(self, chunk: bytes) -> bool | None:
        # Called for every 16 KiB: the usual case is one comparison.
        held_bytes = self.held_bytes + len(chunk)
        if held_bytes < self._easy_bytes and len(self._chunks) < MAX_HELD_CHUNKS:
            self._chunks.append(chunk)
            self.held_bytes = held_bytes
            return True
        return self._write_looking(chunk)

    def _write_looking(self, chunk: bytes) -> bool | None:
        fetch = self.fetch
        if self._is_dropped:
            return False
        if fetch.pace.is_limited and not fetch.pace.may_take(len(chunk)):
            if self.exchange is not None:
                fetch.pace.hold(self.exchange.resume)
            return None
        if self.overlap:
            chunk = self._compared(chunk)
        length = len(chunk)
        is_full = False
        if self.end is not None and self.position + self.held_bytes + length >= self.end:
            length = max(0, self.end - self.position - self.held_bytes)
            chunk = chunk[:length]
            is_full = True
        self._chunks.append(chunk)
        self.held_bytes += length
        if self.held_bytes >= WRITE_BYTES or is_full or len(self._chunks) >= MAX_HELD_CHUNKS:
            self.flush()
        # A connection that was asked for no more reads on to its end, so that it can be used again.
        return not (is_full and self.end != (self._asked_end or fetch.size_bytes))

    def _compared(self, chunk: bytes) -> bytes:
        seen, rest = chunk[: len(self.overlap)], chunk[len(self.overlap) :]
        if seen != self.overlap[: len(seen)]:
            raise Stop(Failure(Cause.CHANGED, "the file at the host is another one now", must_restart=True))
        self.overlap = self.overlap[len(seen) :]
        return rest

    def flush(self) -> None:
        if self.held_bytes:
            chunks, length = self._chunks, self.held_bytes
            self._chunks, self.held_bytes = [], 0
            self.fetch.moved_bytes += length
            self.fetch.store(chunks, self.position, length)
            self.position += length
            self.look_ahead()

    def give_up_rest(self) -> None:
        """Close the connection; somebody else fetches what is missing."""
        self.end = self.position + self.held_bytes
        if self.exchange is not None:
            self.exchange.abort()

    def drop(self) -> None:
        """Close the connection and forget what has not been written: it belongs to another file."""
        self._is_dropped = True
        self.fetch.moved_bytes += self.held_bytes
        self._chunks, self.held_bytes = [], 0
        self.give_up_rest()
