"""What the pages need beyond the seed: the collection as JSON, and everything around a disc."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kinoshelf.api.discs.disc_shape import DiscRead
from tests.api.discs.answers import good, told
from tests.simulators.pictures import picture

ROOT = Path(__file__).resolve().parents[3]


class TestDocuments:
    @pytest.mark.databases("sqlite")
    async def test_name_every_path_that_is_there(self, api):
        paths = (await api.get("/api/openapi.json")).json()["paths"]
        text = (ROOT / "docs/api-discs.md").read_text(encoding="utf-8")
        for path in paths:
            if path.startswith(("/ajax", "/dvd")) and path.count("/") < 5:
                assert re.sub(r"\{\w*_id\}", "{id}", path) in text, path


class TestNegotiation:
    """One address, a page for people and JSON for programs."""

    @pytest.mark.databases("sqlite")
    async def test_of_a_disc(self, api, own):
        url = f"/dvd/{own()}/"
        browser = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"
        for accept, query, kind in (
            (browser, "", "text/html"),
            ("*/*", "", "text/html"),
            (browser, "?format=json", "application/json"),
            ("application/json", "", "application/json"),
            ("application/json, text/plain, */*", "", "application/json"),
            ("application/json", "?format=html", "text/html"),
        ):
            answer = await api.get(url + query, headers={"Accept": accept})
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind), (accept, query)
        answer = await api.get("/dvd/99/", headers={"Accept": browser})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        answer = await api.get(url.rstrip("/"), headers={"Accept": browser})
        assert (answer.status_code, answer.headers["location"]) == (308, url)


class TestList:
    async def test_pages_by_cursor(self, api, own):
        for number in range(7):
            own(name=f"Film {number}", release_year=1990 + number)
        seen, cursor = [], None
        while True:
            params = {"limit": 3, "order": "name", **({"cursor": cursor} if cursor else {})}
            body = good(await api.get("/dvd/", params=params))
            assert body["total"] == 7
            seen += [disc["name"] for disc in body["data"]]
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert seen == [f"Film {number}" for number in range(7)]

    async def test_filters_that_combine(self, api, own):
        own(name="Alien", status="kept", storage_box="Box 1", tags=["rare"], release_year=1979)
        own(name="Aliens", status="disposed", storage_box="Box 1", release_year=1986)
        own(name="The Thing", is_unopened=True, release_year=1982)

        async def names(**params):
            return [disc["name"] for disc in good(await api.get("/dvd", params={"order": "name", **params}))["data"]]

        assert await names(search="alien") == ["Alien", "Aliens"]
        assert await names(search="alien", status="disposed") == ["Aliens"]
        assert await names(tag="rare") == ["Alien"]
        assert await names(decade="1980", is_unopened="true") == ["The Thing"]
        assert await names(storage_box="Box 1", year_from="1980") == ["Aliens"]

    @pytest.mark.databases("sqlite")
    async def test_what_makes_no_sense(self, api):
        for params, field in (
            ({"status": "lost"}, "status"),
            ({"decade": "old"}, "decade"),
            ({"limit": "0"}, "limit"),
            ({"order": "colour"}, "order"),
            ({"cursor": "x"}, "cursor"),
        ):
            assert told(await api.get("/dvd/", params=params)) == (422, [field])

    @pytest.mark.databases("sqlite")
    async def test_discs_are_as_described(self, api, own):
        own()
        found = good(await api.get("/dvd/"))["data"][0]
        assert found.keys() == DiscRead.model_fields.keys()
        DiscRead.model_validate(found)


class TestAdd:
    async def test_typed_by_hand(self, api):
        answer = await api.post("/dvd/", json={"name": "Home film", "is_unwatched": "true", "tags": "rare, home"})
        found = answer.json()
        assert (answer.status_code, found["name"], found["tags"]) == (201, "Home film", ["rare", "home"])
        assert (found["is_unwatched"], found["note"]) == (True, "")

    async def test_filled_in_by_tmdb(self, api, tmdb):
        answer = await api.post("/dvd/", json={"tmdb_id": 603, "storage_box": "Box 1", "name": "My Matrix"})
        found = answer.json()
        assert answer.status_code == 201, found
        assert (found["name"], found["release_year"], found["storage_box"]) == ("My Matrix", 1999, "Box 1")
        assert found["edited_fields"] == ["name"]
        assert found["poster"].startswith("/artwork/")

    @pytest.mark.databases("sqlite")
    async def test_without_a_key_what_has_a_name(self, api):
        found = (await api.post("/dvd/", json={"tmdb_id": 603, "name": "The Matrix"})).json()
        assert found["runtime"] is None
        assert "key" in found["note"]
        assert told(await api.post("/dvd/", json={"tmdb_id": 603})) == (409, [""])

    @pytest.mark.databases("sqlite")
    async def test_what_cannot_be_added(self, api, tmdb):
        assert told(await api.post("/dvd/", json={})) == (422, ["name"])
        assert told(await api.post("/dvd/", json={"name": "x", "nonsense": 1})) == (400, ["nonsense"])
        assert told(await api.post("/dvd/", json={"name": "x", "poster_id": 1})) == (400, ["poster_id"])
        assert told(await api.post("/dvd/", json={"name": "x", "rating": 11, "status": "y"}))[0] == 422
        assert told(await api.post("/dvd/", json={"tmdb_id": 1_999_999_999})) == (404, [""])
        assert good(await api.get("/dvd/"))["total"] == 0


class TestChange:
    async def test_fields_of_one_disc(self, api, own):
        disc = own()
        answer = await api.patch(f"/dvd/{disc}/", json={"name": "Matrix", "purchase_price": 9.99, "notes": "gift"})
        found = answer.json()
        assert (found["name"], found["purchase_price"], found["notes"]) == ("Matrix", 9.99, "gift")
        assert found["edited_fields"] == ["name"]
        assert (await api.post(f"/ajax/unlock-fields/{disc}/", json={"fields": ["name"]})).json()["edited_fields"] == []
        assert told(await api.patch(f"/dvd/{disc}/", json={"name": ""})) == (422, ["name"])
        assert told(await api.patch("/dvd/99/", json={"name": "x"})) == (404, [""])

    async def test_many_discs(self, api, own):
        discs = [own(name=name) for name in ("Alien", "Aliens")]
        values = {"status": "disposed", "storage_box": "Box 9"}
        body = good(await api.post("/ajax/bulk-update-dvds/", json={"ids": [*discs, 99], "values": values}))
        assert (body["changed"], [one["id"] for one in body["refused"]]) == (2, [99])
        assert told(await api.post("/ajax/bulk-update-dvds/", json={"ids": discs, "values": {"x": 1}})) == (400, ["x"])
        assert told(await api.post("/ajax/bulk-update-dvds/", json={"ids": [], "values": values})) == (422, ["ids"])
        assert good(await api.post("/ajax/delete-dvds/", json={"ids": [*discs, 99]}))["deleted"] == 2

    async def test_copies(self, api, own):
        first, second = own(tmdb_id=603), own(tmdb_id=603)
        found = good(await api.get(f"/dvd/{first}/copies/"))["data"]
        assert [(one["id"], one["copy_number"]) for one in found] == [(second, 2)]

    async def test_another_film(self, api, tmdb):
        disc = (await api.post("/dvd/", json={"tmdb_id": 603, "notes": "mine"})).json()["id"]
        found = (await api.post(f"/ajax/fix-match/{disc}/", json={"tmdb_id": 348})).json()
        assert (found["name"], found["director"], found["notes"]) == ("Alien", "Ridley Scott", "mine")
        assert told(await api.post(f"/ajax/fix-match/{disc}/", json={"tmdb_id": 1_999_999_999})) == (404, [""])

    async def test_removing_one(self, api, own):
        disc = own(name="Alien")
        assert "Alien" in good(await api.delete(f"/dvd/{disc}/"))["message"]
        assert told(await api.delete(f"/dvd/{disc}/")) == (404, [""])


class TestPosters:
    async def test_chosen_and_handed_in(self, api, tmdb):
        disc = (await api.post("/dvd/", json={"tmdb_id": 603})).json()
        posters = good(await api.get(f"/ajax/posters/{disc['id']}/"))["posters"]
        assert posters[0]["language"] == "en"
        other = posters[-1]["file_path"]
        chosen = (await api.post(f"/ajax/choose-poster/{disc['id']}/", json={"file_path": other})).json()
        assert chosen["poster_id"] != disc["poster_id"]
        assert "poster_id" in chosen["edited_fields"]
        files = {"poster": ("mine.png", picture(60, 90, "PNG"), "image/png")}
        answer = await api.post(f"/ajax/upload-poster/{disc['id']}/", files=files)
        assert answer.status_code == 200, answer.text
        assert answer.json()["poster_id"] not in {disc["poster_id"], chosen["poster_id"]}
        assert (await api.get(answer.json()["poster"])).headers["content-type"].startswith("image/")
        assert (await api.post(f"/ajax/remove-poster/{disc['id']}/")).json()["poster"] is None

    @pytest.mark.databases("sqlite")
    async def test_what_cannot_be_one(self, api, tmdb, own):
        disc = own()
        url = f"/ajax/upload-poster/{disc}/"
        assert told(await api.post(url, files={"poster": ("x.png", b"no picture", "image/png")}))[0] in {400, 415, 422}
        assert told(await api.post(url, files={"other": b"x"})) == (400, ["poster"])
        assert told(await api.post("/ajax/upload-poster/99/", files={"poster": b"x"})) == (404, [""])
        assert told(await api.post(f"/ajax/choose-poster/{disc}/", json={"file_path": "../x"})) == (422, ["file_path"])
        assert told(await api.get(f"/ajax/posters/{disc}/"))[0] == 409


class TestTorrents:
    async def test_are_asked_for_by_imdb_id(self, api, yts, own):
        yts.add("tt0133093", "The Matrix", 1999, ("1080p", 90), ("720p", 40))
        disc = own(imdb_id="tt0133093", status="disposed")
        assert good(await api.get(f"/ajax/torrents/{disc}/"))["state"] == "unknown"
        body = good(await api.post(f"/ajax/refresh-torrents/{disc}/"))
        assert (body["state"], len(body["torrents"])) == ("found", 2)
        assert all(one["url"].startswith("magnet:?") for one in body["torrents"])
        links = good(await api.get("/ajax/magnet-links/"))["links"]
        assert [(one["disc_id"], one["quality"]) for one in links] == [(disc, "1080p")]
        assert good(await api.post("/ajax/refresh-all-torrents/"))["task_id"]

    @pytest.mark.databases("sqlite")
    async def test_while_yts_is_off(self, api, own):
        disc = own(imdb_id="tt0133093")
        answer = await api.post(f"/ajax/refresh-torrents/{disc}/")
        assert told(answer) == (409, [""])
        assert "switched off" in answer.json()["message"]
        assert told(await api.post("/ajax/refresh-all-torrents/")) == (409, [""])

    @pytest.mark.databases("sqlite")
    async def test_trouble_is_not_none(self, api, yts, own, expected_logs):
        expected_logs.allow("web.failed")
        disc = own(imdb_id="tt0133093")
        yts.next(error="Too many questions")
        assert told(await api.post(f"/ajax/refresh-torrents/{disc}/")) == (502, [""])
        body = good(await api.get(f"/ajax/torrents/{disc}/"))
        assert body["state"] == "failed"
        assert "Too many questions" in body["error"]


class TestLoans:
    async def test_out_and_back(self, api, own):
        disc = own(name="Alien")
        request = {"dvd_id": disc, "borrower": "Ash", "due_on": "2026-02-01"}
        loan = good(await api.post("/ajax/lend-dvd/", json=request), 201)["loan"]
        assert (loan["disc_name"], loan["borrower"], loan["due_on"]) == ("Alien", "Ash", "2026-02-01")
        assert told(await api.post("/ajax/lend-dvd/", json=request)) == (409, [""])
        changed = good(await api.patch(f"/ajax/loans/{loan['id']}/", json={"due_on": ""}))["loan"]
        assert changed["due_on"] is None
        assert [one["id"] for one in good(await api.get("/ajax/loans/"))["loans"]] == [loan["id"]]
        assert good(await api.get("/dvd/?on_loan=true"))["total"] == 1
        assert good(await api.post("/ajax/return-dvd/", json={"dvd_id": disc}))["loan"]["returned_on"]
        assert good(await api.get("/ajax/loans/"))["loans"] == []
        assert len(good(await api.get(f"/ajax/loans/?all=true&dvd_id={disc}"))["loans"]) == 1
        assert good(await api.get("/ajax/borrower-autocomplete/?q=a"))["suggestions"] == ["Ash"]

    @pytest.mark.databases("sqlite")
    async def test_what_makes_no_sense(self, api, own):
        disc = own()
        assert told(await api.post("/ajax/lend-dvd/", json={"dvd_id": disc, "borrower": " "})) == (422, ["borrower"])
        assert told(await api.post("/ajax/lend-dvd/", json={"dvd_id": 99, "borrower": "Ash"})) == (404, [""])
        bad = {"dvd_id": disc, "borrower": "Ash", "due_on": "soon"}
        assert told(await api.post("/ajax/lend-dvd/", json=bad)) == (422, ["due_on"])
        assert told(await api.post("/ajax/return-dvd/", json={"dvd_id": disc}))[0] == 422


class TestShelf:
    async def test_tags(self, api, own):
        discs = [own(name="Alien", tags=["rare", "old"]), own(name="Aliens")]
        request = {"ids": discs, "add": ["Sci-Fi"], "remove": ["OLD"]}
        assert good(await api.post("/ajax/tag-dvds/", json=request))["changed"] == 2
        names = good(await api.get("/ajax/tags/"))["names"]
        assert names == [{"name": "rare", "count": 1}, {"name": "Sci-Fi", "count": 2}]
        assert good(await api.get("/ajax/tag-autocomplete/?q=s"))["suggestions"] == ["Sci-Fi"]
        renamed = await api.post("/ajax/rename-tag/", json={"name": "rare", "new_name": ""})
        assert good(renamed)["changed"] == 1
        assert told(await api.post("/ajax/tag-dvds/", json={"ids": [99], "add": ["x"]})) == (404, [""])
        assert told(await api.post("/ajax/tag-dvds/", json={"ids": discs, "add": ["a,b"]})) == (422, ["tags"])

    async def test_boxes_and_sets(self, api, own):
        own(name="Alien", storage_box="Box 1", box_set_name="Alien Quadrilogy")
        own(name="Aliens", storage_box="Box 1", box_set_name="Alien Quadrilogy")
        assert good(await api.get("/ajax/storage-boxes/"))["names"] == [{"name": "Box 1", "count": 2}]
        change = {"name": "Box 1", "new_name": "Box 2"}
        assert good(await api.post("/ajax/rename-storage-box/", json=change))["changed"] == 2
        assert told(await api.post("/ajax/rename-storage-box/", json=change))[0] == 404
        gone = {"name": "Alien Quadrilogy", "new_name": ""}
        assert good(await api.post("/ajax/rename-box-set/", json=gone))["changed"] == 2
        assert good(await api.get("/ajax/box-sets/"))["names"] == []

    async def test_barcodes(self, api, own):
        disc = own(name="Alien", barcode="4006381333931")
        body = good(await api.get("/ajax/barcode/?code=4006381333931"))
        assert (body["known"]["name"], [one["id"] for one in body["discs"]]) == ("Alien", [disc])
        assert good(await api.get("/ajax/barcode/?code=96385074"))["known"] is None
        assert told(await api.get("/ajax/barcode/?code=123")) == (422, ["code"])

    async def test_counts(self, api, own):
        own(name="Alien", genres="Horror", release_year=1979, rating="8.1")
        facets = good(await api.get("/ajax/facets/?status=kept"))["data"]
        assert (facets["genres"], facets["status"]["kept"]) == ({"Horror": 1}, 1)
        figures = good(await api.get("/ajax/statistics/"))["data"]
        assert (figures["total"], figures["genres"]) == (1, [{"name": "Horror", "count": 1}])
        assert figures["newest"][0]["name"] == "Alien"


class TestWishesAndViews:
    async def test_wishes(self, api):
        wish = good(await api.post("/ajax/wishes/", json={"name": "Solaris", "most_price": "20"}), 201)["wish"]
        assert (wish["name"], wish["most_price"]) == ("Solaris", 20.0)
        assert told(await api.post("/ajax/wishes/", json={"name": "Solaris"})) == (409, [""])
        url = f"/ajax/wishes/{wish['id']}/"
        assert good(await api.patch(url, json={"release_year": 1972}))["wish"]["release_year"] == 1972
        assert len(good(await api.get("/ajax/wishes/"))["wishes"]) == 1
        disc = await api.post(f"{url}fulfil/", json={"storage_box": "Box 1"})
        assert (disc.status_code, disc.json()["name"], disc.json()["storage_box"]) == (201, "Solaris", "Box 1")
        assert told(await api.delete(url)) == (404, [""])

    async def test_views(self, api):
        view = good(await api.post("/ajax/views/", json={"name": "Sealed", "query": "?is_unopened=true"}), 201)["view"]
        assert view["query"] == "is_unopened=true"
        url = f"/ajax/views/{view['id']}/"
        assert good(await api.patch(url, json={"name": "Unopened"}))["view"]["name"] == "Unopened"
        assert [one["name"] for one in good(await api.get("/ajax/views/"))["views"]] == ["Unopened"]
        good(await api.delete(url))
        assert told(await api.delete(url)) == (404, [""])


class TestImports:
    FILE = b"Title,Year\nAlien,1979\nSolaris,1972\n,1999\n"

    def test_from_a_file_to_discs_and_back(self, client, wait_until):
        files = {"file": ("films.csv", self.FILE, "text/csv")}
        data = {"options": '{"defaults": {"storage_box": "Box 1"}}'}
        found = good(client.post("/ajax/imports/", files=files, data=data), 201)["data"]
        assert (found["state"], found["row_count"], found["plans"]) == ("preview", 3, {"add": 2})
        url = f"/ajax/imports/{found['id']}/"
        rows = good(client.get(f"{url}rows/?limit=2"))
        assert [row["values"]["name"] for row in rows["data"]] == ["Alien", "Solaris"]
        rest = good(client.get(f"{url}rows/", params={"after": rows["next_after"]}))
        assert (rest["data"][0]["outcome"], rest["next_after"]) == ("invalid", None)
        assert good(client.post(f"{url}skip/", json={"line": 3}))["data"]["plans"] == {"add": 1}
        good(client.post(f"{url}run/"))

        def state():
            return good(client.get(url))["data"]["state"]

        wait_until(lambda: state() == "done", "the import is done")
        assert [disc["storage_box"] for disc in good(client.get("/dvd/"))["data"]] == ["Box 1"]
        assert told(client.post(f"{url}run/")) == (409, [""])
        good(client.post(f"{url}undo/"))
        wait_until(lambda: state() == "undone", "the import is taken back")
        assert good(client.get("/dvd/"))["total"] == 0
        assert [one["id"] for one in good(client.get("/ajax/imports/"))["data"]] == [found["id"]]

    @pytest.mark.databases("sqlite")
    async def test_what_cannot_be_read(self, api):
        assert told(await api.post("/ajax/imports/", files={"other": b"x"})) == (400, ["file"])
        assert told(await api.post("/ajax/imports/", files={"file": ("x.csv", b"\x00\x01\x02")}))[0] == 400
        files = {"file": ("x.csv", self.FILE)}
        for options in ("[]", "{", '{"on_match": "burn"}', '{"defaults": {"name": "x"}}'):
            assert told(await api.post("/ajax/imports/", files=files, data={"options": options}))[0] == 400, options
        for path in ("", "rows/"):
            assert told(await api.get(f"/ajax/imports/nobody/{path}")) == (404, [""])
        for path in ("run", "undo", "cancel"):
            assert told(await api.post(f"/ajax/imports/nobody/{path}/")) == (404, [""])


class TestLists:
    def test_pasted_reviewed_and_added(self, client, tmdb, wait_until):
        request = {"text": "Alien (1979)\nSolaris\n", "defaults": {"storage_box": "Box 1"}}
        found = good(client.post("/ajax/paste/", json=request), 201)["data"]
        url = f"/ajax/imports/{found['id']}/"

        def rows():
            return good(client.get(f"{url}rows/"))["data"]

        wait_until(lambda: all(row["candidates"] is not None for row in rows()), "both lines are looked up")
        assert rows()[0]["candidates"][0]["tmdb_id"] == 348
        choice = {"line": 1, "tmdb_id": 603, "name": "The Matrix", "year": 1999}
        good(client.post(f"{url}choose/", json=choice))
        good(client.post(f"{url}skip/", json={"line": 2}))
        good(client.post(f"{url}run/"))
        wait_until(lambda: good(client.get(url))["data"]["state"] == "done", "the list is added")
        discs = good(client.get("/dvd/"))["data"]
        assert [(disc["name"], disc["runtime"], disc["storage_box"]) for disc in discs] == [
            ("The Matrix", 136, "Box 1")
        ]

    async def test_marked_as_downloaded(self, api, own):
        own(name="Alien")
        own(name="Aliens")
        own(name="Solaris", media_type="download", is_downloaded=True)
        own(name="The Thing")
        own(name="The Thing")
        text = "alien\nSolaris\nThe Thing\nNobody knows"
        body = good(await api.post("/ajax/mark-downloaded/", json={"text": text}))
        assert [one["line"] for one in body["found"]] == ["alien"]
        assert [one["line"] for one in body["already_downloaded"]] == ["Solaris"]
        assert (body["not_found"], len(body["multiple"][0]["discs"])) == (["Nobody knows"], 2)
        assert good(await api.get("/dvd/?is_downloaded=true"))["total"] == 2
        assert told(await api.post("/ajax/mark-downloaded/", json={"text": " "})) == (400, [""])
