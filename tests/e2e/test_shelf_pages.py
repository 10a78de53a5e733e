"""Journeys around the collection in a browser: adding, a pasted list, a file and back, a loan; and axe on every page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kinoshelf.discs import loans
from kinoshelf.discs.csv_import.imports import ImportDiscs
from kinoshelf.titles.likeness import Match, Wanted
from kinoshelf.titles.review import add_review
from tests.e2e.test_accessible import found
from tests.factories.discs import MADE_AT, add_disc, add_wish_row
from tests.running import Server
from tests.simulators.browser import DESKTOP, PHONE
from tests.simulators.tmdb import TMDBSimulator

pytestmark = pytest.mark.databases("sqlite")

LIVE = 20_000
CODE = "7321900065801"
# What makes a page wider than its window; what scrolls inside a frame of its own does not.
BESIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return "";
  const all = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
  return `${scrollWidth} > ${clientWidth}: ${all.slice(0, 5).map((one) => one.outerHTML.slice(0, 80)).join(" ")}`;
}"""


class TestAdding:
    def test_by_title_ends_on_the_page_of_the_disc(self, tmdb: TMDBSimulator, page: Page) -> None:
        page.goto("/add")
        page.get_by_label("Title").press_sequentially("the matrix", delay=20)
        hit = page.get_by_role("link", name=re.compile("^The Matrix 1999"))
        expect(hit).to_be_visible(timeout=LIVE)
        page.get_by_label("Title").press("ArrowDown")
        expect(hit).to_be_focused()
        hit.press("Enter")
        page.get_by_label("Storage box").fill("Box 9")
        page.get_by_label("Format").select_option("UHD")
        page.get_by_role("button", name="Add to the shelf").click()
        expect(page.get_by_role("heading", name=re.compile("The Matrix"))).to_be_visible(timeout=LIVE)
        expect(page.get_by_role("link", name="Box 9")).to_be_visible()
        expect(page.get_by_text("4K UHD").first).to_be_visible()

    def test_by_hand_marks_what_is_wrong(self, browser: Any, server: Server) -> None:
        # The browser itself complains of the refusal: a page that counts complaints is no use here.
        context = browser.new_context(base_url=server.base_url, **PHONE)
        try:
            page: Page = context.new_page()
            page.goto("/add/by-hand?name=Home%20video")
            page.get_by_label("Price").fill("much")
            page.get_by_role("button", name="Add to the shelf").click()
            expect(page.get_by_label("Price")).to_be_focused(timeout=LIVE)
            page.get_by_label("Price").fill("3.50")
            page.get_by_role("button", name="Add, then another").click()
            expect(page.get_by_text("Home video is on the shelf")).to_be_visible(timeout=LIVE)
        finally:
            context.close()

    def test_a_scanner_types_and_the_camera_says_why_not(self, server: Server, page: Page) -> None:
        with server.hub.database.write() as session:
            add_disc(session, name="Alien", barcode=CODE)
        page.goto("/add/barcode")
        expect(page.locator("#camera-said")).to_have_text(re.compile("(Type the digits|Hold the barcode)"))
        page.locator("html[data-ready]").wait_for()
        page.keyboard.type(CODE)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Add another copy").click()
        expect(page.get_by_label("Barcode")).to_have_value(CODE)


class TestLists:
    def test_a_pasted_one_is_reviewed_added_and_taken_back(self, tmdb: TMDBSimulator, page: Page) -> None:
        page.goto("/add/list")
        page.get_by_label("Titles, one a line").fill("The Matrix (1999)\nNobody knows this one")
        page.get_by_role("button", name="Look them up").click()
        other = page.locator('[data-line="1"]').get_by_role("button", name="Other film")
        other.click(timeout=LIVE)
        page.locator("#films-found").get_by_role("button", name=re.compile("The Matrix Reloaded")).click(timeout=LIVE)
        expect(page.locator('[data-line="1"] .meant')).to_contain_text("The Matrix Reloaded", timeout=LIVE)
        page.get_by_role("button", name="Leave line 2 out").click()
        page.get_by_role("button", name="Add 1 disc").click(timeout=LIVE)
        page.get_by_role("button", name="Take it back").click(timeout=LIVE)
        page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
        expect(page.get_by_role("heading", name="Taken back")).to_be_visible(timeout=LIVE)

    def test_a_file_is_previewed_run_and_taken_back(self, server: Server, phone_page: Page, tmp_path: Path) -> None:
        page, file = phone_page, tmp_path / "mine.csv"
        file.write_text("Name;Year\nAlien;1979\nHeat;1995\n;1999\n", encoding="utf-8")
        page.goto("/import")
        page.locator("html[data-ready]").wait_for()
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Show what would happen").click()
        page.get_by_role("button", name="Import 2 discs").click(timeout=LIVE)
        expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=LIVE)
        expect(page.get_by_text("there is no name")).to_be_attached()
        page.get_by_role("button", name="Take it back").click()
        page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
        expect(page.get_by_role("heading", name="Taken back")).to_be_visible(timeout=LIVE)
        page.goto("/collection")
        expect(page.get_by_text("The shelf is empty")).to_be_visible()


