"""kinoshelf download watch: follow downloads until they are finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.download.choose import some_downloads
from kinoshelf.cli.failures import Exit
from kinoshelf.cli.frame import Answer, Here, HubRole, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from kinoshelf.app import Hub
    from kinoshelf.cli.download.watching import Display
    from kinoshelf.downloads.progress import Live

LOOK_SECONDS = 0.5
SHORTEST_REST_SECONDS = 0.1
# A long queue is looked at less often, so that watching costs no more than this share of one core.
LOOK_SHARE = 0.05
SOMEBODY_SECONDS = 2.0
# A server that restarts is waited for this long before the work is taken over.
GRACE_SECONDS = 10.0


def watch(
    *ids: Annotated[str, Parameter(name="ID", help="Ids, or the beginnings of them; none means all that are open.")],
    at: Here,
) -> Answer:
    """Follow downloads until they are finished, with a running server or by doing the work here."""
    from kinoshelf.core.errors import NotFound

    with at.hub(HubRole.WORKER) as hub:
        not_found: tuple[str, ...] = ()
        wanted: tuple[str, ...] | None = None
        if ids:
            with hub.database.read() as session:
                wanted, not_found = some_downloads(session, ids)
            if not wanted:
                raise NotFound(
                    "; ".join(f"there is no download {word}" for word in not_found), not_found=list(not_found)
                )
        return follow(at, hub, wanted, not_found)


def follow(at: Invocation, hub: Hub, wanted: Sequence[str] | None, not_found: Sequence[str] = ()) -> Answer:
    """Watch `wanted`, or whatever is open, to the end and answer how each ended. `hub` is open and not started."""
    from kinoshelf.cli.download.watching import open_display

    with open_display(at) as display:
        rows = Watch(hub, wanted, display).to_the_end()
    return _answer(hub, rows, not_found, wanted)


class Watch:
    def __init__(self, hub: Hub, wanted: Sequence[str] | None, display: Display) -> None:
        self._hub = hub
        self._display = display
        self._wants_all = wanted is None
        self._ids: dict[str, None] = dict.fromkeys(wanted or ())
        self._wake = threading.Event()
        self._works_here = False
        self._is_first_look = True
        self._somebody_until = 0.0

    def to_the_end(self) -> list[str]:
        """Return the ids that were watched."""
        with self._progress() as lives:
            while True:
                self._wake.clear()
                begin = time.monotonic()
                rows = self._look()
                self._display.show(rows, lives())
                if self._is_over(rows):
                    return list(self._ids)
                self._is_first_look = False
                spent = time.monotonic() - begin
                self._rest(max(SHORTEST_REST_SECONDS, spent / LOOK_SHARE))

    def _rest(self, seconds: float) -> None:
        """Wait until something happens, or it is time to look; at least `seconds`."""
        begin = time.monotonic()
        self._wake.wait(max(LOOK_SECONDS, seconds))
        left = begin + seconds - time.monotonic()
        if left > 0:
            time.sleep(left)

    @contextmanager
    def _progress(self) -> Iterator[Callable[[], dict[str, Live]]]:
        """Listen to the server of this data directory, and to our own engine once it runs."""
        from kinoshelf.cli.following import ServerFeed
        from kinoshelf.downloads.events import DownloadCompleted, DownloadsAdded, DownloadsChanged, DownloadsRemoved
        from kinoshelf.downloads.progress import ProgressBoard

        board = self._hub.container.get(ProgressBoard)
        for kind in (DownloadsAdded, DownloadsChanged, DownloadsRemoved, DownloadCompleted):
            self._hub.events.subscribe(kind, lambda _fact: self._wake.set())
        feed = ServerFeed(self._hub.store.current.data_dir, self._wake)
        feed.start()
        try:
            yield lambda: feed.everything() | board.everything()
        finally:
            feed.stop()

    def _look(self) -> Sequence[Row[Any]]:
        """Return the rows that are watched, those that just ended included."""
        from kinoshelf.downloads.references import followed, followed_open

        with self._hub.database.read() as session:
            if not self._wants_all:
                return followed(session, list(self._ids))
            rows = followed_open(session)
            ended = self._display.unfinished() - {row.id for row in rows}
            rows += followed(session, sorted(ended))
        self._ids.update(dict.fromkeys(row.id for row in rows))
        return rows

    def _is_over(self, rows: Sequence[Row[Any]]) -> bool:
        """Tell whether nothing is left to wait for; begin to work here when nobody else does."""
        from kinoshelf.downloads.states import FINAL, State

        left = [row for row in rows if row.state not in FINAL]
        if not left:
            return True
        somebody = self._somebody_works()
        is_paused = all(row.state == State.PAUSED for row in left)
        if is_paused and (self._works_here or self._is_first_look or not somebody):
            # Nobody is at work who would let them go on.
            return True
        if not somebody:
            self._display.say("No server works on this queue; downloading here.")
            self._hub.start()
            self._works_here = True
        return False

    def _somebody_works(self) -> bool:
        """Tell whether anybody works on the queue: this process, or another that is there or was a moment ago."""
        from kinoshelf.cli.server_record import somebody_works

        if self._works_here or time.monotonic() < self._somebody_until - GRACE_SECONDS + SOMEBODY_SECONDS:
            return True
        if somebody_works(self._hub.store.current.data_dir):
            self._somebody_until = time.monotonic() + GRACE_SECONDS
        return time.monotonic() < self._somebody_until


def _answer(hub: Hub, ids: Sequence[str], not_found: Sequence[str], wanted: Sequence[str] | None) -> Answer:
    from kinoshelf.cli.download.show import described
    from kinoshelf.downloads.queries import get_downloads
    from kinoshelf.downloads.states import State

    with hub.database.read() as session:
        rows = get_downloads(session, ids)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    removed = len(ids) - len(rows)
    if removed:
        counts["removed"] = removed
    failed = counts.get(State.FAILED, 0)
    fine = counts.get(State.COMPLETED, 0) + counts.get(State.SKIPPED, 0)
    document: dict[str, Any] = {"items": [described(row) for row in rows], "total": len(rows)}
    document["not_found"] = [*not_found, *sorted(set(ids) - {row.id for row in rows})]
    status = Exit.DONE
    if failed:
        status = Exit.FAILED
        document = {"error": "FAILED", "message": f"{words.counted(failed, 'download')} failed", **document}
    elif fine < len(ids) or not_found:
        status = Exit.PARTLY
    if wanted is not None and len(wanted) == 1 and len(rows) == 1 and not failed:
        document = {**document["items"][0], **document}
    summary = ", ".join(f"{number} {state}" for state, number in counts.items())
    notes = [f"there is no download {word}" for word in not_found]
    if counts.get(State.PAUSED):
        notes.append("paused downloads go on with «kinoshelf download resume»")
    return Answer(document, text=f"{summary}." if summary else "Nothing to watch.", notes=notes, exit_status=status)
