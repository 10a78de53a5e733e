"""Catalogues: complete, up to date, and with the same placeholders as their source."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kinoshelf.web.languages import choose, codes, collect, language, read_catalogue
from tests.web.conftest import Visit

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
TRANSLATED = codes()[1:]


def texts(message: Any) -> list[str]:
    return [message] if isinstance(message, str) else list(message)


@pytest.mark.parametrize("code", TRANSLATED)
class TestCatalogue:
    def test_has_every_text_and_no_other(self, code: str) -> None:
        """Run `python -m kinoshelf.web.languages` after changing texts."""
        wanted = {str(message.id) for message in collect() if message.id}
        assert {str(message.id) for message in read_catalogue(code) if message.id} == wanted

    def test_translates_every_text(self, code: str) -> None:
        lacking = [message.id for message in read_catalogue(code) if message.id and not all(texts(message.string))]
        assert lacking == []

    def test_keeps_the_placeholders(self, code: str) -> None:
        for message in read_catalogue(code):
            if message.id:
                known = set(PLACEHOLDER.findall(texts(message.id)[-1]))
                for text in texts(message.string):
                    assert set(PLACEHOLDER.findall(text)) <= known, message.id

    def test_gives_scripts_their_texts_with_the_forms_of_plurals(self, code: str) -> None:
        said = language(code).for_scripts
        assert isinstance(said["Copied"], str)
        assert set(said["{n} selected"]) >= {"one", "other"}
        assert "Groups of settings" not in said


class TestChoice:
    @pytest.mark.parametrize(
        ("wish", "accepted", "code"),
        [
            ("", "", "en"),
            ("", "de-DE,de;q=0.9,en;q=0.8", "de"),
            ("", "fr-FR, de;q=0.5", "de"),
            ("", "en-GB,de;q=0.9", "en"),
            ("", "fr, ja", "en"),
            ("", "de;q=0, en", "en"),
            ("en", "de", "en"),
            ("de", "en", "de"),
            ("xx", "de", "de"),
            ("../de", "en", "en"),
            ("", "*;q=x,,;;q=1,de--,\x00," + "a" * 5000, "en"),
        ],
    )
    def test_is_the_wish_then_the_browsers(self, wish: str, accepted: str, code: str) -> None:
        assert choose(wish, accepted).code == code

    async def test_shows_in_the_page(self, visit: Visit) -> None:
        page = await visit(headers={"Accept-Language": "de"}).get("/queue")
        assert '<html lang="de"' in page.text
        assert "Warteschlange" in page.text
        cookies = {"kinoshelf_language": "en", "kinoshelf_theme": "dark"}
        page = await visit(headers={"Accept-Language": "de"}, cookies=cookies).get("/queue")
        assert '<html lang="en"' in page.text
        assert 'data-theme="dark"' in page.text

    async def test_wrong_cookies_do_no_harm(self, visit: Visit) -> None:
        page = await visit(headers={"Cookie": 'kinoshelf_theme="><script>; kinoshelf_language=%00'}).get("/queue")
        assert page.status_code == 200
        assert "data-theme" not in page.text
