"""What TMDB knows, asked through kept answers: an hour for searches and lists, a day for everything else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotConfigured
from kinoshelf.core.http.errors import UpstreamNeedsLogin
from kinoshelf.core.http.status import UpstreamStatuses
from kinoshelf.core.settings import SettingsStore, TMDBSettings
from kinoshelf.titles.kept import KeptAnswers, question
from kinoshelf.upstreams.tmdb import (
    LAST_PAGE,
    TMDBTV,
    ExternalSource,
    TMDBEpisode,
    TMDBFound,
    TMDBImages,
    TMDBMixedPage,
    TMDBMovie,
    TMDBMovieHit,
    TMDBPage,
    TMDBSeason,
    TMDBTVHit,
    Window,
)

if TYPE_CHECKING:
    from kinoshelf.upstreams.tmdb import TMDBClient

T = TypeVar("T")

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)
MOVIE_PARTS = ("credits", "release_dates", "external_ids", "images", "alternative_titles")
TV_PARTS = ("credits", "content_ratings", "external_ids", "images", "alternative_titles")
WHERE = "in the settings, under Sources and keys (TMDB_API_KEY)"
NO_KEY = f"TMDB has no key yet: enter yours {WHERE}"
WRONG_KEY = f"check it {WHERE}"

MakeClient = Callable[[TMDBSettings], "TMDBClient"]


class Catalogue:
    """Raises NotConfigured where the key is missing or wrong, in words for the page; other failures are UpstreamErrors.

    Settings are read at every question, so a new key or language counts at once. `fresh=True` asks past the kept
    answer. Usable from any thread's event loop; a loop that ends calls `aclose` first.
    """

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
        self._clock = clock
        self._statuses = statuses
        self._make_client = make_client or self._client_for
        self._kept = KeptAnswers(database=database, clock=clock)
        self._lock = threading.Lock()
        self._made_for: TMDBSettings | None = None
        self._client: TMDBClient | None = None
        self._former: list[TMDBClient] = []
        # Jobs share a loop: one that ends does not hang up on another.
        self._waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
        self._to_close: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    @property
    def is_configured(self) -> bool:
        return bool(self._store.current.tmdb.api_key.get_secret_value().strip())

    @property
    def language(self) -> str:
        """Language of names and plots, as in de-DE."""
        return self._store.current.tmdb.language

    @property
    def region(self) -> str:
        """Country whose certificates are shown."""
        return self._store.current.tmdb.region

    async def aclose(self) -> None:
        """Close the connections of the running event loop, once nobody on it waits for an answer any more."""
        loop = asyncio.get_running_loop()
        if self._waiting.get(loop):
            self._to_close.add(loop)
            return
        self._to_close.discard(loop)
        with self._lock:
            clients = [*self._former, *([self._client] if self._client else [])]
        for client in clients:
            await client.aclose()

    # Search and lists ---------------------------------------------------------------------------

    async def search_movies(
        self, query: str, *, year: int | None = None, page: int = 1, fresh: bool = False
    ) -> TMDBPage[TMDBMovieHit]:
        query = _checked(query, page)
        if not query:
            return TMDBPage[TMDBMovieHit](results=[])
        return await self._ask(
            lambda tmdb: tmdb.search_movies(query, year=year, page=page),
            TMDBPage[TMDBMovieHit],
            HOUR,
            "search/movie",
            fresh=fresh,
            query=query.casefold(),
            year=year,
            page=page,
        )

    async def search_tv(
        self, query: str, *, year: int | None = None, page: int = 1, fresh: bool = False
    ) -> TMDBPage[TMDBTVHit]:
        query = _checked(query, page)
        if not query:
            return TMDBPage[TMDBTVHit](results=[])
        return await self._ask(
            lambda tmdb: tmdb.search_tv(query, year=year, page=page),
            TMDBPage[TMDBTVHit],
            HOUR,
            "search/tv",
            fresh=fresh,
            query=query.casefold(),
            year=year,
            page=page,
        )

    async def search_multi(self, query: str, *, page: int = 1, fresh: bool = False) -> TMDBMixedPage:
        query = _checked(query, page)
        if not query:
            return TMDBMixedPage(results=[])
        return await self._ask(
            lambda tmdb: tmdb.search_multi(query, page=page),
            TMDBMixedPage,
            HOUR,
            "search/multi",
            fresh=fresh,
            query=query.casefold(),
            page=page,
        )

    async def trending(
        self,
        kind: Literal["all", "movie", "tv"] = "all",
        window: Window = "week",
        *,
        page: int = 1,
        fresh: bool = False,
    ) -> TMDBMixedPage | TMDBPage[TMDBMovieHit] | TMDBPage[TMDBTVHit]:
        _checked("", page)
        asks: dict[str, tuple[Callable[[TMDBClient], Awaitable[Any]], type[Any]]] = {
            "all": (lambda tmdb: tmdb.trending_all(window, page=page), TMDBMixedPage),
            "movie": (lambda tmdb: tmdb.trending_movies(window, page=page), TMDBPage[TMDBMovieHit]),
            "tv": (lambda tmdb: tmdb.trending_tv(window, page=page), TMDBPage[TMDBTVHit]),
        }
        ask, schema = asks[kind]
        found: TMDBMixedPage | TMDBPage[TMDBMovieHit] | TMDBPage[TMDBTVHit] = await self._ask(
            ask, schema, HOUR, f"trending/{kind}/{window}", fresh=fresh, page=page
        )
        return found

    async def popular(
        self, kind: Literal["movie", "tv"] = "movie", *, page: int = 1, fresh: bool = False
    ) -> TMDBPage[TMDBMovieHit] | TMDBPage[TMDBTVHit]:
        _checked("", page)
        region = self.region
        if kind == "tv":
            return await self._ask(
                lambda tmdb: tmdb.popular_tv(page=page), TMDBPage[TMDBTVHit], HOUR, "tv/popular", fresh=fresh, page=page
            )
        return await self._ask(
            lambda tmdb: tmdb.popular_movies(page=page, region=region),
            TMDBPage[TMDBMovieHit],
            HOUR,
            "movie/popular",
            fresh=fresh,
            page=page,
            region=region,
        )

    # Details ------------------------------------------------------------------------------------

    async def movie(self, tmdb_id: int, *, fresh: bool = False) -> TMDBMovie:
        """Return a film with credits, releases, ids, pictures and other names. Raises UpstreamNotFound."""

        async def ask(tmdb: TMDBClient) -> TMDBMovie:
            found = await tmdb.movie(tmdb_id, append=MOVIE_PARTS)
            if found.overview or self.language.startswith("en"):
                return found
            english = await tmdb.movie(tmdb_id, language="en-US")
            return found.model_copy(update={"overview": english.overview, "tagline": found.tagline or english.tagline})

        return await self._ask(ask, TMDBMovie, DAY, f"movie/{int(tmdb_id)}", fresh=fresh)

    async def tv(self, tmdb_id: int, *, fresh: bool = False) -> TMDBTV:
        """Return a series with credits, ratings, ids, pictures and other names. Raises UpstreamNotFound."""

        async def ask(tmdb: TMDBClient) -> TMDBTV:
            found = await tmdb.tv(tmdb_id, append=TV_PARTS)
            if found.overview or self.language.startswith("en"):
                return found
            english = await tmdb.tv(tmdb_id, language="en-US")
            return found.model_copy(update={"overview": english.overview})

        return await self._ask(ask, TMDBTV, DAY, f"tv/{int(tmdb_id)}", fresh=fresh)

    async def season(self, tmdb_id: int, number: int, *, fresh: bool = False) -> TMDBSeason:
        """Return a season of the series `tmdb_id` with its episodes; 0 are the specials."""
        return await self._ask(
            lambda tmdb: tmdb.season(tmdb_id, number),
            TMDBSeason,
            DAY,
            f"tv/{int(tmdb_id)}/season/{int(number)}",
            fresh=fresh,
        )

    async def episode(self, tmdb_id: int, season: int, number: int, *, fresh: bool = False) -> TMDBEpisode:
        return await self._ask(
            lambda tmdb: tmdb.episode(tmdb_id, season, number, append=("external_ids", "images")),
            TMDBEpisode,
            DAY,
            f"tv/{int(tmdb_id)}/season/{int(season)}/episode/{int(number)}",
            fresh=fresh,
        )

    async def movie_images(self, tmdb_id: int, *, fresh: bool = False) -> TMDBImages:
        """Return the pictures of a film in all languages, as for choosing another poster."""
        return await self._ask(
            lambda tmdb: tmdb.movie_images(tmdb_id, every_language=True),
            TMDBImages,
            DAY,
            f"movie/{int(tmdb_id)}/images",
            fresh=fresh,
        )

    async def find(self, external_id: str, source: ExternalSource = "imdb_id", *, fresh: bool = False) -> TMDBFound:
        """Return what another system's number leads to; nothing found is an answer with empty lists."""
        return await self._ask(
            lambda tmdb: tmdb.find(external_id, source), TMDBFound, DAY, f"find/{source}/{external_id}", fresh=fresh
        )

    # The key ------------------------------------------------------------------------------------

    async def check_key(self, key: str | None = None) -> None:
        """Ask TMDB whether it accepts `key`, else the one in the settings. Raises NotConfigured or an UpstreamError."""
        if key is None:
            await self._answered(lambda tmdb: tmdb.configuration(), self._current())
            return
        if not key.strip():
            raise NotConfigured(NO_KEY)
        settings = self._store.current.tmdb.model_copy(update={"api_key": type(self._store.current.tmdb.api_key)(key)})
        client = self._make_client(settings)
        try:
            await self._answered(lambda tmdb: tmdb.configuration(), client)
        finally:
            await client.aclose()

    # ---------------------------------------------------------------------------------------------

    async def _ask(
        self,
        ask: Callable[[TMDBClient], Awaitable[T]],
        schema: type[T],
        lifetime: timedelta,
        path: str,
        *,
        fresh: bool,
        **parameters: object,
    ) -> T:
        client = self._current()
        settings = self._store.current.tmdb
        key = question(settings.base_url, path, {"language": settings.language, **parameters})

        async def fetch() -> bytes:
            return to_json(await self._answered(ask, client))

        adapter = cast("TypeAdapter[T]", _adapter(schema))
        body = await self._kept.answer(key, lifetime, fetch, fresh=fresh)
        try:
            return adapter.validate_json(body)
        except ValidationError:
            # Kept by another version of the hub.
            return adapter.validate_json(await self._kept.answer(key, lifetime, fetch, fresh=True))

    async def _answered(self, ask: Callable[[TMDBClient], Awaitable[T]], client: TMDBClient) -> T:
        loop = asyncio.get_running_loop()
        self._waiting[loop] = self._waiting.get(loop, 0) + 1
        try:
            return await ask(client)
        except UpstreamNeedsLogin as error:
            raise NotConfigured(f"{error.message}; {WRONG_KEY}") from error
        finally:
            self._waiting[loop] -= 1
            if loop in self._to_close:
                await self.aclose()

    def _current(self) -> TMDBClient:
        settings = self._store.current.tmdb
        if not settings.api_key.get_secret_value().strip():
            raise NotConfigured(NO_KEY)
        with self._lock:
            if self._client is None or settings != self._made_for:
                if self._client is not None:
                    self._former = [*self._former[-3:], self._client]
                self._client, self._made_for = self._make_client(settings), settings
            return self._client

    def _client_for(self, settings: TMDBSettings) -> TMDBClient:
        from kinoshelf.upstreams.tmdb import TMDBClient

        return TMDBClient(
            settings.base_url,
            settings.api_key.get_secret_value(),
            clock=self._clock,
            language=settings.language,
            statuses=self._statuses,
        )


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(schema: Any) -> TypeAdapter[Any]:
    return _ADAPTERS.setdefault(schema, TypeAdapter(schema)) if schema not in _ADAPTERS else _ADAPTERS[schema]


def _checked(query: str, page: int) -> str:
    if not 1 <= page <= LAST_PAGE:
        raise InvalidInput(f"TMDB has pages 1 to {LAST_PAGE}")
    return " ".join(query.split())
