"""Putting links into the queue."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from sqlalchemy import Row, case, delete, func, insert, select
from sqlalchemy.orm import Session

from kinoshelf.core.claims import is_free
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, wait_turn
from kinoshelf.core.errors import InvalidInput, KinoshelfError
from kinoshelf.core.events import publish
from kinoshelf.downloads.checksums import parse_checksum
from kinoshelf.downloads.control import PLACES, TABLE, remove_empty_batches
from kinoshelf.downloads.errors import DownloadAlreadyQueued
from kinoshelf.downloads.events import DownloadsAdded, DownloadsRemoved
from kinoshelf.downloads.links import Link, parse_link
from kinoshelf.downloads.models import POSITION_STEP, Batch, Download
from kinoshelf.downloads.naming import filename_from_url, safe_filename, safe_folder, titled_folder, titled_name
from kinoshelf.downloads.queries import find_download
from kinoshelf.downloads.states import State

CHUNK = 500
MAX_PRIORITY = 1_000_000
NO_CATEGORY = "other"
BATCH_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """The film or episode a link belongs to, as the caller knows it."""

    tmdb_id: int | None = None
    media_type: Literal["movie", "tv"] | None = None
    title: str | None = None
    year: int | None = None
    collection_name: str | None = None
    season: int | None = None
    episode: int | None = None


@dataclass(frozen=True, slots=True)
class NewDownload:
    """What a caller asks for. Only the link is needed."""

    url: str
    filename: str | None = None
    folder: str | None = None
    category: str | None = None
    priority: int = 0
    checksum: str | None = None
    speed_limit_bytes_per_second: int = 0
    max_segments: int | None = None
    facts: TitleFacts = field(default_factory=TitleFacts)
    quality: str | None = None
    resolution: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one link of a request: added, a duplicate of `download_id`, or invalid for `error`."""

    url: str
    outcome: Literal["added", "duplicate", "invalid"]
    download_id: str | None = None
    error: str | None = None
    row: Mapping[str, Any] | None = None
    """The columns that were written, where it was added."""


class AddDownloads:
    """Put links into the queue, in their order, in one transaction.

    A link that is in the list already is a duplicate, unless its download failed, was cancelled, or its finished file
    is gone: then the old row gives way to the new one.
    """

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def one(self, wanted: NewDownload, *, batch_id: str | None = None, batch_name: str | None = None) -> str:
        """Add one link and return its id. Raises LinkNotUsable, InvalidInput or DownloadAlreadyQueued."""
        row = await self.one_read(wanted, batch_id=batch_id, batch_name=batch_name)
        added: str = row.id
        return added

    async def one_read(
        self, wanted: NewDownload, *, batch_id: str | None = None, batch_name: str | None = None
    ) -> Row[Any]:
        """Add one link as `one` does, and return its row as it was before any worker saw it."""
        row = prepared(wanted)
        checked_batch(batch_id, batch_name)
        now = self._clock.now()

        def work(session: Session) -> Row[Any]:
            (added,) = add(session, [row], now, batch_id, batch_name)
            found = find_download(session, _raised(added))
            assert found is not None
            return found

        return await self._database.writing(work)

    async def many(
        self, wanted: Sequence[NewDownload], *, batch_id: str | None = None, batch_name: str | None = None
    ) -> list[Added]:
        """Add what can be added; answer one outcome a link, in order. Raises InvalidInput for a bad batch only."""
        checked_batch(batch_id, batch_name)
        now = self._clock.now()
        # Thousands of links take their time to be read: not while the database waits, nor the requests of others.
        rows, outcomes = await asyncio.to_thread(prepared_all, wanted)
        added = await self._database.writing(lambda session: add(session, rows, now, batch_id, batch_name))
        return _joined(outcomes, added)


def _raised(added: Added) -> str:
    if added.outcome == "duplicate" and added.download_id:
        raise DownloadAlreadyQueued(added.download_id, added.error or "queued")
    assert added.download_id is not None
    return added.download_id


def checked_batch(batch_id: str | None, batch_name: str | None) -> None:
    if batch_id is not None and not BATCH_ID.fullmatch(batch_id):
        raise InvalidInput("batch_id must be 1 to 64 letters, digits, - or _")
    if batch_name is not None and (not batch_name.strip() or len(batch_name) > 500):
        raise InvalidInput("batch_name must be 1 to 500 characters")


