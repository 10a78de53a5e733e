from __future__ import annotations

import asyncio

import pytest

from kinoshelf.api.downloads.answers import BulkDone, Task

LINK = "https://files.example/dir/film.mkv"
URL = "/api/downloads"


async def add(api, **body):
    return await api.post(URL, json={"url": LINK, **body})


NONSENSE = (
    {"url": ""},
    {"url": "not a link"},
    {"url": "ftp://files.example/a"},
    {"url": "javascript:alert(1)"},
    {"url": "https://"},
    {"url": "https://files.example:99999/"},
    {"url": "https://[::1/"},
    {"url": "https://files.example/\x01"},
    {"url": "https://files.example/" + "x" * 8000},
    {"url": None},
    {"url": 5},
    {"url": [LINK]},
    {"priority": 10**30},
    {"priority": 1_000_001},
    {"priority": 1.5},
    {"priority": "high"},
    {"segments": 0},
    {"segments": 33},
    {"speed_limit": -1},
    {"speed_limit": 2**63},
    {"checksum": "sha256:abc"},
    {"checksum": "crc32:00000000"},
    {"folder": "../outside"},
    {"folder": "/etc"},
    {"folder": "C:\\Windows"},
    {"folder": "/".join("x" * 21)},
    {"filename": "x" * 1001},
    {"batch_id": "a b"},
    {"batch_id": "a\n"},
    {"batch_id": "x" * 65},
    {"batch_name": "x" * 501},
    {"tmdb": {"media_type": "opera"}},
    {"tmdb": {"year": "soon"}},
    {"tmdb": {"year": 10**20}},
    {"tmdb": {"tmdb_id": -1}},
    {"tmdb": {"tmdb_id": 2**64}},
    {"tmdb": {"season": 2**31}},
    {"tmdb": []},
    {"quality": "x" * 101},
)


class TestAddDownload:
    async def test_the_example_of_the_documentation(self, api):
        answer = await api.post(URL, json={"url": "https://fshare.vn/file/ABC123"})
        assert answer.status_code == 201
        task = answer.json()
        assert (task["state"], task["filename"], task["host"]) == ("queued", "ABC123", "fshare.vn")
        Task.model_validate_json(answer.content, strict=True)
        assert (await api.get(f"{URL}/{task['id']}")).json() == task

    async def test_takes_every_wish(self, api, hub):
        answer = await add(
            api,
            filename="My: film?.mkv",
            category="concerts",
            folder="Live\\2024",
            priority=9,
            checksum="SHA-256=" + "ab" * 32,
            speed_limit=1_000_000,
            segments=3,
            quality="Remux",
            resolution="2160p",
            batch_id="my-batch",
            batch_name="Concerts",
        )
        assert answer.status_code == 201
        task = answer.json()
        assert (task["filename"], task["folder"], task["category"]) == ("My_ film_.mkv", "Live/2024", "concerts")
        assert task["destination"] == str(hub.store.current.download_dir / "Live" / "2024" / "My_ film_.mkv")
        assert (task["priority"], task["speed_limit"], task["segments"]) == (9, 1_000_000, 3)
        assert task["checksum"] == "sha256:" + "ab" * 32
        assert (task["quality"], task["resolution"]) == ("Remux", "2160p")
        assert (task["batch_id"], task["batch_name"]) == ("my-batch", "Concerts")

    async def test_names_an_episode_after_its_series(self, api):
        facts = {
            "tmdb_id": "1396",
            "media_type": "TV",
            "title": "Breaking Bad",
            "year": "2008",
            "season": 1,
            "episode": "2",
        }
        task = (await add(api, tmdb=facts, category="ignored")).json()
        assert task["filename"] == "Breaking Bad (2008) - S01E02.mkv"
        assert (task["folder"], task["category"]) == ("Breaking Bad (2008)/Season 1", "tv")
        assert (task["tmdb_id"], task["tmdb_title"], task["tmdb_year"]) == (1396, "Breaking Bad", 2008)
        assert (task["tmdb_season"], task["tmdb_episode"], task["media_type"]) == (1, 2, "tv")
        assert task["batch_name"] == "Breaking Bad"
        second = (await api.post(URL, json={"url": LINK + "?2", "tmdb": {**facts, "episode": 3}})).json()
        assert second["batch_id"] == task["batch_id"]

    async def test_takes_empty_and_missing_for_the_same(self, api):
        empty = {"title": "", "year": "", "tmdb_id": "", "media_type": None, "season": None, "collection_name": " "}
        answer = await add(
            api, filename="", category="", folder="", batch_id="", batch_name=None, checksum="", tmdb=empty
        )
        assert answer.status_code == 201
        assert (answer.json()["filename"], answer.json()["category"]) == ("film.mkv", "other")
        assert answer.json()["batch_id"] is None

    async def test_ignores_what_it_does_not_know(self, api):
        answer = await add(api, colour="blue", state="completed", id="mine", tmdb={"mood": "sad"})
        assert answer.status_code == 201
        assert (answer.json()["state"], answer.json()["id"] == "mine") == ("queued", False)

    async def test_a_link_that_is_there_is_a_conflict(self, api):
        first = (await add(api)).json()
        answer = await api.post(URL, json={"url": "HTTPS://FILES.example:443/dir/film.mkv#part"})
        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["id"]) == ("CONFLICT", first["id"])
        assert (await api.get(URL)).json()["total"] == 1

    @pytest.mark.parametrize("state", ["failed", "cancelled", "skipped"])
    async def test_a_failed_one_gives_way(self, api, put, state):
        # The factory's keys are its own: the first request makes one that the second finds.
        old = (await add(api, batch_name="Old")).json()
        if state == "cancelled":
            await api.post(f"{URL}/{old['id']}/cancel")
        else:
            await set_state(api, old["id"], state)
        answer = await add(api)
        assert answer.status_code == 201
        assert answer.json()["id"] != old["id"]
        assert (await api.get(URL)).json()["total"] == 1
        # The batch has lost its only download.
        assert (await api.get("/api/batches")).json()["total_batches"] == 0

    async def test_refuses_nonsense_in_words(self, api):
        for body in NONSENSE:
            answer = await add(api, **body)
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), body
            assert answer.json()["error"]
        assert (await api.get(URL)).json()["total"] == 0


