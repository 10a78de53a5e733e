"""What is written about the hub is true of the hub."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kinoshelf.cli.commands import GROUPS, SINGLE
from kinoshelf.core.access.passwords import PASSWORD_VARIABLE
from kinoshelf.core.settings import leaves
from tests.docs import licences
from tests.docs.pages import PAGES, ROOT, UNKNOWN, documented_errors, documented_facts, own_docstring

BRING_UP_TO_DATE = "run: .venv/bin/python -m tests.docs.pages"
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_generated_pages_are_current(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), BRING_UP_TO_DATE


class TestSettings:
    def test_each_has_a_description_of_its_own(self) -> None:
        without = [leaf.key for leaf in leaves() if not (leaf.field.description or "").strip()]
        assert without == []


class TestFacts:
    def test_each_says_what_happened(self) -> None:
        without = [name for name, kind in documented_facts().items() if not own_docstring(kind)]
        assert without == []

    def test_each_is_named_after_its_publisher(self) -> None:
        for name, kind in documented_facts().items():
            assert name.partition(".")[0] in re.split(r"[._]", kind.__module__), (name, kind)


class TestErrors:
    def test_each_code_is_a_word_in_capitals(self) -> None:
        assert [kind for kind in documented_errors() if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind.code)] == []

    def test_only_defects_have_the_status_500(self) -> None:
        """A kind that is raised on purpose names a status that says who can do something about it."""
        found = {kind.__name__ for kind in documented_errors() if kind.status == 500}
        assert found <= {"KinoshelfError", "Unexpected", "PlainStatus", "BodyTooLarge", "DatabaseFailed", "RetryLater"}


class TestNamesInDocuments:
    """What a document tells a reader to type exists."""

    BOOTSTRAP = frozenset({"run", "test", "check", "fmt", "lock", "bench"})
    PLACEHOLDERS = frozenset({"KINOSHELF_", "KINOSHELF_X"})

    @pytest.fixture(params=DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
    def text(self, request: pytest.FixtureRequest) -> str:
        return request.param.read_text(encoding="utf-8")

    def test_variables(self, text: str) -> None:
        variables = {PASSWORD_VARIABLE, *(name for leaf in leaves() for name in leaf.variables)}
        known = {name + end for name in variables for end in ("", "_FILE")} | self.PLACEHOLDERS
        assert {name for name in re.findall(r"KINOSHELF_[A-Z_]*", text) if name not in known} == set()

    def test_settings(self, text: str) -> None:
        known = {leaf.key for leaf in leaves()}
        sections = "|".join({key.partition(".")[0] for key in known if "." in key})
        assert {
            key
            for key in re.findall(rf"`((?:{sections})\.[a-z_]+)`", text)
            if key not in known | set(documented_facts())
        } == set()

    def test_commands(self, text: str) -> None:
        for first, second in re.findall(r"(?:`|/|^|bin/)kinoshelf ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE):
            assert first in SINGLE or first in GROUPS or first in self.BOOTSTRAP, first
            assert first not in GROUPS or not second or second in GROUPS[first][1], (first, second)


class TestMap:
    def test_every_folder_is_described(self) -> None:
        assert UNKNOWN not in PAGES["docs/map.md"]()


class TestLicences:
    def test_every_dependency_stands_in_the_table_with_the_licence_it_states(self) -> None:
        rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", licences.PAGE.read_text(encoding="utf-8"), re.MULTILINE))
        table = {name: licence for licence, names in rows.items() for name in names.split(", ")}
        found = {**licences.installed(), **licences.browser_libraries()}
        assert {name: table.get(name) for name in found} == found, "run: .venv/bin/python -m tests.docs.pages"

    def test_none_of_them_binds_the_users_of_the_hub(self) -> None:
        found = {**licences.installed(), **licences.browser_libraries()}
        refused = {
            name
            for name, licence in found.items()
            if re.search(r"(?<!L)GPL|unknown|proprietary", licence, re.IGNORECASE)
        }
        assert refused == set()


class TestDecisions:
    PAGES = sorted((ROOT / "docs/decisions").glob("*.md"))

    def test_are_numbered_without_a_gap(self) -> None:
        assert [int(path.name[:4]) for path in self.PAGES] == list(range(1, len(self.PAGES) + 1))

    @pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
    def test_have_five_headings_on_one_screen_and_end_with_the_check(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Question", "Answer", "Reasons", "Consequences", "Check"]
        assert len(text.splitlines()) <= 55


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
