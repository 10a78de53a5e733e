"""The settings page and its own endpoints."""

from __future__ import annotations

import pytest

from kinoshelf.app import Hub
from kinoshelf.core.access.passwords import set_password
from kinoshelf.core.settings import leaves
from kinoshelf.web.setting_fields import fields_by_group
from tests.logs import ExpectedLogs
from tests.web.conftest import PASSWORD, Elements, Visit

pytestmark = pytest.mark.databases("sqlite")


class TestFields:
    def test_every_setting_is_shown_once_and_has_a_kind(self, hub: Hub) -> None:
        fields = [field for group in fields_by_group(hub.store) for field in group.fields]
        assert sorted(field.key for field in fields) == sorted(leaf.key for leaf in leaves())
        kinds = {field.key: field.kind for field in fields}
        assert kinds["engine.max_active_downloads"] == "number"
        assert kinds["engine.speed_limit_bytes_per_second"] == "speed"
        assert kinds["engine.free_space_reserve_bytes"] == "size"
        assert kinds["engine.speed_schedule"] == "windows"
        assert kinds["engine.verify_tls"] == "switch"
        assert kinds["logging.level"] == "choice"
        assert kinds["sources"] == "words"
        assert kinds["tmdb.api_key"] == "secret"
        assert kinds["library_dir"] == "text"

    def test_nothing_falls_into_the_last_group_unnoticed(self, hub: Hub) -> None:
        assert "more" not in {group.id for group in fields_by_group(hub.store)}

    @pytest.mark.environ(
        KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="3", TMDB_API_KEY="a-secret", FSHARE_EMAIL="me@example.org"
    )
    async def test_show_who_decides_and_no_secret(self, visit: Visit) -> None:
        text = (await visit().get("/settings")).text
        page = Elements(text)
        (attributes, _), *_ = page.every("input", id="setting-engine-max-active-downloads")
        assert attributes["value"] == "3"
        assert "disabled" in attributes
        (attributes, _), *_ = page.every("input", id="setting-tmdb-api-key")
        assert attributes["placeholder"] == "stored"
        assert "value" not in attributes
        assert "a-secret" not in text
        assert {"KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS", "TMDB_API_KEY", "FSHARE_EMAIL"} <= {
            words for _, words in page.every("code")
        }


class TestPassword:
    async def test_is_changed_by_who_knows_it(self, visit: Visit, hub: Hub, expected_logs: ExpectedLogs) -> None:
        expected_logs.expect("access.wrong_password")
        set_password(hub.database, hub.clock, PASSWORD)
        mine, other = visit(), visit()
        for browser in (mine, other):
            await browser.post("/api/auth/login", json={"password": PASSWORD})
        wrong = await mine.post("/settings/password", json={"current": "Wrong-horse-1", "new": "Another-horse-8"})
        assert wrong.status_code == 401
        weak = await mine.post("/settings/password", json={"current": PASSWORD, "new": "weak"})
        assert weak.status_code == 400
        done = await mine.post("/settings/password", json={"current": PASSWORD, "new": "Another-horse-8"})
        assert done.status_code == 200
        assert (await mine.get("/api/auth/status")).json()["authenticated"] is True
        assert (await other.get("/api/auth/status")).json()["authenticated"] is False

    async def test_guesses_are_counted_like_those_of_the_sign_in(
        self, visit: Visit, hub: Hub, expected_logs: ExpectedLogs
    ) -> None:
        expected_logs.expect("access.wrong_password")
        set_password(hub.database, hub.clock, PASSWORD)
        browser = visit()
        await browser.post("/api/auth/login", json={"password": PASSWORD})
        body = {"current": "Wrong-horse-1", "new": "Another-horse-8"}
        statuses = [(await browser.post("/settings/password", json=body)).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]


class TestKeys:
    async def test_are_shown_once_listed_and_revoked(self, visit: Visit) -> None:
        browser = visit()
        made = (await browser.post("/settings/keys", json={"name": "<b>tv</b>"})).json()
        program = visit("10.0.0.5", headers={"X-Api-Key": made["key"]})
        assert (await program.get("/api/engine/stats")).status_code == 200
        text = (await browser.get("/settings")).text
        assert "&lt;b&gt;tv&lt;/b&gt;" in text
        assert made["key"] not in text
        assert (await browser.delete(f"/settings/keys/{made['id']}")).status_code == 200
        assert (await browser.delete(f"/settings/keys/{made['id']}")).status_code == 404
        assert (await program.get("/api/engine/stats")).status_code == 401

    async def test_a_name_must_be_one_line(self, visit: Visit) -> None:
        answer = await visit().post("/settings/keys", json={"name": "two\nlines"})
        assert answer.status_code == 400
