"""What holds for every request, whatever it was made to."""

from __future__ import annotations

import asyncio
import uuid

import httpx2
import pytest
from fastapi import WebSocket
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kinoshelf.app import create_app
from kinoshelf.core.access.install import install_access
from kinoshelf.core.access.middleware import enter_base_path
from kinoshelf.core.access.origins import MOST_ORIGINS, OriginLimit, TooManyFromOrigin
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.web import Surfaces
from tests.access.conftest import OTHER_MACHINE, add_probes, listening_on

pytestmark = pytest.mark.databases("sqlite")

FOREIGN = {"Origin": "http://evil.example"}


ANSWERS = {
    "success": ("GET", "/probe/public", {}, 200),
    "refusal": ("GET", "/probe/signed", {}, 401),
    "redirect": ("GET", "/probe/page", {"X-Forwarded-For": "203.0.113.9"}, 303),
    "unknown path": ("GET", "/nothing/here", {}, 404),
    "wrong method": ("DELETE", "/api/auth/status", {}, 405),
    "malformed": ("POST", "/api/auth/login", {}, 422),
    "too large": ("POST", "/probe/echo", {"Content-Length": str(100 * 1024 * 1024)}, 413),
    "defect": ("GET", "/probe/defect", {}, 500),
    "nul": ("GET", "/probe/public?a=%00", {}, 400),
}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


class TestHeaders:
    @pytest.mark.parametrize("kind", ANSWERS)
    async def test_stand_on_every_kind_of_answer(self, call, kind, expected_logs):
        method, path, headers, status = ANSWERS[kind]
        if status == 500:
            expected_logs.expect("web.defect")
        answer = await call().request(method, path, headers=headers)
        assert answer.status_code == status
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy == {
            "default-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "frame-ancestors": "'none'",
            "object-src": "'none'",
            "base-uri": "'none'",
            "form-action": "'self'",
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert "strict-transport-security" not in answer.headers
        assert uuid.UUID(answer.headers["x-request-id"])

    @pytest.mark.environ(KINOSHELF_SECURITY_TRUSTED_PROXIES="127.0.0.1")
    async def test_hsts_only_over_https(self, call):
        assert "strict-transport-security" in (await call(X_Forwarded_Proto="https").get("/probe/public")).headers
        assert "strict-transport-security" not in (await call().get("/probe/public")).headers
        assert "strict-transport-security" in (await call(url="https://localhost").get("/probe/public")).headers

    async def test_an_answer_may_bring_its_own(self, app, call):
        app.add_route(
            "/own", lambda _request: PlainTextResponse("", headers={"Content-Security-Policy": "default-src 'none'"})
        )
        answer = await call().get("/own")
        assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]


class TestRequestId:
    async def test_a_callers_own_is_kept(self, call):
        answer = await call().get("/probe/signed", headers={"X-Request-ID": "trace-7_a.b"})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == "trace-7_a.b"

    @pytest.mark.parametrize("given", ["", "two words", "x" * 101, "<script>", "a,b"])
    async def test_a_harmful_one_is_replaced(self, call, given):
        answer = await call().get("/probe/public", headers={"X-Request-ID": given})
        assert uuid.UUID(answer.headers["x-request-id"])


class TestErrors:
    async def test_a_defect_is_logged_and_told_without_details(self, call, expected_logs):
        expected_logs.expect("web.defect")
        answer = await call().get("/probe/defect")
        assert answer.json() == {
            "success": False,
            "error": "INTERNAL_SERVER_ERROR",
            "message": "something went wrong here; the log has the details",
            "details": {},
            "request_id": answer.headers["x-request-id"],
        }
        assert len(expected_logs.records) == 1

    async def test_a_wrong_method_says_which_are_right(self, call):
        answer = await call().delete("/api/auth/status")
        assert (answer.json()["error"], answer.headers["allow"]) == ("METHOD_NOT_ALLOWED_ERROR", "GET")

    async def test_a_defect_after_the_answer_is_only_logged(self, app, call, expected_logs):
        expected_logs.expect("web.defect")
        app.add_route("/after", lambda _request: PlainTextResponse("whole", background=BackgroundTask(lambda: 1 / 0)))
        answer = await call().get("/after")
        assert (answer.status_code, answer.text) == (200, "whole")

    async def test_a_defect_within_the_answer_breaks_the_connection(self, app, expected_logs):
        expected_logs.expect("web.defect")
        expected_logs.allow("Exception in ASGI application\n")

        async def pieces():
            yield b"half"
            raise ZeroDivisionError

        app.add_route("/half", lambda _request: StreamingResponse(pieces()))
        with listening_on(app, "127.0.0.1") as place:
            async with httpx2.AsyncClient() as client:
                with pytest.raises(httpx2.RemoteProtocolError):
                    await client.get(f"http://{place}/half")


