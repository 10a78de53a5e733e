"""What is asked for each picture of each page, in memory: by number, which file it is.

It is filled in blocks when somebody asks, so a start costs nothing, and emptied where a fact says that a row changed,
in this process or another. What it does not hold, the database is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from kinoshelf.core.database import Database
from kinoshelf.core.events import EventBus
from kinoshelf.images.events import ArtworkChanged
from kinoshelf.images.models import Artwork, ArtworkState
from kinoshelf.images.sizes import UPLOAD

BLOCK = 1024
MOST_ENTRIES = 400_000

STATES = {state.value: state for state in ArtworkState}


class Entry(NamedTuple):
    state: ArtworkState
    digest: bytes
    """SHA-256 of the original; empty while there is none."""
    media_type: str
    retry_at: datetime | None
    is_upload: bool

    @property
    def content_key(self) -> str:
        return self.digest.hex()


COLUMNS = (Artwork.id, Artwork.state, Artwork.content_key, Artwork.media_type, Artwork.retry_at, Artwork.source_key)


class ArtworkIndex:
    def __init__(self, database: Database, events: EventBus) -> None:
        self._database = database
        self._entries: dict[int, Entry] = {}
        self._blocks: set[int] = set()
        self._changes = 0
        self._lock = threading.Lock()
        events.subscribe(ArtworkChanged, lambda fact: self.forget(fact.artwork_ids))

    def get(self, artwork_id: int) -> Entry | None:
        """Return what is in memory; None says nothing about the database."""
        return self._entries.get(artwork_id)

    async def find(self, artwork_id: int) -> Entry | None:
        """Return the picture's entry; None when there is no such picture."""
        found = self._entries.get(artwork_id)
        if found is not None:
            return found
        changes = self._changes
        block = artwork_id // BLOCK
        is_loaded = block in self._blocks
        first, last = (artwork_id, artwork_id) if is_loaded else (block * BLOCK, block * BLOCK + BLOCK - 1)
        entries = await self._database.reading(lambda session: _load(session, first, last))
        with self._lock:
            # What changed while we read may be in it as it was before.
            if changes == self._changes:
                if len(self._entries) > MOST_ENTRIES:
                    self._entries.clear()
                    self._blocks.clear()
                self._entries.update(entries)
                if not is_loaded:
                    self._blocks.add(block)
        return entries.get(artwork_id)

    def forget(self, artwork_ids: Iterable[int]) -> None:
        with self._lock:
            self._changes += 1
            for artwork_id in artwork_ids:
                self._entries.pop(artwork_id, None)

    def forget_all(self) -> None:
        """Start anew, after facts of other processes may have been missed."""
        with self._lock:
            self._changes += 1
            self._entries.clear()
            self._blocks.clear()


def _load(session: Session, first: int, last: int) -> dict[int, Entry]:
    rows = session.execute(select(*COLUMNS).where(Artwork.id.between(first, last)))
    return {
        artwork_id: Entry(
            STATES[state],
            bytes.fromhex(content_key or ""),
            _same(media_type),
            retry_at,
            source_key.startswith(UPLOAD),
        )
        for artwork_id, state, content_key, media_type, retry_at, source_key in rows
    }


_TYPES: dict[str, str] = {}


def _same(media_type: str | None) -> str:
    # One text for all of a kind, not one for each picture.
    return _TYPES.setdefault(media_type or "", media_type or "")
