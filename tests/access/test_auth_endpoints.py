"""Seed 002, section 2: what its clients send and get."""

from __future__ import annotations

import asyncio
import base64
import json
import unicodedata
from datetime import timedelta

import pytest

from kinoshelf.app import Role, create_app
from kinoshelf.core.access.models import AccessSession
from kinoshelf.core.access.passwords import PasswordHashing, missing_from_password, set_password
from kinoshelf.core.settings_events import SettingsChanged
from tests.access.conftest import OTHER_MACHINE, PASSWORD, add_probes, signed_in_with, until_refused


class TestSetup:
    async def test_sets_the_password_once(self, call):
        client = call()
        first = await client.post("/api/auth/setup", json={"master_password": PASSWORD})
        assert (first.status_code, first.json()) == (201, {"status": "ok"})

        second = await client.post("/api/auth/setup", json={"master_password": PASSWORD + "x"})
        assert second.status_code == 400
        assert second.json()["success"] is False
        await signed_in_with(client)

    async def test_of_two_at_once_one_wins(self, call, hub):
        client = call()
        answers = await asyncio.gather(
            *(client.post("/api/auth/setup", json={"master_password": f"{PASSWORD}{n}"}) for n in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400]

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-For": "203.0.113.9"},
            {"Host": "evil.example:8484"},
            {"Origin": "http://evil.example"},
        ],
    )
    async def test_only_from_this_machine(self, call, headers):
        answer = await call().post("/api/auth/setup", json={"master_password": PASSWORD}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "AUTHORIZATION_ERROR")
        assert (await call().get("/api/auth/status")).json()["configured"] is False

    async def test_not_from_another_machine(self, call):
        answer = await call(OTHER_MACHINE).post("/api/auth/setup", json={"master_password": PASSWORD})
        assert answer.status_code == 403

    @pytest.mark.databases("sqlite")
    @pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
    async def test_from_this_machine_even_where_it_has_no_other_rights(self, call):
        answer = await call().post("/api/auth/setup", json={"master_password": PASSWORD})
        assert answer.status_code == 201

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        ("password", "missing"),
        [
            ("Sh0rt!", "at least 8 characters"),
            ("lower-case-7", "an upper case letter"),
            ("UPPER-CASE-7", "a lower case letter"),
            ("No-digit-here", "a digit"),
            ("Nothing5pecial", "a special character"),
            ("", "at least 8 characters"),
            ("Aa1!" * 1000, "at most 1000 characters"),
        ],
    )
    async def test_says_what_a_password_lacks(self, call, password, missing):
        answer = await call().post("/api/auth/setup", json={"master_password": password})
        assert answer.status_code == 400
        assert missing in answer.json()["message"]
        assert missing_from_password(password)[0] in answer.json()["message"]

    @pytest.mark.databases("sqlite")
    async def test_makes_and_keeps_the_library_folder(self, call, hub, tmp_path):
        folder = tmp_path / "anime" / "shows"
        told: list[SettingsChanged] = []
        hub.events.subscribe(SettingsChanged, told.append)
        answer = await call().post(
            "/api/auth/setup", json={"master_password": PASSWORD, "anime_directory": str(folder)}
        )
        assert answer.status_code == 201
        assert folder.is_dir()
        assert hub.store.current.library_dir == folder
        assert len(told) == 1

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "folder", ["relative/path", "/dev/null", "/dev/null/below", "/proc/kinoshelf", "~nobody-x/y"]
    )
    async def test_refuses_a_folder_that_cannot_be_and_changes_nothing(self, call, hub, folder):
        answer = await call().post("/api/auth/setup", json={"master_password": PASSWORD, "anime_directory": folder})
        assert answer.status_code == 400
        assert hub.store.current.library_dir is None
        assert (await call().get("/api/auth/status")).json()["configured"] is False

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "master_password"),
            ({"master_password": None}, "master_password"),
            ({"master_password": ["x"]}, "master_password"),
            ({"master_password": PASSWORD, "anime_directory": 7}, "anime_directory"),
            ([], "body"),
        ],
    )
    async def test_names_the_malformed_field(self, call, body, field):
        answer = await call().post("/api/auth/setup", json=body)
        assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")
        assert field in answer.json()["details"]
        assert PASSWORD not in answer.text