class TestBody:
    @pytest.mark.parametrize("chunked", [False, True])
    async def test_may_have_eight_mebibytes(self, call, chunked):
        async def pieces(total):
            for _ in range(total // 65536):
                yield b" " * 65536
            yield b"{}"

        for size, status in ((8 * 1024 * 1024 - 65536, 200), (8 * 1024 * 1024, 413)):
            content = pieces(size) if chunked else b" " * size + b"{}"
            answer = await call().post("/probe/echo", content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code == status
        assert (answer.json()["error"], answer.json()["success"]) == ("PAYLOAD_TOO_LARGE_ERROR", False)

    @pytest.mark.parametrize("length", ["9" * 30, "9" * 5000])
    async def test_an_endless_length_is_too_large(self, call, length):
        answer = await call().post("/probe/echo", content=b"", headers={"Content-Length": length})
        assert answer.status_code == 413

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a": "\\ud800"}',
            b'{"a": ["\\uDFFF"]}',
            b'{"\\ud800": 1}',
            b'{"a": {"b": "x\\u0000y"}}',
            b'{"a": "\xed\xa0\x80"}',
            '{"a": "\\u0000"}'.encode("utf-16"),
        ],
    )
    async def test_with_text_nobody_can_store_is_refused(self, call, body):
        answer = await call().post("/probe/echo", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "BAD_REQUEST_ERROR")

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b'{"a": "\\ud83c\\udfac"}', "🎬"),
            (b'{"a": "\\\\ud800"}', "\\ud800"),
            ('{"a": "퟿"}'.encode(), "퟿"),
        ],
    )
    async def test_with_unusual_text_is_welcome(self, call, body, text):
        answer = await call().post("/probe/echo", content=body, headers={"Content-Type": "application/json"})
        assert answer.json() == {"a": text}

    @pytest.mark.parametrize(
        "body", [b'{"a": ', b'{"a": "\\ud800"', b"[" * 100_000, b"\xff\xfe\xfa", b'{"a": ' + b"1" * 5000 + b"}"]
    )
    async def test_that_is_no_json_is_the_callers_mistake(self, call, body):
        answer = await call().post("/probe/echo", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}
        assert answer.json()["success"] is False


@pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
class TestBasePath:
    async def test_everything_is_found_below_it(self, call):
        assert (await call().get("/kino/probe/public")).status_code == 200
        for path in ("/probe/public", "/kinoshelf/probe/public", "/", "/kino/kino/probe/public", "/kino/nothing"):
            answer = await call().get(path)
            assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND_ERROR"), path

    async def test_health_is_found_outside_too(self, app, call):
        for path in ("/health", "/health/ready"):
            if not any(getattr(route, "path", None) == path for route in app.routes):
                app.add_route(path, lambda request: PlainTextResponse(request.scope.get("root_path", "")))
        for path in ("/health", "/kino/health"):
            assert (await call().get(path)).status_code == 200
        for path in ("/health/ready", "/kino/health/ready"):
            # This hub is built, not started.
            assert (await call().get(path)).status_code == 503
        assert (await call().get("/healthy")).status_code == 404

    @pytest.mark.parametrize("path", ["/kino", "/kino/"])
    def test_its_root_is_the_start_page_with_and_without_slash(self, path):
        scope = {"path": path}
        assert enter_base_path(scope, "/kino") == (True, "/")
        assert scope == {"path": "/kino/", "root_path": "/kino"}

    async def test_the_documentation_knows_it(self, call):
        answer = await call().get("/kino/api/openapi.json")
        assert answer.json()["servers"] == [{"url": "/kino"}]


