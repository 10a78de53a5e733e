"""The queue page over downloads that stand still."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from kinoshelf.downloads.links import parse_link
from kinoshelf.downloads.models import Download
from tests.e2e.conftest import MIB, Put
from tests.factories.downloads import add_batch, add_download, make_error
from tests.running import Server
from tests.simulators.browser import DESKTOP, open_page

# The pages are the same on both databases; what they read is tested on both in tests/web.
pytestmark = pytest.mark.databases("sqlite")


def row(page: Page, name: str) -> Any:
    return page.locator(".task").filter(has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    return [name for name in page.locator(".task .name").all_inner_texts() if name]


def in_queue_order(still: Server) -> list[str]:
    with still.hub.database.read() as session:
        order = (Download.priority.desc(), Download.position)
        return list(session.scalars(select(Download.filename).where(Download.state == "queued").order_by(*order)))


class TestList:
    def test_follows_what_happens_elsewhere(self, desk: Page, put: Put, run: Callable[..., None]) -> None:
        desk.goto("/queue")
        expect(desk.get_by_text("Nothing here yet")).to_be_visible()
        running = put(filename="running.mkv", state="downloading", size_bytes=100 * MIB)
        put(filename="waiting.mkv")
        expect(row(desk, "waiting.mkv")).to_be_visible()
        expect(desk.locator('[data-count="all"]')).to_have_text("2")
        run({running: 25 * MIB})
        live = desk.locator(f'.task[data-id="{running}"]')
        expect(live.locator("[data-part=percent]")).to_have_text("25.0 %")
        expect(live.locator("[data-part=speed]")).to_have_text("5.00 MiB/s")
        expect(live.locator("[data-part=eta]")).to_have_text("15 s")
        run({running: 50 * MIB})
        expect(live.get_by_role("progressbar")).to_have_js_property("value", 50)
        expect(desk).to_have_title(re.compile(r"^5\.00 MiB/s"))

    def test_tabs_count_and_filter_and_are_links(self, desk: Page, put: Put) -> None:
        for state in ("queued", "paused", "failed", "failed", "completed", "skipped"):
            put(state=state, filename=f"{state}.mkv", url=f"https://files.example/{state}/{put.__name__}{id(object())}")
        desk.goto("/queue")
        counts = {"all": 6, "queued": 1, "paused": 1, "failed": 2, "completed": 1, "cancelled": 1, "downloading": 0}
        for group, number in counts.items():
            expect(desk.locator(f'[data-count="{group}"]')).to_have_text(str(number))
        desk.get_by_role("navigation", name="Show").get_by_role("link", name="Failed").click()
        expect(desk.locator(".task")).to_have_count(2)
        assert desk.url.endswith("/queue?status=failed")
        desk.reload()
        expect(desk.locator(".task")).to_have_count(2)
        desk.go_back()
        expect(desk.locator(".task")).to_have_count(6)

    def test_searches_and_sorts(self, desk: Page, put: Put) -> None:
        for name in ("alpha.mkv", "beta.mkv", "gamma 100%.mkv"):
            put(filename=name)
        desk.goto("/queue")
        desk.get_by_label("Search names and links").fill("100%")
        expect(desk.locator(".task")).to_have_count(1)
        desk.get_by_label("Search names and links").fill("nothing like it")
        expect(desk.get_by_text("Nothing fits")).to_be_visible()
        desk.get_by_label("Search names and links").fill("")
        desk.get_by_label("Order").select_option("filename")
        expect(desk.locator(".task").first).to_contain_text("alpha")
        desk.get_by_role("button", name="Descending").click()
        expect(desk.locator(".task").first).to_contain_text("gamma")

    def test_turns_pages(self, desk: Page, still: Server) -> None:
        with still.hub.database.write() as session:
            for number in range(120):
                add_download(session, filename=f"file-{number:03}.bin")
        desk.goto("/queue?view=flat")
        expect(desk.locator(".task")).to_have_count(50)
        desk.get_by_role("link", name="Next page").click()
        expect(row(desk, "file-050.bin")).to_be_visible()
        desk.get_by_label("Page", exact=True).fill("3")
        desk.get_by_label("Page", exact=True).press("Enter")
        expect(desk.locator(".task")).to_have_count(20)
        assert "page=3" in desk.url

    def test_opens_batches_in_place(self, desk: Page, still: Server) -> None:
        with still.hub.database.write() as session:
            add_batch(session, 3, name="Season 1")
            add_batch(session, 2, name="Season 2", each={"state": "failed"})
            add_download(session, filename="alone.mkv")
        desk.goto("/queue")
        expect(desk.locator(".batch")).to_have_count(2)
        expect(desk.locator(".task:visible")).to_have_count(1)
        first = desk.locator(".batch").filter(has_text="Season 1")
        expect(first).to_contain_text("0 of 3 files")
        first.get_by_role("button", name="Show the downloads").click()
        expect(first.locator(".task")).to_have_count(3)
        first.get_by_role("button", name="Pause").first.click()
        expect(first).to_have_attribute("data-state", "paused")
        expect(first.locator('.task[data-state="paused"]')).to_have_count(3)
        desk.get_by_label("Batches").click()
        expect(desk.locator(".batch")).to_have_count(0)
        expect(desk.locator(".task")).to_have_count(6)

    def test_names_from_outside_are_text(self, desk: Page, put: Put) -> None:
        hostile = '<img src=x onerror="document.title=1">.mkv'
        put(filename=hostile)
        put(filename="رحلة إلى القمر.mkv")
        put(filename="x" * 250)
        desk.goto("/queue")
        expect(desk.get_by_role("link", name=hostile)).to_be_visible()
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_can_be_read_without_script(self, browser: Any, still: Server, put: Put) -> None:
        put(filename="plain.mkv", state="failed", error_message="the host is gone")
        with still.hub.database.write() as session:
            add_batch(session, 2, name="Season 1")
        context = browser.new_context(base_url=still.base_url, java_script_enabled=False)
        try:
            page = context.new_page()
            page.goto("/queue?view=flat")
            expect(page.locator(".task")).to_have_count(3)
            page.get_by_role("link", name="Failed").click()
            expect(page.locator(".task")).to_have_count(1)
            page.get_by_role("link", name="plain.mkv").click()
            expect(page.get_by_text("the host is gone")).to_be_visible()
        finally:
            context.close()


class TestManyAtOnce:
    def test_are_selected_by_range_and_paused(self, desk: Page, put: Put) -> None:
        for number in range(5):
            put(filename=f"file-{number}.bin")
        desk.goto("/queue")
        desk.get_by_label("Select file-1.bin").click()
        desk.get_by_label("Select file-3.bin").click(modifiers=["Shift"])
        bar = desk.get_by_role("region", name="Selected downloads")
        expect(bar).to_contain_text("3 selected")
        bar.get_by_role("button", name="Pause").click()
        expect(desk.locator('.task[data-state="paused"]')).to_have_count(3)
        expect(desk.get_by_text("3 downloads paused")).to_be_visible()
        bar.get_by_role("button", name="Clear the selection").click()
        expect(bar).to_be_hidden()

    def test_deleting_asks_first(self, desk: Page, put: Put) -> None:
        for number in range(3):
            put(filename=f"file-{number}.bin")
        desk.goto("/queue")
        desk.get_by_label("Select everything on this page").click()
        desk.get_by_role("region", name="Selected downloads").get_by_role("button", name="Delete").click()
        dialog = desk.get_by_role("dialog", name="Delete 3 downloads?")
        dialog.get_by_role("button", name="Keep").click()
        expect(desk.locator(".task")).to_have_count(3)
        desk.get_by_role("region", name="Selected downloads").get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name="Delete").click()
        expect(desk.get_by_text("Nothing here yet")).to_be_visible()

    def test_history_is_cleared_by_kind(self, desk: Page, put: Put) -> None:
        for state in ("completed", "failed", "queued"):
            put(filename=f"{state}.bin", state=state)
        desk.goto("/queue")
        desk.get_by_role("button", name="More actions for all").click()
        desk.get_by_role("menuitem", name="Clear completed").click()
        expect(row(desk, "completed.bin")).to_have_count(0)
        expect(desk.locator(".task")).to_have_count(2)


class TestOrder:
    @pytest.fixture
    def four(self, put: Put) -> None:
        for name in ("a", "b", "c", "d"):
            put(filename=name)

    @pytest.mark.usefixtures("four")
    def test_is_changed_by_dragging(self, desk: Page, still: Server, wait_until: Callable[..., None]) -> None:
        desk.goto("/queue")
        desk.locator(".task .name", has_text=re.compile("^d$")).hover()
        row(desk, "d").locator(".grip").drag_to(row(desk, "b").locator(".grip"))
        expect(desk.locator(".task .name")).to_have_text(["a", "d", "b", "c"])
        # The row lies there before the server has heard of it.
        wait_until(lambda: in_queue_order(still) == ["a", "d", "b", "c"], "the server keeps the order")

    @pytest.mark.usefixtures("four")
    def test_is_changed_by_menu_and_keys(self, desk: Page, still: Server) -> None:
        desk.goto("/queue")
        row(desk, "c").get_by_role("button", name="More actions").click()
        desk.get_by_role("menuitem", name="To the top of the queue").click()
        expect(desk.locator(".task .name")).to_have_text(["c", "a", "b", "d"])
        row(desk, "a").focus()
        desk.keyboard.press("Alt+ArrowDown")
        expect(desk.locator(".task .name")).to_have_text(["c", "b", "a", "d"])
        expect(row(desk, "a")).to_be_focused()
        assert in_queue_order(still) == ["c", "b", "a", "d"]


class TestKeyboard:
    def test_walks_selects_and_acts(self, desk: Page, put: Put) -> None:
        for name in ("a", "b", "c"):
            put(filename=name)
        desk.goto("/queue")
        desk.keyboard.press("j")
        expect(row(desk, "a")).to_be_focused()
        desk.keyboard.press("j")
        desk.keyboard.press("p")
        expect(row(desk, "b")).to_have_attribute("data-state", "paused")
        # What is paused goes behind what runs, a moment after its state is seen: the next key means the new neighbours.
        expect(desk.locator(".task .name")).to_have_text(["a", "c", "b"])
        expect(row(desk, "b")).to_be_focused()
        desk.keyboard.press("r")
        expect(row(desk, "b")).to_have_attribute("data-state", "queued")
        expect(desk.locator(".task .name")).to_have_text(["a", "b", "c"])
        desk.keyboard.press("k")
        expect(row(desk, "a")).to_be_focused()
        desk.keyboard.press("Space")
        desk.keyboard.press("j")
        desk.keyboard.press("Space")
        expect(desk.get_by_text("2 selected")).to_be_visible()
        desk.keyboard.press("Escape")
        expect(desk.get_by_text("2 selected")).to_be_hidden()
        desk.keyboard.press("Delete")
        expect(desk.get_by_role("dialog", name="Delete 1 download?")).to_be_visible()
        desk.keyboard.press("Enter")
        expect(desk.locator(".task")).to_have_count(2)

    def test_opens_dialogs_and_leaves_fields_alone(self, desk: Page, put: Put) -> None:
        put(filename="a")
        desk.goto("/queue")
        desk.keyboard.press("?")
        expect(desk.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Next download")
        desk.keyboard.press("Escape")
        desk.keyboard.press("/")
        expect(desk.get_by_label("Search names and links")).to_be_focused()
        desk.keyboard.type("jpa?")
        expect(desk.get_by_label("Search names and links")).to_have_value("jpa?")
        expect(desk.get_by_role("dialog")).to_have_count(0)
        desk.keyboard.press("Escape")
        desk.keyboard.press("a")
        expect(desk.get_by_role("dialog", name="Add links")).to_be_visible()


class TestAdding:
    def test_many_links_get_an_answer_each(self, desk: Page, put: Put) -> None:
        known = "https://files.example/known.mkv"
        put(url=known, link_key=parse_link(known).key)
        desk.goto("/queue")
        desk.get_by_role("button", name="Add links").first.click()
        lines = ["https://files.example/new.mkv", known, "no link", "no link"]
        desk.get_by_label("Links, one per line").fill("\n".join(lines))
        expect(desk.get_by_text("3 links, 1 line twice")).to_be_visible()
        desk.get_by_label("Batch", exact=True).fill("An evening")
        desk.get_by_role("button", name="Add 3 links").click()
        results = desk.get_by_label("Result of each link").get_by_role("listitem")
        expect(results).to_have_count(3)
        expect(results.nth(0)).to_contain_text("added")
        expect(results.nth(1)).to_contain_text("in the list already")
        expect(results.nth(2)).to_contain_text("a link begins with")
        expect(desk.get_by_label("Links, one per line")).to_have_value("no link")
        desk.keyboard.press("Escape")
        expect(desk.locator(".batch")).to_contain_text("An evening")

    def test_pasting_anywhere_opens_the_dialog(self, desk: Page) -> None:
        desk.goto("/queue")
        expect(desk.get_by_text("Nothing here yet")).to_be_visible()
        desk.evaluate(
            """() => {
                const clipboardData = new DataTransfer();
                clipboardData.setData("text", "see https://a.example/1.mkv and https://a.example/2.mkv");
                document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
            }"""
        )
        links = "https://a.example/1.mkv\nhttps://a.example/2.mkv"
        expect(desk.get_by_label("Links, one per line")).to_have_value(links)

    def test_a_wrong_checksum_is_explained(self, desk: Page) -> None:
        desk.goto("/queue?add")
        desk.get_by_label("Links, one per line").fill("https://files.example/new.mkv")
        desk.get_by_text("For a single link").click()
        desk.get_by_label("Checksum").fill("sha256:12")
        desk.get_by_role("button", name="Add", exact=True).click()
        expect(desk.get_by_text("a sha256 checksum has 64 hexadecimal digits")).to_be_visible()


class TestDrawer:
    def test_shows_history_and_changes_wishes(self, desk: Page, still: Server) -> None:
        with still.hub.database.write() as session:
            download = add_download(session, filename="film.mkv", state="failed", error_message="gone for good")
            download_id = download.id
            for number in (1, 2):
                at = datetime.now(UTC) - timedelta(minutes=number)
                session.add(make_error(download, message=f"failure {number}", retry_attempt=number, at=at))
        desk.goto(f"/queue?task={download_id}")
        drawer = desk.get_by_role("dialog", name="film.mkv")
        expect(drawer.get_by_text("gone for good")).to_be_visible()
        expect(drawer.locator(".history li")).to_have_count(2)
        drawer.get_by_label("Priority").select_option("High")
        drawer.get_by_label("Speed limit").fill("1.5")
        drawer.get_by_role("button", name="Save").click()
        expect(desk.get_by_text("Saved")).to_be_visible()
        with still.hub.database.read() as session:
            changed = session.get(Download, download_id)
            assert changed is not None
            assert (changed.priority, changed.speed_limit_bytes_per_second) == (1, 1.5 * MIB)
        drawer.get_by_role("button", name="Retry").click()
        expect(drawer.locator('[data-part="state"]')).to_have_text("Queued")
        desk.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
        expect(desk).to_have_url(re.compile("/queue$"))

    def test_renames_and_moves_what_is_not_finished(self, desk: Page, still: Server) -> None:
        with still.hub.database.write() as session:
            download_id = add_download(session, filename="film.mkv", state="paused").id
            finished_id = add_download(session, filename="done.mkv", state="completed").id
        desk.goto(f"/queue?task={download_id}")
        drawer = desk.locator("#drawer")
        drawer.get_by_label("File name").fill("Film (1999).mkv")
        drawer.get_by_label("Folder").fill("Films/Old")
        drawer.get_by_role("button", name="Save").click()
        expect(drawer.get_by_role("heading", name="Film (1999).mkv")).to_be_visible()
        with still.hub.database.read() as session:
            changed = session.get(Download, download_id)
            assert changed is not None
            assert (changed.filename, changed.is_filename_given, changed.folder) == (
                "Film (1999).mkv",
                True,
                "Films/Old",
            )
        desk.goto(f"/queue?task={finished_id}")
        expect(drawer.get_by_role("heading", name="done.mkv")).to_be_visible()
        expect(drawer.get_by_label("File name")).to_be_hidden()


class TestPhone:
    def test_everything_fits_and_works_by_touch(self, phone: Page, still: Server, put: Put) -> None:
        for number in range(3):
            put(filename=f"A.rather.long.name.of.a.file.that.does.not.fit.into.one.line.{number}.1080p.mkv")
        with still.hub.database.write() as session:
            add_batch(session, 2, name="Season " + "1" * 100)
        phone.set_viewport_size({"width": 360, "height": 740})
        phone.goto("/queue")
        expect(phone.locator(".task:visible")).to_have_count(3)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        phone.locator(".task").first.get_by_role("button", name="More actions").tap()
        phone.get_by_role("menuitem", name="Pause").tap()
        expect(phone.locator('.task[data-state="paused"]')).to_have_count(1)
        phone.locator(".task").nth(1).locator(".name").tap()
        expect(phone.locator("#drawer")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestCancelling:
    def test_asks_only_where_something_would_be_lost(self, desk: Page, put: Put) -> None:
        put(filename="fresh.mkv")
        put(filename="half.mkv", state="paused", downloaded_bytes=500_000)
        desk.goto("/queue")
        row(desk, "fresh.mkv").focus()
        desk.keyboard.press("c")
        expect(row(desk, "fresh.mkv")).to_have_attribute("data-state", "cancelled")
        row(desk, "half.mkv").focus()
        desk.keyboard.press("c")
        dialog = desk.get_by_role("dialog", name="Cancel 1 download?")
        dialog.get_by_role("button", name="Keep").click()
        expect(row(desk, "half.mkv")).to_have_attribute("data-state", "paused")
        row(desk, "half.mkv").focus()
        desk.keyboard.press("c")
        dialog.get_by_role("button", name="Cancel the download").click()
        expect(row(desk, "half.mkv")).to_have_attribute("data-state", "cancelled")


@pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
class TestBasePath:
    def test_lists_sockets_and_actions_work_below_it(self, browser: Any, still: Server, put: Put) -> None:
        with open_page(browser, still.base_url, **DESKTOP) as page:
            page.goto("/kino/queue")
            expect(page.get_by_text("Nothing here yet")).to_be_visible()
            put(filename="below.mkv")
            page.locator(".task").get_by_role("button", name="Pause").click()
            expect(page.locator(".task")).to_have_attribute("data-state", "paused")
            page.locator(".task .name").click()
            expect(page.get_by_role("dialog", name="below.mkv")).to_be_visible()
            page.keyboard.press("Escape")
            page.get_by_role("link", name="Settings").click()
            expect(page).to_have_url(re.compile("/kino/settings$"))
