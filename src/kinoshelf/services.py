"""TMDB and YTS for scripts, without a server: `TMDBService`, `YTSService`, and `BaseService` to build others on.

    from kinoshelf.services import TMDBService

    tmdb_service = TMDBService()
    tmdb_service.search_movies("The Matrix")["results"]

A failure never stops a script: the answer is empty, and `last_error` says in words what was wrong. Answers are kept as
the hub keeps them (24 hours, searches one), and keys and addresses are those of the hub's settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import httpx2
import structlog
from pydantic import ValidationError
from pydantic_core import from_json
from sqlalchemy.orm import Session

from kinoshelf.core.errors import KinoshelfError, NotConfigured
from kinoshelf.core.http.client import Answer, UpstreamClient
from kinoshelf.core.http.errors import UpstreamChanged, UpstreamNotFound
from kinoshelf.discs import editing
from kinoshelf.discs.looking_up import disc_values
from kinoshelf.discs.torrents import Torrents, torrents_of
from kinoshelf.images.models import Artwork, ArtworkState
from kinoshelf.images.sizes import tmdb_key
from kinoshelf.images.store import ArtworkStore
from kinoshelf.scripting import at_end, open_script, run
from kinoshelf.titles.catalogue import DAY, HOUR, NO_KEY
from kinoshelf.titles.facts import movie_facts
from kinoshelf.titles.kept import KeptAnswers, question
from kinoshelf.upstreams.tmdb import TMDBClient, TMDBMovie
from kinoshelf.upstreams.yts import YTSClient

log = structlog.get_logger()

PARTS = "credits,release_dates,external_ids"


class BaseService:
    """What the services share. A service of your own names its key and its address, and asks with `make_request`."""

    name: ClassVar[str] = "service"
    label: ClassVar[str] = "the service"
    needs_key: ClassVar[bool] = False

    def __init__(self) -> None:
        self.last_error = ""
        """Why the last question was answered with nothing; empty where it was not."""
        self.api_key = self.get_api_key()
        self.base_url = self.get_base_url()
        self._client: UpstreamClient | None = None
        self._client_for: tuple[str, str] | None = None

    def get_api_key(self) -> str:
        return ""

    def get_base_url(self) -> str:
        return ""

    def make_request(self, endpoint: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET `endpoint` below the address of the service and return its JSON; None where that failed.

        Trouble of the service is met with further attempts, each later than the one before; then `handle_errors` has it.
        """
        self.last_error = ""
        try:
            if self.needs_key and not self.api_key.strip():
                raise NotConfigured(NO_KEY)
            return from_json(run(self._asked(f"/{endpoint.lstrip('/')}", dict(params or {}))))
        except ValueError:
            return self.handle_errors(UpstreamChanged(f"{self.label} sent something that is not JSON"))
        except KinoshelfError as error:
            return self.handle_errors(error)

    def handle_errors(self, response: Any) -> Any:
        """Return the JSON of a good answer. For any other, and for an error, note why in `last_error`; return None."""
        error = response if isinstance(response, KinoshelfError) else self._error_of(response)
        if error is None:
            return from_json(_body_of(response))
        self.last_error = error.message
        if not isinstance(error, UpstreamNotFound):
            log.warning("services.failed", service=self.name, error=error.message)
        return None

    def lifetime_of(self, endpoint: str) -> timedelta:  # noqa: ARG002 -- for services whose answers last differently long
        """Return how long an answer is used again."""
        return DAY

    def make_client(self) -> UpstreamClient:
        return _PlainClient(self.base_url, self.api_key, self.label)

    # ---------------------------------------------------------------------------------------------

    async def _asked(self, path: str, params: dict[str, Any]) -> bytes:
        client = self._current()
        hub = open_script()
        kept = KeptAnswers(database=hub.database, clock=hub.clock)

        async def fetch() -> bytes:
            return (await client.send("GET", path, params=params)).body

        return await kept.answer(question(self.base_url, f"raw:{path}", params), self.lifetime_of(path), fetch)

    def _current(self) -> UpstreamClient:
        wanted = (self.base_url, self.api_key)
        if self._client is None or self._client_for != wanted:
            self._client, self._client_for = self.make_client(), wanted
            at_end(self._client.aclose)
        return self._client

    def _error_of(self, response: Any) -> KinoshelfError | None:
        status = getattr(response, "status_code", None) or response.status
        return self._current().error_for(Answer(status, httpx2.Headers(response.headers), _body_of(response)))


