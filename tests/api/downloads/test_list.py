from __future__ import annotations

import pytest

from kinoshelf.api.downloads.answers import Task, TaskPage
from tests.factories.downloads import add_batch, add_download, make_download, make_error

LISTS = ("tasks", "downloads")
STATES = (
    "queued",
    "starting",
    "downloading",
    "paused",
    "waiting",
    "extracting",
    "completed",
    "failed",
    "cancelled",
    "skipped",
)


async def names(api, **query):
    answer = await api.get("/api/downloads", params=query)
    assert answer.status_code == 200, answer.text
    return [task["filename"] for task in answer.json()["tasks"]]


UNKNOWN_QUERIES = (
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=ten",
    "page=0",
    "page=99999999999999999999999",
    "sort=colour",
    "direction=up",
    "status=sleeping",
    "status=queued,sleeping",
    "search=%00",
    "batch_id=%00",
    f"search={'x' * 501}",
)


class TestListDownloads:
    async def test_is_empty_at_first(self, api):
        answer = (await api.get("/api/downloads")).json()
        assert (answer["tasks"], answer["downloads"]) == ([], [])
        assert (answer["total"], answer["page"], answer["pages"], answer["total_pages"]) == (0, 1, 1, 1)
        assert answer["limit"] == 50
        assert answer["status_counts"] == dict.fromkeys(
            ("all", "downloading", "queued", "paused", "completed", "failed", "cancelled"), 0
        )

    async def test_has_the_keys_of_the_documentation_and_no_other(self, api, put):
        put()
        answer = (await api.get("/api/downloads")).json()
        assert answer.keys() == TaskPage.model_fields.keys()
        assert answer["tasks"][0].keys() == Task.model_fields.keys()
        assert answer["tasks"] == answer["downloads"]
        TaskPage.model_validate_json((await api.get("/api/downloads")).content, strict=True)

    async def test_shows_the_last_added_first(self, api, hub):
        with hub.database.write() as session:
            for name in ("first", "second", "third"):
                add_download(session, filename=name)
        assert await names(api) == ["third", "second", "first"]

    async def test_pages_without_gap_or_overlap(self, api, hub):
        with hub.database.write() as session:
            session.add_all(make_download(filename=f"{number:03}") for number in range(125))
        pages = [await names(api, page=page, sort="filename", direction="asc") for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [50, 50, 25, 0]
        assert [name for page in pages for name in page] == [f"{number:03}" for number in range(125)]
        answer = (await api.get("/api/downloads", params={"limit": 100, "page": 2})).json()
        assert (answer["total"], answer["pages"], answer["limit"], len(answer["tasks"])) == (125, 2, 100, 25)

    @pytest.mark.databases("sqlite")
    async def test_refuses_what_it_does_not_know(self, api):
        for query in UNKNOWN_QUERIES:
            answer = await api.get(f"/api/downloads?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), query


SEARCHES = (
    ("EPISODE", ["Episode_1 100%.mkv"]),
    ("_1", ["Episode_1 100%.mkv"]),
    ("100%", ["Episode_1 100%.mkv"]),
    ("%", ["Episode_1 100%.mkv"]),
    ("a\\b", []),
    ("Écran", ["petit écran.mkv", "Écran.mkv"]),
    ("E\u0301cran", ["petit écran.mkv", "Écran.mkv"]),
    ("écran", ["petit écran.mkv", "Écran.mkv"]),
    ("PETIT ÉCRAN", ["petit écran.mkv"]),
    ("host.example/path", ["other.mkv"]),
    ("'; DROP TABLE downloads; --", []),
    ("日本", ["日本.mkv"]),
    (" 日本 ", ["日本.mkv"]),
)


STATUSES = (
    ("downloading", {"starting", "downloading", "extracting"}),
    ("DOWNLOADING", {"starting", "downloading", "extracting"}),
    ("queued", {"queued", "waiting"}),
    ("waiting", {"waiting"}),
    ("Starting", {"starting"}),
    ("cancelled", {"cancelled", "skipped"}),
    ("skipped", {"skipped"}),
    ("failed, PAUSED", {"failed", "paused"}),
    ("all", set(STATES)),
    ("paused,all", set(STATES)),
    ("", set(STATES)),
)


class TestFilter:
    async def test_takes_groups_and_states_in_either_case(self, api, put):
        for state in STATES:
            put(state=state)
        for status, expected in STATUSES:
            answer = (await api.get("/api/downloads", params={"status": status})).json()
            assert {task["state"] for task in answer["tasks"]} == expected, status
            assert answer["total"] == len(expected)

    async def test_counts_agree_with_the_filters(self, api, put):
        for number, state in enumerate(STATES, start=1):
            for _ in range(number):
                put(state=state)
        counts = (await api.get("/api/downloads", params={"limit": 1})).json()["status_counts"]
        for group, count in counts.items():
            assert (await api.get("/api/downloads", params={"status": group})).json()["total"] == count
        assert counts["all"] == sum(range(len(STATES) + 1))

    async def test_shows_one_batch(self, api, hub, put):
        put(filename="alone")
        with hub.database.write() as session:
            batch = add_batch(session, 3, name="Season 1")
        answer = (await api.get("/api/downloads", params={"batch_id": batch.id})).json()
        assert answer["total"] == 3
        assert {task["batch_name"] for task in answer["tasks"]} == {"Season 1"}
        assert (await api.get("/api/downloads", params={"batch_id": "unknown"})).json()["total"] == 0

    async def test_searches_names_and_links(self, api, put):
        put(filename="Episode_1 100%.mkv", url="https://host.example/1")
        put(filename="Écran.mkv", url="https://host.example/2")
        put(filename="petit écran.mkv", url="https://host.example/3")
        put(filename="日本.mkv", url="https://host.example/4")
        put(filename="other.mkv", url="https://host.example/path/5")
        for text, expected in SEARCHES:
            assert sorted(await names(api, search=text)) == expected, text

    async def test_combines_everything(self, api, hub):
        with hub.database.write() as session:
            batch = add_batch(session)
            for state in ("paused", "queued"):
                add_download(session, batch_id=batch.id, state=state, filename=f"show {state}")
                add_download(session, state=state, filename=f"show {state}")
        answer = await api.get(
            "/api/downloads", params={"batch_id": batch.id, "status": "paused", "search": "show", "sort": "size"}
        )
        assert answer.json()["total"] == 1


SORTS = (
    ("added", "b C a", "a C b"),
    ("filename", "a b C", "C b a"),
    ("status", "C a b", "b a C"),
    ("progress", "a C b", "b C a"),
    ("queue", "C a b", "b a C"),
    # What has no size yet stands last either way.
    ("size", "C b a", "b C a"),
)


class TestSort:
    @pytest.fixture(autouse=True)
    def _three(self, hub):
        with hub.database.write() as session:
            add_download(session, filename="b", state="completed", size_bytes=30, downloaded_bytes=30, priority=1)
            add_download(session, filename="C", state="downloading", size_bytes=10, downloaded_bytes=1, priority=5)
            add_download(session, filename="a", state="queued", size_bytes=None, priority=3)

    async def test_both_ways(self, api):
        for sort, ascending, descending in SORTS:
            assert await names(api, sort=sort, direction="asc") == ascending.split(), sort
            assert await names(api, sort=sort, direction="desc") == descending.split(), sort

    async def test_default_direction(self, api):
        assert await names(api, sort="filename") == ["C", "b", "a"]
        assert await names(api, sort="queue") == ["C", "a", "b"]


UNKNOWN_IDS = (
    "unknown",
    "b5a3c7a2-0000-4000-8000-000000000000",
    "%20",
    "x" * 200,
    "日本",
)


class TestTask:
    async def test_hides_passwords(self, api, put):
        task = put(
            url="https://anna:geh:eim@files.example/a?mail=x@y.example",
            original_url="HTTPS://anna:geheim@files.example/a",
        )
        for answer in (await api.get(f"/api/downloads/{task}"), await api.get("/api/downloads")):
            assert "geh" not in answer.text
        shown = (await api.get(f"/api/downloads/{task}")).json()
        assert shown["url"] == "https://anna:***@files.example/a?mail=x@y.example"
        assert shown["original_url"] == "HTTPS://anna:***@files.example/a"

    async def test_shows_live_figures_while_it_runs(self, api, put, run):
        task = put(state="starting", filename="asked.mkv", size_bytes=None)
        run(task)
        shown = (await api.get(f"/api/downloads/{task}")).json()
        assert (shown["state"], shown["filename"], shown["progress"]) == ("downloading", "live.mkv", 25.0)
        assert (shown["downloaded"], shown["downloaded_bytes"]) == (250_000, 250_000)
        assert (shown["size"], shown["total_bytes"]) == (1_000_000, 1_000_000)
        assert (shown["speed"], shown["eta"], shown["connections"]) == (50_000, 15, 2)
        assert (await api.get("/api/engine/stats")).json()["total_speed"] == 50_000

    async def test_believes_the_row_once_it_was_stopped(self, api, put, run):
        task = put(state="paused", downloaded_bytes=10)
        run(task)
        shown = (await api.get(f"/api/downloads/{task}")).json()
        assert (shown["state"], shown["speed"], shown["connections"], shown["eta"]) == ("paused", 0, 0, None)
        # What its worker has not written down yet is not lost.
        assert (shown["downloaded"], shown["progress"]) == (250_000, 25.0)

    async def test_tells_its_history_and_place(self, api, hub, put):
        with hub.database.write() as session:
            download = add_download(
                session, state="failed", folder="Series/Season 1", filename="e.mkv", size_bytes=None
            )
            session.add_all(
                [make_error(download, message="first"), make_error(download, message="second", retry_attempt=1)]
            )
        shown = (await api.get(f"/api/downloads/{download.id}")).json()
        assert [error["error_message"] for error in shown["error_history"]] == ["first", "second"]
        assert shown["error_history"][1] == {
            "timestamp": "2026-01-02T03:04:05.000Z",
            "error_message": "second",
            "error_category": "timeout",
            "retry_attempt": 1,
        }
        assert shown["destination"] == str(hub.store.current.download_dir / "Series" / "Season 1" / "e.mkv")
        assert shown["created_at"] == "2026-01-02T03:04:05.000Z"
        assert (shown["size"], shown["progress"], shown["eta"]) == (None, 0.0, None)
        assert (await api.get("/api/downloads")).json()["tasks"][0]["error_history"] == []

    async def test_completed_is_complete_even_of_nothing(self, api, put):
        task = put(state="completed", size_bytes=0, downloaded_bytes=0)
        assert (await api.get(f"/api/downloads/{task}")).json()["progress"] == 100.0

    @pytest.mark.databases("sqlite")
    async def test_unknown_is_404(self, api):
        for name in UNKNOWN_IDS:
            answer = await api.get(f"/api/downloads/{name}")
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("name", ["%00", "x" * 201])
    async def test_impossible_is_400(self, api, name):
        answer = await api.get(f"/api/downloads/{name}")
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


class TestStats:
    @pytest.mark.parametrize("path", ["/api/engine/stats", "/api/stats", "/api/downloads/stats"])
    async def test_counts_by_group(self, api, put, path):
        for number, state in enumerate(STATES, start=1):
            for _ in range(number):
                put(state=state)
        assert (await api.get(path)).json() == {
            "active_downloads": 2 + 3 + 6,
            "queued": 1 + 5,
            "waiting": 5,
            "paused": 4,
            "completed": 7,
            "failed": 8,
            "cancelled": 9 + 10,
            "total_speed": 0,
            "db_counts": {
                "all": 55,
                "downloading": 11,
                "queued": 6,
                "paused": 4,
                "completed": 7,
                "failed": 8,
                "cancelled": 19,
            },
        }


class TestLongQueue:
    @pytest.mark.databases("sqlite")
    async def test_first_and_last_page_of_50_000(self, api, hub):
        from sqlalchemy import insert

        from kinoshelf.downloads.models import Download

        first = make_download()
        columns = {column.key: getattr(first, column.key) for column in Download.__table__.c}
        columns |= {"priority": 0, "speed_limit_bytes_per_second": 0, "is_verified": False, "is_filename_given": False}
        columns |= {"category": "other", "folder": "", "retry_count": 0, "retries_by_cause": "{}"}
        rows = [
            {**columns, "id": f"{number:036}", "filename": f"{number:05}", "position": number * 1024}
            for number in range(50_000)
        ]
        with hub.database.write() as session:
            session.connection().execute(insert(Download), rows)
        answer = (await api.get("/api/downloads")).json()
        assert (answer["total"], answer["pages"], answer["status_counts"]["queued"]) == (50_000, 1000, 50_000)
        assert answer["tasks"][0]["filename"] == "49999"
        last = (await api.get("/api/downloads", params={"page": 1000})).json()["tasks"]
        assert (len(last), last[-1]["filename"]) == (50, "00000")
        answer = await api.post("/api/downloads/reorder", json={"ids": [f"{40_000:036}"]})
        assert answer.json() == {"success": True}
        assert (await names(api, sort="queue", limit=2)) == ["40000", "00000"]
