"""Pages over an open hub without an engine, read as HTML."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from kinoshelf.app import Hub, create_app
from tests.factories.downloads import add_download

PASSWORD = "Correct-horse-7"
HERE = "http://127.0.0.1:8484"
HTML = {"Accept": "text/html"}

Put = Callable[..., str]
Visit = Callable[..., httpx2.AsyncClient]


class Elements(HTMLParser):
    """All elements of a page, in order, as (tag, attributes, text right inside)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def every(self, tag: str, **attributes: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (found, text.strip())
            for name, found, text in self.found
            if name == tag
            and all(found.get(key.rstrip("_").replace("_", "-")) == want for key, want in attributes.items())
        ]


@pytest.fixture
def app(hub: Hub) -> FastAPI:
    return create_app(hub)


@pytest.fixture
async def visit(app: FastAPI) -> AsyncIterator[Visit]:
    """Make visitors: `visit()` is a browser on this machine, `visit("10.0.0.5")` one elsewhere."""
    made: list[httpx2.AsyncClient] = []

    def visitor(peer: str = "127.0.0.1", **options: Any) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=app, client=(peer, 50_000))
        base_url = HERE if peer == "127.0.0.1" else "http://hub.example:8484"
        headers = {**HTML, **options.pop("headers", {})}
        made.append(httpx2.AsyncClient(transport=transport, base_url=base_url, headers=headers, timeout=30, **options))
        return made[-1]

    yield visitor
    for client in made:
        await client.aclose()


@pytest.fixture
def put(hub: Hub) -> Put:
    """Put a download into the list as it is: `put(state="failed", filename="a.mkv")` returns its id."""

    def put_one(**fields: Any) -> str:
        with hub.database.write() as session:
            return add_download(session, **fields).id

    return put_one
