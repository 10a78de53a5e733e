"""Errors as surfaces show them, and the small pieces routers share."""

from __future__ import annotations

import json
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from kinoshelf.core.container import Container
from kinoshelf.core.errors import Conflict, LimitReached, NeedsSignIn, NotFound
from kinoshelf.core.request_ids import new_request_id
from kinoshelf.core.web import (
    BadRequest,
    JSONBytes,
    PlainStatus,
    Rendered,
    SignInElsewhere,
    Surfaces,
    install_error_handlers,
    is_below,
    path_of,
    status_of,
    use,
)


def surfaces() -> Surfaces:
    """One surface that names its errors, one below it, and the default."""

    def named(name):
        return lambda error: Rendered(status_of(error), {"surface": name, "text": error.message})

    found = Surfaces(named("default"))
    found.add("/api", named("api"))
    found.add("/api/downloads", named("downloads"))
    return found


class TestSurfaces:
    @pytest.mark.parametrize(
        ("path", "surface"),
        [
            ("/", "default"),
            ("/apiary", "default"),
            ("/api", "api"),
            ("/api/other", "api"),
            ("/api/downloads", "downloads"),
            ("/api/downloads/7", "downloads"),
            ("/api/downloadsx", "api"),
        ],
    )
    def test_the_longest_prefix_of_whole_parts_decides(self, path, surface):
        answer = surfaces().render(path, NotFound("no"))
        assert (answer.status_code, json.loads(answer.body)) == (404, {"surface": surface, "text": "no"})

    @pytest.mark.parametrize(
        ("error", "header", "value"),
        [
            (LimitReached("slow down", retry_after_seconds=7), "retry-after", "7"),
            (NeedsSignIn("who?"), "www-authenticate", "Bearer"),
            (PlainStatus(405, "no", {"Allow": "GET"}), "allow", "GET"),
            (SignInElsewhere("/login", is_fragment=True), "hx-redirect", "/login"),
        ],
    )
    def test_headers_a_status_promises_stand_in_every_surface(self, error, header, value):
        assert surfaces().render("/", error).headers[header] == value

    def test_a_renderer_may_answer_a_whole_page(self):
        found = Surfaces(lambda _error: Rendered(404, PlainTextResponse("a page", 404), {"X-Page": "1"}))
        answer = found.render("/", NotFound("no"))
        assert (answer.body, answer.headers["x-page"]) == (b"a page", "1")

    def test_a_page_that_needs_a_sign_in_leads_there(self):
        answer = surfaces().render("/queue", SignInElsewhere("/login?next=/queue"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/queue")


class Thing(BaseModel):
    secret: int


@pytest.fixture
def client():
    app = FastAPI()
    install_error_handlers(app, surfaces())
    mounted = Mount("/mounted", routes=[Route("/{path:path}", lambda _request: raise_(Conflict("taken")))])
    app.router.routes.append(mounted)

    @app.get("/api/conflict")
    async def conflict() -> None:
        raise Conflict("taken")

    @app.get("/api/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"X-Pot": "1"})

    @app.post("/api/things")
    async def things(thing: Thing, page: Annotated[int, Query(ge=1)] = 1) -> Thing:
        return thing

    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://hub")


def raise_(error):
    raise error


class TestErrorHandlers:
    @pytest.mark.parametrize(
        ("method", "path", "status", "text"),
        [
            ("GET", "/api/conflict", 409, "taken"),
            ("GET", "/mounted/thing", 409, "taken"),
            ("GET", "/api/teapot", 418, "short and stout"),
            ("GET", "/nothing", 404, "there is nothing at this address"),
            ("DELETE", "/api/things", 405, "this address does not know that method"),
        ],
    )
    async def test_every_failure_has_the_form_of_its_surface(self, client, method, path, status, text):
        answer = await client.request(method, path)
        surface = "api" if path.startswith("/api") else "default"
        assert (answer.status_code, answer.json()) == (status, {"surface": surface, "text": text})

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"{", "body: not valid JSON at character 1"),
            (b"", "body: Field required"),
            (b"{}", "secret: Field required"),
            (b'{"secret": "hunter2"}', "secret: Input should be a valid integer, unable to parse string as an integer"),
        ],
    )
    async def test_what_is_malformed_is_named_but_never_repeated(self, client, body, text):
        answer = await client.post("/api/things", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["text"]) == (422, text)
        assert "hunter2" not in answer.text

    async def test_all_problems_stand_in_one_sentence(self, client):
        answer = await client.post("/api/things?page=0", json={})
        assert answer.json()["text"] == "page: Input should be greater than or equal to 1; secret: Field required"


class TestUse:
    async def test_finds_the_instance_the_process_was_built_with(self):
        app = FastAPI()
        app.state.container = Container()
        app.state.container.add(Thing(secret=7))

        @app.get("/")
        async def read(thing: Annotated[Thing, Depends(use(Thing))]) -> Thing:
            return thing

        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://hub") as client:
            assert (await client.get("/")).json() == {"secret": 7}


class TestSmallPieces:
    def test_json_bytes_pass_as_they_are(self):
        assert JSONBytes(b'{"a":1}').body == JSONBytes({"a": 1}).body == b'{"a":1}'

    def test_paths_are_named_below_the_base_path(self):
        assert path_of({"path": "/kino/queue", "root_path": "/kino"}) == "/queue"
        assert (
            path_of({"path": "/kino/static/a.js", "root_path": "/kino/static", "app_root_path": "/kino"})
            == "/static/a.js"
        )
        assert path_of({"path": "/queue"}) == "/queue"

    def test_below_means_whole_parts(self):
        assert is_below("/a/b", ("/a",))
        assert not is_below("/ab", ("/a",))

    def test_request_ids_of_callers_are_kept_when_harmless(self):
        assert new_request_id("abc-1_2.3") == "abc-1_2.3"
        assert new_request_id("a b") != "a b"
        assert len(new_request_id(None)) == 36

    def test_a_bad_request_keeps_its_problems(self):
        assert BadRequest("no", problems=[1]).details == {"problems": [1]}