class TestLogin:
    async def test_answers_a_token_and_a_cookie_for_a_day(self, call, hub, with_password):
        client = call()
        answer = await client.post("/api/auth/login", json={"password": with_password})
        body = answer.json()
        assert answer.status_code == 200
        assert body["token_type"] == "bearer"
        assert body["expires_at"] == f"{hub.clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        assert answer.headers["cache-control"] == "no-store"

        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "==")) for part in body["access_token"].split(".")[:2]
        )
        assert header == {"typ": "JWT", "alg": "HS256"}
        assert claims["exp"] - claims["iat"] == 24 * 3600
        assert claims["jti"]

        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie
        assert "Max-Age" not in cookie
        assert body["access_token"] not in cookie

    async def test_remember_lasts_thirty_days(self, call, hub, with_password):
        answer = await call().post("/api/auth/login", json={"password": with_password, "remember": True})
        assert answer.json()["expires_at"] == f"{hub.clock.now() + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
        assert f"Max-Age={30 * 24 * 3600}" in answer.headers["set-cookie"]

    @pytest.mark.databases("sqlite")
    async def test_the_cookie_keeps_to_https_and_to_the_base_path(self, call, make_hub, hub, with_password):
        other = make_hub(Role.COMMAND, KINOSHELF_BASE_PATH="/kino", KINOSHELF_SECURITY_TRUSTED_PROXIES="127.0.0.1")
        client = call(to=create_app(other), url="http://localhost:8484/kino", X_Forwarded_Proto="https")
        answer = await client.post("/api/auth/login", json={"password": with_password})
        assert "Secure" in answer.headers["set-cookie"]
        assert "Path=/kino" in answer.headers["set-cookie"]

    async def test_a_wrong_password_is_401(self, call, with_password, expected_logs):
        expected_logs.expect("access.wrong_password")
        answer = await call().post("/api/auth/login", json={"password": "wrong"})
        body = answer.json()
        assert (answer.status_code, body["error"]) == (401, "AUTHENTICATION_ERROR")
        assert body["request_id"] == answer.headers["x-request-id"]
        assert "set-cookie" not in answer.headers

    async def test_before_set_up_there_is_nothing_to_sign_in_with(self, call):
        answer = await call().post("/api/auth/login", json={"password": PASSWORD})
        assert answer.status_code == 401
        assert "/setup" in answer.json()["message"]

    @pytest.mark.frozen_clock
    async def test_ends_by_itself(self, call, hub, with_password):
        client = call(OTHER_MACHINE)
        token = await signed_in_with(client)
        hub.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            assert (await client.get("/probe/signed", headers=headers)).status_code == 200
        hub.clock.advance(1)
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            assert (await client.get("/probe/signed", headers=headers)).status_code == 401

    async def test_clears_away_what_has_ended(self, call, hub, with_password, count_rows):
        client = call()
        await signed_in_with(client)
        hub.clock.advance(timedelta(days=2))
        await signed_in_with(client)
        assert count_rows(AccessSession) == 1

    async def test_survives_a_restart(self, call, make_hub, with_password):
        token = await signed_in_with(call())
        restarted = add_probes(create_app(make_hub()))
        client = call(OTHER_MACHINE, to=restarted, Authorization=f"Bearer {token}")
        assert (await client.get("/probe/signed")).status_code == 200


