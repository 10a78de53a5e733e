"""Every page by the rules of axe, in both themes, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from kinoshelf.core.access.passwords import set_password
from tests.e2e.conftest import MIB, Put
from tests.factories.downloads import add_batch
from tests.running import Server
from tests.simulators.browser import DESKTOP, PHONE

pytestmark = pytest.mark.databases("sqlite")

STATES = ("downloading", "queued", "waiting", "paused", "completed", "failed", "cancelled")


@pytest.fixture
def busy(still: Server, put: Put, run: Callable[..., None]) -> str:
    """One download of every kind, and a batch; return the id of one that failed."""
    ids = {state: put(filename=f"{state}.mkv", state=state, error_message=f"why {state}") for state in STATES}
    run({ids["downloading"]: 10 * MIB})
    with still.hub.database.write() as session:
        add_batch(session, 2, name="Season 1")
    return ids["failed"]


@pytest.mark.parametrize(("device", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_pages_keep_the_rules(browser: Any, still: Server, busy: str, device: dict[str, Any], scheme: str) -> None:
    context = browser.new_context(base_url=still.base_url, color_scheme=scheme, **device)
    try:
        page: Page = context.new_page()
        problems = {}
        for name, path, ready in (
            ("start", "/", lambda: None),
            ("queue", "/queue", lambda: page.locator(".batch .expand").click()),
            ("menu", "/queue", lambda: page.get_by_role("button", name="More actions for all").click()),
            ("selection", "/queue", lambda: page.get_by_label("Select queued.mkv").click()),
            ("add", "/queue?add", lambda: page.get_by_text("For a single link").click()),
            ("drawer", f"/queue?task={busy}", lambda: page.locator("#drawer").wait_for()),
            ("help", "/queue", lambda: page.keyboard.press("?")),
            ("one", f"/queue/{busy}", lambda: None),
            ("settings", "/settings", lambda: page.get_by_role("button", name="Add a window").click()),
            ("setup", "/setup", lambda: None),
            ("error", "/nowhere", lambda: None),
        ):
            page.goto(path)
            page.locator("html[data-scripted]").wait_for()
            ready()
            problems[name] = found(page)
        set_password(still.hub.database, still.hub.clock, "Correct-horse-7")
        page.goto("/login")
        problems["login"] = found(page)
        assert {name: said for name, said in problems.items() if said} == {}
    finally:
        context.close()


def found(page: Page) -> list[str]:
    result = Axe().run(page)
    return [
        f"{problem['id']}: {', '.join(str(node['target']) for node in problem['nodes'][:3])}"
        for problem in result.response["violations"]
    ]
