"""The shelf in a browser: finding discs, one disc, many discs, boxes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select

from kinoshelf.discs.models import Disc
from tests.e2e.test_accessible import found
from tests.factories.discs import add_disc, make_discs
from tests.running import Server, wait
from tests.simulators.browser import DESKTOP, PHONE
from tests.simulators.tmdb import TMDBSimulator

pytestmark = pytest.mark.databases("sqlite")

PutDisc = Callable[..., int]
GENRES = ("Horror", "Drama", "Comedy, Drama")


@pytest.fixture
def put_disc(still: Server) -> PutDisc:
    """Put a disc on the shelf: `put_disc(name="Alien")` returns its id."""

    def put_one(**fields: Any) -> int:
        with still.hub.database.write() as session:
            return add_disc(session, **fields).id

    return put_one


def read(still: Server, disc_id: int) -> Disc:
    with still.hub.database.read() as session:
        disc = session.get_one(Disc, disc_id)
        session.expunge(disc)
        return disc


def names(page: Page) -> list[str]:
    return page.locator("#list .disc-name").all_text_contents()


def fill_shelf(still: Server, number: int) -> None:
    with still.hub.database.write() as session:
        make_discs(
            session,
            (
                {"name": f"Film {index:04}", "genres": GENRES[index % 3], "release_year": 1950 + index % 70}
                for index in range(number)
            ),
        )


@pytest.fixture
def refused(browser: Any, still: Server) -> Iterator[Page]:
    """A page on which a request may be refused; the browser's console calls that an error."""
    context = browser.new_context(base_url=still.base_url, **DESKTOP)
    yield context.new_page()
    context.close()


