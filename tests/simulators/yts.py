"""A local YTS: it leaves out what the real one leaves out, answers failures with status 200, and breaks as told.

with YTSSimulator() as yts:
    yts.add("tt0133093", "The Matrix", 1999, ("1080p", 90), ("720p", 40))
    client = YTSClient(yts.base_url, clock=clock)
    yts.next(html=True)                # the next request gets a web page
    yts.next(error="Movie not found")  # the next one a failure with status 200
    yts.next(status=503, times=2)
    yts.pace_seconds = 2.5             # 429 for whoever comes earlier
    assert yts.asked == ["tt0133093"]
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.simulators.upstream import _Server

API = "/api/v2"
PAGE = b"<!DOCTYPE html><html><title>Just a moment...</title></html>"
QUALITIES = {"480p", "720p", "1080p", "1080p.x265", "2160p", "3D", "All"}
SORTS = {"title", "year", "rating", "peers", "seeds", "download_count", "like_count", "date_added"}


@dataclass
class Fault:
    status: int = 200
    html: bool = False
    error: str | None = None
    drops: bool = False
    body: bytes | None = None
    retry_after: str | None = None
    left: int = 1


class YTSSimulator:
    """`movies` are what it holds, as it sends them; `asked` are the search terms, in order."""

    def __init__(self) -> None:
        self.movies: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.times: list[float] = []
        self.pace_seconds = 0.0
        self.answers_first_with_anything = False
        """A search is not by id alone: another film may come first."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="yts", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{API}"

    @property
    def environ(self) -> dict[str, str]:
        """What points a hub here and switches the source on."""
        return {"KINOSHELF_YTS_BASE_URL": self.base_url, "KINOSHELF_SOURCES": "yts"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    # What it is told ----------------------------------------------------------------------------

    def add(self, imdb_id: str, title: str, year: int, *torrents: tuple[str, int], **fields: Any) -> dict[str, Any]:
        """Hold a film with torrents of (quality, seeds). Without any the key is missing, as in the real answers."""
        number = len(self.movies) + 1
        movie: dict[str, Any] = {
            "id": number,
            "url": f"http://yts.invalid/movies/{number}",
            "imdb_code": imdb_id,
            "title": title,
            "title_english": title,
            "title_long": f"{title} ({year})",
            "slug": f"film-{number}",
            "year": year,
            "rating": 7.8,
            "runtime": 102,
            "genres": ["Drama"],
            "summary": "",
            "language": "en",
            "state": "ok",
            **fields,
        }
        if torrents:
            movie["torrents"] = [self._torrent(imdb_id, quality, seeds) for quality, seeds in torrents]
        self.movies.append(movie)
        return movie

    def next(self, *, times: int = 1, **fault: Any) -> None:
        """Break the next requests: `status`, `html`, `error`, `drops`, `body`, `retry_after`."""
        with self._lock:
            self._faults.append(Fault(**fault, left=times))

    @staticmethod
    def _torrent(imdb_id: str, quality: str, seeds: int) -> dict[str, Any]:
        info_hash = hashlib.sha1(f"{imdb_id} {quality}".encode()).hexdigest().upper()
        return {
            "url": f"http://yts.invalid/torrent/download/{info_hash}",
            "hash": info_hash,
            "quality": quality,
            "type": "web",
            "is_repack": "0",
            "video_codec": "x264",
            "bit_depth": "8",
            "audio_channels": "2.0",
            "seeds": seeds,
            "peers": seeds // 5,
            "size": "1.91 GB",
            "size_bytes": 2050846884,
            "date_uploaded": "2019-01-08 09:58:51",
            "date_uploaded_unix": 1546937931,
        }

    # How it answers -----------------------------------------------------------------------------

    def _fault(self) -> Fault | None:
        if not self._faults:
            return None
        fault = self._faults[0]
        fault.left -= 1
        if fault.left <= 0:
            self._faults.pop(0)
        return fault

    def _answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        if path == "/list_movies.json":
            return self._list(query)
        if path == "/movie_details.json":
            found = [
                movie
                for movie in self.movies
                if str(movie["id"]) == query.get("movie_id") or movie["imdb_code"] == query.get("imdb_id")
            ]
            return {"movie": found[0] if found else {"id": 0, "imdb_code": None, "title": None}}
        if path == "/movie_suggestions.json":
            others = [movie for movie in self.movies if str(movie["id"]) != query.get("movie_id")][:4]
            return {"movie_count": len(others), "movies": others}
        raise LookupError(path)

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        limit, page = int(query.get("limit", 20)), int(query.get("page", 1))
        if not 1 <= limit <= 50:
            raise ValueError("limit")
        if query.get("quality", "All") not in QUALITIES or query.get("sort_by", "date_added") not in SORTS:
            raise ValueError("unknown parameter")
        term = query.get("query_term", "").lower()
        found = [movie for movie in self.movies if term in movie["imdb_code"].lower() or term in movie["title"].lower()]
        if self.answers_first_with_anything:
            found = [*(movie for movie in self.movies if movie not in found), *found]
        data: dict[str, Any] = {"movie_count": len(found), "limit": limit, "page_number": page}
        part = found[(page - 1) * limit : page * limit]
        if part:
            data["movies"] = part
        return data

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query))
                with simulator._lock:
                    simulator.asked.append(query.get("query_term") or query.get("imdb_id") or "")
                    now = time.monotonic()
                    too_soon = bool(simulator.times) and now - simulator.times[-1] < simulator.pace_seconds
                    simulator.times.append(now)
                    fault = simulator._fault()
                if fault is not None and fault.drops:
                    self.close_connection = True
                    return
                if too_soon:
                    self._send(429, b"{}", {"Retry-After": "3"})
                elif fault is not None:
                    self._break(fault)
                else:
                    self._tell(parts.path.removeprefix(API), query)

            def _break(self, fault: Fault) -> None:
                headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
                if fault.html:
                    self._send(fault.status, PAGE, {"Content-Type": "text/html; charset=UTF-8", **headers})
                elif fault.error is not None:
                    self._send(200, json.dumps({"status": "error", "status_message": fault.error}).encode(), headers)
                else:
                    self._send(fault.status, fault.body or b"", headers)

            def _tell(self, path: str, query: Mapping[str, str]) -> None:
                try:
                    found = simulator._answer(path, query)
                except LookupError:
                    self._send(404, PAGE, {"Content-Type": "text/html"})
                except ValueError as problem:
                    self._send(200, json.dumps({"status": "error", "status_message": str(problem)}).encode(), {})
                else:
                    meta = {"server_time": 1517391986, "server_timezone": "CET", "api_version": 2}
                    body = {"status": "ok", "status_message": "Query was successful", "data": found, "@meta": meta}
                    self._send(200, json.dumps(body).encode(), {})

            def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                """Stay silent."""

        return Handler
