"""Chromium driven by Playwright. A page that logs an error to its console fails the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.services import browser_environment

# Enough for a machine that does four other things.
PATIENCE_MILLISECONDS = 25_000
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@contextmanager
def open_browser(program: Path) -> Iterator[Browser]:
    """Start the browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            env={**os.environ, **browser_environment(program)},
            # Chromium's sandbox cannot be set up by root or in most containers; it only meets our own pages here.
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, base_url: str, **options: Any) -> Iterator[Page]:
    """Open a page in a context of its own; errors on its console fail when it is closed."""
    context: BrowserContext = browser.new_context(base_url=base_url, **options)
    problems: list[str] = []
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
    finally:
        context.close()
    assert not problems, f"the page complained: {problems}"
