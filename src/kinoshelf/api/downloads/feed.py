"""What the live socket says: facts at once, progress every half second, the figures of the engine every two.

Each frame is encoded once for all listeners. Without listeners nothing is read or encoded, and while nothing moves no
timer runs. Facts come from any thread and from other processes; they are gathered and handed to the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic_core import to_json
from sqlalchemy.orm import Session

from kinoshelf.api.downloads.clients import Client, Step
from kinoshelf.api.downloads.stats import stats_of
from kinoshelf.api.downloads.tasks import TaskView, progress_of
from kinoshelf.core.access.events import KeyRevoked, PasswordChanged, SessionRevoked
from kinoshelf.core.access.gate import Caller
from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.database import Database
from kinoshelf.core.events import EventBus
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.events import DownloadsAdded, DownloadsChanged, DownloadsRemoved, QueueReordered
from kinoshelf.downloads.progress import Live, ProgressBoard
from kinoshelf.downloads.queries import count_by_group, count_by_state, get_downloads, get_states, iter_open
from kinoshelf.downloads.states import ACTIVE, State

log = structlog.get_logger()

PROGRESS_SECONDS = 0.5
STATS_SECONDS = 2.0
RETRY_SECONDS = 1.0
# More changes than this at once are told as «read again», not one by one.
MOST_AT_ONCE = 500
POLICY_VIOLATION = 1008


def frame(kind: str, **fields: Any) -> str:
    return to_json({"type": kind, **fields}).decode()


QUEUE_CHANGED = frame("QUEUE_CHANGED")


@dataclass(slots=True)
class _Facts:
    """What was told since it was last passed on."""

    added: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)
    is_reordered: bool = False
    has_gap: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.is_reordered or self.has_gap)

    @property
    def are_too_many(self) -> bool:
        return self.has_gap or len(self.added) + len(self.changed) + len(self.removed) > MOST_AT_ONCE


class LiveFeed:
    """One a process. All methods but the handlers of facts are called on the event loop."""

    def __init__(
        self, *, database: Database, board: ProgressBoard, store: SettingsStore, events: EventBus, bus: ProcessBus
    ) -> None:
        self._database = database
        self._board = board
        self._store = store
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._facts = _Facts()
        self._wake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._syncs: dict[bool, asyncio.Task[None]] = {}
        self._is_moving = False
        self._is_failing = False
        self._progress_at = 0.0
        self._stats_at = 0.0
        self._told: dict[str, Live] = {}
        self._hushed: set[str] = set()
        events.subscribe(DownloadsAdded, lambda fact: self._note("added", fact.download_ids))
        events.subscribe(DownloadsChanged, lambda fact: self._note("changed", fact.download_ids))
        events.subscribe(DownloadsRemoved, lambda fact: self._note("removed", fact.download_ids))
        events.subscribe(QueueReordered, lambda _fact: self._note("is_reordered"))
        bus.on_gap(lambda: self._note("has_gap"))
        events.subscribe(SessionRevoked, lambda fact: self._expel(session_id=fact.session_id))
        events.subscribe(KeyRevoked, lambda fact: self._expel(key_id=fact.key_id))
        events.subscribe(PasswordChanged, lambda _fact: self._expel())

    def join(self, caller: Caller, *, is_page: bool) -> Client:
        """Begin to gather frames for a listener, the whole picture first."""
        client = Client(caller, is_page=is_page, wish=lambda: self._sync(is_page=is_page))
        if not self._clients:
            loop = asyncio.get_running_loop()
            self._wake = asyncio.Event()
            self._told, self._hushed = {}, set()
            with self._lock:
                self._loop, self._facts = loop, _Facts()
            self._pump = loop.create_task(self._run(), name="downloads-feed")
        self._clients.add(client)
        self._sync(is_page=is_page)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients:
            with self._lock:
                self._loop = None
            for task in (self._pump, *self._syncs.values()):
                if task is not None:
                    task.cancel()
            self._pump = None
            self._syncs.clear()
            self._is_moving = False

    def _note(self, kind: str, ids: Iterable[str] | None = None) -> None:
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            is_first = not self._facts
            if ids is not None:
                getattr(self._facts, kind).update(dict.fromkeys(ids))
            else:
                setattr(self._facts, kind, True)
        if is_first:
            # A loop that has ended has no listeners.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake.set)

    def _expel(self, session_id: str | None = None, key_id: str | None = None) -> None:
        """Close the connections of a sign-in that ended; of all that came by one where the password changed."""

        def expel() -> None:
            for client in self._clients:
                caller = client.caller
                if session_id or key_id:
                    is_meant = (session_id and caller.session_id == session_id) or (key_id and caller.key_id == key_id)
                else:
                    is_meant = caller.session_id is not None
                if is_meant:
                    client.close(POLICY_VIOLATION)

        with self._lock:
            loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(expel)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = min(self._progress_at, self._stats_at) if self._is_moving else None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._pass_on_facts()
                if self._is_moving:
                    await self._pass_on_movement(loop.time())
                self._note_recovery()
            except Exception as error:
                await self._note_failure(error)
                for client in self._clients:
                    client.want_all()
                    self._sync(is_page=client.is_page)

    async def _pass_on_facts(self) -> None:
        with self._lock:
            facts, self._facts = self._facts, _Facts()
        if not facts:
            return
        self._is_moving = True
        for gone in facts.removed:
            facts.added.pop(gone, None)
            facts.changed.pop(gone, None)
        if facts.are_too_many:
            await self._pass_on_mass(facts)
            return
        for gone in facts.removed:
            self._tell(frame("TASK_REMOVED", task_id=gone))
        ids = {**facts.added, **facts.changed}
        if ids:
            for download_id, state, told in await self._database.reading(lambda db: self._tasks(db, ids, facts.added)):
                self._hush(download_id, state)
                self._tell(told)
        if facts.is_reordered:
            self._tell(QUEUE_CHANGED)

    def _tasks(self, session: Session, ids: Iterable[str], added: dict[str, None]) -> list[tuple[str, str, str]]:
        view = TaskView.now(self._store.current, self._board)
        return [
            (row.id, row.state, frame("TASK_ADDED" if row.id in added else "TASK_UPDATED", task=view.task(row)))
            for row in get_downloads(session, ids)
        ]

    async def _pass_on_mass(self, facts: _Facts) -> None:
        running = [one for one in self._board.everything() if one in facts.changed or facts.has_gap]
        if running:
            states = await self._database.reading(lambda db: get_states(db, running))
            for download_id, state in states.items():
                self._hush(download_id, state)
        for client in self._clients:
            if client.is_page:
                client.push(QUEUE_CHANGED)
            else:
                client.want_all()
        self._sync(is_page=False)

    def _hush(self, download_id: str, state: str) -> None:
        """Say nothing of the progress of a download that was stopped, though its worker still reports for a moment."""
        if state in ACTIVE:
            self._hushed.discard(download_id)
        else:
            self._hushed.add(download_id)

    async def _pass_on_movement(self, now: float) -> None:
        lives = self._board.everything()
        if now >= self._progress_at:
            self._progress_at = now + PROGRESS_SECONDS
            self._hushed.intersection_update(lives)
            moved = [
                progress_of(live)
                for live in lives.values()
                if live.id not in self._hushed and self._told.get(live.id) != live
            ]
            self._told = lives
            if moved:
                self._tell(frame("TASK_BATCH_UPDATE", tasks=moved))
        if now >= self._stats_at:
            self._stats_at = now + STATS_SECONDS
            counts = await self._database.reading(count_by_state)
            self._tell(frame("ENGINE_STATS", stats=stats_of(counts, self._board)))
            with self._lock:
                has_more = bool(self._facts)
            self._is_moving = bool(lives) or has_more or _is_active(counts)

    def _tell(self, told: str) -> None:
        for client in self._clients:
            client.push(told)

    def _sync(self, *, is_page: bool) -> None:
        """Bring everything to those who want it. Pages do not wait for the long answer the others get."""
        task = self._syncs.get(is_page)
        if task is None or task.done():
            self._syncs[is_page] = asyncio.get_running_loop().create_task(
                self._bring_all(is_page), name="downloads-feed-sync"
            )

    async def _bring_all(self, is_page: bool) -> None:
        read = self._counts_only if is_page else self._everything
        while wanting := [
            client for client in self._clients if client.is_page == is_page and client.step is Step.WANTS_ALL
        ]:
            for client in wanting:
                client.await_all()
            try:
                frames, is_moving = await self._database.reading(read)
                self._note_recovery()
            except Exception as error:
                for client in wanting:
                    client.want_all()
                await self._note_failure(error)
                continue
            for client in wanting:
                client.give_all(*frames)
            if is_moving and not self._is_moving:
                self._is_moving = True
                self._stats_at = asyncio.get_running_loop().time() + STATS_SECONDS
                self._wake.set()

    def _everything(self, session: Session) -> tuple[list[str], bool]:
        view = TaskView.now(self._store.current, self._board)
        # In parts, so that other threads have their turn while a long queue is encoded.
        parts = [to_json([view.task(row) for row in rows])[1:-1].decode() for rows in iter_open(session)]
        everything = '{"type":"SYNC_ALL","tasks":[' + ",".join(parts) + "]}"
        counts = count_by_state(session)
        stats = frame("ENGINE_STATS", stats=stats_of(counts, self._board))
        return [everything, stats], bool(view.lives) or _is_active(counts)

    def _counts_only(self, session: Session) -> tuple[list[str], bool]:
        counts = count_by_state(session)
        stats = stats_of(counts, self._board)
        frames = [
            frame("SYNC_ALL", tasks=[], status_counts=count_by_group(counts)),
            frame("ENGINE_STATS", stats=stats),
        ]
        return frames, bool(self._board.everything()) or _is_active(counts)

    def _note_recovery(self) -> None:
        if self._is_failing:
            self._is_failing = False
            log.info("downloads.feed_recovered")

    async def _note_failure(self, error: Exception) -> None:
        """Log the first of several failures, and let some time pass before the next try."""
        if not self._is_failing:
            self._is_failing = True
            log.error("downloads.feed_failed", exc_info=error)
        await asyncio.sleep(RETRY_SECONDS)


def _is_active(counts: dict[State, int]) -> bool:
    return any(counts.get(state) for state in ACTIVE)
