"""The first whole job: a pasted link becomes a file, and the page shows it all the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.running import ServerProcess
from tests.simulators.browser import DESKTOP
from tests.simulators.nginx import Nginx, sha256

MIB = 1024 * 1024
LIVE = 15_000

# The pages are the same on both databases; what they read is tested on both in tests/web.
pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def environ(environ: dict[str, str], nginx: Nginx) -> dict[str, str]:
    return {**environ, "KINOSHELF_ALLOW_PRIVATE_HOSTS": nginx.host}


class TestALink:
    def test_arrives_live_and_whole(self, page: Page, nginx: Nginx, tmp_path: Path) -> None:
        wanted = nginx.add("journey/The General (1926).mkv", 2 * MIB, seed=11)
        page.goto("/")
        page.get_by_role("link", name="Queue", exact=True).first.click()
        page.get_by_role("button", name="Add links").first.click()
        page.get_by_label("Links, one per line").fill(nginx.url("journey/The%20General%20(1926).mkv", "slow"))
        page.get_by_text("For a single link").click()
        page.get_by_label("Checksum").fill(f"sha256:{wanted.sha256}")
        page.get_by_role("button", name="Add", exact=True).click()

        row = page.locator(".task", has_text="The General (1926).mkv")
        expect(row).to_have_attribute("data-state", "downloading", timeout=LIVE)
        bar = row.get_by_role("progressbar")
        page.wait_for_function("bar => bar.value > 0 && bar.value < 100", arg=bar.element_handle(), timeout=LIVE)
        expect(row.locator("[data-part=speed]")).to_have_text(re.compile("/s$"), timeout=LIVE)
        expect(page.locator('[data-count="downloading"]')).to_have_text("1")
        expect(page.locator("#graph-speed")).not_to_have_text("0 B/s", timeout=LIVE)
        expect(row).to_have_attribute("data-state", "completed", timeout=30_000)
        expect(page.locator('[data-count="completed"]')).to_have_text("1", timeout=LIVE)

        row.get_by_role("link", name="The General (1926).mkv").click()
        drawer = page.get_by_role("dialog", name="The General (1926).mkv")
        expect(drawer.get_by_text("matches")).to_be_visible()
        assert sha256(tmp_path / "downloads" / "The General (1926).mkv") == wanted.sha256

    def test_that_fails_says_why_and_can_be_tried_at_once(self, page: Page, nginx: Nginx) -> None:
        page.goto("/queue?add")
        page.get_by_label("Links, one per line").fill(nginx.url("journey/later.mkv"))
        page.get_by_role("button", name="Add", exact=True).click()
        row = page.locator(".task", has_text="later.mkv")
        expect(row).to_have_attribute("data-state", "waiting", timeout=LIVE)
        expect(row.locator(".error")).to_contain_text("404")
        nginx.add("journey/later.mkv", 1000)
        row.get_by_role("button", name="Retry").click()
        expect(row).to_have_attribute("data-state", "completed", timeout=LIVE)


class TestALostConnection:
    def test_is_shown_and_caught_up_without_reload(
        self, browser: Any, server_process: Callable[..., ServerProcess], nginx: Nginx
    ) -> None:
        nginx.add("journey/early.mkv", 1000)
        nginx.add("journey/meanwhile.mkv", 1000)
        process = server_process()
        context = browser.new_context(base_url=process.base_url, **DESKTOP)
        try:
            page = context.new_page()
            page.goto("/queue")
            page.evaluate("window.isSamePage = true")
            expect(page.get_by_text("Nothing here yet")).to_be_visible()
            process.kill()
            expect(page.get_by_text("Connection lost")).to_be_visible(timeout=LIVE)
            process.start()
            # While the page waits for its next try, something happens elsewhere.
            links = [nginx.url("journey/early.mkv"), nginx.url("journey/meanwhile.mkv")]
            answer = context.request.post("/api/downloads/bulk", data={"urls": links})
            assert answer.ok
            expect(page.get_by_text("Connection lost")).to_be_hidden(timeout=30_000)
            expect(page.locator(".task", has_text="meanwhile.mkv")).to_have_attribute(
                "data-state", "completed", timeout=LIVE
            )
            assert page.evaluate("window.isSamePage")
        finally:
            context.close()
