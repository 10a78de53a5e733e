"""The artwork store, as everybody else sees it. Start here."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import StorageProblem
from kinoshelf.core.files import write_atomic
from kinoshelf.core.settings import SettingsStore
from kinoshelf.images import wanting
from kinoshelf.images.errors import ArtworkNotFound, PictureRefused
from kinoshelf.images.fetching import PictureFetcher
from kinoshelf.images.folder import ImageFolder
from kinoshelf.images.formats import MADE_AS, MADE_TYPES, MadeFormat, PictureFacts
from kinoshelf.images.index import ArtworkIndex, Entry
from kinoshelf.images.models import ArtworkState
from kinoshelf.images.sizes import TMDB, ArtworkSize, tmdb_source

log = structlog.get_logger()

MIB = 1024 * 1024
MOST_UPLOAD_BYTES = 5 * MIB
MAKERS = 2
HOT_BYTES = 16 * MIB
MOST_HOT_FILE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Which file a kept picture is in one size; `content` makes it where it is not there yet."""

    artwork_id: int
    size: ArtworkSize
    path: Path
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """A picture that cannot be shown now: still wanted, or failed."""

    state: ArtworkState


class ArtworkStore:
    """Pictures by number. Use it from any event loop; plain functions of a session stand in `wanting`."""

    def __init__(
        self, *, store: SettingsStore, database: Database, clock: Clock, index: ArtworkIndex, folder: ImageFolder
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._folder = folder
        self._executor = ThreadPoolExecutor(MAKERS, thread_name_prefix="artwork")
        self.index = index
        self.fetcher = PictureFetcher(
            store=store, database=database, clock=clock, index=index, folder=folder, executor=self._executor
        )
        self._making: dict[Path, Future[bytes]] = {}
        self._lock = threading.Lock()
        self._hot = HotFiles(HOT_BYTES)

    def start(self) -> None:
        """Fetch what is looked at from now on."""
        self.fetcher.start()

    def stop(self) -> None:
        self.fetcher.stop()
        self._executor.shutdown(wait=True, cancel_futures=True)

    # What others ask for ------------------------------------------------------------------------

    def want(self, session: Session, source_key: str, url: str | None = None) -> int:
        """Return the number of a picture; it is fetched when first looked at.

        TMDB's are wanted by `tmdb_key(path)` alone: their address is the one in the settings when they are fetched.
        """
        if source_key.startswith(TMDB):
            url = tmdb_source(self._store.current.tmdb.image_base_url, source_key)
        return wanting.want(session, source_key, url, self._clock.now())

    async def keep_upload(self, content: bytes) -> int:
        """Keep a picture somebody hands in. Raises PictureRefused with a sentence."""
        if len(content) > MOST_UPLOAD_BYTES:
            raise PictureRefused(f"this picture is larger than {MOST_UPLOAD_BYTES // MIB} MB")
        content_key, facts = await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(self._keep, content)
        )
        return await self._database.writing(
            lambda session: wanting.keep_upload(session, content_key, facts, len(content), self._clock.now())
        )

    def _keep(self, content: bytes) -> tuple[str, PictureFacts]:
        from kinoshelf.images.pictures import examine

        facts = examine(content)
        try:
            return self._folder.keep(content, facts.media_type), facts
        except OSError as error:
            raise StorageProblem(f"the picture cannot be written: {error.strerror}") from error

    async def want_again(self, artwork_id: int) -> bool:
        """Let a picture that failed be tried at the next look; False where there is nothing to try."""
        return await self._database.writing(partial(wanting.want_again, artwork_id=artwork_id))

    async def file(
        self, artwork_id: int, size: ArtworkSize, *, takes_webp: bool = True, wait_seconds: float = 0
    ) -> StoredFile | NotThere:
        """Say which file a picture of this size is. The first look at a wanted one has it fetched.

        With `wait_seconds` it waits so long for that. Raises ArtworkNotFound.
        """
        entry = self.index.get(artwork_id) or await self.index.find(artwork_id)
        if entry is None:
            raise ArtworkNotFound(artwork_id)
        if entry.state is not ArtworkState.KEPT:
            entry = await self._asked_for(artwork_id, entry, wait_seconds)
            if entry.state is not ArtworkState.KEPT:
                return NotThere(entry.state)
        return self._file_of(artwork_id, entry, size, takes_webp=takes_webp)

    async def _asked_for(self, artwork_id: int, entry: Entry, wait_seconds: float) -> Entry:
        if entry.is_upload or not wanting.is_due(entry.state, entry.retry_at, self._clock.now()):
            return entry
        asked = self.fetcher.ask(artwork_id)
        if asked is None or wait_seconds <= 0:
            return entry
        await asyncio.wait({asyncio.wrap_future(asked)}, timeout=wait_seconds)
        return await self.index.find(artwork_id) or entry

    def _file_of(self, artwork_id: int, entry: Entry, size: ArtworkSize, *, takes_webp: bool) -> StoredFile:
        key = entry.content_key
        if size is ArtworkSize.ORIGINAL:
            path = self._folder.original(key, entry.media_type)
            return StoredFile(artwork_id, size, path, entry.media_type, f'"{key[:32]}"')
        made: MadeFormat = "webp" if takes_webp else "jpg"
        etag = f'"{key[:32]}-{size}-{made}{MADE_AS}"'
        return StoredFile(artwork_id, size, self._folder.made(key, size, made), MADE_TYPES[made], etag)

    async def content(self, file: StoredFile) -> bytes | NotThere:
        """Return the bytes of what `file` said, making the size where it is the first time."""
        found = self._hot.get(file.path)
        if found is not None:
            return found
        try:
            found = await asyncio.to_thread(file.path.read_bytes)
        except FileNotFoundError:
            entry = await self.index.find(file.artwork_id)
            if entry is None or entry.state is not ArtworkState.KEPT:
                return NotThere(ArtworkState.WANTED)
            try:
                found = await self._made(entry, file)
            except (FileNotFoundError, PictureRefused) as error:
                return await self._lost(file.artwork_id, entry, error)
            except OSError as error:
                raise StorageProblem(f"the picture cannot be written: {error.strerror}") from error
        except OSError as error:
            raise StorageProblem(f"the picture cannot be read: {error.strerror}") from error
        self._hot.put(file.path, found)
        return found

    async def _lost(self, artwork_id: int, entry: Entry, error: Exception) -> NotThere:
        log.info("artwork.lost", artwork_id=artwork_id, error=str(error))
        await self._database.writing(partial(wanting.record_lost, artwork_id=artwork_id, content_key=entry.content_key))
        if entry.is_upload:
            return NotThere(ArtworkState.FAILED)
        self.fetcher.ask(artwork_id)
        return NotThere(ArtworkState.WANTED)

    async def _made(self, entry: Entry, file: StoredFile) -> bytes:
        width = file.size.width
        original = self._folder.original(entry.content_key, entry.media_type)
        if width is None:
            raise FileNotFoundError(original)
        made: MadeFormat = "webp" if file.media_type == MADE_TYPES["webp"] else "jpg"
        making = self._once(file.path, partial(_read_or_make, original, file.path, width, made))
        # Whoever leaves does not take it from the others who wait.
        return await asyncio.shield(asyncio.wrap_future(making))

    def _once(self, path: Path, work: Callable[[], bytes]) -> Future[bytes]:
        """Do the work for `path`, once for all who ask for it meanwhile."""
        with self._lock:
            making = self._making.get(path)
            if making is None:
                making = self._making[path] = self._executor.submit(work)
                making.add_done_callback(lambda _made: self._making.pop(path, None))
            return making


def _read_or_make(original: Path, path: Path, width: int, made: MadeFormat) -> bytes:
    try:
        # Somebody was here between our look and our turn.
        return path.read_bytes()
    except FileNotFoundError:
        return _make(original, path, width, made)


def _make(original: Path, path: Path, width: int, made: MadeFormat) -> bytes:
    from kinoshelf.images.pictures import resized

    content = resized(original.read_bytes(), width, made)
    write_atomic(path, content)
    return content


class HotFiles:
    """The small files asked for last, in memory. Their names say what is in them, so none is ever out of date."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._files: OrderedDict[Path, bytes] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    def get(self, path: Path) -> bytes | None:
        with self._lock:
            found = self._files.get(path)
            if found is not None:
                self._files.move_to_end(path)
            return found

    def put(self, path: Path, content: bytes) -> None:
        if len(content) > MOST_HOT_FILE_BYTES:
            return
        with self._lock:
            self._size_bytes += len(content) - len(self._files.pop(path, b""))
            self._files[path] = content
            while self._size_bytes > self._most_bytes:
                _, gone = self._files.popitem(last=False)
                self._size_bytes -= len(gone)
