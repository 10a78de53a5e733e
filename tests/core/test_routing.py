"""The index of routes changes nothing but the time it takes."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from kinoshelf.core.routing import index_routes


def built() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    films, series, anything = APIRouter(), APIRouter(prefix="/api"), APIRouter()

    @films.get("/films/{number}")
    def film(number: int) -> str:
        return f"film {number}"

    @films.get("/films/new/form")
    def form() -> str:
        return "form"

    @series.get("/series/list")
    def listed() -> str:
        return "series"

    @series.get("/{kind}/count")
    def counted(kind: str) -> str:
        return f"count of {kind}"

    @series.post("/series/list")
    def made() -> str:
        return "made"

    @series.get("/slashed/")
    def slashed() -> str:
        return "slashed"

    @anything.get("/")
    def start() -> str:
        return "start"

    @anything.get("/{word}")
    def word(word: str) -> str:
        return f"word {word}"

    for router in (films, series, anything):
        app.include_router(router)
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/films/7"),
        ("GET", "/films/x"),
        ("GET", "/films/new/form"),
        ("GET", "/films"),
        ("GET", "/films/"),
        ("GET", "/api/series/list"),
        ("POST", "/api/series/list"),
        ("DELETE", "/api/series/list"),
        ("GET", "/api/series/count"),
        ("GET", "/api/films/count"),
        ("GET", "/api/slashed"),
        ("GET", "/api/slashed/"),
        ("GET", "/api"),
        ("GET", "/elsewhere"),
        ("GET", "/elsewhere/deeper"),
        ("GET", "//films/7"),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/base"])
def test_every_path_is_answered_as_before(method: str, path: str, root_path: str) -> None:
    plain, indexed = built(), built()
    index_routes(indexed)
    before, after = (
        TestClient(app, root_path=root_path).request(method, root_path + path, follow_redirects=False)
        for app in (plain, indexed)
    )
    assert (after.status_code, after.text, after.headers.get("location"), after.headers.get("allow")) == (
        before.status_code,
        before.text,
        before.headers.get("location"),
        before.headers.get("allow"),
    )
