"""A local third party with an HTTP interface: it pages, limits, asks for tokens, stalls and breaks as told."""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`body` is sent as JSON unless it is bytes. `stalls`: the header comes, the body never; `drops`: nothing comes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stalls: bool = False
    drops: bool = False

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


Responder = Callable[[Received], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Upstream:
    """Paths answer as told by `answer`, `pages`, `cursor_pages` and `tokens`; others are 404."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._scripts: dict[str, list[Reply]] = defaultdict(list)
        self._responders: dict[str, Responder] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="upstream", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    # What it is told ----------------------------------------------------------------------------

    def answer(self, path: str, *replies: Reply) -> None:
        """Give these answers one after the other; the last one stays."""
        self._scripts[path] = list(replies)

    def respond(self, path: str, responder: Responder) -> None:
        self._responders[path] = responder

    def pages(self, path: str, rows: Sequence[Any], *, key: str | None = None, size: int = 100) -> None:
        """Page by number: the count of pages in a header, or beside the rows under `key`."""

        def respond(request: Received) -> Reply:
            at, limit = int(request.query.get("page", 1)), int(request.query.get("limit", size))
            count = max(1, -(-len(rows) // limit))
            part = list(rows[(at - 1) * limit : at * limit])
            if key is None:
                return Reply(body=part, headers={"X-Pagination-Page-Count": str(count)})
            return Reply(body={key: part, "page": at, "total_pages": count})

        self.respond(path, respond)

    def cursor_pages(self, path: str, rows: Sequence[Any], *, size: int) -> None:
        def respond(request: Received) -> Reply:
            at = int(request.query.get("cursor", 0))
            end = at + size
            return Reply(body={"items": list(rows[at:end]), "next_cursor": str(end) if end < len(rows) else None})

        self.respond(path, respond)

    def tokens(self, path: str, first: str, *, body: Any = None) -> Callable[[str], None]:
        """Answer `path` only with the token in force; return the function that puts another one in force."""
        in_force = [first]

        def respond(request: Received) -> Reply:
            if request.headers.get("Authorization") != f"Bearer {in_force[0]}":
                return Reply(401, {"error": "invalid_token"})
            return Reply(body=body)

        def replace(token: str) -> None:
            in_force[0] = token

        self.respond(path, respond)
        return replace

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.received)

    # How it answers -----------------------------------------------------------------------------

    def _reply_to(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)
            script = self._scripts.get(request.path)
            if script:
                return script.pop(0) if len(script) > 1 else script[0]
        responder = self._responders.get(request.path)
        return responder(request) if responder else Reply(404, {"error": "not found"})

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = upstream._reply_to(
                    Received(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body)
                )
                if reply.drops:
                    self.close_connection = True
                    return
                content = reply.content
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content) + (1 if reply.stalls else 0)))
                self.end_headers()
                self.wfile.write(content)
                if reply.stalls:
                    upstream._ending.wait(30)
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 -- the names http.server calls

            def log_message(self, *_args: Any) -> None:
                """Stay silent."""

        return Handler
