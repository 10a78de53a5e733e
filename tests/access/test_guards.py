"""The table of contract.md: every surface, before and after set-up, for every kind of caller."""

from __future__ import annotations

from typing import ClassVar

import httpx2
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from kinoshelf.api import series
from kinoshelf.app import create_app
from kinoshelf.core.access.guards import Guard
from kinoshelf.core.access.policy import Need
from kinoshelf.core.web import is_below
from tests.access.conftest import NEED_ROUTES, OTHER_MACHINE, give_password, listening_on, signed_in_with

ENTER, SIGN_IN, FOREIGN, TO_FORM = 200, 401, 403, 303

# How a caller without credentials comes: peer, URL, headers.
STRANGERS = {
    "another machine": (OTHER_MACHINE, "http://hub.example:8484", {}),
    "another machine that claims to be this one": (OTHER_MACHINE, "http://localhost:8484", {}),
    "through a proxy": ("127.0.0.1", "http://localhost:8484", {"X_Forwarded_For": "203.0.113.9"}),
    "through a proxy, new header": ("127.0.0.1", "http://localhost:8484", {"Forwarded": "for=203.0.113.9"}),
    "through a proxy, only its scheme": ("127.0.0.1", "http://localhost:8484", {"X_Forwarded_Proto": "https"}),
    "another web site": ("127.0.0.1", "http://localhost:8484", {"Origin": "http://evil.example"}),
    "a sandboxed frame": ("127.0.0.1", "http://localhost:8484", {"Origin": "null"}),
    "a bent name": ("127.0.0.1", "http://evil.example:8484", {"Origin": "http://evil.example:8484"}),
}
LOCALS = {
    "curl": ("127.0.0.1", "http://localhost:8484", {}),
    "curl by address": ("127.0.0.1", "http://127.0.0.1:8484", {}),
    "curl over IPv6": ("::1", "http://[::1]:8484", {}),
    "a page of the hub": ("127.0.0.1", "http://localhost:8484", {"Origin": "http://localhost:8484"}),
}


# The public list of contract.md: they carry nothing of the library.
OPEN = (
    "/api/auth",
    "/health",
    "/api/health",
    "/api/docs",
    "/docs/oauth2-redirect",
    "/api/redoc",
    "/api/openapi.json",
    "/static",
    "/ws/connect",
)
SHELLS = ("/", "/login", "/setup", "/queue")
OPEN_ENDPOINTS = frozenset({("GET", "/api/anime/search"), ("GET", "/api/anime/{anime_id}")})


async def statuses(client, method="GET", **kwargs):
    return {need: (await client.request(method, path, **kwargs)).status_code for need, path in NEED_ROUTES.items()}


class TestWithoutCredentials:
    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(("peer", "url", "headers"), STRANGERS.values(), ids=STRANGERS)
    async def test_strangers_before_and_after_set_up(self, call, hub, peer, url, headers):
        expected = {"public": ENTER, "local": SIGN_IN, "signed": SIGN_IN, "page": TO_FORM}
        client = call(peer, url=url, **headers)
        assert await statuses(client) == expected
        give_password(hub)
        assert await statuses(client) == expected

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(("peer", "url", "headers"), LOCALS.values(), ids=LOCALS)
    async def test_this_machine_before_and_after_set_up(self, call, hub, peer, url, headers):
        expected = {"public": ENTER, "local": ENTER, "signed": SIGN_IN, "page": ENTER}
        client = call(peer, url=url, **headers)
        assert await statuses(client) == expected
        give_password(hub)
        assert await statuses(client) == expected

    @pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
    async def test_nobody_is_trusted_where_that_is_switched_off(self, call):
        assert await statuses(call()) == {"public": ENTER, "local": SIGN_IN, "signed": SIGN_IN, "page": TO_FORM}

    async def test_the_refusal_says_what_to_do(self, call, hub):
        before = (await call(OTHER_MACHINE).get("/probe/local")).json()
        assert before["error"] == "AUTHENTICATION_ERROR"
        assert "/setup" in before["message"]

    @pytest.mark.databases("sqlite")
    async def test_a_change_by_another_site_is_refused(self, call):
        answer = await call(Sec_Fetch_Site="cross-site").post("/probe/local")
        assert (answer.status_code, answer.json()["error"]) == (FOREIGN, "AUTHORIZATION_ERROR")


