"""What holds for every page: who may see it, what the policy of content allows, errors in the right dress."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from kinoshelf.app import Hub
from kinoshelf.core.access.passwords import set_password
from kinoshelf.web.pages import TEMPLATE_FOLDER
from kinoshelf.web.queue import SHORTCUTS
from kinoshelf.web.static import STATIC_FOLDER
from tests.logs import ExpectedLogs
from tests.web.conftest import PASSWORD, Elements, Put, Visit

pytestmark = pytest.mark.databases("sqlite")

ROOT = Path(__file__).resolve().parent.parent.parent
SHELLS = ("/", "/queue", "/login", "/setup")
ELSEWHERE = "10.0.0.5"


class TestWhoMaySee:
    @pytest.mark.parametrize("path", SHELLS)
    async def test_shells_are_open_and_empty_for_strangers(self, visit: Visit, put: Put, hub: Hub, path: str) -> None:
        put(filename="private.mkv", state="completed")
        for is_set_up in (False, True):
            if is_set_up:
                set_password(hub.database, hub.clock, PASSWORD)
            page = await visit(ELSEWHERE).get(path)
            assert page.status_code == 200
            assert "private.mkv" not in page.text
            assert str(hub.store.current.download_dir) not in page.text
            assert ('id="login"' in page.text) is is_set_up

    @pytest.mark.parametrize("path", ["/", "/queue"])
    async def test_this_machine_sees_them_filled(self, visit: Visit, put: Put, path: str) -> None:
        put(filename="mine.mkv", state="completed")
        assert "mine.mkv" in (await visit().get(path)).text

    @pytest.mark.parametrize("path", ["/queue/items", "/start/items"])
    async def test_lists_need_credentials(self, visit: Visit, path: str) -> None:
        assert (await visit(ELSEWHERE, headers={"Accept": "application/json"}).get(path)).status_code == 401

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/setup/folder"),
            ("POST", "/settings/keys"),
            ("DELETE", "/settings/keys/x"),
            ("POST", "/settings/password"),
        ],
    )
    async def test_changes_need_credentials_and_no_other_site_makes_them(
        self, visit: Visit, method: str, path: str
    ) -> None:
        stranger = visit(ELSEWHERE, headers={"Accept": "application/json"})
        assert (await stranger.request(method, path, json={})).status_code == 401
        foreign = visit(headers={"Origin": "https://evil.example"})
        assert (await foreign.request(method, path, json={})).status_code in {401, 403}
        foreign = visit(headers={"Sec-Fetch-Site": "cross-site"})
        assert (await foreign.request(method, path, json={})).status_code == 403

    async def test_settings_lead_to_the_way_in(self, visit: Visit, hub: Hub) -> None:
        answer = await visit(ELSEWHERE).get("/settings")
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
        set_password(hub.database, hub.clock, PASSWORD)
        answer = await visit(ELSEWHERE).get("/settings")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/settings")

    async def test_only_the_owner_makes_keys_once_a_password_is_set(self, visit: Visit, hub: Hub) -> None:
        browser = visit()
        assert (await browser.post("/settings/keys", json={"name": "made before"})).status_code == 201
        set_password(hub.database, hub.clock, PASSWORD)
        assert (await browser.post("/settings/keys", json={"name": "made after"})).status_code == 401
        assert "made before" not in (await browser.get("/settings")).text
        await browser.post("/api/auth/login", json={"password": PASSWORD})
        assert (await browser.post("/settings/keys", json={"name": "made after"})).status_code == 201
        assert "made before" in (await browser.get("/settings")).text

    @pytest.mark.parametrize(
        "following", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"]
    )
    async def test_the_sign_in_leads_nowhere_else(self, visit: Visit, hub: Hub, following: str) -> None:
        set_password(hub.database, hub.clock, PASSWORD)
        page = Elements((await visit(ELSEWHERE).get("/login", params={"next": following})).text)
        assert page.every("form", id="login", data_next="/queue")


class TestPolicy:
    async def test_nothing_stands_inline(self, visit: Visit, put: Put) -> None:
        download_id = put(filename="a.mkv", state="failed")
        for path in (*SHELLS, f"/queue/{download_id}", "/settings", "/nothing"):
            answer = await visit(follow_redirects=True).get(path)
            assert "unsafe" not in answer.headers["content-security-policy"]
            for tag, attributes, text in Elements(answer.text).found:
                assert tag != "style", path
                assert not [name for name in attributes if name == "style" or name.startswith("on")], (path, tag)
                if tag == "script":
                    is_block = attributes.get("type") == "application/json"
                    assert is_block or (attributes.get("src") and not text.strip()), (path, attributes)

    async def test_ids_are_unique(self, visit: Visit, put: Put) -> None:
        put(filename="a.mkv")
        for path in (*SHELLS, "/settings"):
            found = Elements((await visit(follow_redirects=True).get(path)).text).found
            ids = Counter(attributes["id"] for _, attributes, _ in found if attributes.get("id"))
            assert [name for name, number in ids.items() if number > 1] == [], path

    def test_icons_are_those_the_build_brings(self) -> None:
        source = "".join(path.read_text(encoding="utf-8") for path in TEMPLATE_FOLDER.rglob("*.html"))
        scripts = "".join(path.read_text(encoding="utf-8") for path in (STATIC_FOLDER / "js").glob("*.js"))
        python = (ROOT / "src/kinoshelf/web/setting_fields.py").read_text(encoding="utf-8")
        asked = set(re.findall(r"icon\('([a-z0-9-]+)'\)", source))
        asked |= set(re.findall(r"""icon(?:: |\()"([a-z0-9-]+)\"""", scripts))
        asked |= set(re.findall(r'mark\("[^"]+"\),\s+"([a-z0-9-]+)",\s+\(', python))
        brought = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (STATIC_FOLDER / "vendor/icons.svg").read_text()))
        assert asked <= brought, asked - brought