def add_all(
    session: Session,
    wanted: Sequence[NewDownload],
    now: datetime,
    batch_id: str | None = None,
    batch_name: str | None = None,
) -> list[Added]:
    """Add inside a transaction of the caller; see `AddDownloads.many`."""
    rows, outcomes = prepared_all(wanted)
    return _joined(outcomes, add(session, rows, now, batch_id, batch_name))


def prepared_all(wanted: Sequence[NewDownload]) -> tuple[list[dict[str, Any]], list[Added | None]]:
    """Check many requests: return the rows to add, and one outcome a request, None where its row decides. Pure."""
    outcomes: list[Added | None] = []
    rows: list[dict[str, Any]] = []
    for one in wanted:
        try:
            rows.append(prepared(one))
            outcomes.append(None)
        except KinoshelfError as error:
            outcomes.append(Added(one.url, "invalid", error=error.message))
    return rows, outcomes


def _joined(outcomes: Sequence[Added | None], added: Sequence[Added]) -> list[Added]:
    rest = iter(added)
    return [outcome or next(rest) for outcome in outcomes]


def prepared(wanted: NewDownload) -> dict[str, Any]:
    """Check one request and return the columns it decides. Pure. Raises InvalidInput or LinkNotUsable."""
    link = parse_link(wanted.url)
    if not -MAX_PRIORITY <= wanted.priority <= MAX_PRIORITY:
        raise InvalidInput(f"priority must lie between -{MAX_PRIORITY} and {MAX_PRIORITY}")
    if wanted.speed_limit_bytes_per_second < 0:
        raise InvalidInput("the speed limit cannot be negative")
    if wanted.max_segments is not None and not 1 <= wanted.max_segments <= 32:
        raise InvalidInput("segments must lie between 1 and 32")
    checksum = parse_checksum(wanted.checksum).text if wanted.checksum else None
    filename, folder, is_given = _named(wanted, link)
    facts = wanted.facts
    category = {"movie": "movies", "tv": "tv"}.get(facts.media_type or "") or (wanted.category or "").strip()
    return {
        "url": link.url,
        "original_url": wanted.url.strip(),
        "link_key": link.key,
        "host": link.host[:260],
        "filename": filename,
        "is_filename_given": is_given,
        "folder": folder,
        "category": safe_filename(category, NO_CATEGORY)[:100] if category else NO_CATEGORY,
        "priority": wanted.priority,
        "checksum": checksum,
        "speed_limit_bytes_per_second": wanted.speed_limit_bytes_per_second,
        "max_segments": wanted.max_segments,
        "tmdb_id": facts.tmdb_id,
        "media_type": facts.media_type,
        "tmdb_title": facts.title[:500] if facts.title else None,
        "tmdb_year": facts.year,
        "tmdb_collection": facts.collection_name[:500] if facts.collection_name else None,
        "tmdb_season": facts.season,
        "tmdb_episode": facts.episode,
        "quality": wanted.quality[:100] if wanted.quality else None,
        "resolution": wanted.resolution[:20] if wanted.resolution else None,
    }


def _named(wanted: NewDownload, link: Link) -> tuple[str, str, bool]:
    """Return file name, folder, and whether the name is the caller's wish (else the host may know a better one)."""
    facts = wanted.facts
    given = safe_filename(wanted.filename, "") if wanted.filename else ""
    plain = given or filename_from_url(link.url)
    folder = safe_folder(wanted.folder) if wanted.folder else ""
    is_series = facts.media_type == "tv"
    # A series file of unknown season keeps its name and place: a wrong folder is worse than none.
    if not facts.title or not facts.media_type or (is_series and facts.season is None):
        return plain, folder, bool(given)
    suffix = PurePosixPath(plain).suffix
    name = given or titled_name(facts.title, facts.year, facts.season, facts.episode, suffix)
    if not folder:
        folder = titled_folder(facts.title, facts.year, facts.season, facts.collection_name, is_series=is_series)
    return name, folder, True


