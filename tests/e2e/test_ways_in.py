"""Set-up, sign-in and the settings in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from kinoshelf.core.access.passwords import has_password, set_password
from tests.logs import ExpectedLogs
from tests.running import Server
from tests.simulators.browser import DESKTOP

pytestmark = pytest.mark.databases("sqlite")

PASSWORD = "Correct-horse-7"


@contextmanager
def browsing(browser: Any, server: Server, **options: Any) -> Iterator[Page]:
    """Open a page whose console may complain: refusals are the point here."""
    context: BrowserContext = browser.new_context(base_url=server.base_url, **{**DESKTOP, **options})
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def guarded(still: Server) -> Server:
    """A hub with a password, which nobody on this machine gets around."""
    set_password(still.hub.database, still.hub.clock, PASSWORD)
    return still


def sign_in(page: Page, password: str = PASSWORD, *, remember: bool = False) -> None:
    page.get_by_label("Master password").fill(password)
    if remember:
        page.get_by_label("Remember me").check()
    page.get_by_role("button", name="Sign in").click()


class TestSetUp:
    @pytest.mark.environ(KINOSHELF_DOWNLOAD_DIR="")
    def test_sets_password_and_folders_and_signs_in(self, desk: Page, still: Server, tmp_path: Path) -> None:
        desk.goto("/")
        desk.get_by_role("link", name="Set up").click()
        desk.get_by_label("Download folder").fill("relative")
        expect(desk.get_by_text("Name the folder in full")).to_be_visible()
        desk.get_by_label("Library folder").fill(str(tmp_path / "library"))
        expect(desk.get_by_text("The folder will be made")).to_have_count(1)
        desk.get_by_label("Download folder").fill(str(tmp_path))
        expect(desk.get_by_text("is there and can be written")).to_be_visible()
        desk.get_by_label("Master password").fill("short")
        desk.get_by_role("button", name="Save and begin").click()
        expect(desk.get_by_text("does not have everything it needs")).to_be_visible()
        desk.get_by_label("Master password").fill(PASSWORD)
        expect(desk.locator("[data-rule][data-kept]")).to_have_count(5)
        desk.get_by_label("Once more").fill(PASSWORD)
        desk.get_by_role("button", name="Save and begin").click()
        expect(desk.get_by_role("heading", name="What is going on")).to_be_visible()
        with still.hub.database.read() as session:
            assert has_password(session)
        assert still.hub.store.current.library_dir == tmp_path / "library"
        desk.goto("/settings#keys")
        expect(desk.get_by_label("Name of the new key")).to_be_visible()


@pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
class TestSignIn:
    def test_comes_in_place_of_the_list_and_leads_back(self, browser: Any, guarded: Server) -> None:
        with browsing(browser, guarded) as page:
            page.goto("/queue?status=failed")
            sign_in(page, remember=True)
            expect(page.get_by_text("Nothing fits")).to_be_visible()
            assert page.url.endswith("/queue?status=failed")
            (cookie,) = [one for one in page.context.cookies() if one["name"] == "kinoshelf_session"]
            assert cookie["expires"] > 0
            assert cookie["httpOnly"]
            page.goto("/settings")
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    def test_a_session_that_ends_leads_to_the_sign_in(self, browser: Any, guarded: Server) -> None:
        with browsing(browser, guarded) as page:
            page.goto("/queue")
            sign_in(page)
            expect(page.get_by_text("Nothing here yet")).to_be_visible()
            set_password(guarded.hub.database, guarded.hub.clock, "Another-horse-8")
            expect(page).to_have_url(re.compile("/login"), timeout=15_000)
            sign_in(page, "Another-horse-8")
            expect(page.get_by_text("Nothing here yet")).to_be_visible()

    def test_refuses_then_locks_with_a_time(self, browser: Any, guarded: Server, expected_logs: ExpectedLogs) -> None:
        expected_logs.expect("access.wrong_password")
        with browsing(browser, guarded) as page:
            page.goto("/login")
            sign_in(page, "Wrong-horse-1")
            expect(page.get_by_text("The password is wrong")).to_be_visible()
            for _ in range(5):
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_function("() => !document.querySelector('#login [aria-busy]')")
            expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Try again at")
            expect(page.get_by_role("button", name="Sign in")).to_be_disabled()


class TestSettings:
    def test_are_changed_kept_and_in_force(self, desk: Page, still: Server) -> None:
        desk.goto("/settings")
        desk.get_by_label("Downloads at the same time", exact=True).fill("7")
        limit = desk.locator('[data-key="engine.speed_limit_bytes_per_second"]')
        limit.get_by_role("spinbutton").fill("1.5")
        desk.get_by_role("button", name="Add a window").click()
        window = desk.locator(".window")
        window.get_by_label("Sat").check(force=True)
        window.get_by_label("from").fill("22:00")
        window.get_by_label("to", exact=True).fill("06:30")
        expect(desk.get_by_text("3 changes")).to_be_visible()
        desk.get_by_role("button", name="Save").click()
        expect(desk.get_by_text("Settings saved")).to_be_visible()
        expect(desk.get_by_label("Downloads at the same time", exact=True)).to_have_value("7")
        expect(limit.get_by_role("spinbutton")).to_have_value("1.5")
        engine = still.hub.store.current.engine
        assert engine.max_active_downloads == 7
        assert engine.speed_limit_bytes_per_second == 1.5 * 1024 * 1024
        (kept,) = engine.speed_schedule
        assert (kept.start, kept.end, kept.days) == ("22:00", "06:30", ("mon", "tue", "wed", "thu", "fri", "sat"))

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_RETRIES="9", TMDB_API_KEY="not-to-be-shown")
    def test_show_what_the_environment_decides_and_hide_secrets(self, desk: Page) -> None:
        desk.goto("/settings")
        row = desk.locator('[data-key="engine.max_retries"]')
        expect(row).to_contain_text("KINOSHELF_ENGINE_MAX_RETRIES")
        expect(row.get_by_role("spinbutton")).to_be_disabled()
        expect(row.get_by_role("spinbutton")).to_have_value("9")
        expect(desk.locator('[data-key="tmdb.api_key"]')).to_contain_text("TMDB_API_KEY")
        assert "not-to-be-shown" not in desk.content()

    def test_explain_at_the_field_what_is_not_possible(self, browser: Any, still: Server) -> None:
        with browsing(browser, still) as page:
            page.goto("/settings")
            page.get_by_label("Downloads at the same time", exact=True).fill("1000")
            page.get_by_role("button", name="Save").click()
            expect(page.locator('[data-key="engine.max_active_downloads"] [role=alert]')).to_be_visible()
            page.get_by_label("Downloads at the same time", exact=True).fill("5")
            page.get_by_label("Base path").fill("/a b")
            page.get_by_role("button", name="Save").click()
            expect(page.locator('[data-key="base_path"] [role=alert]')).to_contain_text("must look like /kinoshelf")

    def test_keys_are_shown_once_and_revoked(self, desk: Page, still: Server) -> None:
        desk.goto("/settings")
        desk.get_by_label("Name of the new key").fill("the television")
        desk.get_by_role("button", name="Make a key").click()
        key = desk.locator("#new-key-text")
        expect(key).to_have_text(re.compile("^ks_"))
        text = key.inner_text()
        answer = desk.request.get("/api/engine/stats", headers={"X-Api-Key": text, "X-Forwarded-For": "203.0.113.9"})
        assert answer.ok
        desk.reload()
        assert text not in desk.content()
        entry = desk.locator("#api-keys li").filter(has_text="the television")
        entry.get_by_role("button", name="Revoke").click()
        entry.get_by_role("button", name="Really revoke?").click()
        expect(desk.get_by_text("No keys yet")).to_be_visible()
        answer = desk.request.get("/api/engine/stats", headers={"X-Api-Key": text, "X-Forwarded-For": "203.0.113.9"})
        assert answer.status == 401

    @pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
    def test_the_password_is_changed_with_the_old_one(
        self, browser: Any, guarded: Server, expected_logs: ExpectedLogs
    ) -> None:
        expected_logs.expect("access.wrong_password")
        with browsing(browser, guarded) as page, browsing(browser, guarded) as other:
            for one in (page, other):
                one.goto("/settings")
                sign_in(one)
                expect(one.get_by_role("heading", name="Settings")).to_be_visible()
            for current, said in (("Wrong-horse-1", "the password is wrong"), (PASSWORD, "The password is changed")):
                page.get_by_label("Current password").fill(current)
                page.get_by_label("New password").fill("Another-horse-8")
                page.get_by_label("Once more").fill("Another-horse-8")
                page.get_by_role("button", name="Change the password").click()
                expect(page.get_by_text(said, exact=False)).to_be_visible()
            page.goto("/queue")
            expect(page.get_by_text("Nothing here yet")).to_be_visible()
            other.goto("/queue")
            expect(other.get_by_role("button", name="Sign in")).to_be_visible()

    def test_this_browser_has_its_own_look_and_language(self, desk: Page) -> None:
        desk.goto("/settings")
        desk.get_by_label("Appearance").select_option("dark")
        desk.get_by_label("Language", exact=True).select_option("de")
        expect(desk.get_by_role("heading", name="Einstellungen")).to_be_visible()
        desk.goto("/queue")
        expect(desk.locator("html")).to_have_attribute("data-theme", "dark")
        expect(desk.locator("html")).to_have_attribute("lang", "de")
        expect(desk.get_by_role("button", name="Links hinzufügen").first).to_be_visible()