class TestAllowedHosts:
    @pytest.mark.environ(KINOSHELF_SECURITY_ALLOWED_HOSTS="hub.example,*.home.example,192.168.1.7")
    async def test_others_are_refused(self, call):
        welcome = (
            "hub.example",
            "HUB.example:8484",
            "tv.home.example",
            "192.168.1.7:8484",
            "localhost:8484",
            "[::1]:8484",
        )
        others = ("home.example", "evilhome.example", "hub.example.evil.example", "evil.example", "hub.example, x")
        for host in (*welcome, *others):
            answer = await call(OTHER_MACHINE).get("/probe/public", headers={"Host": host})
            assert answer.status_code == (200 if host in welcome else 400), host

    async def test_any_will_do_where_none_is_set(self, call):
        assert (await call(OTHER_MACHINE, url="http://what.ever").get("/probe/public")).status_code == 200


class TestTrustedProxies:
    @pytest.mark.environ(KINOSHELF_SECURITY_TRUSTED_PROXIES="10.0.0.0/24")
    async def test_name_the_client_the_scheme_and_the_host(self, call):
        headers = {
            "X-Forwarded-For": "198.51.100.1, 203.0.113.9, 10.0.0.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "hub.example",
        }
        answer = await call(OTHER_MACHINE).get("/probe/public", headers=headers)
        assert answer.json()["client"] == "203.0.113.9"
        assert "strict-transport-security" in answer.headers

    async def test_nobody_else_is_believed(self, call):
        headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}
        answer = await call(OTHER_MACHINE).get("/probe/public", headers=headers)
        assert answer.json() == {"client": OTHER_MACHINE, "is_local": False, "session": None, "key": None}
        assert "strict-transport-security" not in answer.headers

    @pytest.mark.environ(KINOSHELF_SECURITY_TRUSTED_PROXIES="127.0.0.1")
    async def test_what_they_forward_is_never_local(self, call):
        headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost:8484"}
        assert (await call().get("/probe/local", headers=headers)).status_code == 401

    @pytest.mark.environ(KINOSHELF_SECURITY_TRUSTED_PROXIES="127.0.0.1")
    async def test_each_client_behind_them_has_limits_of_its_own(self, call):
        async def sixth(address):
            for _ in range(6):
                answer = await call(X_Forwarded_For=address).post("/api/auth/login", json={})
            return answer.status_code

        assert await sixth("203.0.113.9") == 429
        answer = await call(X_Forwarded_For="203.0.113.10").post("/api/auth/login", json={})
        assert answer.status_code == 422


class TestOriginLimit:
    async def test_a_foreign_page_has_sixty_requests_a_minute(self, call, hub):
        client = call()
        for _ in range(60):
            assert (await client.get("/api/auth/status", headers=FOREIGN)).status_code == 200
        refused = await client.get("/api/auth/status", headers=FOREIGN)
        assert (refused.status_code, list(refused.json()), refused.headers["retry-after"]) == (429, ["detail"], "60")
        assert (await client.get("/api/auth/status", headers={"Origin": "http://other.example"})).status_code == 200
        hub.clock.advance(60)
        assert (await client.get("/api/auth/status", headers=FOREIGN)).status_code == 200

    @pytest.mark.environ(KINOSHELF_SECURITY_ORIGIN_REQUESTS_PER_MINUTE="1")
    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/api/auth/status", {}),
            ("/api/auth/status", {"Origin": "http://localhost:8484"}),
            ("/api/auth/status", {"Origin": "https://hub.example", "Sec-Fetch-Site": "same-origin"}),
            ("/probe/public", FOREIGN),
            ("/static/nothing.js", FOREIGN),
        ],
    )
    async def test_neither_programs_nor_own_pages_nor_other_paths_are_counted(self, call, path, headers):
        statuses = {(await call().get(path, headers=headers)).status_code for _ in range(3)}
        assert 429 not in statuses

    def test_invented_origins_do_not_fill_the_memory(self):
        limit = OriginLimit(FrozenClock())
        limit.count("http://first.example", 1)
        for number in range(MOST_ORIGINS * 2):
            limit.count(f"http://{number}.example", 1)
        assert len(limit._windows) == MOST_ORIGINS
        with pytest.raises(TooManyFromOrigin):
            limit.count(f"http://{MOST_ORIGINS * 2 - 1}.example", 1)


