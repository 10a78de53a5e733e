"""The collection page as HTML: what its address says, what stands on it, and its links without script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kinoshelf.app import Hub
from kinoshelf.core.access.passwords import set_password
from kinoshelf.discs import loans
from kinoshelf.discs.models import Disc, DiscLoan
from kinoshelf.discs.torrents import Torrents
from kinoshelf.discs.views import save_view
from kinoshelf.web.bulk_edit import SHORTCUTS
from kinoshelf.web.collection_address import Asked
from kinoshelf.web.collection_view import CHUNK_SIZE
from tests.factories.discs import MADE_AT, add_disc, make_discs
from tests.web.conftest import PASSWORD, Elements, Visit
from tests.web.test_pages import ELSEWHERE, ROOT

PutDisc = Callable[..., int]
PAGES = (
    "/collection",
    "/collection?look=table",
    "/bulk-edit",
    "/box-sets",
    "/storage-boxes",
    "/storage-boxes/labels",
    "/dvd/1/",
    "/dvd/1/edit/",
)


@pytest.fixture
def put_disc(hub: Hub) -> PutDisc:
    """Put a disc on the shelf: `put_disc(name="Alien", status="unboxed")` returns its id."""

    def put_one(**fields: Any) -> int:
        with hub.database.write() as session:
            return add_disc(session, **fields).id

    return put_one


def names(html: str) -> list[str]:
    return [text for _, text in Elements(html).every("span", class_="disc-name")]


def next_address(html: str) -> str:
    """The way on for whoever has no script; empty at the end."""
    links = [attributes["href"] for attributes, _ in Elements(html).every("a", rel="next")]
    return str(links[0] or "")


@pytest.mark.databases("sqlite")
class TestAddress:
    def test_what_makes_no_sense_is_left_out(self) -> None:
        query = {"status": "lost", "is_unwatched": "perhaps", "year_from": "soon", "order": "smell", "look": "3d"}
        asked = Asked.of({**query, "genre": "Drama", "columns": "runtime,colour"}, {"kinoshelf_look": "<"})
        assert asked.filters == {"genre": "Drama"}
        assert (asked.order, asked.look, asked.columns) == ("-created", "grid", ("runtime",))

    def test_says_all_that_is_shown_and_reads_back(self) -> None:
        query = {
            "search": "night & day",
            "status": "kept,unboxed",
            "is_unwatched": "false",
            "decade": "1990",
            "rating_from": "7.5",
            "order": "-year",
            "look": "table",
            "columns": "release_year,tags",
        }
        asked = Asked.of(query, {})
        address = urlsplit(asked.address())
        again = Asked.of({name: values[0] for name, values in parse_qs(address.query).items()}, {})
        assert address.path == "/collection"
        assert again == asked
        assert again.wanted.rating_from is not None

    def test_leaves_out_what_is_usual_for_this_browser(self) -> None:
        cookies = {"kinoshelf_look": "table", "kinoshelf_columns": "tags"}
        assert Asked.of({}, cookies).address() == "/collection"
        assert Asked.of({"look": "grid"}, cookies).address() == "/collection?look=grid"


class TestList:
    async def test_next_links_lead_through_every_disc_once(self, visit: Visit, hub: Hub) -> None:
        number = CHUNK_SIZE * 2 + 7
        with hub.database.write() as session:
            make_discs(session, ({"name": f"Film {index:03}"} for index in range(number)))
        browser, address, found = visit(), "/collection?order=name", []
        while address:
            html = (await browser.get(address)).text
            found += names(html)
            address = next_address(html)
        assert found == [f"Film {index:03}" for index in range(number)]

    async def test_further_discs_come_as_a_part_of_the_page(self, visit: Visit, hub: Hub) -> None:
        with hub.database.write() as session:
            make_discs(session, ({"name": f"Film {index:03}"} for index in range(CHUNK_SIZE + 1)))
        browser = visit()
        address = next_address((await browser.get("/collection?order=name")).text)
        part = await browser.get(address.replace("/collection?", "/collection/items?"))
        assert names(part.text) == [f"Film {CHUNK_SIZE:03}"]
        assert "<html" not in part.text

    async def test_a_cursor_that_is_none_begins_at_the_start(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien")
        for after in ("x", "é", "a" * 3000):
            assert names((await visit().get("/collection", params={"after": after})).text) == ["Alien"]

    async def test_filters_combine_and_count_what_they_would_show(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", genres="Horror", release_year=1979, status="unboxed")
        put_disc(name="Aliens", genres="Action", release_year=1986, is_unwatched=True)
        put_disc(name="Heat", genres="Action, Crime", release_year=1995)
        page = (await visit().get("/collection?genre=Action&is_unwatched=true")).text
        assert names(page) == ["Aliens"]
        elements = Elements(page)
        decades = elements.every("a", id="at-decade-1980")
        assert len(decades) == 1
        assert "decade=1980" in str(decades[0][0]["href"])
        assert "is_unwatched=true" in str(decades[0][0]["href"])
        assert elements.every("a", id="at-genre-Action", aria_current="true")
        assert "1 of 3 discs" in page

    async def test_a_search_narrows_what_stands_beside_the_filters(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", genres="Horror", is_unwatched=True)
        put_disc(name="Alien 3", genres="Horror")
        put_disc(name="Heat", genres="Crime")
        browser = visit()
        page = (await browser.get("/collection?search=alien&is_unwatched=true")).text
        assert names(page) == ["Alien"]
        assert 'id="at-genre-Crime"' not in page
        assert names((await browser.get("/collection?search=alien&ids=3")).text) == []
        assert "0 of 3 discs" in (await browser.get("/collection?search=nothing+like+it")).text

    async def test_several_states_can_be_chosen(self, visit: Visit, put_disc: PutDisc) -> None:
        for status in ("kept", "disposed", "unboxed"):
            put_disc(name=status, status=status)
        browser = visit()
        page = (await browser.get("/collection?status=kept&order=name")).text
        ((link, _),) = Elements(page).every("a", id="at-status-unboxed")
        assert names((await browser.get(str(link["href"]))).text) == ["kept", "unboxed"]

    async def test_the_table_has_the_columns_of_the_cookie_or_the_address(
        self, visit: Visit, put_disc: PutDisc
    ) -> None:
        put_disc(name="Alien", runtime=117, tags="space, cat")
        browser = visit(cookies={"kinoshelf_look": "table", "kinoshelf_columns": "runtime"})
        assert "1 h 57 min" in (await browser.get("/collection")).text
        page = (await browser.get("/collection?columns=tags")).text
        assert "space, cat" in page
        assert "1 h 57 min" not in page

    async def test_says_what_is_lent_and_where_the_unboxed_are(self, visit: Visit, put_disc: PutDisc, hub: Hub) -> None:
        number = put_disc(name="Alien", status="unboxed", location="17")
        with hub.database.write() as session:
            session.add(DiscLoan(disc_id=number, borrower="Ripley", lent_on=MADE_AT.date(), notes=""))
        page = (await visit().get("/collection?on_loan=true")).text
        assert names(page) == ["Alien"]
        assert "On loan" in page
        assert "17</span>" in page

    async def test_nothing_there_has_a_way_forward(self, visit: Visit, put_disc: PutDisc) -> None:
        browser = visit()
        assert "The shelf is empty" in (await browser.get("/collection")).text
        put_disc(name="Alien")
        page = (await browser.get("/collection?search=nothing")).text
        assert "Nothing fits" in page
        assert Elements(page).every("a", class_="button secondary", href="/collection")

    async def test_saved_views_are_links(self, visit: Visit, hub: Hub) -> None:
        with hub.database.write() as session:
            save_view(session, "Horror <at night>", "genre=Horror&look=table", hub.clock.now())
        page = (await visit().get("/collection")).text
        assert "Horror &lt;at night&gt;" in page
        assert Elements(page).every("a", href="/collection?genre=Horror&look=table")


class TestDisc:
    async def test_leads_to_where_it_is_and_to_what_is_like_it(self, visit: Visit, put_disc: PutDisc) -> None:
        number = put_disc(
            name="Alien",
            tmdb_id=348,
            imdb_id="tt0078748",
            storage_box="Box / 1",
            director="Ridley Scott, Nobody",
            budget=11_000_000,
            revenue=104_000_000,
        )
        other = put_disc(name="Alien", tmdb_id=348, disk_type="UHD")
        page = Elements((await visit().get(f"/dvd/{number}/")).text)
        for href in (
            "/storage-boxes?name=Box+%2F+1",
            "/collection?director=Ridley+Scott",
            "https://www.themoviedb.org/movie/348",
            "https://www.imdb.com/title/tt0078748/",
            f"/dvd/{other}/",
        ):
            assert page.every("a", href=href), href
        assert ("$93,000,000") in [text for _, text in page.every("dd")]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({}, "without an IMDb id"),
            ({"imdb_id": "tt0078748"}, "nobody has asked yet"),
            ({"imdb_id": "tt0078748", "yts_data": []}, "None are known"),
            ({"imdb_id": "tt0078748", "yts_error": "it did not answer"}, "it did not answer"),
            (
                {"yts_data": [{"quality": "720p", "hash": "A" * 40, "size": "900 MB", "seeds": 5}]},
                f"magnet:?xt=urn:btih:{'A' * 40}",
            ),
        ],
    )
    async def test_torrents_unknown_none_failed_and_found(
        self, visit: Visit, put_disc: PutDisc, hub: Hub, fields: dict[str, Any], said: str
    ) -> None:
        number = put_disc(name="Alien")
        with hub.database.write() as session:
            disc = session.get(Disc, number)
            for name, value in fields.items():
                setattr(disc, name, value)
        assert said in (await visit().get(f"/dvd/{number}/")).text

    async def test_the_form_marks_what_a_person_wrote_and_unlocks_it(
        self, visit: Visit, put_disc: PutDisc, hub: Hub
    ) -> None:
        number = put_disc(name="Alien")
        with hub.database.write() as session:
            session.get_one(Disc, number).edited_fields = ["director"]
        browser = visit()

        async def locked() -> list[str]:
            marks = Elements((await browser.get(f"/dvd/{number}/edit/")).text).every("span", class_="lock")
            return [str(attributes["data-lock"]) for attributes, _ in marks if "hidden" not in attributes]

        assert await locked() == ["director"]
        answer = await browser.post(f"/dvd/{number}/unlock", json={"fields": ["director"]})
        assert answer.json() == {"edited_fields": []}
        assert await locked() == []

    async def test_who_has_it_and_since_when(self, visit: Visit, put_disc: PutDisc, hub: Hub) -> None:
        number = put_disc(name="Alien")
        with hub.database.write() as session:
            loans.lend(session, number, "Ripley", MADE_AT.date())
        assert "Ripley has it since Jan 2, 2026." in (await visit().get(f"/dvd/{number}/")).text

    async def test_opening_it_looks_for_torrents_unasked(self, visit: Visit, put_disc: PutDisc, hub: Hub) -> None:
        looked: list[tuple[int, bool]] = []

        class Recorded:
            async def look(self, disc_id: int, *, is_forced: bool = True) -> None:
                looked.append((disc_id, is_forced))

        hub.container.add(Recorded(), as_type=Torrents)
        disc_id = put_disc(name="Alien", imdb_id="tt0078748")
        await visit().get(f"/dvd/{disc_id}/")
        assert looked == [(disc_id, False)]

    async def test_what_nobody_knows_has_no_line(self, visit: Visit, put_disc: PutDisc) -> None:
        assert "No language" not in (await visit().get(f"/dvd/{put_disc(name='Alien')}/")).text
        assert "English" in (await visit().get(f"/dvd/{put_disc(name='Aliens', original_language='en')}/")).text

    async def test_an_unknown_one_is_a_page(self, visit: Visit) -> None:
        page = await visit().get("/dvd/99/")
        assert page.status_code == 404
        assert "no disc 99" in page.text


class TestBoxes:
    async def test_show_their_discs_and_posters(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Seven Samurai", box_set_name="Kurosawa / One", storage_box="Attic")
        put_disc(name="Ran", box_set_name="Kurosawa / One", status="disposed")
        put_disc(name="Heat")
        browser = visit()
        index = Elements((await browser.get("/box-sets")).text)
        assert index.every("a", href="/box-sets?name=Kurosawa+%2F+One")
        assert sorted(names((await browser.get("/box-sets?name=Kurosawa+%2F+One")).text)) == ["Ran", "Seven Samurai"]
        boxes = (await browser.get("/storage-boxes")).text
        assert "2 discs without a box" in boxes
        assert names((await browser.get("/storage-boxes?name=Attic")).text) == ["Seven Samurai"]

    @pytest.mark.parametrize(
        ("path", "leads_to"),
        [
            ("/box-sets/Alien%20Collection/", "/box-sets?name=Alien+Collection"),
            ("/box-sets/AC%2FDC/Live", "/box-sets?name=AC%2FDC%2FLive"),
            ("/box-sets/", "/box-sets"),
            ("/tartan/", "/collection?is_tartan_dvd=true"),
        ],
    )
    async def test_other_addresses_of_them_lead_here(self, visit: Visit, path: str, leads_to: str) -> None:
        answer = await visit().get(path)
        assert (answer.status_code, answer.headers["location"]) == (308, leads_to)

    async def test_one_that_is_not_there_is_said(self, visit: Visit) -> None:
        page = await visit().get("/storage-boxes?name=nowhere")
        assert page.status_code == 404
        assert "No disc is in a storage box of that name." in page.text

    async def test_labels_fill_sheets_after_those_used_up(self, visit: Visit, put_disc: PutDisc) -> None:
        for number in range(1, 25):
            put_disc(storage_box=f"Box {number:02}")
        page = Elements((await visit().get("/storage-boxes/labels?form=a4-21&skip=3")).text)
        assert len(page.every("section", class_="sheet", data_form="a4-21")) == 2
        codes = [
            attributes for attributes, _ in page.every("img") if str(attributes["src"]).startswith("data:image/svg")
        ]
        assert [code["alt"] for code in codes] == [f"Code of Box {number:02}" for number in range(1, 25)]
        chosen = Elements((await visit().get("/storage-boxes/labels?box=Box+02&box=Box+05&form=nothing")).text)
        assert [text for _, text in chosen.every("strong")] == ["Box 02", "Box 05"]


class TestBulkEdit:
    async def test_pages_and_filters_as_the_collection(self, visit: Visit, hub: Hub) -> None:
        with hub.database.write() as session:
            make_discs(session, ({"name": f"Film {index:03}", "genres": "Drama"} for index in range(120)))
        browser = visit()
        page = Elements((await browser.get("/bulk-edit?genre=Drama&size=50&page=3")).text)
        rows = [attributes["data-id"] for attributes, _ in page.every("tr", aria_selected="false")]
        assert len(rows) == 20
        assert (
            page.every("a", aria_label="Previous page")[0][0]["href"]
            == "/bulk-edit?genre=Drama&page=2&size=50&order=name"
        )

    def test_every_key_is_documented(self) -> None:
        text = (ROOT / "docs/pages.md").read_text(encoding="utf-8")
        assert [key for keys, _ in SHORTCUTS for key in keys if f"`{key}`" not in text] == []


@pytest.mark.databases("sqlite")
class TestWhoMaySee:
    async def test_pages_lead_to_the_way_in(self, visit: Visit, put_disc: PutDisc, hub: Hub) -> None:
        put_disc(name="private", storage_box="Attic")
        set_password(hub.database, hub.clock, PASSWORD)
        for path in PAGES:
            answer = await visit(ELSEWHERE).get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next="), path

    async def test_parts_and_answers_need_credentials(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc()
        stranger = visit(ELSEWHERE, headers={"Accept": "application/json"})
        for method, path in (
            ("GET", "/collection/items"),
            ("GET", "/collection/films?q=x"),
            ("GET", "/dvd/1/posters"),
            ("POST", "/dvd/1/unlock"),
        ):
            assert (await stranger.request(method, path, json={"fields": []})).status_code == 401, path


@pytest.mark.databases("sqlite")
class TestPolicy:
    async def test_nothing_stands_inline_and_ids_are_unique(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", storage_box="Attic", box_set_name="Alien", tags="a b, a  b!", genres="Horror")
        put_disc(name="Aliens", storage_box="Attic", genres="Science Fiction")
        for path in (*PAGES, "/storage-boxes?name=Attic", "/box-sets?name=Alien"):
            answer = await visit().get(path)
            assert answer.status_code == 200, path
            found = Elements(answer.text).found
            for tag, attributes, text in found:
                assert not [name for name in attributes if name == "style" or name.startswith("on")], (path, tag)
                if tag == "script":
                    assert attributes.get("type") == "application/json" or not text.strip(), path
            ids = Counter(attributes["id"] for _, attributes, _ in found if attributes.get("id"))
            assert [one for one, number in ids.items() if number > 1] == [], path

    async def test_says_it_in_german(self, visit: Visit, put_disc: PutDisc) -> None:
        put_disc(name="Alien", status="unboxed")
        page = (await visit(headers={"Accept-Language": "de"}).get("/collection")).text
        assert "Sammlung" in page
        assert re.search(r"1 Disc\b", page)
        assert "Ausgepackt" in page

    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    async def test_links_stay_below_the_base_path_and_facts_in_the_visitors_language(
        self, visit: Visit, put_disc: PutDisc
    ) -> None:
        number = put_disc(name="Alien", storage_box="Attic", box_set_name="Alien", original_language="en")
        browser = visit(headers={"Accept-Language": "de"})
        for path in (f"/dvd/{number}/", f"/dvd/{number}/edit/", "/collection", "/box-sets?name=Alien", "/bulk-edit"):
            page = (await browser.get("/kino" + path)).text
            links = [str(attributes.get("href")) for attributes, _ in Elements(page).every("a")]
            assert [link for link in links if link.startswith("/") and not link.startswith("/kino")] == [], path
        assert "Englisch" in (await browser.get(f"/kino/dvd/{number}/")).text

    async def test_without_a_key_the_search_says_where_to_enter_it(self, visit: Visit) -> None:
        answer = await visit(headers={"Accept": "application/json"}).get("/collection/films?q=alien")
        assert answer.status_code == 409
        assert "TMDB_API_KEY" in answer.json()["message"]
