"""What a watcher shows: bars that move on a terminal, a line a change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from kinoshelf.cli import words
from kinoshelf.cli.frame import Invocation
from kinoshelf.downloads.progress import percent_of
from kinoshelf.downloads.states import ACTIVE, FINAL, State

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy import Row

    from kinoshelf.downloads.progress import Live

# How often a line tells how far a file is where nothing can move.
LINE_SECONDS = 10.0
MOST_BARS = 12
NAME_WIDTH = 40


class Display(Protocol):
    def say(self, sentence: str) -> None: ...

    def show(self, rows: Sequence[Row[Any]], lives: Mapping[str, Live]) -> None:
        """Show where the watched downloads are."""

    def unfinished(self) -> set[str]:
        """Return the ids that were shown and not final when they last were."""


@contextmanager
def open_display(at: Invocation) -> Iterator[Display]:
    """Show progress where the answer does not go: beside it on standard error with `--json`."""
    stream = at.progress
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.progress import BarColumn, Progress, TextColumn

    console = at.console(stream)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[percent]:>7}", markup=False),
        TextColumn("{task.fields[size]:>9}", markup=False),
        TextColumn("{task.fields[speed]:>11}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, expand=True, refresh_per_second=4) as progress:
        yield Bars(progress, stream)


class _Changes:
    """Remembers the states that were shown, and words what changed."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def unfinished(self) -> set[str]:
        return {one for one, state in self._shown.items() if state not in FINAL}

    def sentences(self, rows: Sequence[Row[Any]]) -> Iterator[str]:
        for row in rows:
            before = self._shown.get(row.id)
            self._shown[row.id] = row.state
            if before == row.state or (before in ACTIVE and row.state in ACTIVE):
                continue
            sentence = _sentence(row, is_first=before is None)
            if sentence:
                yield sentence
        known = {row.id for row in rows}
        for gone in [one for one in self._shown if one not in known and self._shown[one] not in FINAL]:
            del self._shown[gone]
            yield f"removed from the list: {gone}"


def _sentence(row: Row[Any], *, is_first: bool) -> str:
    name = words.one_line(row.filename)
    if row.state in ACTIVE:
        return f"started: {name}"
    if row.state == State.COMPLETED:
        return f"completed: {name} ({words.size(row.size_bytes)})"
    if row.state == State.FAILED:
        return f"failed: {name}: {words.one_line(row.error_message or 'for no known reason')}"
    if row.state == State.WAITING:
        return f"waiting until {words.moment(row.wait_until)}: {name}: {words.one_line(row.error_message or '')}"
    # A long queue is not read out before it moves.
    return "" if is_first and row.state == State.QUEUED else f"{row.state}: {name}"


class Lines:
    """One line for each change, and one now and then for what runs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._changes = _Changes()
        self._told_at: dict[str, float] = {}

    def say(self, sentence: str) -> None:
        print(sentence, file=self._stream, flush=True)

    def unfinished(self) -> set[str]:
        return self._changes.unfinished()

    def show(self, rows: Sequence[Row[Any]], lives: Mapping[str, Live]) -> None:
        for sentence in self._changes.sentences(rows):
            self.say(sentence)
        now = time.monotonic()
        for row in rows:
            live = lives.get(row.id)
            if row.state not in ACTIVE or live is None:
                self._told_at.pop(row.id, None)
            elif now - self._told_at.setdefault(row.id, now) >= LINE_SECONDS:
                self._told_at[row.id] = now
                self.say(_progress_line(row.filename, live))


def _progress_line(filename: str, live: Live) -> str:
    of = f" of {words.size(live.size_bytes)}" if live.size_bytes else ""
    left = f", {words.duration(live.eta_seconds)} left" if live.eta_seconds is not None else ""
    how_far = words.percent(live.percent) if live.size_bytes else words.size(live.downloaded_bytes)
    return f"{how_far}{of}, {words.speed(live.speed_bytes_per_second)}{left}: {words.one_line(filename)}"


class Bars:
    """A bar for each running download, one for all; what ended stays above them."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        self._progress = progress
        self._stream = stream
        self._changes = _Changes()
        self._bars: dict[str, Any] = {}
        self._total: Any = None

    def say(self, sentence: str) -> None:
        self._progress.console.print(sentence)

    def unfinished(self) -> set[str]:
        return self._changes.unfinished()

    def show(self, rows: Sequence[Row[Any]], lives: Mapping[str, Live]) -> None:
        for sentence in self._changes.sentences(rows):
            self.say(sentence)
        running = [row for row in rows if row.state in ACTIVE]
        shown = {row.id for row in running[:MOST_BARS]}
        for gone in [one for one in self._bars if one not in shown]:
            self._progress.remove_task(self._bars.pop(gone))
        for row in running[:MOST_BARS]:
            self._draw(row, lives.get(row.id))
        if len(rows) > 1:
            self._draw_total(rows, lives)

    def _draw(self, row: Row[Any], live: Live | None) -> None:
        done = max(live.downloaded_bytes if live else 0, row.downloaded_bytes)
        size = (live.size_bytes if live else None) or row.size_bytes
        if row.id not in self._bars:
            self._bars[row.id] = self._progress.add_task("", total=None, percent="", size="", speed="", left="")
        self._progress.update(
            self._bars[row.id],
            description=_cut(words.one_line(row.filename)),
            total=size,
            completed=done,
            percent=words.percent(percent_of(done, size)) if size else "",
            size=words.size(size or done),
            speed=words.speed(live.speed_bytes_per_second) if live and live.speed_bytes_per_second else "",
            left=words.duration(live.eta_seconds) if live and live.eta_seconds is not None else "",
        )

    def _draw_total(self, rows: Sequence[Row[Any]], lives: Mapping[str, Live]) -> None:
        waiting = sum(row.state in {State.QUEUED, State.WAITING} for row in rows)
        running = sum(row.state in ACTIVE for row in rows)
        ids = {row.id for row in rows}
        speed = sum(live.speed_bytes_per_second for live in lives.values() if live.id in ids)
        if self._total is None:
            self._total = self._progress.add_task("", total=None, percent="", size="", speed="", left="")
        self._progress.update(
            self._total,
            description=f"{running} running, {waiting} waiting",
            total=max(len(rows), 1),
            completed=sum(row.state in FINAL for row in rows),
            speed=words.speed(speed) if speed else "",
        )


def _cut(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
