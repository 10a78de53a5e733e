"""TMDB, version 3. Methods in the order of the vendor's reference; https://developer.themoviedb.org/reference."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx2
from pydantic import ValidationError

from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import UpstreamError
from kinoshelf.core.http.client import Answer, UpstreamClient
from kinoshelf.core.http.errors import UpstreamForbidden, UpstreamNeedsLogin
from kinoshelf.core.http.limits import Limit
from kinoshelf.core.http.paging import NumberPages, Paging
from kinoshelf.upstreams.tmdb.schemas import (
    TMDBTV,
    ExternalSource,
    TMDBConfiguration,
    TMDBEpisode,
    TMDBExternalIds,
    TMDBFound,
    TMDBImages,
    TMDBMixedPage,
    TMDBMovie,
    TMDBMovieHit,
    TMDBPage,
    TMDBProblem,
    TMDBSeason,
    TMDBTVHit,
    Window,
)

MOST_APPENDED = 20

# What a refusal means; the numbers are TMDB's own.
WRONG_KEY = frozenset({7, 14})
SUSPENDED_KEY = 10


class TMDBKey(httpx2.Auth):
    """Attach either kind of key: a short one travels in the query, a read access token (a JWT) in the header."""

    def __init__(self, key: str) -> None:
        self._key = key.strip()

    @property
    def is_token(self) -> bool:
        return self._key.count(".") == 2

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if self.is_token:
            request.headers["Authorization"] = f"Bearer {self._key}"
        else:
            request.url = request.url.copy_set_param("api_key", self._key)
        yield request


class TMDBClient(UpstreamClient):
    """Names and plots come in `language`, as in de-DE; pictures in it, in English and without words."""

    name: ClassVar[str] = "tmdb"
    label: ClassVar[str] = "TMDB"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(40, timedelta(seconds=1)),)
    paging: ClassVar[Paging] = NumberPages(size=None, page_size=20)
    timeout_seconds: ClassVar[float] = 10.0
    budget_seconds: ClassVar[float] = 30.0

    def __init__(self, base_url: str, key: str, *, clock: Clock, language: str = "en-US", **options: Any) -> None:
        super().__init__(base_url, clock=clock, auth=TMDBKey(key), **options)
        self._language = language

    @property
    def _image_languages(self) -> str:
        # Without the others most pictures are left out; «null» are those without words.
        return ",".join(dict.fromkeys((self._language[:2], "en", "null")))

    # Configuration, find ------------------------------------------------------------------------

    async def configuration(self) -> TMDBConfiguration:
        return await self.get("/configuration", TMDBConfiguration)

    async def find(self, external_id: str, source: ExternalSource) -> TMDBFound:
        return await self.get(
            self.path("find", external_id), TMDBFound, external_source=source, language=self._language
        )

    # Lists --------------------------------------------------------------------------------------

    async def popular_movies(self, *, page: int = 1, region: str | None = None) -> TMDBPage[TMDBMovieHit]:
        return await self.get(
            "/movie/popular", TMDBPage[TMDBMovieHit], page=page, region=region, language=self._language
        )

    async def popular_tv(self, *, page: int = 1) -> TMDBPage[TMDBTVHit]:
        return await self.get("/tv/popular", TMDBPage[TMDBTVHit], page=page, language=self._language)

    async def trending_all(self, window: Window, *, page: int = 1) -> TMDBMixedPage:
        return await self.get(f"/trending/all/{window}", TMDBMixedPage, page=page, language=self._language)

    async def trending_movies(self, window: Window, *, page: int = 1) -> TMDBPage[TMDBMovieHit]:
        return await self.get(f"/trending/movie/{window}", TMDBPage[TMDBMovieHit], page=page, language=self._language)

    async def trending_tv(self, window: Window, *, page: int = 1) -> TMDBPage[TMDBTVHit]:
        return await self.get(f"/trending/tv/{window}", TMDBPage[TMDBTVHit], page=page, language=self._language)

    # Films --------------------------------------------------------------------------------------

    async def movie(self, movie_id: int, *, append: Sequence[str] = (), language: str | None = None) -> TMDBMovie:
        return await self.get(self.path("movie", movie_id), TMDBMovie, **self._appended(append, language))

    async def movie_external_ids(self, movie_id: int) -> TMDBExternalIds:
        return await self.get(self.path("movie", movie_id, "external_ids"), TMDBExternalIds)

    async def movie_images(self, movie_id: int, *, every_language: bool = False) -> TMDBImages:
        languages = None if every_language else self._image_languages
        return await self.get(self.path("movie", movie_id, "images"), TMDBImages, include_image_language=languages)

    # Search -------------------------------------------------------------------------------------

    async def search_movies(
        self, query: str, *, year: int | None = None, page: int = 1, include_adult: bool = False
    ) -> TMDBPage[TMDBMovieHit]:
        """`year` is that of any release, in any country."""
        return await self.get(
            "/search/movie",
            TMDBPage[TMDBMovieHit],
            query=query,
            year=year,
            page=page,
            include_adult=_word(include_adult),
            language=self._language,
        )

    async def search_multi(self, query: str, *, page: int = 1, include_adult: bool = False) -> TMDBMixedPage:
        return await self.get(
            "/search/multi",
            TMDBMixedPage,
            query=query,
            page=page,
            include_adult=_word(include_adult),
            language=self._language,
        )

    async def search_tv(
        self, query: str, *, year: int | None = None, page: int = 1, include_adult: bool = False
    ) -> TMDBPage[TMDBTVHit]:
        """`year` is that of the first airing."""
        return await self.get(
            "/search/tv",
            TMDBPage[TMDBTVHit],
            query=query,
            first_air_date_year=year,
            page=page,
            include_adult=_word(include_adult),
            language=self._language,
        )

    # Series -------------------------------------------------------------------------------------

    async def tv(self, tv_id: int, *, append: Sequence[str] = (), language: str | None = None) -> TMDBTV:
        return await self.get(self.path("tv", tv_id), TMDBTV, **self._appended(append, language))

    async def tv_external_ids(self, tv_id: int) -> TMDBExternalIds:
        return await self.get(self.path("tv", tv_id, "external_ids"), TMDBExternalIds)

    async def tv_images(self, tv_id: int, *, every_language: bool = False) -> TMDBImages:
        languages = None if every_language else self._image_languages
        return await self.get(self.path("tv", tv_id, "images"), TMDBImages, include_image_language=languages)

    async def season(self, tv_id: int, number: int, *, append: Sequence[str] = ()) -> TMDBSeason:
        return await self.get(self.path("tv", tv_id, "season", number), TMDBSeason, **self._appended(append))

    async def episode(self, tv_id: int, season: int, number: int, *, append: Sequence[str] = ()) -> TMDBEpisode:
        path = self.path("tv", tv_id, "season", season, "episode", number)
        return await self.get(path, TMDBEpisode, **self._appended(append))

    # ---------------------------------------------------------------------------------------------

    def _appended(self, append: Sequence[str], language: str | None = None) -> dict[str, str | None]:
        assert len(append) <= MOST_APPENDED
        return {
            "language": language or self._language,
            "append_to_response": ",".join(append) or None,
            "include_image_language": self._image_languages if "images" in append else None,
        }

    def error_for(self, answer: Answer) -> UpstreamError | None:
        if answer.status == 401:
            code = _problem(answer).status_code
            if code == SUSPENDED_KEY:
                return UpstreamNeedsLogin("TMDB has suspended this key")
            if code == 0 or code in WRONG_KEY:
                return UpstreamNeedsLogin("TMDB does not accept the key")
            return UpstreamForbidden("TMDB does not allow this with the key")
        return super().error_for(answer)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _problem(answer: Answer) -> TMDBProblem:
    try:
        return TMDBProblem.model_validate_json(answer.body)
    except ValidationError:
        return TMDBProblem()
