"""The pages around the collection as HTML: adding, files, pasted lists, figures, wishes, loans, upkeep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kinoshelf.app import Hub
from kinoshelf.core.access.passwords import set_password
from kinoshelf.discs import loans
from kinoshelf.discs.csv_import.imports import ImportDiscs
from kinoshelf.discs.pasting import PasteTitles
from kinoshelf.titles.likeness import Match, Wanted
from kinoshelf.titles.review import add_review, count_waiting
from kinoshelf.web.add import carried_fields
from tests.factories.discs import MADE_AT, add_disc, add_wish_row
from tests.logs import ExpectedLogs
from tests.simulators.tmdb import TMDBSimulator
from tests.web.conftest import PASSWORD, Elements, Visit
from tests.web.test_pages import ELSEWHERE

PutDisc = Callable[..., int]
CODE = "7321900065801"
PAGES = (
    "/",
    "/add",
    "/add/by-hand",
    "/add/barcode",
    f"/add/barcode?code={CODE}",
    "/add/list",
    "/bulk-mark-downloaded",
    "/import",
    "/export",
    "/stats",
    "/wishes",
    "/loans",
    "/loans?show=history",
    "/upkeep",
    "/reviews",
)
CSV = b"Name,Year\nAlien,1979\nHeat,1995\n,2001\n"


@pytest.fixture
def put_disc(hub: Hub) -> PutDisc:
    def put_one(**fields: Any) -> int:
        with hub.database.write() as session:
            return add_disc(session, **fields).id

    return put_one


@pytest.fixture
def question(hub: Hub) -> int:
    """A match that waits for a person."""
    with hub.database.write() as session:
        number = add_review(session, Wanted("film", "Solaris", 2001, subject="disc:1"), Match(()), MADE_AT)
    assert number is not None
    return number


def hrefs(html: str) -> list[str]:
    return [str(attributes.get("href")) for attributes, _ in Elements(html).every("a")]


def values_of(html: str) -> dict[str, str]:
    """What stands in the fields of a form."""
    elements = Elements(html)
    return {
        str(attributes["name"]): str(attributes.get("value") or "")
        for attributes, _ in elements.every("input")
        if attributes.get("name")
    }


class TestAddByTitle:
    async def test_finds_films_and_says_what_is_there(
        self, tmdb: TMDBSimulator, visit: Visit, put_disc: PutDisc
    ) -> None:
        number = put_disc(name="The Matrix", tmdb_id=603, storage_box="Box 4")
        page = (await visit().get("/add", params={"q": "the matrix", "barcode": CODE})).text
        assert f"/add/tmdb/603?barcode={CODE}" in hrefs(page)
        assert f"/dvd/{number}/" in hrefs(page)
        assert "DVD · Kept · Box 4" in page
        pictures = [
            str(one["src"]) for one, _ in Elements(page).every("img") if one.get("src", "").startswith("/artwork")
        ]
        assert pictures
        part = (await visit().get("/add/films", params={"q": "the matrix"})).text
        assert "/add/tmdb/603" in hrefs(part)
        assert "<html" not in part

    async def test_without_a_key_shows_the_ways_that_work(self, visit: Visit) -> None:
        page = (await visit().get("/add")).text
        assert "/settings#sources" in hrefs(page)
        assert "/add/by-hand" in hrefs(page)

    async def test_says_why_tmdb_did_not_answer(
        self, tmdb: TMDBSimulator, visit: Visit, expected_logs: ExpectedLogs
    ) -> None:
        tmdb.key = "another"
        tmdb.token = "another"
        expected_logs.allow("upstream.failed")
        page = await visit().get("/add/films", params={"q": "alien"})
        assert page.status_code == 200
        assert "TMDB_API_KEY" in page.text
        assert "/add/by-hand?name=alien" in hrefs(page.text)


class TestForm:
    async def test_is_filled_with_the_film_and_the_last_box(
        self, tmdb: TMDBSimulator, visit: Visit, put_disc: PutDisc
    ) -> None:
        put_disc(name="Heat", storage_box="Box 7")
        put_disc(name="The Matrix", tmdb_id=603)
        page = (await visit().get("/add/tmdb/603", params={"disk_type": "UHD", "edition": "Steelbook"})).text
        found = values_of(page)
        assert (found["name"], found["release_year"], found["edition"]) == ("The Matrix", "1999", "Steelbook")
        assert found["storage_box"] == "Box 7"
        assert Elements(page).every("option", value="UHD")[0][0].keys() >= {"selected"}
        assert "This film is on the shelf already" in page

    async def test_by_hand_tells_copies_by_name_and_year(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", release_year=1979)
        browser = visit()
        assert "becomes another copy" in (await browser.get("/add/copies?name=alien&year=1979")).text
        assert (await browser.get("/add/copies?name=alien&year=1986")).text.strip() == ""
        page = (await browser.get("/add/by-hand?name=Alien&release_year=1979")).text
        assert "becomes another copy" in page
        assert values_of(page)["name"] == "Alien"

    async def test_a_film_that_is_none_is_a_page(self, tmdb: TMDBSimulator, visit: Visit) -> None:
        page = await visit().get("/add/tmdb/999999999")
        assert page.status_code == 404

    @pytest.mark.databases("sqlite")
    def test_addresses_carry_what_makes_sense(self) -> None:
        query = {"name": " Alien ", "disk_type": "smell", "storage_box": "x" * 400, "tmdb_id": "5", "colour": "red"}
        assert carried_fields({**query, "is_unopened": "true"}) == {"is_unopened": "true", "name": "Alien"}


class TestBarcode:
    async def test_that_is_known_leads_to_the_filled_form(self, visit: Visit, put_disc: PutDisc) -> None:
        number = put_disc(name="The Matrix", tmdb_id=603, barcode=CODE, disk_type="BluRay")
        found = hrefs((await visit().get("/add/barcode", params={"code": CODE})).text)
        assert f"/dvd/{number}/" in found
        (address,) = [href for href in found if href.startswith("/add/tmdb/603")]
        assert parse_qs(urlsplit(address).query)["barcode"] == [CODE]

    async def test_that_is_unknown_or_none_says_so(self, visit: Visit) -> None:
        browser = visit()
        assert "Not known yet" in (await browser.get("/add/barcode?code=5051892002578")).text
        assert "This is no barcode" in (await browser.get("/add/barcode?code=5051892002579")).text

    async def test_only_this_page_may_ask_for_the_camera(self, visit: Visit) -> None:
        browser = visit()
        assert "camera=(self)" in (await browser.get("/add/barcode")).headers["permissions-policy"]
        assert "camera=()" in (await browser.get("/add")).headers["permissions-policy"]


class TestImport:
    async def test_shows_what_would_become_of_each_row(self, visit: Visit, hub: Hub, put_disc: PutDisc) -> None:
        put_disc(name="Alien", release_year=1979)
        import_id = hub.container.get(ImportDiscs).start("films.csv", CSV)
        browser = visit()
        page = (await browser.get(f"/import/{import_id}")).text
        assert "Import 1 disc" in page
        assert "Not possible" in page
        assert "there is no name" in page
        only = (await browser.get(f"/import/{import_id}?show=add")).text
        assert "Heat" in only
        assert "Alien" not in only
        assert (await browser.get(f"/import/{import_id}/progress")).json()["is_busy"] is False
        assert f"/import/{import_id}" in hrefs((await browser.get("/import")).text)

    async def test_afterwards_shows_the_result_and_the_way_back(self, visit: Visit, hub: Hub) -> None:
        importing = hub.container.get(ImportDiscs)
        import_id = importing.start("films.csv", CSV)
        importing.run_here(import_id)
        page = (await visit().get(f"/import/{import_id}?show=added")).text
        assert "Take it back" in page
        assert "/dvd/1/" in hrefs(page)

    async def test_rows_are_turned_by_links(self, visit: Visit, hub: Hub) -> None:
        lines = "".join(f"Film {number:03},2000\n" for number in range(230))
        import_id = hub.container.get(ImportDiscs).start("many.csv", f"Name,Year\n{lines}".encode())
        browser, address, found = visit(), f"/import/{import_id}", 0
        while address:
            page = Elements((await browser.get(address)).text)
            found += len([1 for attributes, _ in page.every("tr") if "data-line" in attributes])
            address = next((str(one["href"]) for one, _ in page.every("a", rel="next")), "")
        assert found == 230

    async def test_one_that_is_not_there_is_a_page(self, visit: Visit) -> None:
        assert (await visit().get("/import/00000000-0000")).status_code == 404

    async def test_export_counts_and_links(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(status="disposed")
        page = (await visit().get("/export")).text
        kinds = {"complete", "not-kept", "disposed"}
        assert {f"/dvd/export/?kind={kind}" for kind in kinds} <= set(hrefs(page))
        assert page.count("1 disc ") == 3


class TestPastedList:
    async def test_is_reviewed_on_a_page_of_its_own(self, visit: Visit, hub: Hub) -> None:
        import_id = hub.container.get(PasteTitles).start("Alien (1979)\nHeat")
        browser = visit()
        moved = await browser.get(f"/import/{import_id}")
        assert moved.headers["location"] == f"/add/list/{import_id}"
        page = (await browser.get(f"/add/list/{import_id}")).text
        assert "Alien (1979)" in page
        assert "progress" in page
        assert (await browser.get(f"/import/{import_id}/progress")).json()["is_busy"] is True

    async def test_offers_other_films_for_a_line(self, tmdb: TMDBSimulator, visit: Visit, hub: Hub) -> None:
        import_id = hub.container.get(PasteTitles).start("Matrix")
        part = Elements((await visit().get(f"/add/list/{import_id}/1/films", params={"q": "the matrix"})).text)
        assert part.every("button", data_choose="603")


class TestStatistics:
    async def test_numbers_lead_to_their_discs(self, visit: Visit, put_disc: PutDisc, hub: Hub) -> None:
        put_disc(name="Alien", release_year=1979, genres="Horror", rating="8.5", runtime=117, purchase_price="9.50",
                 purchase_currency="EUR", disk_type="BluRay")  # fmt: skip
        put_disc(
            name="Heat", release_year=1995, genres="Crime", rating="10", runtime=400, now=MADE_AT + timedelta(days=90)
        )
        browser = visit()
        page = (await browser.get("/stats")).text
        found = hrefs(page)
        for href in (
            "/collection?decade=1970",
            "/collection?genre=Horror",
            "/collection?rating_from=8&rating_to=8.9",
            "/collection?rating_from=10",
            "/collection?runtime_from=90&runtime_to=119",
            "/collection?runtime_from=240",
            "/collection?purchase_currency=EUR",
            "/collection?disk_type=BluRay&media_type=physical",
        ):
            assert href in found, href
            assert "1 of 2 discs" in (await browser.get(href)).text, href
        assert "€9.50" in page
        assert "Mar" in page

    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    async def test_speaks_to_its_visitor_below_the_base_path(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", release_year=1979)
        page = (await visit(headers={"Accept-Language": "de"}).get("/kino/stats")).text
        assert "/kino/collection?decade=1970" in hrefs(page)
        assert "Jahrzehnte" in page

    async def test_an_empty_shelf_has_a_way_forward(self, visit: Visit) -> None:
        assert "/add" in hrefs((await visit().get("/stats")).text)


class TestWishes:
    async def test_shows_what_is_owned_and_leads_to_the_form(self, visit: Visit, hub: Hub, put_disc: PutDisc) -> None:
        put_disc(name="Stalker", release_year=1979)
        with hub.database.write() as session:
            wish = add_wish_row(session, name="Stalker", release_year=1979, disk_type="UHD", notes="restored").id
        page = (await visit().get("/wishes")).text
        assert "On the shelf already" in page
        (address,) = [href for href in hrefs(page) if "wish=" in href]
        form = (await visit().get(address)).text
        assert Elements(form).every("form", data_wish=str(wish))
        assert values_of(form)["name"] == "Stalker"


class TestLoans:
    async def test_open_overdue_and_returned(self, visit: Visit, hub: Hub, put_disc: PutDisc) -> None:
        late, lent, back = (put_disc(name=name) for name in ("Late", "Lent", "Back"))
        today = hub.clock.now().date()
        with hub.database.write() as session:
            loans.lend(session, late, "Ada", today, lent_on=today - timedelta(days=9), due_on=today - timedelta(days=2))
            loans.lend(session, lent, "Grace", today)
            loans.lend(session, back, "Ada", today, lent_on=today - timedelta(days=9))
            loans.give_back_disc(session, back, today)
        browser = visit()

        async def names(query: str) -> list[str]:
            page = (await browser.get(f"/loans{query}")).text
            return [one for one in ("Late", "Lent", "Back") if f">{one}</a>" in page]

        assert await names("") == ["Late", "Lent"]
        assert await names("?show=overdue") == ["Late"]
        assert await names("?show=history") == ["Back"]
        assert await names("?borrower=Grace") == ["Lent"]
        assert "2 days late" in (await browser.get("/loans")).text


class TestReviews:
    async def test_are_decided_and_dismissed(self, visit: Visit, hub: Hub, question: int) -> None:
        browser = visit()
        assert "Solaris" in (await browser.get("/reviews")).text
        assert (await browser.post(f"/reviews/{question}/dismiss")).status_code == 200
        assert hub.database.run_read(count_waiting) == 0
        assert (await browser.post(f"/reviews/{question}/reopen")).status_code == 200
        answer = await browser.post(f"/reviews/{question}/decide", json={"source": "tmdb.movie", "key": 593})
        assert answer.json()["title_id"] > 0
        assert hub.database.run_read(count_waiting) == 0
        assert (await browser.post("/reviews/99/dismiss")).status_code == 404


class TestStart:
    async def test_counts_the_shelf_and_shows_the_newest(self, visit: Visit, hub: Hub, put_disc: PutDisc) -> None:
        for number in range(8):
            put_disc(name=f"Film {number}", now=MADE_AT + timedelta(minutes=number))
        put_disc(name="Lent", now=MADE_AT + timedelta(hours=1))
        with hub.database.write() as session:
            loans.lend(session, 9, "Ada", hub.clock.now().date())
        page = Elements((await visit().get("/")).text)
        assert [text for _, text in page.every("span", class_="disc-name")] == [
            "Lent", *(f"Film {number}" for number in range(7, 2, -1))
        ]  # fmt: skip
        assert page.every("a", href="/loans")


class TestSourceTests:
    async def test_tmdb_takes_the_key_or_not(
        self, tmdb: TMDBSimulator, visit: Visit, expected_logs: ExpectedLogs
    ) -> None:
        expected_logs.allow("upstream.failed")
        browser = visit()
        assert (await browser.post("/settings/test", json={"what": "tmdb"})).json()["works"] is True
        wrong = (await browser.post("/settings/test", json={"what": "tmdb", "value": "f" * 32})).json()
        assert wrong["works"] is False
        assert "f" * 32 not in wrong["message"]

    async def test_what_is_not_set_says_so(self, visit: Visit) -> None:
        for what in ("tmdb", "yts"):
            answer = (await visit().post("/settings/test", json={"what": what})).json()
            assert answer["works"] is False
            assert answer["message"].endswith(".")


@pytest.mark.databases("sqlite")
class TestPolicy:
    async def test_pages_lead_to_the_way_in(self, visit: Visit, hub: Hub, put_disc: PutDisc, question: int) -> None:
        put_disc(name="private")
        set_password(hub.database, hub.clock, PASSWORD)
        for path in PAGES[1:]:
            answer = await visit(ELSEWHERE).get(path)
            assert answer.status_code == 303, path
        stranger = visit(ELSEWHERE, headers={"Accept": "application/json"})
        for method, path in (
            ("GET", "/add/films?q=x"),
            ("GET", "/add/copies?name=private"),
            ("GET", "/import/1/progress"),
            ("GET", "/add/list/1/1/films"),
            ("POST", f"/reviews/{question}/decide"),
            ("POST", f"/reviews/{question}/dismiss"),
            ("POST", f"/reviews/{question}/reopen"),
            ("POST", "/settings/test"),
        ):
            assert (await stranger.request(method, path, json={})).status_code == 401, path
        assert "private" not in (await visit(ELSEWHERE).get("/")).text

    async def test_nothing_stands_inline_and_ids_are_unique(
        self, visit: Visit, hub: Hub, put_disc: PutDisc, question: int
    ) -> None:
        put_disc(name="Alien", storage_box="Attic", release_year=1979, genres="Horror", rating="8", barcode=CODE)
        import_id = hub.container.get(ImportDiscs).start("films.csv", CSV)
        with hub.database.write() as session:
            add_wish_row(session, name='O\'Brien & "co"')
            loans.lend(session, 1, "Ada", MADE_AT.date())
        for path in (*PAGES, f"/import/{import_id}", "/add/by-hand?name=Alien"):
            answer = await visit().get(path)
            assert answer.status_code == 200, path
            found = Elements(answer.text).found
            for tag, attributes, text in found:
                assert not [name for name in attributes if name == "style" or name.startswith("on")], (path, tag)
                if tag == "script":
                    assert attributes.get("type") == "application/json" or not text.strip(), path
            ids = Counter(attributes["id"] for _, attributes, _ in found if attributes.get("id"))
            assert [one for one, number in ids.items() if number > 1] == [], path
