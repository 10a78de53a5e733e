"""Static files: addresses that change with the content, types browsers accept, nothing from outside the folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kinoshelf.web.static import STATIC_FOLDER, StaticTree
from tests.web.conftest import Visit

pytestmark = pytest.mark.databases("sqlite")


class TestAddress:
    def test_changes_with_any_content(self, tmp_path: Path) -> None:
        (tmp_path / "a.js").write_text("1")
        first = StaticTree(tmp_path).address("a.js")
        assert StaticTree(tmp_path).address("a.js") == first
        (tmp_path / "b.css").write_text("2")
        assert StaticTree(tmp_path).address("a.js") != first

    async def test_of_now_is_kept_for_ever_and_others_are_asked_about(self, visit: Visit) -> None:
        browser = visit()
        address = StaticTree().address("js/queue.js")
        now = await browser.get(address)
        assert now.status_code == 200
        assert now.headers["cache-control"] == "public, max-age=31536000, immutable"
        for path in ("/static/js/queue.js", re.sub("~[0-9a-f]+", "~0000", address)):
            other = await browser.get(path)
            assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
            again = await browser.get(path, headers={"If-None-Match": other.headers["etag"]})
            assert again.status_code == 304

    async def test_is_open_to_everyone(self, visit: Visit) -> None:
        assert (await visit("10.0.0.5").get("/static/css/base.css")).status_code == 200


class TestTypes:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("js/queue.js", "text/javascript; charset=utf-8"),
            ("css/base.css", "text/css; charset=utf-8"),
            ("brand.svg", "image/svg+xml"),
            ("vendor/icons.svg", "image/svg+xml"),
        ],
    )
    async def test_are_those_a_browser_wants(self, visit: Visit, path: str, kind: str) -> None:
        assert (await visit().get(f"/static/{path}")).headers["content-type"] == kind


class TestElsewhere:
    @pytest.mark.parametrize(
        "path",
        ["../pages.py", "%2e%2e/pages.py", "js/../../pages.py", "~x/../../pages.py", "~x/", "js", "no.js"],
    )
    async def test_is_nothing(self, visit: Visit, path: str) -> None:
        assert (await visit().get(f"/static/{path}")).status_code == 404


def test_modules_name_each_other_relatively() -> None:
    """An absolute name would lose the version that stands in the path."""
    for module in (STATIC_FOLDER / "js").glob("*.js"):
        for name in re.findall(r'(?:from|import) "([^"]+)"', module.read_text(encoding="utf-8")):
            assert name.startswith("./") or name == "../vendor/sortable.min.js", (module.name, name)
            assert (module.parent / name).exists(), (module.name, name)


def test_a_module_is_loaded_with_all_it_imports() -> None:
    tree = StaticTree()
    first, *others = tree.module("js/queue.js")
    assert first == tree.address("js/queue.js")
    assert {tree.address(f"js/{name}.js") for name in ("list", "rows", "format", "texts", "api")} <= set(others)
    assert len(set(others)) == len(others)
