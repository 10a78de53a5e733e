"""Every endpoint seed 000 documents: its request, its answer, its failures."""

from __future__ import annotations

import csv
import io

import httpx2
import pytest

from kinoshelf.api.discs import PREFIXES
from kinoshelf.app import create_app
from tests.api.discs.answers import good, told

SEED_FIELDS = {
    "id": int,
    "name": str,
    "status": str,
    "media_type": str,
    "tmdb_id": int | None,
    "imdb_id": str | None,
    "poster": str | None,
    "overview": str | None,
    "release_year": int | None,
    "genres": str,
    "runtime": int | None,
    "rating": float | None,
    "is_tartan_dvd": bool,
    "is_box_set": bool,
    "box_set_name": str,
    "is_unopened": bool,
    "is_unwatched": bool,
    "storage_box": str,
    "created_at": str,
    "updated_at": str,
}


class TestSearchTMDB:
    URL = "/ajax/search-tmdb/"

    async def test_finds_films_for_an_autocomplete(self, api, tmdb):
        body = good(await api.get(self.URL, params={"q": "matrix"}))
        first = body["results"][0]
        assert {"id", "title", "release_date", "poster_url", "overview"} <= first.keys()
        assert (first["id"], first["title"], first["release_date"]) == (603, "The Matrix", "1999-03-31")
        assert first["poster_url"].startswith(f"{tmdb.image_base_url}w500/")
        assert first["original_language"] == "en"
        assert body["data"] == body["results"]

    async def test_asks_nobody_about_nothing(self, api, tmdb):
        for params in ({"q": ""}, {"q": "  "}, {}):
            assert good(await api.get(self.URL, params=params))["results"] == []
        assert tmdb.count() == 0

    @pytest.mark.databases("sqlite")
    async def test_ten_hits_with_short_plots(self, api, tmdb):
        results = good(await api.get(self.URL, params={"q": "the"}))["results"]
        assert len(results) == 10
        assert all(len(hit["overview"]) <= 201 for hit in results)

    @pytest.mark.databases("sqlite")
    async def test_names_the_director_of_a_film_the_hub_knows(self, api, tmdb):
        assert (await api.post("/dvd/", json={"tmdb_id": 603})).status_code == 201
        results = good(await api.get(self.URL, params={"q": "matrix"}))["results"]
        directors = {hit["id"]: hit["director"] for hit in results}
        assert directors[603] == "Lana Wachowski, Lilly Wachowski"
        assert directors[604] == ""

    @pytest.mark.databases("sqlite")
    async def test_a_question_asked_twice_reaches_tmdb_once(self, api, tmdb):
        for _ in range(2):
            good(await api.get(self.URL, params={"q": "alien"}))
        assert tmdb.count("/search/movie") == 1

    @pytest.mark.databases("sqlite")
    async def test_without_a_key_says_where_to_put_it(self, api):
        answer = await api.get(self.URL, params={"q": "matrix"})
        assert told(answer) == (409, [""])
        assert "TMDB_API_KEY" in answer.json()["message"]

    @pytest.mark.databases("sqlite")
    async def test_a_wrong_key_is_a_failure_of_the_source(self, api, tmdb, expected_logs):
        expected_logs.allow("web.failed")
        tmdb.key = "another"
        answer = await api.get(self.URL, params={"q": "matrix"})
        assert told(answer) == (502, [""])
        assert "key" in answer.json()["message"]

    @pytest.mark.databases("sqlite")
    async def test_trouble_at_tmdb_is_said_in_words(self, api, tmdb, expected_logs):
        expected_logs.allow("web.failed")
        expected_logs.allow("upstream.trouble")
        tmdb.always(html=True, path="/search/movie")
        answer = await api.get(self.URL, params={"q": "matrix"})
        assert told(answer) == (502, [""])
        assert "TMDB" in answer.json()["message"]


class TestAutocomplete:
    async def test_box_sets_from_two_characters_on(self, api, own):
        for name in ("James Bond Collection", "Lord of the Rings", "JAMES DEAN"):
            own(box_set_name=name)
        own(box_set_name="James Bond Collection")
        url = "/ajax/box-set-autocomplete/"
        assert good(await api.get(url, params={"q": "james"}))["suggestions"] == ["JAMES DEAN", "James Bond Collection"]
        assert good(await api.get(url, params={"q": "j"}))["suggestions"] == []
        assert good(await api.get(url))["suggestions"] == []
        assert good(await api.get("/api/box-set-autocomplete/?q=rings"))["suggestions"] == ["Lord of the Rings"]

    async def test_storage_boxes_of_what_is_kept(self, api, own):
        own(storage_box="Action Movies - Box 1")
        own(storage_box="Horror - Shelf 2", status="disposed")
        url = "/ajax/storage-box-autocomplete/"
        assert good(await api.get(url, params={"q": "o"}))["suggestions"] == ["Action Movies - Box 1"]
        assert good(await api.get(url, params={"q": ""}))["suggestions"] == []
        for number in range(20):
            own(storage_box=f"Box {number}")
        assert len(good(await api.get(url, params={"q": "box"}))["suggestions"]) == 10


