"""The daily tidying of the store: rows nothing refers to, and files no row names. Both wait a day first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Base, Database
from kinoshelf.core.events import publish
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.queue import rows_changed
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.images.events import ArtworkChanged
from kinoshelf.images.folder import FoundFile, ImageFolder
from kinoshelf.images.models import Artwork

log = structlog.get_logger()

TIDY_ARTWORK = "images.tidy"
EARLY_IN_THE_MORNING = "52 4 * * *"
GRACE = timedelta(days=1)
CHUNK = 500

SourceKeys = Select[str]


class TidyArtwork:
    """`refer` adds what counts as a reference besides the foreign keys: a query of the source keys in use."""

    def __init__(self, *, database: Database, clock: Clock, folder: ImageFolder) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._source_keys: list[SourceKeys] = []

    def refer(self, source_keys: SourceKeys) -> None:
        self._source_keys.append(source_keys)

    def register(self, registry: JobRegistry) -> None:
        registry.add(TIDY_ARTWORK, self.run, exclusive=True, max_attempts=2)
        registry.schedule(TIDY_ARTWORK, EARLY_IN_THE_MORNING)

    def run(self, context: JobContext) -> dict[str, int]:
        now = self._clock.now()
        self._database.run_write(partial(mark_unused, source_keys=self._source_keys, now=now))
        rows = 0
        while gone := self._database.run_write(partial(remove_unused, source_keys=self._source_keys, now=now)):
            context.check()
            rows += gone
        files, freed = 0, 0
        for found in self._folder.walk():
            context.check()
            for path_size in self._remove_strays(found):
                files += 1
                freed += path_size
            context.progress(files, None, f"{files} files removed")
        log.info("artwork.tidied", rows=rows, files=files, freed_bytes=freed)
        return {"rows": rows, "files": files, "freed_bytes": freed}

    def _remove_strays(self, found: Sequence[FoundFile]) -> Iterable[int]:
        # What was just written may wait for its row. File systems tell their own time.
        newest = time.time() - GRACE.total_seconds()
        old = [file for file in found if file.modified_at < newest]
        if not old:
            return
        keys = sorted({file.content_key for file in old if file.content_key is not None})
        known = self._database.run_read(partial(known_contents, content_keys=keys))
        for file in old:
            if file.content_key in known:
                continue
            try:
                # Looked at again: it may have been kept anew meanwhile.
                if file.path.stat().st_mtime < newest:
                    file.path.unlink()
                    yield file.size_bytes
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("artwork.not_removed", path=str(file.path), error=error.strerror)


def references() -> list[Column[Any]]:
    """Return every column of every table that refers to a picture."""
    target = Artwork.__table__.c.id
    return [
        key.parent
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.references(Artwork.__table__) and key.column is target  # type: ignore[arg-type]  # it is a Table
    ]


def _is_used(source_keys: Sequence[SourceKeys]) -> ColumnElement[bool]:
    by_number = [exists().where(column == Artwork.id) for column in references()]
    by_key = [Artwork.source_key.in_(query) for query in source_keys]
    return or_(*by_number, *by_key)


def mark_unused(session: Session, source_keys: Sequence[SourceKeys], now: datetime) -> None:
    """Note since when nothing refers to a picture; forget it where something does again."""
    used = _is_used(source_keys)
    session.execute(
        update(Artwork)
        .where(Artwork.unused_at.is_not(None), used)
        .values(unused_at=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Artwork)
        .where(Artwork.unused_at.is_(None), ~used)
        .values(unused_at=now)
        .execution_options(synchronize_session=False)
    )


def remove_unused(session: Session, source_keys: Sequence[SourceKeys], now: datetime) -> int:
    """Remove some rows that nothing has referred to for a day; return how many, 0 at the end."""
    is_over = and_(Artwork.unused_at < now - GRACE, ~_is_used(source_keys))
    ids = tuple(session.scalars(select(Artwork.id).where(is_over).order_by(Artwork.id).limit(CHUNK)))
    if not ids:
        return 0
    # Whoever wants one at this moment takes its mark away, and this sees it.
    removed = rows_changed(
        session,
        delete(Artwork)
        .where(Artwork.id.in_(ids), Artwork.unused_at < now - GRACE)
        .execution_options(synchronize_session=False),
    )
    publish(session, ArtworkChanged(ids))
    return removed


def known_contents(session: Session, content_keys: Sequence[str]) -> set[str | None]:
    """Return those contents that a row names."""
    return set(session.scalars(select(Artwork.content_key).where(Artwork.content_key.in_(content_keys))))