class TestWithCredentials:
    @pytest.mark.parametrize("means", ["bearer", "cookie", "key", "key in the query"])
    async def test_open_every_door_from_anywhere(self, call, with_password, key, means):
        client = call(OTHER_MACHINE, url="http://hub.example:8484")
        token = await signed_in_with(client)
        if means != "cookie":
            client.cookies.clear()
        headers = {"bearer": {"Authorization": f"Bearer {token}"}, "key": {"X-Api-Key": key}}.get(means, {})
        params = {"apikey": key} if means == "key in the query" else {}

        for method in ("GET", "POST"):
            assert set((await statuses(client, method, headers=headers, params=params)).values()) == {ENTER}
        seen = (await client.get("/probe/signed", headers=headers, params=params)).json()
        assert bool(seen["key"]) is means.startswith("key")
        assert bool(seen["session"]) is not means.startswith("key")

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": "Bearer nonsense"},
            {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0."},
            {"Authorization": "Basic dXNlcjpwYXNz"},
            {"X-Api-Key": "ks_nonsense"},
            {"X-Api-Key": b"\xff\xfe"},
            {"Cookie": "kinoshelf_session=nonsense; kinoshelf_session"},
        ],
    )
    async def test_nonsense_opens_nothing(self, call, with_password, headers):
        answer = await call(OTHER_MACHINE).get("/probe/signed", headers=headers)
        assert answer.status_code == SIGN_IN
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.databases("sqlite")
    async def test_are_seen_on_this_machine_too(self, call, with_password):
        client = call()
        await signed_in_with(client)
        seen = (await client.get("/probe/local")).json()
        assert (seen["is_local"], bool(seen["session"])) == (True, True)

    async def test_a_key_made_before_set_up_is_a_credential(self, call, key):
        assert (await call(OTHER_MACHINE, X_Api_Key=key).get("/probe/signed")).status_code == ENTER

    @pytest.mark.databases("sqlite")
    async def test_a_cookie_changes_nothing_for_another_site(self, call, with_password):
        client = call(OTHER_MACHINE, url="http://hub.example:8484")
        await signed_in_with(client)
        own = ({}, {"Origin": "http://hub.example:8484"}, {"Sec-Fetch-Site": "same-origin"})
        others = (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        )
        for headers in (*own, *others):
            expected = ENTER if headers in own else FOREIGN
            changed = await statuses(client, "POST", headers=headers)
            assert changed == {"public": ENTER, "local": expected, "signed": expected, "page": expected}, headers
            assert set((await statuses(client, headers=headers)).values()) == {ENTER}, headers

    @pytest.mark.databases("sqlite")
    async def test_a_token_may_be_used_from_another_site(self, call, with_password):
        client = call(OTHER_MACHINE, url="http://hub.example:8484")
        token = await signed_in_with(client)
        client.cookies.clear()
        answer = await client.post(
            "/probe/signed", headers={"Authorization": f"Bearer {token}", "Origin": "http://app.example"}
        )
        assert answer.status_code == ENTER


class TestPages:
    @pytest.mark.databases("sqlite")
    async def test_lead_to_the_sign_in_and_back(self, call, with_password):
        answer = await call(OTHER_MACHINE).get("/probe/page?tab=failed&q=a b")
        assert answer.status_code == TO_FORM
        assert answer.headers["location"] == "/login?next=/probe/page%3Ftab%3Dfailed%26q%3Da%2520b"

    async def test_lead_to_the_set_up_while_there_is_no_password(self, call):
        answer = await call(OTHER_MACHINE).get("/probe/page")
        assert (answer.status_code, answer.headers["location"]) == (TO_FORM, "/setup")

    @pytest.mark.databases("sqlite")
    async def test_a_form_does_not_come_back_to_itself(self, call, with_password):
        answer = await call(OTHER_MACHINE).post("/probe/page")
        assert (answer.status_code, answer.headers["location"]) == (TO_FORM, "/login")

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        ("current", "location"),
        [
            ("http://localhost:8484/queue?tab=done", "/login?next=/queue%3Ftab%3Ddone"),
            ("http://evil.example/queue", "/login"),
            ("", "/login"),
        ],
    )
    async def test_a_fragment_moves_the_whole_page(self, call, with_password, current, location):
        client = call(OTHER_MACHINE, HX_Request="true", HX_Current_URL=current)
        answer = await client.get("/probe/page")
        assert (answer.status_code, answer.headers["hx-redirect"]) == (SIGN_IN, location)

    @pytest.mark.databases("sqlite")
    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    async def test_stay_under_the_base_path(self, call, with_password):
        answer = await call(OTHER_MACHINE).get("/kino/probe/page?a=1")
        assert answer.headers["location"] == "/kino/login?next=/kino/probe/page%3Fa%3D1"


