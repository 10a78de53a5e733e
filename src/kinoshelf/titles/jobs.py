"""Background work of the titles: facts do not grow old."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import NotConfigured, UpstreamError
from kinoshelf.core.http.errors import UpstreamNotFound, UpstreamUnavailable
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.facts import movie_facts, store_movie
from kinoshelf.titles.identity import Source, value_of
from kinoshelf.titles.models import Title, TitleId
from kinoshelf.titles.series import series_facts, store_series

log = structlog.get_logger()

REFRESH_FACTS = "titles.refresh_facts"
EARLY_IN_THE_MORNING = "47 4 * * *"
OLD = timedelta(days=30)
MOST_A_NIGHT = 500
MOST_UNREACHED = 3
"""So many in a row that could not be reached: TMDB is away, not the titles."""


class RefreshFacts:
    """Ask TMDB again for films and series whose facts are old, the oldest first, and not more than some each night."""

    def __init__(self, *, catalogue: Catalogue, database: Database, clock: Clock) -> None:
        self._catalogue = catalogue
        self._database = database
        self._clock = clock

    def register(self, registry: JobRegistry) -> None:
        registry.add(REFRESH_FACTS, self.run, exclusive=True, max_attempts=2)
        registry.schedule(REFRESH_FACTS, EARLY_IN_THE_MORNING)

    async def run(self, context: JobContext) -> dict[str, int]:
        try:
            return await self._run(context)
        finally:
            await self._catalogue.aclose()

    async def _run(self, context: JobContext) -> dict[str, int]:
        counts = {"refreshed": 0, "failed": 0}
        if not self._catalogue.is_configured:
            return counts
        before = self._clock.now() - OLD
        due = await self._database.reading(lambda session: old_titles(session, before))
        unreached = 0
        for number, (title_id, source, tmdb_id) in enumerate(due):
            context.check()
            context.progress(number, len(due))
            try:
                await self._refresh(title_id, source, tmdb_id)
            except NotConfigured:
                break
            except UpstreamError as error:
                log.info("titles.not_refreshed", title_id=title_id, error=error.message)
                counts["failed"] += 1
                unreached = unreached + 1 if isinstance(error, UpstreamUnavailable) else 0
                if unreached >= MOST_UNREACHED:
                    break
            else:
                counts["refreshed"] += 1
                unreached = 0
        return counts

    async def _refresh(self, title_id: int, source: str, tmdb_id: int) -> None:
        now = self._clock.now()
        region, language = self._catalogue.region, self._catalogue.language
        try:
            if source == Source.TMDB_MOVIE:
                film = movie_facts(await self._catalogue.movie(tmdb_id, fresh=True), region, language)
                await self._database.writing(lambda session: store_movie(session, film, now))
            else:
                series = series_facts(await self._catalogue.tv(tmdb_id, fresh=True), region, language)
                await self._database.writing(lambda session: store_series(session, series, now))
        except UpstreamNotFound:
            # TMDB has removed it. What is known stays, and is not asked for every night.
            await self._database.writing(lambda session: _touch(session, title_id, now))


def old_titles(session: Session, before: datetime) -> list[tuple[int, str, int]]:
    """Return titles whose facts were fetched before then, as (title, source, TMDB's number); never fetched, never old."""
    query = (
        select(Title.id, TitleId.source)
        .join(TitleId, TitleId.title_id == Title.id)
        .where(TitleId.source.in_((Source.TMDB_MOVIE, Source.TMDB_TV)), Title.facts_fetched_at < before)
        .group_by(Title.id, TitleId.source, Title.facts_fetched_at)
        .order_by(Title.facts_fetched_at, Title.id)
        .limit(MOST_A_NIGHT)
    )
    return [
        (row.id, row.source, int(value_of(session, row.id, row.source) or 0)) for row in session.execute(query).all()
    ]


def _touch(session: Session, title_id: int, now: datetime) -> None:
    session.execute(update(Title).where(Title.id == title_id).values(facts_fetched_at=now))
