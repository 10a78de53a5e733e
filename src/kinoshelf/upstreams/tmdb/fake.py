"""TMDB in memory: every method of the client, over answers somebody put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from pydantic_core import to_json

from kinoshelf.core.clock import Clock
from kinoshelf.core.http.client import Answer, Values
from kinoshelf.core.http.errors import UpstreamNotFound
from kinoshelf.upstreams.tmdb.client import TMDBClient


class FakeTMDB(TMDBClient):
    """`answers[path]` is what TMDB would send; `asked` are the paths that were asked for, in order."""

    def __init__(self, answers: Mapping[str, Any], *, clock: Clock) -> None:
        super().__init__("http://tmdb.invalid/3", "no key", clock=clock)
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Values | None = None,  # noqa: ARG002 -- the same for all parameters
        json: Any = None,  # noqa: ARG002
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        is_idempotent: bool | None = None,  # noqa: ARG002
        use_auth: bool = True,  # noqa: ARG002
    ) -> Answer:
        assert method == "GET"
        self.asked.append(path)
        if path not in self.answers:
            raise UpstreamNotFound("TMDB does not have this")
        return Answer(200, httpx2.Headers(), to_json(self.answers[path]))