class TestCheckLocation:
    URL = "/ajax/check-location/"

    async def test_tells_whether_a_place_is_free(self, api, own):
        holder = own(name="Alien", status="unboxed", location="17")
        taken = good(await api.get(self.URL, params={"location": "17"}))
        assert taken["available"] is False
        assert "Alien" in taken["message"]
        assert good(await api.get(self.URL, params={"location": "017", "dvd_id": str(holder)}))["available"] is True
        free = good(await api.get(self.URL, params={"location": "18", "dvd_id": ""}))
        assert (free["available"], free["message"]) == (True, "location 18 is free")
        for location in ("", "x", "1x", "-1", "१"):
            assert good(await api.get(self.URL, params={"location": location}))["available"] is False
        assert good(await api.get("/ajax/next-location/"))["location"] == "1"


class TestFetchIMDbId:
    async def test_writes_what_tmdb_knows(self, api, tmdb, own):
        disc = own(tmdb_id=603)
        for path in (f"/ajax/fetch-imdb-id/{disc}/", f"/dvd/{disc}/fetch-imdb/", f"/ajax/fetch-imdb-id/{disc}"):
            body = good(await api.post(path))
            assert (body["imdb_id"], body["message"]) == ("tt0133093", "IMDB ID updated to tt0133093")
        assert (await api.get(f"/dvd/{disc}/?format=json")).json()["imdb_id"] == "tt0133093"

    @pytest.mark.databases("sqlite")
    async def test_failures(self, api, tmdb, own):
        assert told(await api.post("/ajax/fetch-imdb-id/99/")) == (404, [""])
        assert told(await api.post(f"/ajax/fetch-imdb-id/{own()}/"))[0] == 409
        assert told(await api.post(f"/ajax/fetch-imdb-id/{own(tmdb_id=1_999_999_999)}/")) == (404, [""])
        assert told(await api.post("/ajax/fetch-imdb-id/x/")) == (404, [""])


class TestBulkUpdate:
    URL = "/ajax/bulk-update-dvd/"

    async def change(self, api, disc, field, value):
        return await api.post(self.URL, json={"dvd_id": disc, "field": field, "value": value})

    async def test_changes_one_field(self, api, own):
        disc = own()
        for field, value, kept in (
            ("status", "disposed", "disposed"),
            ("media_type", "rip", "rip"),
            ("is_tartan_dvd", "true", True),
            ("is_tartan_dvd", False, False),
            ("is_box_set", "Yes", True),
            ("box_set_name", " Bond ", "Bond"),
            ("storage_box", "Box 1", "Box 1"),
            ("is_unopened", True, True),
            ("status", "unboxed", "unboxed"),
            ("location", "0042", "42"),
            ("rating", "8.1", 8.1),
            ("storage_box", "", ""),
        ):
            answer = await self.change(api, disc, field, value)
            assert good(answer)["message"] == f"Updated {field} successfully"
            assert (await api.get(f"/dvd/{disc}/?format=json")).json()[field] == kept, field

    async def test_keeps_the_rules_of_the_form(self, api, own):
        own(name="Alien", status="unboxed", location="7")
        disc = own(status="unboxed", location="8")
        assert told(await self.change(api, disc, "location", "7")) == (409, ["location"])
        assert told(await self.change(api, disc, "location", "x")) == (422, ["location"])
        assert told(await self.change(api, own(), "location", "9")) == (409, ["location"])
        assert told(await self.change(api, disc, "status", "lost")) == (422, ["status"])
        assert told(await self.change(api, disc, "is_box_set", "perhaps")) == (422, ["is_box_set"])
        assert told(await self.change(api, disc, "name", "x" * 256)) == (422, ["name"])
        assert told(await self.change(api, disc, "storage_box", "x" * 101)) == (422, ["storage_box"])
        assert (await api.get(f"/dvd/{disc}/?format=json")).json()["location"] == "8"

    @pytest.mark.databases("sqlite")
    async def test_requests_that_make_no_sense(self, api, own):
        disc = own()
        assert told(await self.change(api, disc, "id", 5)) == (400, ["id"])
        assert told(await self.change(api, disc, "nonsense", 5)) == (400, ["nonsense"])
        assert told(await self.change(api, 99, "status", "kept")) == (404, [""])
        assert told(await api.post(self.URL, json={"field": "status", "value": "kept"})) == (400, ["dvd_id"])
        assert told(await api.post(self.URL, json={"dvd_id": disc, "value": 1})) == (400, ["field"])
        assert told(await api.post(self.URL, json={})) == (400, ["dvd_id", "field", "value"])
        assert told(await api.post(self.URL, json=[])) == (400, [""])
        assert told(await api.post(self.URL, content=b"{", headers={"Content-Type": "application/json"})) == (400, [""])
        assert told(await api.post(self.URL, json={"dvd_id": "x", "field": "status", "value": 1})) == (422, ["dvd_id"])


