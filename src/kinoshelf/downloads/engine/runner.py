"""The engine itself: one thread with its own loop, which keeps as many downloads running as the settings allow.

The queue lives in the database. The engine claims rows, runs one `Fetch` each, and visits the database on a second
thread whenever something ended, something is due or somebody woke it; while nothing is to do it sleeps and costs
nothing. What users change reaches it as facts: it looks at the rows and follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from kinoshelf import __version__
from kinoshelf.core import claims
from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, DatabaseUnavailable
from kinoshelf.core.settings import Settings, SettingsStore
from kinoshelf.downloads.engine import finish
from kinoshelf.downloads.engine.fetch import Fetch, Job, Needs, storage_failure
from kinoshelf.downloads.engine.growth import HostMemory
from kinoshelf.downloads.engine.keeper import Ended, Keeper, Position, Turn, Visit
from kinoshelf.downloads.engine.pace import Bucket, Pace, limit_at
from kinoshelf.downloads.engine.partfile import PartFile
from kinoshelf.downloads.engine.transport import Request, Transport
from kinoshelf.downloads.engine.trust import Trust
from kinoshelf.downloads.events import DownloadsAdded, DownloadsChanged, DownloadsRemoved
from kinoshelf.downloads.progress import Live, ProgressBoard, SpeedMeter, eta
from kinoshelf.downloads.retry import Cause, Failure
from kinoshelf.downloads.states import ACTIVE, State

log = structlog.get_logger()

TICK_SECONDS = 0.25
QUICK_TICK_SECONDS = 0.05
BOARD_SECONDS = 0.25
SAMPLE_SECONDS = 0.5
DISK_LOOK_SECONDS = 1.0
# The first checkpoint comes early, so that even a hub that is killed again and again moves on.
FIRST_CHECKPOINT_SECONDS = 0.5
CHECKPOINT_SECONDS = 5.0
POSITION_SECONDS = 5.0
# Small files are hashed and synced on the keeper thread with their rename; larger ones on threads of their own.
SETTLE_FROM_BYTES = 1024 * 1024
# Downloads this short are claimed ahead, so that the database is visited once for many of them.
MAX_AHEAD = 256
# With work at hand, what ends is gathered for this long before the database hears of it.
GATHER = 128
FEW_RESERVED = 32
GATHER_SECONDS = 0.01
GATHER_TURNS = 6
AHEAD_SECONDS = 1.0
# With several workers on PostgreSQL, facts can be lost and machines can die: look around now and then.
SAFETY_SECONDS = 30.0
SETTLE_THREADS = 3
STOP_SECONDS = 15.0


@dataclass(slots=True)
class Running:
    """A download in the engine's hands."""

    job: Job
    fetch: Fetch
    task: asyncio.Task[None] | None = None
    meter: SpeedMeter = field(default_factory=SpeedMeter)
    is_settling: bool = False
    is_told: bool = False
    """The database knows that bytes arrive."""
    checkpointed_at: float = 0.0
    checkpoint_seconds: float = FIRST_CHECKPOINT_SECONDS
    checkpoint: asyncio.Future[Any] | None = None


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
        self._bus = bus
        self._make_transport = make_transport or default_transport()
        self._keeper = Keeper(database, clock, store.current.data_dir, worker)
        self._keeper_thread = ThreadPoolExecutor(1, thread_name_prefix="engine-keeper")
        self._settlers = ThreadPoolExecutor(SETTLE_THREADS, thread_name_prefix="engine-settle")
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._unsubscribe: list[Callable[[], None]] = []
        self._running: dict[str, Running] = {}
        self._reserved: deque[tuple[float, Job]] = deque()
        self._ended: list[Ended] = []
        self._given_back: list[str] = []
        self._finished_bytes = 0
        self._shared = Bucket()
        self._memory = HostMemory()
        self._trust = Trust(store)
        self._requests_of: Settings | None = None
        self._must_claim = True
        self._has_more = True
        self._next_due: datetime | None = None
        self._ahead = 0
        self._renewed_at = 0.0
        self._positions_at = 0.0
        self._ticker: asyncio.TimerHandle | None = None
        self._ticked_at = self._board_at = self._sampled_at = self._disk_at = 0.0

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
                    freed = await self._on_keeper(self._keeper.recover, self._store.current, was_away)
                    if freed:
                        log.info("engine.recovered", downloads=freed)
                    self._must_claim = True
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
        if self._keeper.has_buried:
            self._keeper.has_buried = False
            found = await self._in_thread(finish.known_parts, self._store.current.download_dir)
            await self._on_keeper(self._keeper.sweep, found)

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
        self._must_claim = True
        self._wake.set()

    async def _sleep(self, safety_at: float) -> None:
        """Wait until something is to do: a call, a retry that is due, a heartbeat; while idle on SQLite for ever."""
        timeout: float | None = None
        if self._running or self._reserved:
            timeout = claims.HEARTBEAT.total_seconds()
        elif not self._database.is_sqlite:
            timeout = max(0.1, safety_at - time.monotonic())
        if self._next_due is not None:
            due = max(0.02, (self._next_due - self._clock.now()).total_seconds())
            timeout = due if timeout is None else min(timeout, due)
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            self._must_claim = True
            # It rang; what is due and finds no place now is brought by the end of a download.
            if self._next_due is not None and self._next_due <= self._clock.now():
                self._next_due = None
        self._wake.clear()

    # The database.

    async def _visit(self) -> None:
        """Tell the database what happened and take what comes next; again while there is more of either."""
        while not self._is_stopping:
            for _turn in range(GATHER_TURNS):
                if len(self._reserved) <= FEW_RESERVED or len(self._ended) >= GATHER:
                    break
                await asyncio.sleep(GATHER_SECONDS)
            turn = self._turn()
            if turn is None:
                return
            try:
                visit: Visit = await self._on_keeper(self._keeper.visit, turn, self._store.current)
            except Exception:
                self._take_back(turn)
                raise
            self._next_due = visit.next_due
            for lost in visit.lost:
                self._let_go(lost)
            self._ahead = min(MAX_AHEAD, 4 * len(turn.ended)) if turn.ended else 0
            now = time.monotonic()
            self._reserved.extend((now, job) for job in visit.jobs)
            if visit.has_more is not None:
                self._has_more = visit.has_more
            self._fill()

    def _take_back(self, turn: Turn) -> None:
        """Nothing of it is recorded: it is told again, and leases are renewed before anything else."""
        self._ended[:0] = turn.ended
        self._given_back[:0] = turn.given_back
        for download_id in turn.started:
            if download_id in self._running:
                self._running[download_id].is_told = False
        self._renewed_at = 0.0
        self._must_claim = True

    def _turn(self) -> Turn | None:
        settings = self._store.current
        now = time.monotonic()
        holds = bool(self._running or self._reserved)
        must_renew = holds and now - self._renewed_at >= claims.HEARTBEAT.total_seconds()
        must_position = bool(self._running) and now - self._positions_at >= POSITION_SECONDS
        free = settings.engine.max_active_downloads - len(self._running) - len(self._reserved)
        wants = free + self._ahead if self._must_claim or (self._has_more and free + self._ahead > 0) else 0
        if not (self._ended or self._given_back or must_renew or must_position or wants > 0 or self._untold()):
            return None
        turn = Turn(ended=self._ended, given_back=self._given_back, must_renew=must_renew)
        self._ended, self._given_back = [], []
        turn.started = self._untold()
        for download_id in turn.started:
            self._running[download_id].is_told = True
        if wants > 0:
            # What is said from here on asks for another look.
            self._must_claim = False
            turn.free = max(0, free)
            turn.ahead = max(0, wants - turn.free)
            turn.host_limit = _host_limit(settings)
            turn.active_by_host = self._active_by_host()
            for _at, job in self._reserved:
                turn.active_by_host[job.host] += 1
        if must_renew:
            self._renewed_at = now
            turn.held = frozenset([*self._running, *(job.id for _at, job in self._reserved)])
        if must_position:
            self._positions_at = now
        # A size that became known is worth a row at once: batches add it up.
        turn.positions = [
            Position(
                one.job.id,
                one.fetch.downloaded_bytes,
                one.fetch.size_bytes,
                one.fetch.filename,
                str(one.fetch.part.path),
            )
            for one in (self._running.values() if must_position else map(self._running.__getitem__, turn.started))
        ]
        return turn

    def _untold(self) -> list[str]:
        """Downloads whose bytes arrive and whose row does not say so yet. Short ones end before anybody asks."""
        now = time.monotonic()
        return [
            one.job.id
            for one in self._running.values()
            if one.fetch.has_answer and not one.is_told and now - one.fetch.started_at > TICK_SECONDS
        ]

    def _active_by_host(self) -> Counter[str]:
        return Counter(one.job.host for one in self._running.values())

    # Running.

    def _fill(self) -> None:
        """Start what was claimed while there is room for it."""
        settings = self._store.current
        limit = _host_limit(settings)
        active = self._active_by_host() if limit else Counter()
        passed_over: list[tuple[float, Job]] = []
        while self._reserved and len(self._running) < settings.engine.max_active_downloads:
            at, job = self._reserved.popleft()
            if limit and active[job.host] >= limit:
                passed_over.append((at, job))
            else:
                if limit:
                    active[job.host] += 1
                self._launch(job, settings)
        self._reserved.extendleft(reversed(passed_over))

    def _give_back(self, now: float) -> None:
        """Free what was claimed ahead and waited too long; others may have room for it."""
        while self._reserved and now - self._reserved[0][0] > AHEAD_SECONDS:
            self._given_back.append(self._reserved.popleft()[1].id)
        if self._given_back:
            self._look_again()

    def _launch(self, job: Job, settings: Settings) -> None:
        part = self._keeper.open_part(job, settings)
        if isinstance(part, Failure):
            self._ended.append(Ended(job, None, job.size_bytes, job.downloaded_bytes, job.filename, failure=part))
            self._wake.set()
            return
        pace = Pace(self._shared, job.speed_limit_bytes_per_second)
        running = Running(job, Fetch(job, part, self._needs(settings, pace)))
        running.checkpointed_at = time.monotonic()
        self._running[job.id] = running
        running.task = asyncio.ensure_future(self._run_one(running))
        if self._ticker is None:
            self._renewed_at = self._positions_at = self._ticked_at = time.monotonic()
            self._refill(0.0, settings)
            self._schedule_tick()

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
        fetch, job = running.fetch, running.job
        ended = Ended(job, fetch.part, None, 0, job.filename)
        try:
            ended.failure = await fetch.run()
            if running.checkpoint is not None:
                await asyncio.wait([running.checkpoint])
            ended.etag = fetch.part.origin.etag
            ended.average_speed_bytes_per_second = _average(fetch)
            if ended.failure is None and not fetch.is_stopped:
                with contextlib.suppress(finish.Interrupted):
                    ended.failure = await self._settle(running, ended)
                    ended.is_complete = ended.failure is None
            if not ended.is_complete and fetch.part.ranges.total:
                await self._in_thread(fetch.part.last_checkpoint)
        except OSError as error:
            ended.failure = storage_failure(error, fetch.part.path)
            ended.is_complete = False
        except Exception as error:
            log.exception("engine.download_failed", download_id=job.id)
            ended.failure = Failure(Cause.UNKNOWN, f"something went wrong here: {error}")
            ended.is_complete = False
        ended.size_bytes, ended.filename = fetch.size_bytes, fetch.filename
        ended.downloaded_bytes = fetch.part.ranges.total
        self._finished_bytes += fetch.received_bytes
        self._running.pop(job.id, None)
        self._ended.append(ended)
        self._must_claim = True
        self._fill()
        self._wake.set()

    async def _settle(self, running: Running, ended: Ended) -> Failure | None:
        """Check and sync the file. A small one is left to the keeper, which does many in one go."""
        fetch = running.fetch
        size_bytes = fetch.size_bytes or 0
        wanted = running.job.checksum or fetch.announced
        digest = fetch.digest_for(wanted) if wanted is not None else None
        failure: Failure | None = None
        if wanted is not None:
            if digest is not None:
                failure = finish.check(fetch.part, size_bytes, wanted, digest)
            else:
                running.is_settling = True
                failure = await self._in_thread(
                    finish.check, fetch.part, size_bytes, wanted, None, lambda: fetch.is_stopped
                )
            ended.checked = wanted
        if failure is not None:
            fetch.part.restart()
            return failure
        if size_bytes >= SETTLE_FROM_BYTES and self._store.current.engine.sync_to_disk:
            running.is_settling = True
            await self._in_thread(fetch.part.sync)
            ended.is_synced = True
        return None

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
        self._reserved, dropped = (
            deque(pair for pair in self._reserved if pair[1].id not in named),
            [job.id for _at, job in self._reserved if job.id in named],
        )
        # Claimed but not begun: given back, and claimed again if it is still wanted.
        self._given_back.extend(dropped)
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

    # Time.

    def _schedule_tick(self) -> None:
        assert self._loop is not None
        is_quick = bool(self._shared.limit) or any(
            one.fetch.is_growing or one.fetch.pace.is_limited for one in self._running.values()
        )
        self._ticker = self._loop.call_later(QUICK_TICK_SECONDS if is_quick else TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        settings = self._store.current
        now = time.monotonic()
        self._refill(now - self._ticked_at, settings)
        self._ticked_at = now
        looks_at_disk = now - self._disk_at >= DISK_LOOK_SECONDS
        for running in list(self._running.values()):
            running.fetch.tick(now)
            if looks_at_disk:
                running.fetch.check_disk()
            if now - running.checkpointed_at >= running.checkpoint_seconds:
                running.checkpointed_at = now
                running.checkpoint_seconds = min(2 * running.checkpoint_seconds, CHECKPOINT_SECONDS)
                self._checkpoint(running)
        if looks_at_disk:
            self._disk_at = now
        if now - self._board_at >= BOARD_SECONDS:
            self._board_at = now
            self._show()
        if self._bus is not None and not self._database.is_sqlite and now - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = now
            self._send_sample(self._bus)
        if self._untold() or now - self._positions_at >= POSITION_SECONDS:
            self._wake.set()
        if self._reserved:
            self._give_back(now)
        if self._running:
            self._schedule_tick()
        else:
            self._ticker = None
            self._show()

    def _refill(self, seconds: float, settings: Settings) -> None:
        zone = settings.zone
        local = self._clock.now().astimezone(zone)
        self._shared.limit = limit_at(settings.engine, local)
        self._shared.refill(seconds)
        for running in self._running.values():
            running.fetch.pace.refill(seconds)

    def _checkpoint(self, running: Running) -> None:
        if running.checkpoint is None or running.checkpoint.done():
            running.checkpoint = asyncio.ensure_future(self._checkpointed(running.fetch.part))

    async def _checkpointed(self, part: PartFile) -> None:
        try:
            await self._in_thread(part.checkpoint)
        except OSError as error:
            # The transfer itself will meet the same problem and say it to the user.
            log.warning("engine.checkpoint_failed", error=str(error))

    def _lives(self) -> list[Live]:
        lives = []
        for one in self._running.values():
            fetch = one.fetch
            downloaded = fetch.downloaded_bytes
            speed = fetch.meter.bytes_per_second
            state = State.EXTRACTING if one.is_settling else State.DOWNLOADING if fetch.has_answer else State.STARTING
            left = eta(downloaded, fetch.size_bytes, speed)
            lives.append(
                Live(one.job.id, state, downloaded, fetch.size_bytes, speed, left, fetch.connections, fetch.filename)
            )
        return lives

    def _show(self) -> None:
        self._board.put(self._worker, self._lives())

    def _send_sample(self, bus: ProcessBus) -> None:
        rows = [
            [
                one.id,
                one.state.value,
                one.downloaded_bytes,
                one.size_bytes,
                one.speed_bytes_per_second,
                one.eta_seconds,
                one.connections,
                one.filename,
            ]
            for one in self._lives()
        ]
        self._settlers.submit(_send_quietly, bus, {"kind": "downloads", "worker": self._worker, "rows": rows})

    # The end.

    async def _end(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for running in self._running.values():
            running.fetch.stop()
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS / 2)
        if self._ticker is not None:
            self._ticker.cancel()
        self._given_back.extend(job.id for _at, job in self._reserved)
        self._reserved.clear()
        turn = Turn(ended=self._ended, given_back=self._given_back)
        if turn.ended or turn.given_back:
            try:
                await self._on_keeper(self._keeper.visit, turn, self._store.current)
            except DatabaseUnavailable as error:
                # The next start finds the part files and their sidecars.
                log.warning("engine.stopped_unrecorded", error=error.message)
        self._board.put(self._worker, [])
        await self._transport.close()


def _send_quietly(bus: ProcessBus, sample: dict[str, Any]) -> None:
    try:
        bus.send_sample(sample)
    except DatabaseUnavailable as error:
        log.debug("engine.sample_lost", error=error.message)


def take_sample(board: ProgressBoard, sample: dict[str, Any]) -> None:
    """Put on the board what a worker in another process sent."""
    if sample.get("kind") == "downloads":
        board.put(str(sample["worker"]), [Live(row[0], State(row[1]), *row[2:]) for row in sample["rows"]])


def _average(fetch: Fetch) -> int | None:
    seconds = time.monotonic() - fetch.started_at
    return round(fetch.received_bytes / seconds) if seconds > 0 and fetch.received_bytes else None


def _host_limit(settings: Settings) -> int:
    """Return how many downloads of one host may run (each has a connection at least); 0 = no limit of its own."""
    engine = settings.engine
    limit = min(engine.max_active_per_host or engine.max_connections_per_host, engine.max_connections_per_host)
    # One that the engine's own limit keeps anyway would only stand in the way of claiming ahead.
    return limit if limit < engine.max_active_downloads else 0


def free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write on the disk that holds `folder`."""
    if os.name == "nt":
        import shutil

        return shutil.disk_usage(folder).free
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def default_transport() -> Callable[[Trust], Transport]:
    """Return what makes the transport: libcurl where its wheel exists, threads elsewhere."""
    try:
        from kinoshelf.downloads.engine.curl import CurlTransport
    except ImportError:
        from kinoshelf.downloads.engine.threads import ThreadTransport

        return lambda trust: ThreadTransport(trust.is_allowed)
    return lambda trust: CurlTransport(trust.is_allowed)