class TestRealPeers:
    """What the address of a socket decides is proven with sockets."""

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    async def test_loopback_is_trusted_by_its_names_only(self, app, address):
        with listening_on(app, address) as place:
            async with httpx2.AsyncClient(base_url=f"http://{place}") as client:
                port = place.rpartition(":")[2]
                got = {
                    host: (await client.get("/probe/local", headers={"Host": host})).status_code
                    for host in (place, f"localhost:{port}", f"evil.example:{port}")
                }
        assert list(got.values()) == [ENTER, ENTER, SIGN_IN]


class TestEveryRoute:
    """A route without a guard would be open to everyone by oversight."""

    @pytest.fixture
    def routes(self, hub):
        return list(iter_route_contexts(create_app(hub).routes))

    def needs_of(self, route):
        waiting, needs = [route.dependant], set()  # codespell:ignore dependant
        while waiting:
            called = waiting.pop()
            needs |= {called.call.need} if isinstance(called.call, Guard) else set()
            waiting += called.dependencies
        return needs

    @pytest.mark.databases("sqlite")
    def test_says_who_may_call_it(self, routes):
        assert any(route.path == "/api/auth/login" for route in routes)
        for route in routes:
            can_have_one = isinstance(route.original_route, APIRoute | APIWebSocketRoute)
            needs = self.needs_of(route) if can_have_one else set()
            if route.path in SHELLS or is_below(route.path, OPEN) or self.is_open_endpoint(route):
                assert needs <= {Need.NOTHING}, f"{route.path} is on the public list"
            elif is_below(route.path, series.PREFIXES):
                assert Need.SIGN_IN in needs, f"{route.path} belongs to seed 002 and needs credentials"
            else:
                assert needs & {Need.LOCAL_OR_SIGN_IN, Need.SIGN_IN}, f"{route.path} has no guard"

    def is_open_endpoint(self, route):
        endpoints = {(method, route.path) for method in route.methods or ()}
        return bool(endpoints) and endpoints <= OPEN_ENDPOINTS


class TestSurfaces:
    """The same table at the doors themselves."""

    PATHS: ClassVar = {
        "public": ("/api/auth/status", "/api/openapi.json"),
        "local": ("/api/downloads", "/api/batches", "/api/settings", "/api/engine/stats"),
        "page": ("/settings",),
    }

    @pytest.mark.databases("sqlite")
    async def test_open_to_whom_they_should(self, call, hub, key):
        strangers = [call(peer, url=url, **headers) for peer, url, headers in STRANGERS.values()]
        friends = [call(peer, url=url, **headers) for peer, url, headers in LOCALS.values()]
        friends.append(call(OTHER_MACHINE, X_Api_Key=key))
        refusals = {"public": ENTER, "local": SIGN_IN, "page": TO_FORM}
        for is_set_up in (False, True):
            if is_set_up:
                give_password(hub)
            for kind, paths in self.PATHS.items():
                for path in paths:
                    assert {(await client.get(path)).status_code for client in strangers} == {refusals[kind]}, path
                    assert {(await client.get(path)).status_code for client in friends} == {ENTER}, path

    @pytest.mark.databases("sqlite")
    async def test_refuse_in_their_own_form(self, call):
        answer = await call(OTHER_MACHINE).get("/api/downloads")
        assert answer.status_code == SIGN_IN
        assert {"error", "code"} <= answer.json().keys()
