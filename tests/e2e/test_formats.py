"""The browser says sizes and times as the server does, or the first paint would flicker."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from kinoshelf.web import formats
from kinoshelf.web.languages import language, language_now

pytestmark = pytest.mark.databases("sqlite")

VALUES: dict[str, list[Any]] = {
    "size": [0, 1, 999, 1000, 1024, 1536, 10_239, 10_240, 102_400, 1_048_575, 1.15 * 1024**3, 5 * 1024**5, None],
    "duration": [0, 0.4, 59.4, 59.6, 60, 3599.4, 3600, 86_399, 90_000, 8_640_001, None],
    "percent": [0, 0.04, 0.1, 45.55, 99.99, 100],
}


@pytest.mark.parametrize("code", ["en", "de"])
def test_both_say_the_same(browser: Any, still: Any, code: str) -> None:
    context = browser.new_context(base_url=still.base_url, locale=code)
    token = language_now.set(language(code))
    try:
        page: Page = context.new_page()
        page.goto("/queue")
        for name, values in VALUES.items():
            script = f"values => import('/static/js/format.js').then(format => values.map(format.{name}))"
            assert page.evaluate(script, values) == [getattr(formats, name)(value) for value in values], name
    finally:
        language_now.reset(token)
        context.close()
