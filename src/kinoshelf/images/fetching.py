"""Fetches pictures: each once, some at a time, on a thread of its own that is there only once somebody asks.

What waits is kept in the rows, so nothing is lost with the process: the next look at a picture asks again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, DatabaseUnavailable
from kinoshelf.core.errors import KinoshelfError, NotConfigured, StorageProblem
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.settings import SettingsStore
from kinoshelf.images import wanting
from kinoshelf.images.folder import ImageFolder
from kinoshelf.images.formats import PictureFacts
from kinoshelf.images.index import ArtworkIndex
from kinoshelf.images.sizes import TMDB, tmdb_source

if TYPE_CHECKING:
    from kinoshelf.images.client import PictureClient

log = structlog.get_logger()

AT_A_TIME = 4
MOST_WAITING = 2000
STOP_SECONDS = 10.0


class PictureFetcher:
    """`fetch` fetches one here and now; `ask` lets it be done in the background, once the fetcher is started."""

    def __init__(
        self,
        *,
        store: SettingsStore,
        database: Database,
        clock: Clock,
        index: ArtworkIndex,
        folder: ImageFolder,
        executor: Executor,
    ) -> None:
        self._index = index
        self._store = store
        self._database = database
        self._clock = clock
        self._folder = folder
        self._executor = executor
        self._lock = threading.Lock()
        self._client: PictureClient | None = None
        self._client_for: tuple[str, tuple[str, ...]] | None = None
        self._is_open = False
        self._waiting: dict[int, Future[None]] = {}
        self._held: set[int] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._main: asyncio.Task[None] | None = None

    # In the background --------------------------------------------------------------------------

    def start(self) -> None:
        with self._lock:
            self._is_open = True

    def stop(self) -> None:
        """End what runs and give it back, to be asked for again."""
        with self._lock:
            self._is_open = False
            thread, loop, main = self._thread, self._loop, self._main
            self._thread = None
        if thread is not None and loop is not None and main is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(main.cancel)
            thread.join(timeout=STOP_SECONDS)
        for artwork_id in sorted(self._held):
            with contextlib.suppress(DatabaseUnavailable):
                self._database.run_write(partial(wanting.give_back, artwork_id=artwork_id))
        self._held.clear()
        for waiting in self._waiting.values():
            waiting.set_result(None)
        self._waiting.clear()

    def ask(self, artwork_id: int) -> Future[None] | None:
        """Let the picture be fetched soon; the result is set when that was tried. None when nobody can now."""
        with self._lock:
            waiting = self._waiting.get(artwork_id)
            if waiting is not None:
                return waiting
            if not self._is_open or len(self._waiting) >= MOST_WAITING:
                return None
            waiting = self._waiting[artwork_id] = Future()
            if self._thread is None:
                self._begin()
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._queue.put_nowait, artwork_id)
            return waiting

    def _begin(self) -> None:
        begun = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(begun,), name="pictures", daemon=True)
        self._thread.start()
        begun.wait(timeout=STOP_SECONDS)

    def _run(self, begun: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._queue = asyncio.Queue()
            self._main = self._loop.create_task(self._work())
            begun.set()
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._main)

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_A_TIME):
                    group.create_task(self._take_turns())
        finally:
            await self.aclose()

    async def _take_turns(self) -> None:
        while True:
            artwork_id = await self._queue.get()
            try:
                await self.fetch(artwork_id)
            except DatabaseUnavailable as error:
                # The row still says that it is wanted.
                log.info("artwork.put_off", artwork_id=artwork_id, error=error.message)
            except Exception:
                log.exception("artwork.failed", artwork_id=artwork_id)
            finally:
                with self._lock:
                    waiting = self._waiting.pop(artwork_id, None)
                if waiting is not None:
                    waiting.set_result(None)

    # One picture --------------------------------------------------------------------------------

    async def fetch(self, artwork_id: int) -> bool:
        """Fetch the picture if it is due; True when it was tried here. What went wrong is noted in its row."""
        claimed = await self._database.writing(partial(wanting.claim, artwork_id=artwork_id, now=self._clock.now()))
        if claimed is None:
            # Somebody else has it, until when says its row.
            self._index.forget((artwork_id,))
            return False
        self._held.add(artwork_id)
        try:
            client = await self._pictures()
            content = await client.picture(self._address_of(claimed))
            content_key, facts = await self._on_thread(partial(self._keep, content))
        except KinoshelfError as error:
            await self._record_failure(claimed, error)
        except OSError as error:
            problem = StorageProblem(f"the picture cannot be written: {error.strerror}")
            await self._record_failure(claimed, problem)
        else:
            await self._database.writing(
                partial(
                    wanting.record_kept,
                    artwork_id=artwork_id,
                    content_key=content_key,
                    facts=facts,
                    size_bytes=len(content),
                    now=self._clock.now(),
                )
            )
        # Not when cancelled: then it is given back.
        self._held.discard(artwork_id)
        return True

    async def _on_thread(self, work: Callable[[], tuple[str, PictureFacts]]) -> tuple[str, PictureFacts]:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _keep(self, content: bytes) -> tuple[str, PictureFacts]:
        from kinoshelf.images.pictures import examine

        facts = examine(content)
        return self._folder.keep(content, facts.media_type), facts

    def _address_of(self, claimed: wanting.Fetchable) -> str:
        if claimed.source_key.startswith(TMDB):
            return tmdb_source(self._store.current.tmdb.image_base_url, claimed.source_key)
        if claimed.source_url is None:
            raise NotConfigured("nobody said where this picture is")
        return claimed.source_url

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        if self._client is not None:
            await self._client.aclose()

    async def _pictures(self) -> PictureClient:
        # A hub that shows no pictures does not load what fetches and reads them.
        from kinoshelf.images.client import PictureClient

        settings = self._store.current
        wanted = (settings.tmdb.image_base_url, settings.allow_private_hosts)
        if self._client is None or self._client_for != wanted:
            await self.aclose()
            self._client = PictureClient(
                image_base_url=settings.tmdb.image_base_url,
                allow_private_hosts=settings.allow_private_hosts,
                clock=self._clock,
            )
            self._client_for = wanted
        return self._client

    async def _record_failure(self, claimed: wanting.Fetchable, error: KinoshelfError) -> None:
        is_clear = not isinstance(error, UpstreamUnavailable | StorageProblem)
        seconds = getattr(error, "retry_after_seconds", None)
        asked = None if seconds is None else timedelta(seconds=seconds)
        pause = wanting.retry_after(claimed.attempts, is_clear=is_clear, asked=asked)
        now = self._clock.now()
        log.info("artwork.not_fetched", artwork_id=claimed.artwork_id, attempt=claimed.attempts, error=error.message)
        await self._database.writing(
            partial(
                wanting.record_failure,
                artwork_id=claimed.artwork_id,
                message=error.message,
                retry_at=None if pause is None else now + pause,
            )
        )
