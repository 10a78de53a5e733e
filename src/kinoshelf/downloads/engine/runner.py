"""The engine itself: one thread with its own loop, which keeps as many downloads running as the settings allow.

The queue lives in the database. The engine claims rows, runs one `Fetch` each, and visits the database on a second
thread whenever something ended, something is due or somebody woke it; while nothing is to do it sleeps and costs
nothing. What users change reaches it as facts: it looks at the rows and follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from kinoshelf import __version__
from kinoshelf.core import claims
from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, DatabaseUnavailable
from kinoshelf.core.settings import Settings, SettingsStore
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.attempt import attempt
from kinoshelf.downloads.engine.backlog import Backlog
from kinoshelf.downloads.engine.fetch import Fetch
from kinoshelf.downloads.engine.figures import Running
from kinoshelf.downloads.engine.growth import HostMemory
from kinoshelf.downloads.engine.job import Job, Needs
from kinoshelf.downloads.engine.keeper import Keeper
from kinoshelf.downloads.engine.pace import Bucket, Pace
from kinoshelf.downloads.engine.recovery import Recovery
from kinoshelf.downloads.engine.storage import free_bytes
from kinoshelf.downloads.engine.ticks import Shown, Ticks
from kinoshelf.downloads.engine.transport import Request, Transport
from kinoshelf.downloads.engine.transports import default_transport
from kinoshelf.downloads.engine.trust import Trust
from kinoshelf.downloads.engine.turns import Ended, Visit
from kinoshelf.downloads.events import DownloadsAdded, DownloadsChanged, DownloadsRemoved
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.retry import Failure
from kinoshelf.downloads.states import ACTIVE, State

log = structlog.get_logger()

# With work at hand, what ends is gathered for this long before the database hears of it.
GATHER = 128
FEW_RESERVED = 32
GATHER_SECONDS = 0.01
GATHER_TURNS = 6
# With several workers on PostgreSQL, facts can be lost and machines can die: look around now and then.
SAFETY_SECONDS = 30.0
SETTLE_THREADS = 3
STOP_SECONDS = 15.0


class Engine:
    """Starts, stops and feeds the downloads of this process. Public methods are safe from any thread."""

    def __init__(
        self,
        *,
        store: SettingsStore,
        database: Database,
        clock: Clock,
        worker: str,
        board: ProgressBoard,
        bus: ProcessBus | None = None,
        make_transport: Callable[[Trust], Transport] | None = None,
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._worker = worker
        self._board = board
        self._make_transport = make_transport or default_transport()
        self._keeper = Keeper(database, clock, worker)
        self._recovery = Recovery(database, clock, store.current.data_dir, worker)
        self._keeper_thread = ThreadPoolExecutor(1, thread_name_prefix="engine-keeper")
        self._settlers = ThreadPoolExecutor(SETTLE_THREADS, thread_name_prefix="engine-settle")
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._unsubscribe: list[Callable[[], None]] = []
        self._running: dict[str, Running] = {}
        self._backlog = Backlog(self._running)
        self._finished_bytes = 0
        self._shared = Bucket()
        self._memory = HostMemory()
        self._trust = Trust(store)
        self._requests_of: Settings | None = None
        self._ticks = Ticks(
            store=store,
            clock=clock,
            running=self._running,
            backlog=self._backlog,
            shared=self._shared,
            # On SQLite everything is one process.
            shown=Shown(worker, board, None if database.is_sqlite else bus),
            threads=self._settlers,
            in_thread=self._in_thread,
            wake=self._wake.set,
            look_again=self._look_again,
        )

    # From any thread.

    def start(self) -> None:
        """Begin to work, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop all transfers so that they can be resumed, give the rows back, end the thread."""
        if self._thread is None:
            return
        # The thread may not have come to its loop yet: then it reads this there.
        self._is_stopping = True
        self._call(self._wake.set)
        self._thread.join(STOP_SECONDS)
        self._keeper_thread.shutdown(wait=True)
        self._settlers.shutdown(wait=True)
        self._thread = None

    def wake(self) -> None:
        """Look at the queue again."""
        self._call(self._look_again)

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def transport_name(self) -> str:
        return getattr(self, "_transport_name", "")

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                # The loop may close between the look and the call; then nobody needs it any more.
                loop.call_soon_threadsafe(function, *arguments)

    # The thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            log.exception("engine.died")

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = self._make_transport(self._trust)
        self._transport_name = self._transport.name
        self._subscribe()
        was_away = False
        looked_at = 0.0
        while not self._is_stopping:
            try:
                now = time.monotonic()
                if now - looked_at >= SAFETY_SECONDS or was_away:
                    looked_at = now
                    freed = await self._on_keeper(self._recovery.recover, self._store.current, was_away)
                    if freed:
                        log.info("engine.recovered", downloads=freed)
                    self._backlog.must_claim = True
                await self._visit()
                was_away = False
                await self._sweep()
            except DatabaseUnavailable as error:
                # What ended stays in memory until the database answers again.
                if not was_away:
                    log.warning("engine.database_away", error=error.message)
                was_away = True
                await asyncio.sleep(1)
                continue
            except Exception:
                # A defect in one turn must not end all downloads.
                log.exception("engine.turn_failed")
                was_away = True
                await asyncio.sleep(1)
                continue
            await self._sleep(looked_at + SAFETY_SECONDS)
        await self._end()

    async def _sweep(self) -> None:
        """After a death, look once for part files nobody knows; not before the first downloads run."""
        if self._recovery.has_buried:
            self._recovery.has_buried = False
            found = await self._in_thread(finish.known_parts, self._store.current.download_dir)
            await self._on_keeper(self._recovery.sweep, found)

    def _subscribe(self) -> None:
        events = self._database.bus
        self._unsubscribe = [
            events.subscribe(DownloadsAdded, lambda _fact: self.wake()),
            events.subscribe(DownloadsChanged, lambda fact: self._on_changed(fact.download_ids)),
            events.subscribe(DownloadsRemoved, lambda fact: self._on_changed(fact.download_ids)),
        ]
        self._store.on_change(lambda _settings: self.wake())

    async def _on_keeper(self, function: Callable[..., Any], *arguments: Any) -> Any:
        assert self._loop is not None
        return await self._loop.run_in_executor(self._keeper_thread, function, *arguments)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        assert self._loop is not None
        return await self._loop.run_in_executor(self._settlers, function, *arguments)

    def _look_again(self) -> None:
        self._backlog.must_claim = True
        self._wake.set()

    async def _sleep(self, safety_at: float) -> None:
        """Wait until something is to do: a call, a retry that is due, a heartbeat; while idle on SQLite for ever."""
        timeout: float | None = None
        if self._running or self._backlog.reserved:
            timeout = claims.HEARTBEAT.total_seconds()
        elif not self._database.is_sqlite:
            timeout = max(0.1, safety_at - time.monotonic())
        if self._backlog.next_due is not None:
            due = max(0.02, (self._backlog.next_due - self._clock.now()).total_seconds())
            timeout = due if timeout is None else min(timeout, due)
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            self._backlog.must_claim = True
            # It rang; what is due and finds no place now is brought by the end of a download.
            if self._backlog.next_due is not None and self._backlog.next_due <= self._clock.now():
                self._backlog.next_due = None
        self._wake.clear()

    # The database.

    async def _visit(self) -> None:
        """Tell the database what happened and take what comes next; again while there is more of either."""
        while not self._is_stopping:
            for _turn in range(GATHER_TURNS):
                if self._backlog.reserved <= FEW_RESERVED or len(self._backlog.ended) >= GATHER:
                    break
                await asyncio.sleep(GATHER_SECONDS)
            turn = self._backlog.turn(self._store.current)
            if turn is None:
                return
            try:
                visit: Visit = await self._on_keeper(self._keeper.visit, turn, self._store.current)
            except Exception:
                self._backlog.take_back(turn)
                raise
            for lost in visit.lost:
                self._let_go(lost)
            self._backlog.hear(turn, visit)
            self._fill()

    # Running.

    def _fill(self) -> None:
        """Start what was claimed while there is room for it."""
        settings = self._store.current
        for job in self._backlog.startable(settings):
            self._launch(job, settings)

    def _launch(self, job: Job, settings: Settings) -> None:
        part = self._keeper.open_part(job, settings)
        if isinstance(part, Failure):
            self._backlog.ended.append(
                Ended(job, None, job.size_bytes, job.downloaded_bytes, job.filename, failure=part)
            )
            self._wake.set()
            return
        pace = Pace(self._shared, job.speed_limit_bytes_per_second)
        running = Running(job, Fetch(job, part, self._needs(settings, pace)))
        running.checkpointed_at = time.monotonic()
        self._running[job.id] = running
        running.task = asyncio.ensure_future(self._run_one(running))
        if not self._ticks.are_on:
            now = time.monotonic()
            self._backlog.begin(now)
            self._ticks.begin(now, settings)

    def _make_request(self, settings: Settings) -> Callable[[str, tuple[tuple[str, str], ...]], Request]:
        """Return what builds requests under these settings; made once for many short downloads."""
        if self._requests_of is not settings:
            engine = settings.engine
            user_agent = engine.user_agent or f"Kinoshelf/{__version__}"
            ca_file = self._trust.ca_file()
            timeout, proxy, verify = engine.connect_timeout_seconds, engine.proxy, engine.verify_tls
            self._request = lambda url, headers: Request(url, headers, timeout, user_agent, proxy, verify, ca_file)
            self._requests_of = settings
        return self._request

    def _needs(self, settings: Settings, pace: Pace) -> Needs:
        engine = settings.engine
        return Needs(
            transport=self._transport,
            request=self._make_request(settings),
            memory=self._memory,
            pace=pace,
            engine_bytes=self._engine_bytes,
            connections_left=lambda host: self._connections_left(host, engine.max_connections_per_host),
            free_bytes=free_bytes,
            reserve_bytes=engine.free_space_reserve_bytes,
            max_segments=engine.max_segments_per_download,
            stall_seconds=engine.stall_timeout_seconds,
            preallocate=engine.preallocate,
            in_thread=self._in_thread,
        )

    def _engine_bytes(self) -> int:
        return self._finished_bytes + sum(one.fetch.received_bytes for one in self._running.values())

    def _connections_left(self, host: str, limit: int) -> int:
        return limit - sum(one.fetch.connections for one in self._running.values() if one.job.host == host)

    async def _run_one(self, running: Running) -> None:
        ended = await attempt(running, self._store, self._in_thread)
        self._finished_bytes += running.fetch.received_bytes
        self._running.pop(running.job.id, None)
        self._backlog.ended.append(ended)
        self._backlog.must_claim = True
        self._fill()
        self._wake.set()

    # What users change.

    def _on_changed(self, ids: Iterable[str]) -> None:
        """A fact about rows: from the keeper itself it is no news."""
        if threading.current_thread().name.startswith("engine-keeper") and self._is_own_thread():
            return
        self._call(self._follow, tuple(ids))

    def _is_own_thread(self) -> bool:
        return threading.current_thread() in self._keeper_thread._threads  # noqa: SLF001 -- the pool offers no question

    def _follow(self, ids: tuple[str, ...]) -> None:
        named = set(ids)
        self._backlog.drop(named)
        mine = named & self._running.keys()
        if mine:
            asyncio.ensure_future(self._follow_rows(mine))  # noqa: RUF006 -- ends by itself within a query
        self._look_again()

    async def _follow_rows(self, ids: set[str]) -> None:
        try:
            rows = await self._on_keeper(self._keeper.states, ids)
        except DatabaseUnavailable:
            # The heartbeat will tell what was missed.
            return
        for download_id in ids:
            running = self._running.get(download_id)
            if running is None:
                continue
            row = rows.get(download_id)
            if row is None or row.claimed_by != self._worker or State(row.state) not in {*ACTIVE, State.QUEUED}:
                running.fetch.stop()
                continue
            if row.state == State.QUEUED:
                # Paused and resumed before anybody here looked: it never stopped.
                running.is_told = False
                self._wake.set()
            running.fetch.pace.own.limit = row.speed_limit_bytes_per_second
            self._keeper.follow(running.job, row, self._store.current)
            if row.is_filename_given:
                running.job.is_filename_given = True
                running.fetch.filename = row.filename

    def _let_go(self, download_id: str) -> None:
        """The claim is lost: the row is gone, or another worker has it."""
        running = self._running.get(download_id)
        if running is not None:
            running.fetch.stop()

    # The end.

    async def _end(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for running in self._running.values():
            running.fetch.stop()
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS / 2)
        self._ticks.cancel()
        turn = self._backlog.last_turn()
        if turn.ended or turn.given_back:
            try:
                await self._on_keeper(self._keeper.visit, turn, self._store.current)
            except DatabaseUnavailable as error:
                # The next start finds the part files and their sidecars.
                log.warning("engine.stopped_unrecorded", error=error.message)
        self._board.put(self._worker, [])
        await self._transport.close()