class TestDelete:
    async def test_says_what_is_gone(self, api, own):
        disc = own(name="The Matrix")
        answer = await api.post("/ajax/delete-dvd/", json={"dvd_id": disc})
        assert good(answer)["message"] == '"The Matrix" has been deleted successfully'
        assert told(await api.post("/ajax/delete-dvd/", json={"dvd_id": disc})) == (404, [""])
        assert told(await api.post("/api/delete-dvd/", json={})) == (400, ["dvd_id"])


class TestRefresh:
    def test_runs_to_its_end(self, client, tmdb, own, wait_until):
        matched, unmatched = own(name="Matrix", tmdb_id=603), own(name="Typed by hand")
        gone = own(name="Never made", tmdb_id=1_999_999_999)
        task_id = good(client.post("/ajax/refresh-all-tmdb/"))["task_id"]

        def progress(**more):
            return good(client.get("/ajax/refresh-progress/", params={"task_id": task_id, **more}))

        wait_until(lambda: progress()["completed"], "the refresh ends")
        body = progress(type="full")
        assert body["progress"] == 100
        assert body["results"] == {"updated": 1, "failed": 1, "skipped": 1}
        assert "1 updated, 1 failed, 1 skipped" in body["status"]
        assert [failure["disc_id"] for failure in body["failures"]] == [gone]
        assert client.get(f"/dvd/{matched}/?format=json").json()["name"] == "The Matrix"
        assert client.get(f"/dvd/{unmatched}/?format=json").json()["name"] == "Typed by hand"
        assert told(client.get("/ajax/refresh-progress/", params={"task_id": task_id, "type": "details"}))[0] == 404

    def test_one_at_a_time_and_never_over_what_a_person_wrote(self, client, tmdb, own, wait_until):
        disc = own(tmdb_id=603)
        client.patch(f"/dvd/{disc}/", json={"name": "My Matrix"})
        tmdb.hold()
        first = good(client.post("/ajax/refresh-all-tmdb/"))["task_id"]
        assert good(client.post("/api/refresh-all-tmdb/"))["task_id"] == first
        assert good(client.post("/ajax/refresh-missing-details/"))["task_id"] == first
        running = good(client.get("/api/refresh-progress/", params={"task_id": first}))
        assert running["completed"] is False
        tmdb.let_go()
        url = f"/ajax/refresh-progress/?task_id={first}"
        wait_until(lambda: good(client.get(url))["completed"], "the refresh ends")
        found = client.get(f"/dvd/{disc}/?format=json").json()
        assert (found["name"], found["runtime"]) == ("My Matrix", 136)

    @pytest.mark.databases("sqlite")
    async def test_failures(self, api, tmdb):
        assert told(await api.get("/ajax/refresh-progress/")) == (400, [""])
        answer = await api.get("/ajax/refresh-progress/", params={"task_id": "nobody"})
        assert told(answer) == (404, [""])
        assert answer.json()["message"] == "Task not found"
        assert told(await api.get("/ajax/refresh-progress/?task_id=x&type=y"))[0] == 422

    @pytest.mark.databases("sqlite")
    async def test_without_a_key(self, api):
        assert told(await api.post("/ajax/refresh-all-tmdb/")) == (409, [""])


