"""YTS, version 2 of its interface. The service changes its domain: the address is a setting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from kinoshelf.core.errors import UpstreamError
from kinoshelf.core.http.client import Answer, UpstreamClient
from kinoshelf.core.http.errors import UpstreamChanged, UpstreamRejected, UpstreamUnavailable
from kinoshelf.core.http.limits import Limit
from kinoshelf.upstreams.yts.schemas import YTSAnswer, YTSDetails, YTSMovie, YTSPage

T = TypeVar("T")

Quality = Literal["All", "480p", "720p", "1080p", "1080p.x265", "2160p", "3D"]
SortBy = Literal["title", "year", "rating", "peers", "seeds", "download_count", "like_count", "date_added"]
MOST_ROWS = 50


class YTSClient(UpstreamClient):
    """Unpublished limits: one question in two and a half seconds, as other programs keep it."""

    name: ClassVar[str] = "yts"
    label: ClassVar[str] = "YTS"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(1, timedelta(seconds=2.5)),)
    timeout_seconds: ClassVar[float] = 15.0
    budget_seconds: ClassVar[float] = 40.0
    most_attempts: ClassVar[int] = 3
    most_body_bytes: ClassVar[int] = 4 * 1024 * 1024

    async def list_movies(
        self,
        *,
        query_term: str | None = None,
        limit: int = 20,
        page: int = 1,
        quality: Quality | None = None,
        minimum_rating: int | None = None,
        genre: str | None = None,
        sort_by: SortBy | None = None,
        order_by: Literal["asc", "desc"] | None = None,
    ) -> YTSPage:
        """Search by title, IMDb id, actor or director; nothing found is a page without films."""
        return await self._ask(
            "/list_movies.json",
            YTSPage,
            query_term=query_term,
            limit=max(1, min(limit, MOST_ROWS)),
            page=page,
            quality=quality,
            minimum_rating=minimum_rating,
            genre=genre,
            sort_by=sort_by,
            order_by=order_by,
        )

    async def movie_details(self, *, movie_id: int | None = None, imdb_id: str | None = None) -> YTSMovie | None:
        """Return one film with its torrents; None where there is none."""
        found = await self._ask("/movie_details.json", YTSDetails, movie_id=movie_id, imdb_id=imdb_id)
        # A number nobody has is answered with an empty film.
        return found.movie if found.movie is not None and found.movie.id else None

    async def movie_suggestions(self, movie_id: int) -> YTSPage:
        """Return four films like this one."""
        return await self._ask("/movie_suggestions.json", YTSPage, movie_id=movie_id)

    # ---------------------------------------------------------------------------------------------

    async def _ask(self, path: str, schema: type[T], **params: Any) -> T:
        answer = await self.send("GET", path, params=params)
        envelope: YTSAnswer = self._read(answer, YTSAnswer)
        if envelope.status != "ok":
            words = envelope.status_message.strip()[:200] or "no reason"
            raise UpstreamRejected(f"YTS refused the question: {words}", sample=self._sample(answer.body))
        adapter: TypeAdapter[T] = TypeAdapter(schema)
        try:
            return adapter.validate_python(envelope.data or {})
        except ValidationError as error:
            raise self._unfit(error, answer) from error

    def error_for(self, answer: Answer) -> UpstreamError | None:
        found = super().error_for(answer)
        if found is None and answer.body.lstrip()[:1] == b"<":
            # A challenge or a notice, often gone at the next attempt. It is never solved, only waited for.
            return UpstreamUnavailable("YTS sent a web page instead of data", sample=self._sample(answer.body))
        if isinstance(found, UpstreamChanged):
            return UpstreamChanged(f"{found.message} (YTS changes its domain at times)", sample=found.sample)
        return found
