"""Torrents of films on the shelf, from YTS where it is switched on.

A film is looked for by its IMDb id, and an answer about another film counts as none. Nobody asked (`yts_data` null),
asked and there are none (empty), and asking failed (`yts_error`) are three different things; a failure never takes
away what was known.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotConfigured, UpstreamError
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.http.status import UpstreamStatuses
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.kinds import JobKind, declare
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.settings import SettingsStore, YTSSettings
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.events import DiscChanged, tell
from kinoshelf.discs.models import Disc
from kinoshelf.upstreams.yts import YTSMovie, magnet

if TYPE_CHECKING:
    from kinoshelf.upstreams.yts import YTSClient

SOURCE = "yts"
QUALITIES = ("720p", "1080p")
"""Those the documents speak of."""
FRESH_FOR = timedelta(hours=24)
LOOK_TORRENTS = "discs.look_for_torrents"
# How old an answer may be before the job over all discs asks again.
MOST_AGE_HOURS = 168
MOST_UNREACHED = 3
OFF = "YTS is switched off: name yts among the sources in the settings to use it"

_KIND = JobKind(LOOK_TORRENTS, max_attempts=5, exclusive=True, dedupe=LOOK_TORRENTS, timeout=timedelta(hours=48))
declare(_KIND)

MakeClient = Callable[[YTSSettings], "YTSClient"]


class DiscWithoutIMDbId(DiscInvalid):
    def __init__(self, name: str) -> None:
        super().__init__([("imdb_id", f"\u00ab{name}\u00bb has no IMDb id, by which its torrents are found")])


@dataclass(frozen=True, slots=True)
class MagnetLink:
    """What a person hands to their own torrent client. `magnet` is None where nothing is known or there is none."""

    disc_id: int
    name: str
    release_year: int | None
    quality: str
    size: str
    magnet: str | None


def torrents_of(movie: YTSMovie, imdb_id: str) -> list[dict[str, Any]]:
    """Return the torrents of a film as they are stored; none where it is another film. Pure."""
    if movie.imdb_code.strip().lower() != imdb_id.lower():
        return []
    title = movie.title_long or f"{movie.title} ({movie.year})"
    found: dict[str, dict[str, Any]] = {}
    for torrent in movie.torrents:
        link = magnet(torrent.hash, title)
        if link is None:
            continue
        found[torrent.hash.upper()] = {
            "quality": torrent.quality,
            "type": torrent.type,
            "url": link,
            "torrent_url": torrent.url,
            "hash": torrent.hash.upper(),
            "seeds": torrent.seeds,
            "peers": torrent.peers,
            "size": torrent.size,
            "size_bytes": torrent.size_bytes,
            "date_uploaded": torrent.date_uploaded,
            "video_codec": torrent.video_codec,
        }
    return list(found.values())


def best_torrent(torrents: Sequence[dict[str, Any]] | None, quality: str) -> dict[str, Any] | None:
    """Return the torrent of this quality most people share. Pure."""
    of_quality = [one for one in torrents or () if one.get("quality") == quality]
    return max(of_quality, key=lambda one: (one.get("seeds") or 0, one.get("hash") or ""), default=None)


def is_due(disc: Disc, now: datetime) -> bool:
    """Tell whether a look at the disc should bring new torrents."""
    return disc.yts_last_updated is None or now - disc.yts_last_updated >= FRESH_FOR


def magnet_links(
    session: Session, *, status: str = "disposed", quality: str = "1080p", with_downloaded: bool = False
) -> list[MagnetLink]:
    """Return a link for each disc of this status, by name: this quality, else the best of the others.

    Films that are downloaded already are left out. Raises InvalidInput.
    """
    if status not in {"kept", "disposed", "unboxed", "not-kept"}:
        raise InvalidInput("the status is one of kept, disposed, unboxed, not-kept")
    query = select(Disc.id, Disc.name, Disc.release_year, Disc.yts_data).order_by(Disc.sort_name, Disc.id)
    query = query.where(Disc.status != "kept" if status == "not-kept" else Disc.status == status)
    if not with_downloaded:
        query = query.where(Disc.is_downloaded.is_(False), Disc.media_type != "download")
    links: list[MagnetLink] = []
    for row in session.execute(query):
        chosen = best_torrent(row.yts_data, quality) or max(
            row.yts_data or (), key=lambda one: one.get("seeds") or 0, default=None
        )
        links.append(
            MagnetLink(
                row.id,
                row.name,
                row.release_year,
                chosen["quality"] if chosen else "",
                chosen["size"] if chosen else "",
                chosen["url"] if chosen else None,
            )
        )
    return links


class Torrents:
    """Asks YTS and stores what it says. Settings are read at every question."""

    def __init__(
        self,
        *,
        store: SettingsStore,
        database: Database,
        clock: Clock,
        statuses: UpstreamStatuses | None = None,
        make_client: MakeClient | None = None,
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._statuses = statuses
        self._make_client = make_client or self._client_for
        self._lock = threading.Lock()
        self._made_for: YTSSettings | None = None
        self._client: YTSClient | None = None

    @property
    def is_on(self) -> bool:
        return SOURCE in self._store.current.sources

    @property
    def is_blocked(self) -> bool:
        """Whether YTS has trouble, so that nobody should be made to wait for it."""
        return self._statuses is not None and self._statuses.is_blocked(SOURCE)

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the next question opens new ones."""
        with self._lock:
            client = self._client
        if client is not None:
            await client.aclose()

    async def find(self, imdb_id: str) -> list[dict[str, Any]]:
        """Return the torrents of a film; empty where there are none. Raises NotConfigured, UpstreamError."""
        imdb_id = imdb_id.strip()
        page = await self._current().list_movies(query_term=imdb_id, limit=20, sort_by="rating")
        for movie in page.movies:
            if movie.imdb_code.strip().lower() == imdb_id.lower():
                return torrents_of(movie, imdb_id)
        return []

    async def check(self) -> None:
        """Ask YTS for anything. Raises NotConfigured or an UpstreamError with a sentence."""
        await self._current().list_movies(limit=1)

    async def look(self, disc_id: int, *, is_forced: bool = True) -> Disc:
        """Ask for the torrents of a disc and store the answer; return its row.

        Without force a fresh answer, a switched-off source, a film without IMDb id and trouble of YTS leave the row as
        it is. Raises DiscNotFound; with force also NotConfigured, DiscWithoutIMDbId and UpstreamError.
        """
        disc = await self._database.reading(lambda session: session.get(Disc, disc_id))
        if disc is None:
            raise DiscNotFound(disc_id)
        if not is_forced and (
            not self.is_on or self.is_blocked or not disc.imdb_id or not is_due(disc, self._clock.now())
        ):
            return disc
        if not self.is_on:
            raise NotConfigured(OFF)
        if not disc.imdb_id:
            raise DiscWithoutIMDbId(disc.name)
        imdb_id = disc.imdb_id
        try:
            found = await self.find(imdb_id)
        except UpstreamError as problem:
            message = problem.message
            kept = await self._database.writing(lambda session: self._fail(session, disc_id, imdb_id, message))
            if is_forced:
                raise
            return kept or disc
        stored = await self._database.writing(lambda session: self._store_answer(session, disc_id, imdb_id, found))
        return stored or disc

    def start(self, session: Session, *, most_age_hours: int = MOST_AGE_HOURS) -> str:
        """Start the job over all discs with an IMDb id; return its id, or that of the one that runs.

        Raises NotConfigured while YTS is off.
        """
        if not self.is_on:
            raise NotConfigured(OFF)
        return queue.enqueue(session, LOOK_TORRENTS, {"most_age_hours": most_age_hours}, clock=self._clock).id

    def register(self, registry: JobRegistry) -> None:
        registry.add(_KIND, self.run)

    async def run(self, context: JobContext) -> dict[str, int]:
        """Ask for every disc whose answer is missing or too old. The client keeps the pauses between questions."""
        try:
            return await self._run(context)
        finally:
            await self.aclose()

    async def _run(self, context: JobContext) -> dict[str, int]:
        if not self.is_on:
            raise NotConfigured(OFF)
        hours = int(context.arguments.get("most_age_hours", MOST_AGE_HOURS))
        before = self._clock.now() - timedelta(hours=hours)
        counts = {"found": 0, "none": 0, "failed": 0}
        total = await self._database.reading(lambda session: _count_due(session, before))
        last, done, unreached = 0, 0, 0
        while (one := await self._database.reading(partial(_next_due, before=before, after_id=last))) is not None:
            last = one[0]
            context.progress(done, max(total, done + 1), f"Looking for {one[1]}... ({done + 1}/{max(total, done + 1)})")
            try:
                disc = await self.look(one[0])
                counts["found" if disc.has_cached_torrents else "none"] += 1
                unreached = 0
            except (DiscNotFound, DiscWithoutIMDbId):
                # Removed or changed meanwhile.
                pass
            except UpstreamUnavailable:
                counts["failed"] += 1
                unreached += 1
                if unreached >= MOST_UNREACHED:
                    raise
            except UpstreamError:
                counts["failed"] += 1
            done += 1
            # A disc that is answered from memory, as in tests, must not keep the loop for itself.
            await asyncio.sleep(0)
        context.progress(done, max(total, done))
        return counts

    # ---------------------------------------------------------------------------------------------

    def _store_answer(self, session: Session, disc_id: int, imdb_id: str, found: list[dict[str, Any]]) -> Disc | None:
        disc = session.get(Disc, disc_id, with_for_update=True)
        if disc is None or disc.imdb_id != imdb_id:
            return disc
        disc.yts_data, disc.yts_error = found, ""
        disc.yts_last_updated = self._clock.now()
        disc.has_cached_torrents = bool(found)
        session.flush()
        tell(session, DiscChanged, (disc_id,))
        return disc

    @staticmethod
    def _fail(session: Session, disc_id: int, imdb_id: str, message: str) -> Disc | None:
        disc = session.get(Disc, disc_id, with_for_update=True)
        if disc is None or disc.imdb_id != imdb_id:
            return disc
        if disc.yts_error != message[:500]:
            disc.yts_error = message[:500]
            session.flush()
            tell(session, DiscChanged, (disc_id,))
        return disc

    def _current(self) -> YTSClient:
        if not self.is_on:
            raise NotConfigured(OFF)
        settings = self._store.current.yts
        with self._lock:
            if self._client is None or settings != self._made_for:
                self._client, self._made_for = self._make_client(settings), settings
            return self._client

    def _client_for(self, settings: YTSSettings) -> YTSClient:
        from kinoshelf.upstreams.yts import YTSClient

        return YTSClient(settings.base_url, clock=self._clock, statuses=self._statuses)


def _is_wanted(before: datetime) -> ColumnElement[bool]:
    is_old = or_(Disc.yts_last_updated.is_(None), Disc.yts_last_updated < before)
    return and_(Disc.imdb_id.is_not(None), is_old)


def _count_due(session: Session, before: datetime) -> int:
    return session.scalar(select(func.count()).select_from(Disc).where(_is_wanted(before))) or 0


def _next_due(session: Session, before: datetime, after_id: int) -> tuple[int, str] | None:
    query = select(Disc.id, Disc.name).where(_is_wanted(before), Disc.id > after_id).order_by(Disc.id).limit(1)
    row = session.execute(query).first()
    return None if row is None else (row[0], row[1])