class TestLogout:
    @pytest.mark.parametrize("means", ["bearer", "cookie"])
    async def test_ends_the_token_and_the_cookie_alike(self, call, with_password, means):
        client = call(OTHER_MACHINE)
        token = await signed_in_with(client)
        cookie = {"Cookie": f"kinoshelf_session={client.cookies['kinoshelf_session']}"}
        bearer = {"Authorization": f"Bearer {token}"}
        client.cookies.clear()
        for headers in (cookie, bearer):
            assert (await client.get("/probe/signed", headers=headers)).status_code == 200

        answer = await client.post("/api/auth/logout", headers=bearer if means == "bearer" else cookie)

        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "message": "Logged out successfully"})
        assert 'kinoshelf_session=""; ' in answer.headers["set-cookie"]
        assert "Max-Age=0" in answer.headers["set-cookie"]
        for headers in (cookie, bearer):
            assert (await client.get("/probe/signed", headers=headers)).status_code == 401

    async def test_leaves_other_sessions_alone(self, call, with_password):
        one, other = call(OTHER_MACHINE), call(OTHER_MACHINE)
        await signed_in_with(one)
        await signed_in_with(other)
        await one.post("/api/auth/logout")
        assert (await other.get("/probe/signed")).status_code == 200

    @pytest.mark.databases("sqlite")
    async def test_without_a_session_has_nothing_to_do(self, call, key):
        assert (await call().post("/api/auth/logout")).status_code == 200
        client = call(OTHER_MACHINE, X_Api_Key=key)
        assert (await client.post("/api/auth/logout")).status_code == 200
        assert (await client.get("/probe/signed")).status_code == 200

    @pytest.mark.databases("sqlite")
    async def test_another_site_cannot_sign_the_user_out(self, call, with_password):
        client = call(OTHER_MACHINE)
        await signed_in_with(client)
        answer = await client.post("/api/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert (await client.get("/probe/signed")).status_code == 200

    @pytest.mark.system_clock
    async def test_is_heard_by_the_other_processes(self, call, listening_hub, with_password):
        token = await signed_in_with(call())
        elsewhere = call(OTHER_MACHINE, to=add_probes(create_app(listening_hub)), Authorization=f"Bearer {token}")
        assert (await elsewhere.get("/probe/signed")).status_code == 200

        await call(Authorization=f"Bearer {token}").post("/api/auth/logout")
        await until_refused(elsewhere, "/probe/signed")


class TestStatus:
    async def test_tells_whether_a_password_is_set_and_the_caller_known(self, call, hub, key):
        client = call()
        assert (await client.get("/api/auth/status")).json() == {"configured": False, "authenticated": False}
        set_password(hub.database, hub.clock, PASSWORD)
        assert (await client.get("/api/auth/status")).json() == {"configured": True, "authenticated": False}
        await signed_in_with(client)
        assert (await client.get("/api/auth/status")).json() == {"configured": True, "authenticated": True}
        assert (await call(OTHER_MACHINE, X_Api_Key=key).get("/api/auth/status")).json()["authenticated"] is True


class TestSetPassword:
    async def test_a_change_ends_every_session_but_no_key(self, call, hub, with_password, key):
        client = call(OTHER_MACHINE)
        token = await signed_in_with(client)
        set_password(hub.database, hub.clock, "Another-horse-8")
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            assert (await client.get("/probe/signed", headers=headers)).status_code == 401
        assert (await client.get("/probe/signed", headers={"X-Api-Key": key})).status_code == 200
        answer = await client.post("/api/auth/login", json={"password": "Another-horse-8"})
        assert answer.status_code == 200

    @pytest.mark.databases("sqlite")
    async def test_the_same_letters_typed_elsewhere_are_the_same_password(self):
        hashing = PasswordHashing()
        typed = "Grün-und-gut-7"
        stored = await hashing.hash(unicodedata.normalize("NFD", typed))
        assert await hashing.compare(unicodedata.normalize("NFC", typed), stored) == (True, None)
        assert await hashing.compare("Grun-und-gut-7", stored) == (False, None)