class TestErrors:
    async def test_are_pages_for_browsers_and_data_for_programs(self, visit: Visit) -> None:
        page = await visit().get("/nowhere")
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")
        assert "Nothing here" in page.text
        answer = await visit(headers={"Accept": "*/*"}).get("/nowhere")
        assert answer.status_code == 404
        assert answer.json()["success"] is False

    async def test_of_interfaces_keep_their_form_even_for_browsers(self, visit: Visit) -> None:
        answer = await visit().get("/api/downloads/00000000-0000-0000-0000-000000000000")
        assert answer.status_code == 404
        assert answer.json()["code"] == "NOT_FOUND"

    async def test_of_ours_name_the_entry_in_the_log(
        self, visit: Visit, expected_logs: ExpectedLogs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected_logs.expect("web.defect")
        monkeypatch.setattr("kinoshelf.web.start.look_at_disks", lambda _settings: 1 / 0)
        page = await visit().get("/")
        assert page.status_code == 500
        assert page.headers["x-request-id"] in page.text
        assert "ZeroDivisionError" not in page.text


class TestFolders:
    async def test_are_examined_without_being_made(self, visit: Visit, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        cases = {
            str(tmp_path): (True, "can be written"),
            str(tmp_path / "a" / "b"): (True, "will be made"),
            str(tmp_path / "file"): (False, "is a file"),
            str(tmp_path / "file" / "below"): (False, "is a file"),
            "relative/path": (False, "in full"),
            "": (False, "in full"),
            "~nobody-of-that-name/x": (False, ""),
        }
        for path, (is_usable, said) in cases.items():
            browser = visit(headers={"Accept": "application/json"})
            found = (await browser.post("/setup/folder", json={"path": path})).json()
            assert said in found["message"], path
            assert found["usable"] is is_usable, path
        assert not (tmp_path / "a").exists()


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs/pages.md").read_text(encoding="utf-8")
    assert [key for keys, _ in SHORTCUTS for key in keys if key != "…" and f"`{key}`" not in text] == []