class TMDBService(BaseService):
    """The Movie Database, as the seed documents it."""

    name = "tmdb"
    label = "TMDB"
    needs_key = True

    def get_api_key(self) -> str:
        return open_script().store.reload().tmdb.api_key.get_secret_value()

    def get_base_url(self) -> str:
        return open_script().store.current.tmdb.base_url

    def make_client(self) -> UpstreamClient:
        return TMDBClient(self.base_url, self.api_key, clock=open_script().clock)

    def lifetime_of(self, endpoint: str) -> timedelta:
        return HOUR if endpoint.startswith("/search/") else DAY

    def search_movies(self, query: str) -> dict[str, Any]:
        """Return TMDB's first page of films of this title."""
        self.last_error = ""
        words = " ".join(str(query).split())
        found = self.make_request("/search/movie", {"query": words, **self._language()}) if words else None
        return found if isinstance(found, dict) else {"results": [], "total_results": 0}

    def get_movie_details(self, movie_id: int) -> dict[str, Any] | None:
        """Return everything about a film, with credits, releases and external ids; None where there is none."""
        found = self._of_film(movie_id, "", {**self._language(), "append_to_response": PARTS})
        return found if isinstance(found, dict) else None

    def get_movie_external_ids(self, movie_id: int) -> dict[str, Any]:
        """Return the numbers other systems give a film."""
        found = self._of_film(movie_id, "/external_ids", {})
        return found if isinstance(found, dict) else {}

    def get_movie_posters(self, movie_id: int) -> list[dict[str, Any]]:
        """Return the posters of a film: in your language, in English, without words, then others; each by its votes."""
        found = self._of_film(movie_id, "/images", {})
        posters = found.get("posters") if isinstance(found, dict) else None
        order = list(dict.fromkeys((open_script().store.current.tmdb.language[:2], "en", None)))

        def place(poster: dict[str, Any]) -> tuple[int, float]:
            language = poster.get("iso_639_1") or None
            return order.index(language) if language in order else len(order), -(poster.get("vote_average") or 0)

        return sorted(posters or [], key=place)

    def format_movie_data(self, movie_data: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what TMDB sent as fields of a disc: `DVD(**formatted)`. Empty for what is no film."""
        raw = dict(movie_data or {})
        if raw.get("vote_average") and "vote_count" not in raw:
            raw["vote_count"] = 1
        settings = open_script().store.current.tmdb
        self.last_error = ""
        try:
            movie = TMDBMovie.model_validate(raw)
        except ValidationError:
            self.handle_errors(UpstreamChanged("this is no film as TMDB describes them"))
            return {}
        return disc_values(movie_facts(movie, settings.region, settings.language))

    def download_poster(self, dvd: Any, poster_url: str) -> bool:
        """Fetch a picture, keep it, and make it the poster of a saved disc; tell whether that worked."""
        self.last_error = ""
        try:
            if not getattr(dvd, "id", None):
                raise NotConfigured("save the disc first: a poster belongs to one that is there")
            if not str(poster_url or "").startswith(("http://", "https://")):
                raise NotConfigured("the address of the poster begins with http:// or https://")
            poster_id = self._fetched(str(poster_url))
            hub = open_script()
            hub.database.run_write(
                lambda session: editing.edit(session, dvd.id, {"poster_id": poster_id}, hub.clock.now())
            )
        except KinoshelfError as error:
            self.handle_errors(error)
            return False
        dvd.poster_id = poster_id
        return True

    # ---------------------------------------------------------------------------------------------

    def _language(self) -> dict[str, str]:
        return {"language": open_script().store.current.tmdb.language}

    def _of_film(self, movie_id: int, rest: str, params: dict[str, Any]) -> Any:
        text = str(movie_id).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) < 2**31):
            return self.handle_errors(UpstreamNotFound(f"{text[:50] or 'nothing'} is no number of TMDB"))
        return self.make_request(f"/movie/{int(text)}{rest}", params)

    def _fetched(self, poster_url: str) -> int:
        hub = open_script()
        artwork = hub.container.get(ArtworkStore)
        key, url = self._source_of(poster_url)
        poster_id = hub.database.run_write(lambda session: artwork.want(session, key, url))
        run(artwork.want_again(poster_id))
        run(artwork.fetcher.fetch(poster_id))
        at_end(artwork.fetcher.aclose)
        failure = hub.database.run_read(partial(_failure_of, poster_id=poster_id))
        if failure is not None:
            raise UpstreamChanged(failure)
        return poster_id

    def _source_of(self, poster_url: str) -> tuple[str, str | None]:
        """Return the key of a picture. One of TMDB's is the same picture in every size."""
        base = open_script().store.current.tmdb.image_base_url.rstrip("/") + "/"
        if poster_url.startswith(base):
            size, _, path = poster_url.removeprefix(base).partition("/")
            if size and path and "/" not in path:
                return tmdb_key(path), None
        return f"url:{hashlib.sha256(poster_url.encode()).hexdigest()}", poster_url


class YTSService(BaseService):
    """YTS, as the seed documents it; it is asked only once the settings switch it on."""

    name = "yts"
    label = "YTS"

    def get_base_url(self) -> str:
        return open_script().store.reload().yts.base_url

    def make_client(self) -> YTSClient:
        return YTSClient(self.base_url, clock=open_script().clock)

    def get_quality_torrents(
        self, imdb_id: str, quality_list: Sequence[str] = ("720p", "1080p")
    ) -> list[dict[str, Any]]:
        """Return the torrents of a film in these qualities, with a magnet link as `url`; empty where there are none."""
        self.last_error = ""
        hub = open_script()
        wanted = str(imdb_id or "").strip()
        try:
            torrents = hub.container.get(Torrents)
            if not torrents.is_on:
                raise NotConfigured("YTS is switched off: KINOSHELF_SOURCES=yts, or the settings, switch it on")
            client = self._current()
            assert isinstance(client, YTSClient)
            page = run(client.list_movies(query_term=wanted, limit=20, sort_by="rating")) if wanted else None
        except KinoshelfError as error:
            self.handle_errors(error)
            return []
        found = [one for movie in (page.movies if page else ()) for one in torrents_of(movie, wanted)]
        return [one for quality in quality_list for one in found if one["quality"] == quality]


class _PlainClient(UpstreamClient):
    """For services of one's own: the key, where there is one, travels as a bearer token."""

    name = "service"

    def __init__(self, base_url: str, api_key: str, label: str) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        super().__init__(base_url, clock=open_script().clock, headers=headers)
        self.label = label  # type: ignore[misc]  # one class serves services of every name


def _body_of(response: Any) -> bytes:
    content = getattr(response, "content", None)
    return bytes(content if content is not None else response.body)


def _failure_of(session: Session, poster_id: int) -> str | None:
    row = session.get(Artwork, poster_id)
    if row is not None and row.state == ArtworkState.KEPT:
        return None
    return (row.error_message if row is not None else None) or "the poster could not be fetched"
