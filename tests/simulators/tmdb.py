"""A local TMDB: it checks the key, pages, limits and appends as the real one does, and breaks as told.

    with TMDBSimulator() as tmdb:
        client = TMDBClient(tmdb.base_url, tmdb.key, clock=clock)
        tmdb.next(status=500, times=2)              # the next two requests
        tmdb.next(html=True, path="/search/movie")  # the next one for this path
        tmdb.limit(40, 1.0)                         # 429 with Retry-After beyond 40 requests a second
        assert tmdb.count("/movie/603") == 1

The fixture `tmdb` starts one and points the hub of the test at it. Paths are told without the leading `/3`.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from PIL import Image, ImageDraw

from tests.simulators.tmdb_answers import Catalog, Refused
from tests.simulators.tmdb_films import FILMS, SERIES, Film, Series
from tests.simulators.upstream import _Server

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW5vc2hlbGYifQ.c2lnbmF0dXJlLW9mLXRoZS10ZXN0cw"
API, PICTURES = "/3", "/t/p"
WIDTHS = {
    "original": 1000,
    "h632": 421,
    **{f"w{width}": width for width in (45, 92, 154, 185, 300, 342, 500, 780, 1280)},
}


@dataclass(frozen=True)
class Asked:
    path: str
    """Without /3 or /t/p."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    is_picture: bool
    status: int


@dataclass
class Fault:
    """`stalls`: nothing comes until the end of the test; `drops`: the connection is closed."""

    status: int | None = None
    retry_after: float | None = None
    body: bytes | None = None
    html: bool = False
    stalls: bool = False
    drops: bool = False
    path: str | None = None
    left: int = 1


@dataclass
class Pace:
    count: int
    seconds: float
    times: deque[float] = field(default_factory=deque)


class TMDBSimulator:
    """`key` and `token` are accepted until they are replaced; `films` and `series` may be added to."""

    def __init__(self, films: Sequence[Film] = FILMS, series: Sequence[Series] = SERIES) -> None:
        self.key, self.token = KEY, TOKEN
        self.catalog = Catalog(list(films), list(series))
        self.asked: list[Asked] = []
        self.held = threading.Event()
        """Cleared by `hold`: requests wait for `let_go`."""
        self.held.set()
        self.waiting = 0
        """Requests that stand before a held door."""
        self._faults: list[Fault] = []
        self._pace: Pace | None = None
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="tmdb", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{API}"

    @property
    def image_base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{PICTURES}/"

    @property
    def environ(self) -> dict[str, str]:
        """What points a hub here."""
        return {
            "KINOSHELF_TMDB_API_KEY": self.key,
            "KINOSHELF_TMDB_BASE_URL": self.base_url,
            "KINOSHELF_TMDB_IMAGE_BASE_URL": self.image_base_url,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._ending.set()
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    # What it is told ----------------------------------------------------------------------------

    def next(self, *, times: int = 1, **fault: Any) -> None:
        """Fail the next `times` requests (of `path`, where given), as `Fault` says."""
        with self._lock:
            self._faults.append(Fault(left=times, **fault))

    def always(self, **fault: Any) -> None:
        self.next(times=1_000_000, **fault)

    def recover(self) -> None:
        with self._lock:
            self._faults.clear()
            self._pace = None

    def limit(self, count: int, seconds: float) -> None:
        """Answer 429 with Retry-After to more than `count` requests within `seconds`."""
        self._pace = Pace(count, seconds)

    def hold(self) -> None:
        self.held.clear()

    def let_go(self) -> None:
        self.held.set()

    def count(self, path: str | None = None) -> int:
        """How many questions came (for `path`), pictures not counted."""
        return sum(not one.is_picture and path in {None, one.path} for one in list(self.asked))

    # How it answers -----------------------------------------------------------------------------

    def _fault_for(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.path in {None, path}:
                    fault.left -= 1
                    if fault.left <= 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def _seconds_to_wait(self) -> float:
        with self._lock:
            pace, now = self._pace, time.monotonic()
            if pace is None:
                return 0.0
            while pace.times and pace.times[0] <= now - pace.seconds:
                pace.times.popleft()
            if len(pace.times) >= pace.count:
                return pace.times[0] + pace.seconds - now
            pace.times.append(now)
            return 0.0

    def _accepts(self, query: Mapping[str, str], authorization: str | None) -> bool:
        return authorization == f"Bearer {self.token}" or (authorization is None and query.get("api_key") == self.key)

    def _answer(self, path: str, query: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        try:
            if not self._accepts(query, authorization):
                raise Refused(401, 7, "Invalid API key: You must be granted a valid key.")
            return 200, self.catalog.answer(path, query)
        except Refused as refusal:
            return refusal.status, refusal.body

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        tmdb = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                is_picture = parts.path.startswith(f"{PICTURES}/")
                path = parts.path.removeprefix(PICTURES if is_picture else API)
                with tmdb._lock:
                    tmdb.waiting += 1
                tmdb.held.wait(30)
                with tmdb._lock:
                    tmdb.waiting -= 1
                fault = tmdb._fault_for(path)
                status, headers, body = self._reply(fault, path, query, is_picture=is_picture)
                with tmdb._lock:
                    tmdb.asked.append(Asked(path, query, dict(self.headers), is_picture, status))
                if fault is not None and (fault.stalls or fault.drops):
                    if fault.stalls:
                        tmdb._ending.wait(30)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _reply(
                self, fault: Fault | None, path: str, query: dict[str, str], *, is_picture: bool
            ) -> tuple[int, dict[str, str], bytes]:
                as_json = {"Content-Type": "application/json;charset=utf-8"}
                if fault is not None:
                    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                    if fault.html:
                        page = b"<!doctype html><title>Just a moment</title>"
                        return fault.status or 200, {"Content-Type": "text/html", **headers}, page
                    if fault.body is not None:
                        return fault.status or 200, {**as_json, **headers}, fault.body
                    problem = {"success": False, "status_code": 11, "status_message": "Internal error."}
                    return fault.status or 500, {**as_json, **headers}, json.dumps(problem).encode()
                seconds = tmdb._seconds_to_wait()
                if seconds > 0:
                    problem = {"success": False, "status_code": 25, "status_message": "Your request count is over."}
                    return 429, {**as_json, "Retry-After": str(max(1, round(seconds)))}, json.dumps(problem).encode()
                if is_picture:
                    size, _, name = path.strip("/").partition("/")
                    if size not in WIDTHS or not tmdb.catalog.has_picture(f"/{name}"):
                        return 404, {"Content-Type": "text/plain"}, b"File not Found"
                    return 200, {"Content-Type": "image/jpeg"}, picture(size, name)
                status, answer = tmdb._answer(path, query, self.headers.get("Authorization"))
                return status, as_json, json.dumps(answer).encode()

            def log_message(self, *_args: Any) -> None:
                """Stay silent."""

        return Handler


@lru_cache(maxsize=512)
def picture(size: str, name: str) -> bytes:
    """Draw the picture of that name; its colour and shape follow from the name."""
    width = WIDTHS[size]
    height = round(width * (9 / 16 if name.startswith(("backdrop", "still")) else 1.5))
    number = sum(name.encode())
    drawn = Image.new("RGB", (width, height), ((number * 37) % 200, (number * 71) % 200, (number * 113) % 200))
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((width // 10, height // 10, width * 9 // 10, height // 5), fill="white")
    draw.text((width // 8, height // 8), name.removesuffix(".jpg"), fill="black")
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=80)
    return file.getvalue()