class TestAddMany:
    async def test_tells_what_became_of_each(self, api):
        await add(api)
        body = {"urls": [LINK, "https://files.example/2", "nope", "https://files.example/2", ""], "batch_name": "Many"}
        answer = await api.post(f"{URL}/bulk", json=body)
        assert answer.status_code == 201
        done = BulkDone.model_validate_json(answer.content, strict=True)
        assert [one.status for one in done.results] == ["duplicate", "added", "invalid", "duplicate", "invalid"]
        assert [one.url for one in done.results] == body["urls"]
        assert (done.added, done.duplicates, done.invalid) == (1, 2, 2)
        assert done.results[0].id
        assert done.results[3].id == done.results[1].id == done.tasks[0].id
        assert done.results[2].error == "a link begins with http:// or https://"

    async def test_its_tasks_are_those_of_the_list(self, api):
        facts = {"media_type": "tv", "title": "Show", "season": 1, "episode": 1}
        body = {
            "urls": ["https://u:secret@files.example/a", "https://files.example/b"],
            "items": [{"url": "https://files.example/c", "tmdb": facts, "checksum": "0" * 32, "segments": 2}],
            "category": "mixed",
            "folder": "In",
            "priority": 3,
        }
        tasks = (await api.post(f"{URL}/bulk", json=body)).json()["tasks"]
        listed = (await api.get(URL, params={"sort": "queue"})).json()["tasks"]
        assert tasks == listed
        assert [task["priority"] for task in tasks] == [3, 3, 3]
        assert [task["folder"] for task in tasks] == ["In", "In", "In"]
        assert [task["batch_name"] for task in tasks] == [None, None, "Show"]

    async def test_what_an_item_says_goes_before_what_holds_for_all(self, api):
        body = {
            "items": [{"url": LINK, "priority": 0, "category": "own"}, {"url": LINK + "2"}],
            "priority": 7,
            "category": "all",
        }
        tasks = (await api.post(f"{URL}/bulk", json=body)).json()["tasks"]
        assert [(task["priority"], task["category"]) for task in tasks] == [(0, "own"), (7, "all")]

    async def test_nothing_new_is_200(self, api):
        await add(api)
        answer = await api.post(f"{URL}/bulk", json={"urls": [LINK]})
        assert (answer.status_code, answer.json()["added"]) == (200, 0)
        answer = await api.post(f"{URL}/bulk", json={})
        assert (answer.status_code, answer.json()["results"]) == (200, [])

    async def test_tasks_can_be_left_out(self, api):
        answer = await api.post(f"{URL}/bulk?tasks=false", json={"urls": [LINK]})
        assert (answer.status_code, answer.json()["tasks"], answer.json()["added"]) == (201, [], 1)

    async def test_thousands_at_once_keep_their_order(self, api):
        urls = [f"https://files.example/{number:05}" for number in range(2_000)]
        answer = await api.post(f"{URL}/bulk", json={"urls": urls, "batch_name": "Big"})
        assert answer.json()["added"] == 2_000
        assert len({task["batch_id"] for task in answer.json()["tasks"]}) == 1
        last = (await api.get(URL, params={"sort": "queue", "page": 20, "limit": 100})).json()["tasks"]
        assert [task["filename"] for task in last] == [f"{number:05}" for number in range(1_900, 2_000)]

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "body",
        [
            {"urls": ["https://x.example/"] * 10_001},
            {"urls": ["https://x.example/"] * 6_000, "items": [{"url": "https://x.example/"}] * 6_000},
            {"urls": [5]},
            {"urls": "https://x.example/"},
            {"items": [{}]},
            {"urls": [LINK], "batch_id": "../x"},
        ],
        ids=["urls", "together", "number", "text", "no url", "batch"],
    )
    async def test_refuses_too_many_and_what_are_no_links(self, api, body):
        answer = await api.post(f"{URL}/bulk", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
        assert (await api.get(URL)).json()["total"] == 0


async def set_state(api, download_id, state):
    """Bring a download into a state only a worker can."""
    from sqlalchemy import update

    from kinoshelf.core.database import Database
    from kinoshelf.downloads.models import Download

    database = api._transport.app.state.container.get(Database)
    with database.write() as session:
        session.execute(update(Download).where(Download.id == download_id).values(state=state))


class TestAtTheSameTime:
    async def test_one_link_asked_for_often_is_added_once(self, api):
        answers = await asyncio.gather(*(add(api, batch_name="Same") for _ in range(12)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
        assert (await api.get(URL)).json()["total"] == 1

    async def test_a_batch_is_made_once_and_every_place_is_its_own(self, api):
        bodies = [{"urls": [f"{LINK}?{one}{two}" for two in range(5)], "batch_name": "Same"} for one in range(8)]
        await asyncio.gather(*(api.post(f"{URL}/bulk", json=body) for body in bodies))
        assert (await api.get("/api/batches")).json()["total_batches"] == 1
        places = [task["position"] for task in (await api.get(URL)).json()["tasks"]]
        assert len(set(places)) == len(places) == 40