class TestDisc:
    """`/dvd/{pk}/` as JSON."""

    async def test_has_every_field_of_the_seed(self, api, tmdb):
        answer = await api.post("/dvd/", json={"tmdb_id": 603, "is_tartan_dvd": True, "is_unwatched": "true"})
        disc = answer.json()["id"]
        for request in (
            api.get(f"/dvd/{disc}/?format=json"),
            api.get(f"/dvd/{disc}/", headers={"Accept": "application/json"}),
            api.get(f"/dvd/{disc}?format=json", follow_redirects=True),
        ):
            answer = await request
            assert answer.status_code == 200
            found = answer.json()
            for name, kind in SEED_FIELDS.items():
                assert isinstance(found[name], kind), name
            assert found["absolute_url"] == f"/dvd/{disc}/"
            assert found["genres_list"] == ["Action", "Science Fiction"]
            assert found["status_display_class"] == "success"
            assert found["media_type_display_class"] == "primary"
            assert found["special_features_badges"] == [
                {"text": "Tartan", "class": "bg-purple text-white"},
                {"text": "Unwatched", "class": "bg-warning"},
            ]
        assert (found["name"], found["release_year"], found["runtime"]) == ("The Matrix", 1999, 136)

    @pytest.mark.databases("sqlite")
    async def test_classes_and_badges(self, api, own):
        own(name="Alien", tmdb_id=348)
        disc = own(name="Alien", tmdb_id=348, status="disposed", media_type="rip", is_box_set=True, is_unopened=True)
        found = (await api.get(f"/dvd/{disc}/?format=json")).json()
        assert (found["status_display_class"], found["media_type_display_class"]) == ("danger", "warning")
        assert [badge["text"] for badge in found["special_features_badges"]] == ["Box Set", "Unopened", "Copy #2"]
        assert [badge["class"] for badge in found["special_features_badges"]][:2] == ["bg-info", "bg-success"]

    @pytest.mark.databases("sqlite")
    async def test_nothing_there(self, api):
        for name in ("99", "0", "-1", "x", "9" * 30, "9" * 5000):
            assert told(await api.get(f"/dvd/{name}/?format=json")) == (404, [""]), name


class TestExport:
    URL = "/dvd/export/"

    async def test_what_is_not_kept(self, api, own):
        own(name="Alien")
        own(name="=1+1", status="disposed", release_year=1999)
        own(name="The Thing", status="unboxed")
        answer = await api.get(self.URL)
        assert answer.headers["content-type"].startswith("text/csv")
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith("attachment; filename=")
        assert "Non-Kept_MovieExport_" in disposition
        head, *rows = csv.reader(io.StringIO(answer.text))
        assert head == [
            "Movie Name", "Release Year", "Status", "Media Type", "720p Download Link", "1080p Download Link",
        ]  # fmt: skip
        assert [(row[0].lstrip("'"), row[2], row[3]) for row in rows] == [
            ("The Thing", "Unboxed", "Physical"),
            ("=1+1", "Disposed", "Physical"),
        ]
        assert not rows[1][0].startswith("=")

    @pytest.mark.databases("sqlite")
    async def test_kinds(self, api, own):
        own(name="Alien", status="disposed")
        assert "DisposedDVDsExport_" in (await api.get(f"{self.URL}?kind=disposed")).headers["content-disposition"]
        answer = await api.get("/dvd/export?kind=complete")
        assert "CompleteCollectionExport_" in answer.headers["content-disposition"]
        assert "Duplicate Notes" in answer.text
        assert told(await api.get(f"{self.URL}?kind=all"))[0] == 422


@pytest.mark.databases("sqlite")
class TestForm:
    async def test_unknown_paths_and_wrong_methods(self, api):
        for path in ("/ajax/nonsense/", "/ajax", "/dvd/1/nonsense/", *(f"{alias}/x" for alias in PREFIXES)):
            assert told(await api.get(path)) == (404, [""]), path
        for method, path in (("GET", "/ajax/delete-dvd/"), ("PUT", "/ajax/bulk-update-dvd/"), ("DELETE", "/dvd/")):
            answer = await api.request(method, path)
            assert told(answer) == (405, [""])
            assert answer.headers["allow"]

    async def test_bodies_of_another_kind(self, api, own):
        body = f'{{"dvd_id": {own()}}}'
        answer = await api.post("/ajax/delete-dvd/", content=body, headers={"Content-Type": "text/plain"})
        assert told(answer) == (415, [""])
        # Scripts forget the header; on this machine they are trusted.
        assert (await api.post("/ajax/delete-dvd/", content=body)).status_code == 200

    async def test_strangers_and_other_sites(self, hub, api, own):
        own()
        transport = httpx2.ASGITransport(app=create_app(hub), client=("192.0.2.9", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484") as stranger:
            for method, path in (
                ("GET", "/ajax/search-tmdb/"),
                ("POST", "/ajax/delete-dvd/"),
                ("GET", "/dvd/1/?format=json"),
                ("GET", "/dvd/export/"),
                ("POST", "/api/delete-dvd/"),
                ("POST", "/ajax/refresh-all-tmdb/"),
            ):
                assert told(await stranger.request(method, path)) == (401, [""]), path
        answer = await api.post("/ajax/delete-dvd/", json={"dvd_id": 1}, headers={"Sec-Fetch-Site": "cross-site"})
        assert told(answer) == (403, [""])
