"""The base of every upstream client: one method sends, and every rule of good manners stands here once.

A client is a thin class over it, one method an endpoint. It never touches the database, reads no settings, never
sleeps by itself and never caches; it raises the errors of `errors.py` and no others.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from urllib.parse import quote

import httpx2
import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from kinoshelf import __version__
from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import UpstreamError
from kinoshelf.core.http.errors import (
    UpstreamChanged,
    UpstreamForbidden,
    UpstreamLimited,
    UpstreamNeedsLogin,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from kinoshelf.core.http.limits import Limit, RateLimiter, Sleep
from kinoshelf.core.http.paging import HeaderPages, Paging
from kinoshelf.core.http.retry import pause_before_retry, retry_after_seconds
from kinoshelf.core.http.status import UpstreamStatuses
from kinoshelf.core.logging import redacted

if TYPE_CHECKING:
    import ssl

log = structlog.get_logger()
T = TypeVar("T")

USER_AGENT = f"Kinoshelf/{__version__}"
SAMPLE_CHARACTERS = 500
MOST_PAGES = 10_000

Values = Mapping[str, str | int | float | bool | None]


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    # Reading the system's certificates takes longer than most requests.
    return httpx2.create_ssl_context()


def default_transport() -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(verify=_ssl_context())


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx2.Headers
    body: bytes


class UpstreamClient:
    """What a subclass states about its upstream, and what it gets for it."""

    name: ClassVar[str]
    """In logs and statuses."""
    label: ClassVar[str]
    """In sentences a person reads."""
    limits: ClassVar[tuple[Limit, ...]] = ()
    paging: ClassVar[Paging] = HeaderPages()
    timeout_seconds: ClassVar[float] = 20.0
    """For connecting, and for each wait for more of the answer."""
    budget_seconds: ClassVar[float] = 60.0
    """For one call with all its attempts; waiting for our own limits not counted."""
    most_attempts: ClassVar[int] = 4
    most_body_bytes: ClassVar[int] = 64 * 1024 * 1024
    idempotent_methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})
    """Sent again after a failure. Others are, where a call declares them idempotent."""

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        headers: Mapping[str, str] | None = None,
        auth: httpx2.Auth | None = None,
        make_transport: Callable[[], httpx2.AsyncBaseTransport] = default_transport,
        statuses: UpstreamStatuses | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._sleep = sleep
        self._headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
        self._auth = auth
        self._make_transport = make_transport
        self._statuses = statuses
        self._chance = chance
        self._limiter = RateLimiter(self.limits, clock, sleep)
        # Connections belong to the event loop that opened them; the web and the jobs have loops of their own.
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    # For subclasses -----------------------------------------------------------------------------

    async def get(self, path: str, schema: type[T], **params: str | float | bool | None) -> T:
        """GET and read the answer as `schema`; parameters that are None are left out."""
        return self._read(await self.send("GET", path, params=params), schema)

    async def post(
        self, path: str, schema: type[T], *, json: Any = None, params: Values | None = None, is_idempotent: bool = False
    ) -> T:
        return await self.request("POST", path, schema, json=json, params=params, is_idempotent=is_idempotent)

    async def request(
        self,
        method: str,
        path: str,
        schema: type[T],
        *,
        json: Any = None,
        params: Values | None = None,
        is_idempotent: bool | None = None,
    ) -> T:
        """Send any method and read the answer as `schema`; `type(None)` takes an answer without a body."""
        answer = await self.send(method, path, json=json, params=params, is_idempotent=is_idempotent)
        return self._read(answer, schema)

    async def pages(self, path: str, schema: type[T], **params: str | float | bool | None) -> AsyncIterator[T]:
        """Yield the rows of all pages. A failure on the way is raised: a part is never taken for the whole."""
        paging = self.paging
        wanted: dict[str, Any] | None = {**params, **paging.first()}
        rows_schema = _rows_adapter(schema)
        for _ in range(MOST_PAGES):
            answer = await self.send("GET", path, params=wanted)
            body = self._json(answer)
            rows = self._rows(body, paging.rows, answer)
            for row in self._validated(rows_schema, rows, answer):
                yield row
            wanted = paging.after(wanted or {}, answer.headers, body, len(rows))
            if wanted is None:
                return
        raise UpstreamChanged(f"{self.label} sends pages without end")

    def error_for(self, answer: Answer) -> UpstreamError | None:
        """Return the error an answer means; None for a good one. Vendors with statuses of their own extend it."""
        status = answer.status
        if 200 <= status < 300 or status == 304:
            return None
        if status < 400:
            target = httpx2.URL(answer.headers.get("Location", "")).host
            return UpstreamChanged(f"{self.label} has moved{f' to {target}' if target else ''}; check its address")
        sample = self._sample(answer.body)
        if status == 401:
            return UpstreamNeedsLogin(f"{self.label} does not accept the sign-in any more", sample=sample)
        if status == 403:
            return UpstreamForbidden(f"{self.label} does not allow this", sample=sample)
        if status in {404, 410}:
            return UpstreamNotFound(f"{self.label} does not have this", sample=sample)
        asked = retry_after_seconds(answer.headers.get("Retry-After"), self._clock.now())
        if status == 429:
            return UpstreamLimited(f"{self.label} was asked too often", retry_after_seconds=asked, sample=sample)
        if status >= 500 or status == 408:
            return UpstreamUnavailable(
                f"{self.label} has trouble (status {status})", retry_after_seconds=asked, sample=sample
            )
        return UpstreamRejected(f"{self.label} did not understand the request (status {status})", sample=sample)

    @staticmethod
    def path(*parts: str | int) -> str:
        """Join the parts of a path; none of them can leave its place."""
        return "/" + "/".join(quote(str(part), safe="") for part in parts)

    # Sending ------------------------------------------------------------------------------------

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Values | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        is_idempotent: bool | None = None,
        use_auth: bool = True,
    ) -> Answer:
        """Send a request, again where that is right, and return the good answer. Raises an UpstreamError."""
        can_repeat = method in self.idempotent_methods if is_idempotent is None else is_idempotent
        attempts = self.most_attempts if can_repeat else 1
        spent = 0.0
        attempt = 0
        while True:
            attempt += 1
            await self._limiter.turn(method)
            begun_at = self._clock.monotonic()
            answer, error = await self._attempt(
                method, path, params, json, headers, self.budget_seconds - spent, use_auth=use_auth
            )
            took = self._clock.monotonic() - begun_at
            spent += took
            self._note(method, path, answer, error, took, attempt)
            if error is None:
                assert answer is not None
                return answer
            asked = error.retry_after_seconds if isinstance(error, UpstreamUnavailable) else None
            if isinstance(error, UpstreamLimited) and asked is not None and asked < self.budget_seconds:
                self._limiter.pause(asked)
            pause = (
                pause_before_retry(attempt, asked, self.budget_seconds - spent, attempts, self._chance())
                if isinstance(error, UpstreamUnavailable)
                else None
            )
            if pause is None:
                raise error
            spent += pause
            await self._sleep(pause)

    async def _attempt(
        self,
        method: str,
        path: str,
        params: Values | None,
        json: Any,
        headers: Mapping[str, str] | None,
        seconds: float,
        *,
        use_auth: bool,
    ) -> tuple[Answer | None, UpstreamError | None]:
        try:
            async with asyncio.timeout(max(seconds, 0.1)):
                answer = await self._exchange(method, path, params, json, headers, use_auth=use_auth)
        except UpstreamError as error:
            return None, error
        except (TimeoutError, httpx2.TimeoutException) as error:
            is_connection = isinstance(error, httpx2.ConnectTimeout)
            return None, UpstreamUnavailable(f"{self.label} did not answer in time", is_connection=is_connection)
        except httpx2.DecodingError:
            return None, UpstreamChanged(f"{self.label} sent something that cannot be unpacked")
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError) as error:
            return None, UpstreamRejected(f"the address of {self.label} cannot be used: {redacted(str(error))}")
        except httpx2.RequestError as error:
            is_connection = isinstance(error, httpx2.ConnectError)
            words = "cannot be reached" if is_connection else "broke the connection"
            return None, UpstreamUnavailable(
                f"{self.label} {words}", is_connection=is_connection, reason=redacted(str(error))
            )
        return answer, self.error_for(answer)

    async def _exchange(
        self,
        method: str,
        path: str,
        params: Values | None,
        json: Any,
        headers: Mapping[str, str] | None,
        *,
        use_auth: bool,
    ) -> Answer:
        client = self._client()
        given = {name: value for name, value in (params or {}).items() if value is not None}
        request = client.build_request(
            method, f"{self._base_url}{path}", params=given or None, json=json, headers=headers
        )
        response = await client.send(request, stream=True, auth=self._auth if use_auth else None)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self.most_body_bytes:
                    raise UpstreamChanged(f"{self.label} sends more than {self.most_body_bytes // 1024**2} MiB")
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, bytes(body))

    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            # Redirects are not followed: they would carry keys in headers to wherever they lead.
            client = httpx2.AsyncClient(
                transport=self._make_transport(), headers=self._headers, timeout=self.timeout_seconds
            )
            self._clients[loop] = client
        return client

    def _note(
        self, method: str, path: str, answer: Answer | None, error: UpstreamError | None, took: float, attempt: int
    ) -> None:
        facts: dict[str, Any] = {
            "upstream": self.name,
            "method": method,
            "path": path,
            "milliseconds": round(took * 1000),
        }
        if answer is not None:
            facts["status"] = answer.status
        if error is None:
            log.debug("upstream.answered", **facts)
            if self._statuses is not None:
                self._statuses.record_success(self.name)
            return
        log.debug("upstream.failed", attempt=attempt, error=error.message, kind=type(error).__name__, **facts)
        if self._statuses is not None:
            self._statuses.record_failure(self.name, error)

    # Reading ------------------------------------------------------------------------------------

    def _read(self, answer: Answer, schema: type[T]) -> T:
        if schema is type(None) and not answer.body:
            return None
        try:
            return _adapter(schema).validate_json(answer.body)
        except ValidationError as error:
            raise self._unfit(error, answer) from error

    def _json(self, answer: Answer) -> Any:
        try:
            return from_json(answer.body)
        except ValueError as error:
            raise self._no_json(answer) from error

    def _rows(self, body: Any, key: str | None, answer: Answer) -> list[Any]:
        rows = body.get(key) if key is not None and isinstance(body, dict) else body
        if not isinstance(rows, list):
            where = f" under «{key}»" if key is not None else ""
            raise UpstreamChanged(f"{self.label} sent no list{where}", sample=self._sample(answer.body))
        return rows

    def _validated(self, adapter: TypeAdapter[Any], value: Any, answer: Answer) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise self._unfit(error, answer) from error

    def _unfit(self, error: ValidationError, answer: Answer) -> UpstreamChanged:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if any(problem["type"] == "json_invalid" for problem in problems):
            return self._no_json(answer)
        places = [".".join(str(part) for part in problem["loc"]) or "the answer" for problem in problems]
        shown = ", ".join(list(dict.fromkeys(places))[:3])
        return UpstreamChanged(
            f"{self.label} sent something unexpected: {shown}", sample=self._sample(answer.body), problems=len(problems)
        )

    def _no_json(self, answer: Answer) -> UpstreamChanged:
        is_page = answer.body.lstrip()[:1] == b"<"
        what = "a web page" if is_page else "something that is not JSON"
        return UpstreamChanged(f"{self.label} sent {what} instead of data", sample=self._sample(answer.body))

    @staticmethod
    def _sample(body: bytes) -> str:
        return redacted(body[: SAMPLE_CHARACTERS * 4].decode(errors="replace"))[:SAMPLE_CHARACTERS]


def _adapter(schema: type[T]) -> TypeAdapter[T]:
    found: Any = schema
    return cast("TypeAdapter[T]", _adapter_of(found))


def _rows_adapter(schema: type[T]) -> TypeAdapter[list[T]]:
    rows: Any = list.__class_getitem__(schema)
    return cast("TypeAdapter[list[T]]", _adapter_of(rows))


@lru_cache(maxsize=512)
def _adapter_of(schema: Any) -> TypeAdapter[Any]:
    # Building one takes longer than reading most answers with it.
    return TypeAdapter(schema)
