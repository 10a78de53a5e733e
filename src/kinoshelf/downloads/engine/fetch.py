"""One attempt at one download: from the first request to all bytes in the part file, over one connection or several."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from kinoshelf.downloads.checksums import Checksum, checksum_from_headers
from kinoshelf.downloads.engine.growth import MIN_SPLIT_BYTES, Growth
from kinoshelf.downloads.engine.heads import REDIRECTS, body_span, opaque
from kinoshelf.downloads.engine.job import Job, Needs
from kinoshelf.downloads.engine.partfile import Origin, PartFile
from kinoshelf.downloads.engine.segment import Segment, Stop
from kinoshelf.downloads.engine.storage import storage_failure
from kinoshelf.downloads.engine.transport import Answer, TransportFailed
from kinoshelf.downloads.errors import LinkNotUsable
from kinoshelf.downloads.links import parse_link
from kinoshelf.downloads.naming import filename_from_disposition, filename_from_url
from kinoshelf.downloads.progress import SpeedMeter
from kinoshelf.downloads.retry import Cause, Failure

MAX_REDIRECTS = 10
PREALLOCATE_FROM_BYTES = 1024 * 1024
# What came in tiny pieces, or slowly, is written this often all the same, so that a checkpoint finds it.
FLUSH_SECONDS = 0.5


class Fetch:
    """Runs one attempt. `run` returns None when every byte is in the part file, else the failure."""

    def __init__(self, job: Job, part: PartFile, needs: Needs) -> None:
        self.job = job
        self.part = part
        self.needs = needs
        self.pace = needs.pace
        self.url = job.url
        self.filename = job.filename
        self.size_bytes = part.origin.size_bytes
        self.final_url = job.url
        self.announced: Checksum | None = None
        self.meter = SpeedMeter()
        self.is_stopped = False
        self.has_answer = False
        self.started_at = time.monotonic()
        self._hasher: Any = None
        self._hashed_bytes = 0
        self.moved_bytes = 0
        """What this attempt moved over the network, but for what its connections hold."""
        self._segments: list[Segment] = []
        self._extras: set[asyncio.Task[None]] = set()
        self._can_split = False
        self._growth: Growth | None = None
        self._head_seconds = 0.0
        self._asked_at = self.started_at
        self._seen_bytes = -1
        self._moved_at = self.started_at
        self._failure: Failure | None = None
        self._preallocation: asyncio.Future[Any] | None = None
        self._flushed_at = self.started_at
        self._is_over = False

    # What the engine looks at.

    @property
    def downloaded_bytes(self) -> int:
        return self.part.ranges.total + sum(segment.held_bytes for segment in self._segments)

    @property
    def received_bytes(self) -> int:
        """What this attempt moved over the network."""
        return self.moved_bytes + sum(segment.held_bytes for segment in self._segments)

    @property
    def connections(self) -> int:
        return len(self._segments)

    @property
    def is_growing(self) -> bool:
        return self._growth is not None and self._growth.is_watching

    def digest_for(self, wanted: Checksum) -> str | None:
        """The digest of the whole file when it was hashed while writing; None when it has to be read once more."""
        if self._hasher is None or self._hasher.name != wanted.algorithm or self._hashed_bytes != self.size_bytes:
            return None
        digest: str = self._hasher.hexdigest()
        return digest

    def stop(self) -> None:
        """End the attempt from outside; `run` then returns soon, and nothing is lost."""
        self.is_stopped = True
        self._abort_all()

    def tick(self, now: float) -> None:
        """Look after the transfer: measure, find a stall or a full disk, open or close connections."""
        self.meter.add(now, self.received_bytes)
        for segment in self._segments:
            # Limits may have been set since.
            segment.look_ahead()
        if self.is_stopped or self._is_over:
            return
        if now - self._flushed_at >= FLUSH_SECONDS:
            self._flushed_at = now
            self._flush()
        if self.received_bytes != self._seen_bytes or self.pace.is_holding:
            self._seen_bytes, self._moved_at = self.received_bytes, now
        if now - self._moved_at > self.needs.stall_seconds:
            seconds = round(now - self._moved_at)
            self._give_up(Failure(Cause.STALLED, f"no bytes came for {seconds} seconds"))
            return
        if self._can_split and self._growth is not None and not self.pace.is_limited:
            self._grow(now, self._growth)

    def _flush(self) -> None:
        try:
            for segment in self._segments:
                segment.flush()
        except OSError as error:
            self._give_up(storage_failure(error, self.part.path))

    def check_disk(self) -> None:
        """Stop before the disk is full. Called from time to time, off the hot path."""
        if (
            not self._is_over
            and not self.part.is_preallocated
            and self.needs.free_bytes(self.part.path.parent) < self.needs.reserve_bytes
        ):
            self._give_up(Failure(Cause.DISK_FULL, "the disk is almost full"))

    # The attempt.

    async def run(self) -> Failure | None:
        try:
            failure = await self._run()
        except OSError as error:
            failure = storage_failure(error, self.part.path)
        except TransportFailed as error:
            failure = Failure(error.cause, error.message)
        finally:
            await self._end_extras()
            self.pace.leave()
            self._is_over = True
        failure = self._failure or failure
        if failure is not None and failure.must_restart:
            # Not before every connection has ended: what one still holds would land in the emptied file.
            self.part.restart()
        return failure

    async def _run(self) -> Failure | None:
        if self.size_bytes is not None and self.part.ranges.covers(self.size_bytes):
            return None
        while not self.is_stopped:
            segment = self._first_segment()
            failure = await self._get(segment)
            if failure is not None or self.is_stopped or self._failure:
                return failure
            if self._extras:
                # This connection is free again: it helps the others.
                following = self._split_off()
                if following is not None:
                    await self._run_extra(following)
                while self._extras:
                    await asyncio.wait(self._extras)
                if self._failure is not None:
                    return None
            if self._is_complete(segment):
                return None
        return None

    def _first_segment(self) -> Segment:
        if self.size_bytes is None:
            return Segment(self, 0, None, is_extra=False)
        begin, end = self.part.ranges.gaps(self.size_bytes)[0]
        whole = begin == 0 and end == self.size_bytes
        return Segment(self, begin, None if whole else end, is_extra=False)

    def _is_complete(self, segment: Segment) -> bool:
        if self.size_bytes is None:
            # A body without a length ends where it ends.
            self.size_bytes = segment.position
            self.part.origin = Origin(segment.position, self.part.origin.etag, self.part.origin.last_modified)
            return True
        return self.part.ranges.covers(self.size_bytes)

    async def _get(self, segment: Segment) -> Failure | None:
        """Fill one segment, following redirects."""
        url = self.url
        if segment not in self._segments:
            self._segments.append(segment)
        try:
            for _hop in range(MAX_REDIRECTS + 1):
                whole = await self._exchange(segment, url)
                if segment.failure is not None:
                    return segment.failure
                answer = segment.answer
                if answer is not None and answer.status in REDIRECTS and not self.is_stopped:
                    url = self._redirected(url, answer)
                    continue
                if whole and segment.remaining and not segment.is_cut_short_by_host:
                    return Failure(Cause.WRONG_LENGTH, "the host sent fewer bytes than it announced")
                return None
        finally:
            self._segments.remove(segment)
        return Failure(Cause.REDIRECT, f"the link was redirected more than {MAX_REDIRECTS} times")

    async def _exchange(self, segment: Segment, url: str) -> bool:
        request = self.needs.request(url, segment.headers())
        if self.pace.is_limited:
            request = replace(request, buffer_bytes=self.pace.buffer_bytes)
        self._asked_at = time.monotonic()
        if not segment.is_extra:
            self.final_url = url
        exchange = segment.exchange = self.needs.transport.start(request, segment)
        if self.is_stopped:
            exchange.abort()
        try:
            return await exchange.done()
        except Stop as stop:
            segment.failure = stop.failure
            return False
        finally:
            segment.exchange = None
            segment.flush()

    def _redirected(self, url: str, answer: Answer) -> str:
        location = answer.headers.get("location", "").strip()
        if not location:
            raise TransportFailed(Cause.REDIRECT, "the host redirects the link without saying where to")
        try:
            target = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
        except ValueError as error:
            raise TransportFailed(
                Cause.REDIRECT, f"the link redirects to something that is no link: {error}"
            ) from error
        try:
            link = parse_link(target)
        except LinkNotUsable as error:
            raise TransportFailed(
                Cause.REDIRECT, f"the link redirects to something that cannot be fetched: {error.message}"
            ) from error
        return link.url

    # Called by segments.

    def accept(self, segment: Segment, answer: Answer) -> None:
        """Check a head against what is known. Raises Stop when the bytes that follow do not belong here."""
        total, begin, end = body_span(answer)
        if answer.status == 206:
            is_first = segment.start == 0 and not segment.is_extra
            if begin is None or total is None:
                words = "the host answered a part of the file without saying which"
                raise Stop(Failure(Cause.REJECTED if is_first else Cause.RANGES, words, must_restart=not is_first))
            if begin != segment.start - len(segment.overlap):
                words = "the host sent another part than the one asked for"
                raise Stop(Failure(Cause.RANGES, words, must_restart=True))
            segment.expect_until(end)
            self._check_same(answer, total)
        elif segment.is_extra:
            raise Stop(Failure(Cause.RANGES, "the host sent the whole file to a second connection"))
        elif segment.start > 0 or self.part.ranges.total or len(self._segments) > 1:
            # The host knows no ranges, or the file changed: this is the whole file, from its start.
            for other in self._segments:
                if other is not segment:
                    other.drop()
            self.part.restart()
            self._hasher = None
            segment.begin_at_zero()
        if not segment.is_extra:
            if answer.status == 200 and total is not None:
                segment.expect_until(total)
            self._learn(segment, answer, total)

    def _check_same(self, answer: Answer, total: int) -> None:
        known = self.part.origin
        if self.size_bytes is not None and total != self.size_bytes:
            raise Stop(Failure(Cause.CHANGED, "the file at the host has another length now", must_restart=True))
        etag = answer.headers.get("etag", "")
        if known.etag and etag and opaque(etag) != opaque(known.etag):
            raise Stop(Failure(Cause.CHANGED, "the file at the host is another one now", must_restart=True))
        modified = answer.headers.get("last-modified", "")
        if not known.etag and known.last_modified and modified and modified != known.last_modified:
            raise Stop(Failure(Cause.CHANGED, "the file at the host is another one now", must_restart=True))

    def _learn(self, segment: Segment, answer: Answer, total: int | None) -> None:
        headers = answer.headers
        is_first = not self.has_answer
        self.has_answer = True
        self._head_seconds = time.monotonic() - self._asked_at
        self.size_bytes = total
        if segment.end is None or answer.status == 200:
            segment.end = total
        # An answer to a range may leave out what the first answer said; it was checked to be of the same file.
        known = self.part.origin if answer.status == 206 else Origin()
        etag = known.etag or headers.get("etag", "")
        self.part.origin = Origin(total, etag, known.last_modified or headers.get("last-modified", ""))
        announced = checksum_from_headers(headers)
        self.announced = announced if answer.status == 200 else announced or self.announced
        if is_first and not self.job.is_filename_given:
            disposition = filename_from_disposition(headers.get("content-disposition", ""))
            if disposition or segment.start == 0:
                self.filename = disposition or self._name_of_url()
        self._can_split = False
        if total is not None:
            self._check_room(total)
            ranges_known = answer.status == 206 or headers.get("accept-ranges", "").lower() == "bytes"
            self._can_split = ranges_known and bool(self.part.origin.validator) and total >= 2 * MIN_SPLIT_BYTES
            if self._can_split and self._growth is None:
                limit = min(self.needs.max_segments, self.job.max_segments or self.needs.max_segments)
                self._growth = Growth(limit, self.needs.memory.verdict(self.job.host, time.monotonic()))
        wanted = self.job.checksum or self.announced
        if wanted is not None and segment.position == 0 and self._hasher is None:
            self._hasher = wanted.hasher()
            self._hashed_bytes = 0

    def _name_of_url(self) -> str:
        """The name in the last link, where redirects led to one that looks like a file."""
        if self.final_url == self.url:
            return self.job.filename
        name = filename_from_url(self.final_url)
        return name if "." in urlsplit(self.final_url).path.rsplit("/", 1)[-1] else self.job.filename

    def _check_room(self, total: int) -> None:
        # What was reserved at an earlier attempt is not needed again.
        missing = total - max(self.part.ranges.total, min(total, self.part.allocated_bytes))
        if missing < PREALLOCATE_FROM_BYTES and missing < self.needs.reserve_bytes // 16:
            # Tiny files are looked after by the running check.
            return
        free = self.needs.free_bytes(self.part.path.parent)
        if missing + self.needs.reserve_bytes > free:
            room = max(0, free - self.needs.reserve_bytes)
            raise Stop(
                Failure(Cause.DISK_FULL, f"{missing:,} bytes are missing and only {room:,} are free on the disk")
            )
        if self.needs.preallocate and missing >= PREALLOCATE_FROM_BYTES and self._preallocation is None:
            self._preallocation = asyncio.ensure_future(self.needs.in_thread(self.part.preallocate, total))

    def store(self, chunks: list[bytes], position: int, length: int) -> None:
        self.part.write(chunks, position, length)
        if self._hasher is not None:
            if position == self._hashed_bytes:
                for chunk in chunks:
                    self._hasher.update(chunk)
                self._hashed_bytes += length
            else:
                # Out of order: the finished file is read once instead.
                self._hasher = None

    # More than one connection.

    def _grow(self, now: float, growth: Growth) -> None:
        assert self.size_bytes is not None
        remaining = self.size_bytes - self.downloaded_bytes
        target = growth.step(now, self.needs.engine_bytes(), remaining, self._head_seconds)
        if growth.learned is not None:
            self.needs.memory.learn(self.job.host, growth.learned, now)
            growth.learned = None
        target = min(target, self.needs.memory.ceiling(self.job.host, now))
        extras = [one for one in self._segments if one.is_extra]
        for extra in extras[max(target - 1, 0) :]:
            extra.give_up_rest()
        room = self.needs.connections_left(self.job.host)
        while len(self._segments) < target and room > 0:
            extra_segment = self._split_off()
            if extra_segment is None:
                break
            self._segments.append(extra_segment)
            task = asyncio.ensure_future(self._run_extra(extra_segment))
            self._extras.add(task)
            task.add_done_callback(self._extras.discard)
            room -= 1

    async def _run_extra(self, segment: Segment) -> None:
        """Fill spans over a second connection for as long as there are any worth splitting."""
        while not self.is_stopped:
            if not segment.remaining:
                # Closed before it began.
                if segment in self._segments:
                    self._segments.remove(segment)
                return
            try:
                failure = await self._get(segment)
            except TransportFailed as error:
                failure = Failure(error.cause, error.message)
            except OSError as error:
                self._give_up(storage_failure(error, self.part.path))
                return
            if failure is not None:
                self._hand_back(segment)
                self._extra_failed(segment, failure)
                return
            if segment.remaining or self._growth is None or len(self._segments) >= self._growth.target:
                return
            following = self._split_off()
            if following is None:
                return
            segment = following

    def _split_off(self) -> Segment | None:
        """Give the second half of the longest span to a new segment; None when no span is worth it."""
        longest = max(self._segments, key=lambda one: one.remaining, default=None)
        if longest is None or longest.end is None or longest.remaining < 2 * MIN_SPLIT_BYTES:
            return None
        middle = longest.end - longest.remaining // 2
        half = Segment(self, middle, longest.end, is_extra=True)
        longest.end = middle
        return half

    def _hand_back(self, segment: Segment) -> None:
        """Let the connection before it read on, so that nobody has to ask for this part again.

        Where its answer does not go that far, the rest is a hole like any other.
        """
        for other in self._segments:
            if other is not segment and other.end == segment.start:
                other.end = segment.end

    def _extra_failed(self, segment: Segment, failure: Failure) -> None:
        """The host wants fewer connections, or the file changed; what is missing is fetched in order afterwards."""
        if failure.cause is Cause.CHANGED:
            self._give_up(failure)
            return
        if segment.position - segment.start >= MIN_SPLIT_BYTES:
            # It did its work for a while and broke: that happens.
            return
        now = time.monotonic()
        open_now = max(1, len(self._segments))
        if failure.cause is Cause.RANGES:
            # It says it knows ranges and does not: one connection is what there is.
            self._can_split, open_now = False, 1
        if self._growth is not None:
            self._growth.refused(open_now)
        self.needs.memory.refused(self.job.host, open_now, now)

    def _give_up(self, failure: Failure) -> None:
        self._failure = self._failure or failure
        self._abort_all()

    def _abort_all(self) -> None:
        for segment in list(self._segments):
            if segment.exchange is not None:
                segment.exchange.abort()

    async def _end_extras(self) -> None:
        while self._extras:
            for segment in list(self._segments):
                segment.give_up_rest()
            await asyncio.wait(self._extras)
        if self._preallocation is not None:
            with contextlib.suppress(OSError):
                await self._preallocation