class TestSharedOrigins:
    """CORS of the download interface."""

    @pytest.fixture
    def app(self, hub):
        app = add_probes(create_app(hub))
        app.user_middleware.clear()
        container = hub.container
        install_access(app, container, Surfaces(lambda error: pytest.fail(str(error))), shared=("/probe",))
        return app

    @pytest.mark.environ(KINOSHELF_DOWNLOADS_CORS_ORIGINS="http://app.example,https://other.example/")
    @pytest.mark.parametrize("origin", ["http://app.example", "https://other.example"])
    async def test_named_origins_may_ask_and_read(self, call, origin):
        asked = await call().options("/probe/public", headers={"Origin": origin, **PREFLIGHT})
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == origin
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "X-Api-Key" in asked.headers["access-control-allow-headers"]
        assert "access-control-allow-private-network" not in asked.headers

        answer = await call().get("/probe/public", headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers

    @pytest.mark.environ(KINOSHELF_DOWNLOADS_CORS_ORIGINS="http://app.example")
    async def test_others_may_not(self, app, call):
        answer = await call().get("/probe/public", headers=FOREIGN)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"

    @pytest.mark.environ(KINOSHELF_DOWNLOADS_CORS_ORIGINS="*")
    async def test_all_may_where_the_setting_says_so(self, call):
        asked = await call().options(
            "/probe/public",
            headers={**FOREIGN, **PREFLIGHT, "Access-Control-Request-Private-Network": "true"},
        )
        assert asked.headers["access-control-allow-origin"] == "*"
        assert asked.headers["access-control-allow-private-network"] == "true"

    async def test_nobody_may_by_default(self, call):
        answer = await call().get("/probe/public", headers=FOREIGN)
        assert not [name for name in answer.headers if name.startswith("access-control")]

    @pytest.mark.environ(KINOSHELF_DOWNLOADS_CORS_ORIGINS="*")
    async def test_reading_is_not_entering(self, hub, call):
        app = add_probes(create_app(hub))
        answer = await call(to=app).get("/probe/local", headers=FOREIGN)
        assert answer.status_code == 401


class TestSockets:
    """Handshakes against a real server."""

    async def shaken(self, place, origin=None, path="/probe/socket", **headers):
        try:
            async with connect(
                f"ws://{place}{path}", origin=origin, additional_headers=headers, proxy=None
            ) as connection:
                await connection.recv()
        except InvalidStatus as refusal:
            return refusal.response.status_code
        except ConnectionClosed as closing:
            return closing.rcvd.code
        return 101

    async def test_open_to_this_machine_and_to_credentials_only(self, app, key):
        with listening_on(app, "127.0.0.1") as place:
            port = place.rpartition(":")[2]
            assert await self.shaken(place) == 101
            assert await self.shaken(place, origin=f"http://127.0.0.1:{port}") == 101
            assert (await self.shaken(place, origin="http://evil.example")) == 403
            assert await self.shaken(place, **{"Sec-Fetch-Site": "cross-site"}) == 403
            assert await self.shaken(place, **{"X-Forwarded-For": "203.0.113.9"}) == 403
            assert await self.shaken(place, origin="http://evil.example", **{"X-Api-Key": key}) == 101
            assert await self.shaken(place, path=f"/probe/socket?apikey={key}", origin="null") == 101
            assert await self.shaken(place, path="/probe/nothing") == 403

    @pytest.mark.environ(KINOSHELF_SECURITY_ORIGIN_REQUESTS_PER_MINUTE="1", KINOSHELF_BASE_PATH="/kino")
    async def test_are_found_below_the_base_path_and_never_counted(self, app, key):
        with listening_on(app, "127.0.0.1") as place:
            for _ in range(3):
                shaken = await self.shaken(
                    place, path="/kino/probe/socket", origin="http://evil.example", **{"X-Api-Key": key}
                )
                assert shaken == 101
            assert await self.shaken(place) == 403

    async def test_a_defect_closes_them_and_is_logged(self, app, expected_logs):
        expected_logs.expect("web.defect")

        @app.websocket("/broken")
        async def broken(websocket: WebSocket) -> None:
            await websocket.accept()
            raise ZeroDivisionError

        with listening_on(app, "127.0.0.1") as place:
            assert await self.shaken(place, path="/broken") == 1011


class TestClientLeaving:
    async def test_is_no_defect(self, app):
        with listening_on(app, "127.0.0.1") as place:
            host, port = place.split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /probe/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            async with httpx2.AsyncClient() as client:
                assert (await client.get(f"http://{place}/probe/public")).status_code == 200
