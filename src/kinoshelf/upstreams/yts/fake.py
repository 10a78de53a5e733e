"""YTS in memory: every method of the client, over films somebody put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from pydantic_core import to_json

from kinoshelf.core.clock import Clock
from kinoshelf.core.http.client import Answer, Values
from kinoshelf.upstreams.yts.client import YTSClient


class FakeYTS(YTSClient):
    """`movies` are films as YTS sends them, by IMDb id; `asked` are the ids that were asked for, in order.

    `failure`, where set, is raised at every question.
    """

    def __init__(self, movies: Mapping[str, Any], *, clock: Clock) -> None:
        super().__init__("http://yts.invalid/api/v2", clock=clock)
        self.movies = dict(movies)
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Values | None = None,
        json: Any = None,  # noqa: ARG002 -- the same for all parameters
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        is_idempotent: bool | None = None,  # noqa: ARG002
        use_auth: bool = True,  # noqa: ARG002
    ) -> Answer:
        assert method == "GET"
        wanted = str((params or {}).get("query_term") or (params or {}).get("imdb_id") or "")
        self.asked.append(wanted)
        if self.failure is not None:
            raise self.failure
        found = self.movies.get(wanted)
        body: dict[str, Any]
        if path == "/movie_details.json":
            body = {"movie": found or {"id": 0}}
        else:
            body = {"movie_count": 1, "movies": [found]} if found else {"movie_count": 0}
        return Answer(200, httpx2.Headers(), to_json({"status": "ok", "status_message": "", "data": body}))