class TestCollection:
    def test_filters_change_the_page_in_place_and_the_address_says_them(self, desk: Page, put_disc: PutDisc) -> None:
        put_disc(name="Alien", genres="Horror", is_unwatched=True)
        put_disc(name="The Thing", genres="Horror")
        put_disc(name="Heat", genres="Crime")
        desk.goto("/collection?order=name")
        desk.evaluate("window.isTheSame = true")
        horror = desk.locator("#at-genre-Horror")
        horror.focus()
        desk.keyboard.press("Enter")
        expect(desk.locator("#summary")).to_have_text("2 of 3 discs")
        expect(horror).to_be_focused()
        desk.locator("#at-is_unwatched-not").click()
        expect(desk.locator("#list .disc-name")).to_have_text(["The Thing"])
        assert "genre=Horror" in desk.url
        assert "is_unwatched=false" in desk.url
        desk.go_back()
        expect(desk.locator("#list .disc-name")).to_have_text(["Alien", "The Thing"])
        desk.get_by_label("Search the shelf").fill("thing")
        expect(desk.locator("#list .disc-name")).to_have_text(["The Thing"])
        expect(desk.get_by_label("Search the shelf")).to_be_focused()
        desk.get_by_role("link", name="Clear all").click()
        expect(desk.locator("#summary")).to_have_text("3 discs")
        assert desk.evaluate("window.isTheSame") is True

    def test_the_list_grows_while_one_scrolls_and_forgets_what_is_far_away(self, desk: Page, still: Server) -> None:
        number = 1500
        fill_shelf(still, number)
        desk.goto("/collection?order=name")
        cards, most = desk.locator("#list .disc"), 0
        expect(cards.first).to_be_visible()
        while not desk.locator("#more").is_hidden():
            desk.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
            most = max(most, cards.count())
            desk.evaluate("new Promise(requestAnimationFrame)")
        expect(desk.get_by_text(f"Film {number - 1:04}").last).to_be_attached()
        expect(desk.locator(".chunk[data-emptied]").first).to_be_attached()
        wait(lambda: cards.count() < 900, "far chunks are emptied")
        assert len(set(names(desk))) == len(names(desk))
        desk.evaluate("scrollTo(0, 0)")
        expect(desk.locator("#list .disc-name").first).to_have_text("Film 0000")

    def test_the_table_remembers_its_columns_and_sorts(self, desk: Page, put_disc: PutDisc) -> None:
        put_disc(name="Alien", runtime=117, release_year=1979)
        put_disc(name="Heat", runtime=170, release_year=1995)
        desk.goto("/collection")
        desk.get_by_role("link", name="Table").click()
        desk.get_by_role("button", name="Columns").click()
        dialog = desk.get_by_role("dialog", name="Columns")
        dialog.get_by_label("Genres").uncheck()
        dialog.get_by_label("Minutes").check()
        dialog.get_by_role("button", name="Show").click()
        expect(desk.get_by_role("columnheader", name="Minutes")).to_be_visible()
        expect(desk.get_by_role("columnheader", name="Genres")).to_have_count(0)
        desk.get_by_role("link", name="Minutes").click()
        expect(desk.locator("#list tbody th").first).to_have_text("Heat")
        expect(desk.get_by_role("columnheader", name="Minutes")).to_have_attribute("aria-sort", "descending")
        desk.goto("/collection")
        expect(desk.get_by_role("columnheader", name="Minutes")).to_be_visible()

    def test_views_are_saved_opened_and_deleted(self, desk: Page, put_disc: PutDisc) -> None:
        put_disc(name="Alien", genres="Horror")
        put_disc(name="Heat")
        desk.goto("/collection?genre=Horror")
        desk.get_by_role("button", name="Saved views").click()
        desk.get_by_label("Keep what is shown now as").fill("Scary")
        desk.get_by_role("button", name="Save", exact=True).click()
        expect(desk.get_by_role("link", name="Scary")).to_be_visible()
        desk.goto("/collection")
        desk.get_by_role("button", name="Saved views").click()
        desk.get_by_role("link", name="Scary").click()
        expect(desk.locator("#list .disc-name")).to_have_text(["Alien"])
        desk.get_by_role("button", name="Saved views").click()
        desk.get_by_role("button", name="Delete the view Scary").click()
        expect(desk.get_by_text("None yet.")).to_be_visible()

    def test_is_walked_with_keys(self, desk: Page, put_disc: PutDisc) -> None:
        for name in ("a", "b", "c"):
            put_disc(name=name)
        desk.goto("/collection?order=name")
        expect(desk.locator("html[data-ready]")).to_be_attached()
        desk.keyboard.press("j")
        desk.keyboard.press("ArrowRight")
        desk.keyboard.press("Enter")
        expect(desk.get_by_role("heading", name="b", level=1)).to_be_visible()
        desk.get_by_role("link", name="Collection").last.click()
        expect(desk.locator("#list .disc-name")).to_have_count(3)
        desk.keyboard.press("/")
        expect(desk.get_by_label("Search the shelf")).to_be_focused()

    def test_on_a_phone_the_filters_wait_behind_a_button(self, phone: Page, put_disc: PutDisc) -> None:
        put_disc(name="Alien", genres="Horror")
        put_disc(name="Heat", genres="Crime")
        phone.goto("/collection")
        expect(phone.locator("#at-genre-Horror")).to_be_hidden()
        phone.get_by_role("button", name="Filters").click()
        phone.locator("#at-genre-Horror").click()
        expect(phone.locator("#list .disc-name")).to_have_text(["Alien"])
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestDisc:
    def test_the_form_says_what_is_wrong_and_locks_what_is_written(
        self, refused: Page, still: Server, put_disc: PutDisc
    ) -> None:
        put_disc(name="Heat", status="unboxed", location="7")
        number = put_disc(name="Alien", director="Somebody")
        refused.goto(f"/dvd/{number}/")
        refused.get_by_role("link", name="Edit").click()
        refused.get_by_label("Status", exact=True).select_option("unboxed")
        refused.get_by_label("Location", exact=True).fill("7")
        refused.get_by_label("Director", exact=True).fill("Ridley Scott")
        refused.get_by_role("button", name="Save", exact=True).click()
        expect(refused.locator("#location-problem")).to_contain_text("Heat")
        refused.get_by_label("Location", exact=True).fill("8")
        refused.get_by_role("button", name="Save", exact=True).click()
        expect(refused.get_by_text("Saved")).to_be_visible()
        disc = read(still, number)
        assert (disc.location, disc.director, disc.edited_fields) == ("8", "Ridley Scott", ["director"])
        refused.goto(f"/dvd/{number}/edit/")
        refused.get_by_role("button", name="Unlock Director").click()
        expect(refused.get_by_role("button", name="Unlock Director")).to_be_hidden()
        assert read(still, number).edited_fields == []

    def test_another_poster_is_handed_in(self, desk: Page, still: Server, put_disc: PutDisc) -> None:
        number = put_disc(name="Alien")
        picture = io.BytesIO()
        Image.new("RGB", (200, 300), "teal").save(picture, "PNG")
        desk.goto(f"/dvd/{number}/")
        desk.get_by_role("button", name="Change poster").click()
        chosen = {"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()}
        desk.get_by_label("A picture of your own").set_input_files([chosen])
        desk.get_by_role("button", name="Upload").click()
        expect(desk.get_by_text("The poster is changed")).to_be_visible()
        shown = desk.locator(".disc-poster img")
        expect(shown).to_have_js_property("complete", value=True)
        assert shown.evaluate("image => image.naturalWidth") > 0
        assert read(still, number).poster_id is not None

    def test_a_wrong_match_is_put_right_at_tmdb(
        self, tmdb: TMDBSimulator, desk: Page, still: Server, put_disc: PutDisc
    ) -> None:
        number = put_disc(name="Matrix", overview="something else")
        desk.goto(f"/dvd/{number}/")
        desk.get_by_role("button", name="Find the film").click()
        dialog = desk.get_by_role("dialog", name="Which film is it?")
        dialog.get_by_role("button", name=re.compile(r"^The Matrix \(1999\)")).click()
        expect(desk.get_by_text("The film is The Matrix (1999) now")).to_be_visible()
        expect(desk.get_by_role("heading", level=1)).to_have_text("The Matrix 1999")
        assert read(still, number).tmdb_id == 603
        desk.get_by_role("button", name="Change poster").click()
        desk.locator("#posters button").first.click()
        expect(desk.get_by_text("The poster is changed")).to_be_visible()
        tmdb.recover()

    def test_is_lent_and_comes_back(self, desk: Page, put_disc: PutDisc) -> None:
        number = put_disc(name="Alien")
        desk.goto(f"/dvd/{number}/")
        desk.get_by_role("button", name="Lend").click()
        desk.get_by_label("To whom").fill("Ripley")
        desk.get_by_role("dialog").get_by_role("button", name="Lend").click()
        expect(desk.get_by_text("Ripley has it since")).to_be_visible()
        desk.get_by_role("button", name="It is back").click()
        expect(desk.get_by_text("Welcome back")).to_be_visible()
        expect(desk.get_by_text("Ripley has it since")).to_have_count(0)

    def test_is_copied_and_deleted_after_a_question(self, desk: Page, still: Server, put_disc: PutDisc) -> None:
        number = put_disc(name="Alien", release_year=1979)
        desk.goto(f"/dvd/{number}/")
        desk.get_by_role("button", name="Add a copy").click()
        expect(desk.get_by_label("Copy number", exact=True)).to_have_value("2")
        desk.goto(f"/dvd/{number}/")
        expect(desk.get_by_role("link", name="Copy 2")).to_be_visible()
        desk.get_by_role("button", name="Delete").click()
        desk.get_by_role("dialog").get_by_role("button", name="Keep").click()
        desk.get_by_role("button", name="Delete").click()
        desk.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(desk.get_by_text("Alien is deleted")).to_be_visible()
        with still.hub.database.read() as session:
            assert number not in session.scalars(select(Disc.id)).all()


class TestBulkEdit:
    def test_cells_are_changed_with_keys_alone(self, desk: Page, still: Server, put_disc: PutDisc) -> None:
        ids = [put_disc(name=name) for name in ("a", "b", "c")]
        desk.goto("/bulk-edit")
        expect(desk.locator("html[data-ready]")).to_be_attached()
        desk.locator("#bulk-table [tabindex='0']").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
            desk.keyboard.press(key)
        desk.keyboard.type("Attic")
        desk.keyboard.press("Enter")
        row = desk.locator("#bulk-table tbody tr").nth(1)
        expect(row.locator(".result")).to_have_text("Saved")
        expect(row.locator("[data-field=storage_box]")).to_have_text("Attic")
        assert [read(still, one).storage_box for one in ids] == ["", "Attic", ""]
        desk.keyboard.press("End")
        desk.keyboard.press("Enter")
        expect(desk.locator("#bulk-table tbody tr").nth(2).locator(".result")).to_have_text("Saved")
        assert read(still, ids[2]).is_downloaded
        desk.keyboard.press("Home")
        desk.keyboard.press("ArrowRight")
        desk.keyboard.press("Enter")
        desk.keyboard.press("Escape")
        expect(desk.locator("#bulk-table tbody tr").nth(2).locator("[data-field=status]")).to_have_text("Kept")

    def test_what_is_selected_is_changed_at_once(self, desk: Page, still: Server, put_disc: PutDisc) -> None:
        ids = [put_disc(name=name) for name in ("a", "b", "c", "d")]
        desk.goto("/bulk-edit")
        desk.locator("#bulk-table [tabindex='0']").focus()
        desk.keyboard.press("Space")
        desk.keyboard.press("Shift+ArrowDown")
        desk.keyboard.press("Shift+ArrowDown")
        expect(desk.get_by_text("3 discs selected")).to_be_visible()
        desk.get_by_label("Field").select_option("status")
        desk.get_by_label("Status", exact=True).select_option("unboxed")
        desk.get_by_role("button", name="Apply").click()
        expect(desk.locator(".result").first).to_have_text("Saved")
        expect(desk.locator("[data-field=location]")).to_have_text(["1", "2", "3", ""])
        assert [read(still, one).status for one in ids] == ["unboxed", "unboxed", "unboxed", "kept"]

    def test_what_cannot_be_is_said_in_its_row(self, refused: Page, put_disc: PutDisc) -> None:
        put_disc(name="a", status="unboxed", location="1")
        put_disc(name="b", status="unboxed", location="2")
        refused.goto("/bulk-edit")
        refused.locator("[data-field=location]").nth(1).click()
        refused.keyboard.type("1")
        refused.keyboard.press("Control+A")
        refused.keyboard.type("1")
        refused.keyboard.press("Enter")
        expect(refused.locator(".result").nth(1)).to_contain_text("Location 1 holds")
        expect(refused.locator("[data-field=location]").nth(1)).to_have_text("2")

    def test_selected_discs_are_deleted_after_a_question(self, desk: Page, put_disc: PutDisc) -> None:
        for name in ("a", "b", "c"):
            put_disc(name=name)
        desk.goto("/bulk-edit")
        desk.locator("#bulk-table .pick-cell input").nth(1).click()
        desk.locator("#bulk-table .pick-cell input").nth(2).click(modifiers=["Shift"])
        desk.locator("#apply-delete").click()
        desk.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(desk.get_by_text("2 discs deleted")).to_be_visible()
        expect(desk.locator("#bulk-table tbody th a")).to_have_text(["c"])


class TestBoxes:
    def test_a_box_is_renamed_and_emptied(self, desk: Page, still: Server, put_disc: PutDisc) -> None:
        number = put_disc(name="Alien", storage_box="Box / 1")
        desk.goto("/storage-boxes")
        desk.get_by_role("link", name="Box / 1").click()
        desk.get_by_role("button", name="Rename or move").click()
        desk.get_by_label("New name").fill("Attic & more")
        desk.get_by_role("button", name="Save", exact=True).click()
        expect(desk.get_by_role("heading", name="Attic & more")).to_be_visible()
        assert read(still, number).storage_box == "Attic & more"
        desk.get_by_role("button", name="Empty the box").click()
        desk.get_by_role("dialog").get_by_role("button", name="Empty the box").click()
        expect(desk.get_by_text("No boxes yet")).to_be_visible()
        assert read(still, number).storage_box == ""

    def test_labels_print_without_the_frame_of_the_page(self, desk: Page, put_disc: PutDisc) -> None:
        put_disc(storage_box="Attic")
        desk.goto("/storage-boxes/labels")
        desk.emulate_media(media="print")
        expect(desk.locator(".top")).to_be_hidden()
        expect(desk.get_by_role("button", name="Print")).to_be_hidden()
        box = desk.locator(".sheet").bounding_box()
        assert box is not None
        assert round(box["width"] * 25.4 / 96) == 210


@pytest.mark.parametrize(("device", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_pages_keep_the_rules(
    browser: Any, still: Server, put_disc: PutDisc, device: dict[str, Any], scheme: str
) -> None:
    number = put_disc(
        name="Alien", storage_box="Attic", box_set_name="Quadrilogy", genres="Horror", tmdb_id=348, tags="cat", budget=1
    )
    put_disc(name="Aliens", status="unboxed", disk_type="UHD", is_unwatched=True, is_tartan_dvd=True, tmdb_id=348)
    put_disc(name="Heat", status="disposed", is_unopened=True, is_downloaded=True, media_type="rip")
    context = browser.new_context(base_url=still.base_url, color_scheme=scheme, **device)
    try:
        page: Page = context.new_page()
        problems = {}
        for name, path, ready in (
            ("grid", "/collection", lambda: None),
            ("filtered", "/collection?genre=Horror&is_unwatched=false", lambda: None),
            ("filters", "/collection", lambda: page.evaluate("document.querySelector('#filters-open').click()")),
            ("table", "/collection?look=table", lambda: None),
            ("columns", "/collection?look=table", lambda: page.get_by_role("button", name="Columns").click()),
            ("views", "/collection", lambda: page.get_by_role("button", name="Saved views").click()),
            ("nothing", "/collection?search=nothing", lambda: None),
            ("disc", f"/dvd/{number}/", lambda: None),
            ("poster", f"/dvd/{number}/", lambda: page.get_by_role("button", name="Change poster").click()),
            ("lend", f"/dvd/{number}/", lambda: page.get_by_role("button", name="Lend").click()),
            ("delete", f"/dvd/{number}/", lambda: page.get_by_role("button", name="Delete").click()),
            ("edit", f"/dvd/{number}/edit/", lambda: None),
            ("bulk", "/bulk-edit", lambda: page.locator("#bulk-table .pick-cell input").nth(1).click()),
            ("cell", "/bulk-edit", page.locator("[data-field=storage_box]").first.click),
            ("sets", "/box-sets", lambda: None),
            ("set", "/box-sets?name=Quadrilogy", lambda: None),
            ("boxes", "/storage-boxes", lambda: None),
            ("box", "/storage-boxes?name=Attic", lambda: page.get_by_role("button", name="Rename or move").click()),
            ("labels", "/storage-boxes/labels", lambda: None),
        ):
            page.goto(path)
            page.locator("html[data-ready]").wait_for()
            ready()
            problems[name] = found(page)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                problems[name].append("wider than the screen")
        assert {name: said for name, said in problems.items() if said} == {}
    finally:
        context.close()
