from __future__ import annotations

import json

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, ProgrammingError

from kinoshelf.api.downloads import PREFIXES
from kinoshelf.app import create_app

URL = "/api/downloads"
LINK = {"url": "https://files.example/a"}


def told(answer):
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]
    return answer.status_code, answer.json()["code"]


@pytest.mark.databases("sqlite")
class TestForm:
    async def test_unknown_paths(self, api):
        for prefix in PREFIXES:
            for path in (f"{prefix}/no/such/thing", f"{prefix}/x/y/z/"):
                assert told(await api.get(path)) == (404, "NOT_FOUND"), path
        for path in ("/api/search/smart", "/api/search/smart-grab"):
            assert told(await api.post(path, json={})) == (404, "NOT_FOUND")

    async def test_wrong_methods(self, api):
        for method, path in (("PUT", URL), ("DELETE", URL), ("POST", "/api/settings"), ("DELETE", "/api/engine/stats")):
            answer = await api.request(method, path)
            assert told(answer) == (405, "INVALID_REQUEST")
            assert answer.headers["allow"]

    async def test_bodies_that_are_no_json(self, api):
        json_type = {"Content-Type": "application/json"}
        for body in (
            b"",
            b"{",
            b"nonsense",
            b'{"url": NaN}',
            b"\xff\xfe",
            b'"text"',
            b"null",
            b"[" * 100_000,
            b'{"a":' * 50_000,
        ):
            assert told(await api.post(URL, content=body, headers=json_type)) == (400, "INVALID_REQUEST"), body[:20]
        assert (await api.get(URL)).json()["total"] == 0

    async def test_bodies_of_another_kind(self, api):
        body = json.dumps(LINK)
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "x",
        ):
            answer = await api.post(URL, content=body, headers={"Content-Type": kind})
            assert told(answer) == (415, "INVALID_REQUEST"), kind
        for number, kind in enumerate(
            ("application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json", "")
        ):
            headers = {"Content-Type": kind} if kind else {}
            answer = await api.post(URL, content=body.replace("/a", f"/{number}"), headers=headers)
            assert answer.status_code == 201, kind

    async def test_bodies_that_are_too_large(self, api):
        body = b'{"url": "' + b"x" * (9 * 1024 * 1024) + b'"}'
        answer = await api.post(URL, content=body, headers={"Content-Type": "application/json"})
        assert told(answer) == (413, "INVALID_REQUEST")

    async def test_the_last_of_two_equal_keys_counts(self, api):
        body = b'{"url": "https://files.example/a", "priority": 1, "priority": 2}'
        answer = await api.post(URL, content=body, headers={"Content-Type": "application/json"})
        assert answer.json()["priority"] == 2

    async def test_strangers(self, hub):
        transport = httpx2.ASGITransport(app=create_app(hub), client=("192.0.2.9", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484") as stranger:
            for method, path in (
                ("GET", URL),
                ("POST", URL),
                ("GET", "/api/batches"),
                ("GET", "/api/settings"),
                ("PUT", "/api/settings"),
                ("GET", "/api/engine/stats"),
            ):
                assert told(await stranger.request(method, path)) == (401, "NOT_SIGNED_IN"), path

    async def test_another_site_in_the_browser(self, api):
        answer = await api.post(URL, json=LINK, headers={"Sec-Fetch-Site": "cross-site"})
        assert told(answer) == (403, "FORBIDDEN")

    @pytest.mark.environ(KINOSHELF_DOWNLOADS_CORS_ORIGINS="https://panel.example")
    async def test_another_origin_that_is_allowed(self, api):
        asked = {"Origin": "https://panel.example", "Access-Control-Request-Method": "POST"}
        answer = await api.request("OPTIONS", URL, headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://panel.example"
        # It still has to sign in, and can read that it has to.
        answer = await api.get(URL, headers={"Origin": "https://panel.example"})
        assert told(answer) == (401, "NOT_SIGNED_IN")
        assert answer.headers["access-control-allow-origin"] == "https://panel.example"


class TestDatabase:
    @pytest.mark.parametrize(("kind", "status"), [(OperationalError, 503), (ProgrammingError, 500)])
    async def test_tells_away_from_broken(self, api, hub, expected_logs, kind, status):
        def fail(*_arguments):
            raise kind("SELECT", {}, Exception("the disk is on fire"))

        expected_logs.allow("downloads.database_failed")
        expected_logs.expect("web.failed")
        for engine in {hub.database.read_engine, hub.database.write_engine}:
            event.listen(engine, "before_cursor_execute", fail)
        for answer in (await api.get(URL), await api.get("/api/batches"), await api.post(URL, json=LINK)):
            assert told(answer) == (status, "DATABASE_ERROR")
            assert "SELECT" not in answer.text
        for engine in {hub.database.read_engine, hub.database.write_engine}:
            event.remove(engine, "before_cursor_execute", fail)
        assert (await api.get(URL)).status_code == 200