def add(
    session: Session, rows: list[dict[str, Any]], now: datetime, batch_id: str | None, batch_name: str | None
) -> list[Added]:
    """Insert prepared rows; duplicates are found among them and in the list."""
    if not rows:
        return []
    # Whether a link or a batch is there, and which place is the last, must still be true when it is written.
    wait_turn(session, PLACES)
    known = _known_links(session, [row["link_key"] for row in rows], now)
    batches = _BatchFinder(session, now, batch_id, batch_name)
    position = session.scalar(select(func.max(Download.position))) or 0
    outcomes: list[Added] = []
    inserts: list[dict[str, Any]] = []
    replaced: list[str] = []
    for row in rows:
        twin = known.get(row["link_key"])
        if twin is not None and not _gives_way(twin):
            outcomes.append(Added(row["original_url"], "duplicate", download_id=twin.id, error=twin.state))
            continue
        if twin is not None:
            replaced.append(twin.id)
        position += POSITION_STEP
        download_id = str(uuid.uuid4())
        new = {
            **row,
            "id": download_id,
            "kind": "link",
            "state": State.QUEUED.value,
            "position": position,
            # What has arrived already is gone on with, where the host still has the same file.
            "part_path": twin.part_path if twin is not None else None,
            "batch_id": batches.of(row),
            "downloaded_bytes": 0,
            "is_verified": False,
            "retry_count": 0,
            "retries_by_cause": "{}",
            "created_at": now,
            "updated_at": now,
        }
        inserts.append(new)
        known[row["link_key"]] = _Twin(download_id, State.QUEUED.value, None, None)
        outcomes.append(Added(row["original_url"], "added", download_id=download_id, row=new))
    for begin in range(0, len(replaced), CHUNK):
        session.execute(delete(Download).where(Download.id.in_(replaced[begin : begin + CHUNK])))
    if replaced:
        publish(session, DownloadsRemoved(tuple(replaced)))
    if inserts:
        # Each column costs time in each row: those that are empty in all of them are left to the database.
        filled = [name for name in inserts[0] if any(new[name] is not None for new in inserts)]
        session.connection().execute(insert(Download), [{name: new[name] for name in filled} for new in inserts])
        publish(session, DownloadsAdded(tuple(row["id"] for row in inserts)))
    if replaced:
        remove_empty_batches(session)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Twin:
    id: str
    state: str
    destination: str | None
    part_path: str | None
    """None too while a worker has it in its hands, who clears it away."""


def _gives_way(twin: _Twin) -> bool:
    if twin.state in {State.FAILED, State.CANCELLED, State.SKIPPED}:
        return True
    return twin.state == State.COMPLETED and not (twin.destination and Path(twin.destination).exists())


def _known_links(session: Session, keys: list[str], now: datetime) -> dict[str, _Twin]:
    known: dict[str, _Twin] = {}
    for begin in range(0, len(keys), CHUNK):
        chunk = keys[begin : begin + CHUNK]
        part = case((is_free(TABLE, now), Download.part_path), else_=None).label("part_path")
        query = select(Download.link_key, Download.id, Download.state, Download.destination, part).where(
            Download.link_key.in_(chunk)
        )
        for row in session.execute(query):
            known[row.link_key] = _Twin(row.id, row.state, row.destination, row.part_path)
    return known


class _BatchFinder:
    """Finds or makes the batch of each row; asks the database once a name."""

    def __init__(self, session: Session, now: datetime, batch_id: str | None, batch_name: str | None) -> None:
        self._session = session
        self._now = now
        self._batch_id = batch_id
        self._batch_name = batch_name.strip() if batch_name else None
        self._found: dict[str, str] = {}

    def of(self, row: dict[str, Any]) -> str | None:
        if self._batch_id or self._batch_name:
            return self._cached(self._batch_id, self._batch_name, row["tmdb_id"])
        if row["media_type"] == "tv" and row["tmdb_title"]:
            return self._cached(None, row["tmdb_title"], row["tmdb_id"])
        return None

    def _cached(self, batch_id: str | None, name: str | None, tmdb_id: int | None) -> str:
        key = f"{batch_id}|{name}"
        if key not in self._found:
            self._found[key] = self._find(batch_id, name, tmdb_id) or self._make(batch_id, name, tmdb_id)
        return self._found[key]

    def _find(self, batch_id: str | None, name: str | None, tmdb_id: int | None) -> str | None:
        """By name, then by title, then by id: a second season grab joins the batch that is there."""
        scalar = self._session.scalar
        if name:
            by_name = scalar(select(Batch.id).where(Batch.name == name).order_by(Batch.created_at.desc()).limit(1))
            if by_name:
                return by_name
        if name and tmdb_id is not None:
            by_title = scalar(
                select(Batch.id).where(Batch.tmdb_id == tmdb_id).order_by(Batch.created_at.desc()).limit(1)
            )
            if by_title:
                return by_title
        return scalar(select(Batch.id).where(Batch.id == batch_id)) if batch_id else None

    def _make(self, batch_id: str | None, name: str | None, tmdb_id: int | None) -> str:
        made = batch_id or str(uuid.uuid4())
        self._session.execute(
            insert(Batch).values(id=made, name=name or f"Batch {made[:8]}", tmdb_id=tmdb_id, created_at=self._now)
        )
        return made