class TestLoans:
    def test_a_disc_goes_out_and_comes_back(self, server: Server, page: Page) -> None:
        with server.hub.database.write() as session:
            add_disc(session, name="Alien")
            add_disc(session, name="Aliens")
        page.goto("/loans")
        page.get_by_role("button", name="Lend a disc").click()
        page.get_by_label("Which disc").fill("aliens")
        expect(page.get_by_role("radio", name="Aliens")).to_be_checked(timeout=LIVE)
        page.get_by_label("To whom").fill("Ripley")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Aliens is back").click(timeout=LIVE)
        expect(page.get_by_role("heading", name="Every disc is at home")).to_be_visible(timeout=LIVE)


class TestUpkeep:
    def test_a_refresh_is_watched_to_its_end(self, tmdb: TMDBSimulator, server: Server, page: Page) -> None:
        with server.hub.database.write() as session:
            add_disc(session, name="The Matrix", tmdb_id=603)
        page.goto("/upkeep")
        page.get_by_role("button", name="Fill in").click()
        expect(page.get_by_role("heading", name="Last time")).to_be_visible(timeout=LIVE)
        expect(page.locator('[data-count="updated"]')).to_have_text("1")

    def test_a_key_is_tested_before_it_is_saved(self, server: Server, page: Page) -> None:
        page.goto("/settings")
        page.get_by_role("button", name="Test: TMDB key").click()
        expect(page.locator("[data-test-said]").first).to_contain_text("TMDB has no key yet", timeout=LIVE)


@pytest.mark.parametrize(("device", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_pages_keep_the_rules(
    browser: Any, tmdb: TMDBSimulator, still: Server, device: dict[str, Any], scheme: str
) -> None:
    hub = still.hub
    with hub.database.write() as session:
        for number in range(4):
            add_disc(session, name=f"Film {number}", release_year=1970 + number * 9, genres="Horror, Drama", rating=number + 5,
                     runtime=90 + number * 20, purchase_price=5, purchase_currency="EUR", director="Ada",
                     now=MADE_AT.replace(month=number + 1))  # fmt: skip
        owned = add_disc(session, name="The Matrix", tmdb_id=603, barcode=CODE)
        loans.lend(session, owned.id, "Ada", MADE_AT.date(), due_on=MADE_AT.date())
        add_wish_row(session, name="Stalker", disk_type="UHD", most_price=9)
        add_review(session, Wanted("film", "Solaris", 2001, subject="disc:1"), Match(()), MADE_AT)
    import_id = hub.container.get(ImportDiscs).start("films.csv", b"Name,Year\nFilm 1,1979\nNew,1999\n,2000\n")
    context = browser.new_context(base_url=still.base_url, color_scheme=scheme, **device)
    try:
        page: Page = context.new_page()
        problems = {}
        for path in (
            "/",
            "/add?q=matrix",
            "/add/tmdb/603",
            "/add/by-hand",
            f"/add/barcode?code={CODE}",
            "/add/list",
            "/bulk-mark-downloaded",
            "/import",
            f"/import/{import_id}",
            "/export",
            "/stats",
            "/wishes",
            "/loans",
            "/upkeep",
            "/reviews",
        ):
            page.goto(path)
            page.locator("html[data-scripted]").wait_for()
            problems[path] = found(page)
            if beside := page.evaluate(BESIDE):
                problems[path].append(f"wider than the window: {beside}")
        assert {path: said for path, said in problems.items() if said} == {}
    finally:
        context.close()
