from __future__ import annotations

import pytest

from kinoshelf.api.downloads.answers import BatchDetail, BatchPage, BatchSummaryRead
from tests.factories.downloads import add_batch, add_download, make_download

URL = "/api/batches"
PATHS = ("/api/batches", "/api/downloads/batches", "/api/downloads/batch")
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


@pytest.fixture
def mixed(hub):
    """A batch with one download in each state."""
    with hub.database.write() as session:
        batch = add_batch(session, name="Mixed")
        for state in STATES:
            add_download(session, batch_id=batch.id, state=state, filename=state)
    return batch.id


async def states(api, batch_id):
    tasks = (await api.get("/api/downloads", params={"batch_id": batch_id})).json()["tasks"]
    return {task["filename"]: task["state"] for task in tasks}


NO_PAGES = (
    "limit=0",
    "limit=101",
    "page=0",
    "page=-1",
    "limit=x",
)


MIXTURES = (
    (("completed", "failed", "downloading"), "downloading"),
    (("completed", "failed", "waiting"), "queued"),
    (("completed", "failed", "paused"), "paused"),
    (("completed", "failed"), "failed"),
    (("completed", "cancelled"), "completed"),
    (("cancelled", "skipped"), "cancelled"),
)


class TestListBatches:
    @pytest.mark.parametrize("path", PATHS)
    async def test_sums_up(self, api, hub, mixed, path):
        answer = await api.get(path)
        assert answer.status_code == 200
        assert answer.json().keys() == BatchPage.model_fields.keys()
        page = BatchPage.model_validate_json(answer.content, strict=True)
        (batch,) = page.batches
        assert answer.json()["batches"][0].keys() == BatchSummaryRead.model_fields.keys()
        assert (batch.batch_id, batch.batch_name, batch.state.value) == (mixed, "Mixed", "downloading")
        assert (batch.total_items, batch.downloading_items, batch.queued_items) == (10, 3, 2)
        assert (batch.paused_items, batch.completed_items, batch.failed_items) == (1, 1, 1)
        assert (batch.total_size, batch.downloaded_size, batch.speed) == (10_000_000, 1_000_000, 0)
        # Of the eight that are still to come or there.
        assert batch.progress == 12.5
        assert page.status_counts.all == 10

    async def test_newest_first_then_what_stands_alone_without_gap_or_overlap(self, api, hub):
        with hub.database.write() as session:
            for number in range(7):
                add_batch(session, 1, name=f"b{number}", each={"filename": "inside"})
            session.add_all(make_download(filename=f"s{number}") for number in range(8))
        seen = []
        for page in (1, 2, 3, 4):
            answer = (await api.get(URL, params={"page": page, "limit": 5})).json()
            assert (answer["total"], answer["pages"], answer["total_pages"], answer["limit"]) == (15, 3, 3, 5)
            assert (answer["total_batches"], answer["total_standalone"]) == (7, 8)
            shown = [one["batch_name"] for one in answer["batches"]] + [one["filename"] for one in answer["standalone"]]
            assert len(shown) == (5 if page < 4 else 0)
            seen += shown
        assert set(seen[:7]) == {f"b{number}" for number in range(7)}
        assert seen[7:] == [f"s{number}" for number in reversed(range(8))]

    async def test_sizes_that_are_not_known_yet_count_as_the_mean_of_the_others(self, api, hub):
        with hub.database.write() as session:
            known = add_batch(session, name="known")
            for number in range(13):
                done = {"state": "completed", "size_bytes": 100} if number < 5 else {"size_bytes": None}
                add_download(session, batch_id=known.id, **{**done, "downloaded_bytes": 100 if number < 5 else 0})
            unknown = add_batch(session, name="unknown")
            for state in ("completed", "queued", "queued"):
                add_download(session, batch_id=unknown.id, state=state, size_bytes=None, downloaded_bytes=0)
        shown = {one["batch_name"]: one["progress"] for one in (await api.get(URL)).json()["batches"]}
        assert shown == {"known": 38.5, "unknown": 33.3}

    async def test_what_still_moves_decides_its_state(self, api, hub):
        for inside, state in MIXTURES:
            with hub.database.write() as session:
                batch = add_batch(session)
                for one in inside:
                    add_download(session, batch_id=batch.id, state=one)
            assert (await api.get(f"{URL}/{batch.id}")).json()["state"] == state, inside

    @pytest.mark.databases("sqlite")
    async def test_refuses_pages_there_cannot_be(self, api):
        for query in NO_PAGES:
            answer = await api.get(f"{URL}?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), query


UNKNOWN_IDS = (
    "unknown",
    "日本",
    "a b",
    "x" * 200,
)


class TestGetBatch:
    @pytest.mark.parametrize("path", PATHS)
    async def test_shows_live_progress(self, api, hub, run, path):
        with hub.database.write() as session:
            batch = add_batch(session)
            runs = add_download(
                session, batch_id=batch.id, state="downloading", downloaded_bytes=100_000, size_bytes=None
            )
            add_download(session, batch_id=batch.id, state="completed")
            add_download(session, batch_id=batch.id, state="queued", size_bytes=None)
        run(runs.id)
        answer = await api.get(f"{path}/{batch.id}")
        shown = BatchDetail.model_validate_json(answer.content, strict=True)
        assert answer.json().keys() == BatchDetail.model_fields.keys()
        assert (shown.total_size, shown.downloaded_size, shown.speed) == (2_000_000, 1_250_000, 50_000)
        assert (shown.total_tasks, shown.downloading_tasks, shown.completed_tasks, shown.queued_tasks) == (3, 1, 1, 1)
        assert (shown.overall_progress, shown.combined_speed) == (shown.progress, 50_000)
        assert shown.estimated_time_remaining == 15
        assert (await api.get(URL)).json()["batches"][0]["speed"] == 50_000

    async def test_unknown_is_404(self, api):
        for name in UNKNOWN_IDS:
            for call in (api.get(f"{URL}/{name}"), api.delete(f"{URL}/{name}"), api.post(f"{URL}/{name}/pause")):
                answer = await call
                assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), name


class TestActOnBatch:
    @pytest.mark.parametrize(
        ("path", "becomes", "touched"),
        [
            ("/api/batches/{}/pause", "paused", {"queued", "starting", "downloading", "waiting"}),
            ("/api/downloads/batch/{}/resume", "queued", {"paused", "waiting", "skipped", "failed", "cancelled"}),
            ("/api/downloads/batches/{}/retry", "queued", {"waiting", "skipped", "failed", "cancelled"}),
            (
                "/api/batches/{}/cancel",
                "cancelled",
                {"queued", "starting", "downloading", "paused", "waiting", "extracting"},
            ),
        ],
    )
    async def test_touches_what_is_meant_and_nothing_beside(self, api, put, mixed, path, becomes, touched):
        beside = put(state="paused" if becomes == "queued" else "queued", filename="beside")
        answer = await api.post(path.format(mixed))
        assert answer.status_code == 200
        assert (answer.json()["success"], answer.json()["affected"]) == (True, len(touched))
        assert await states(api, mixed) == {state: becomes if state in touched else state for state in STATES}
        assert (await api.get(f"/api/downloads/{beside}")).json()["state"] != becomes

    async def test_nothing_to_do_is_no_failure(self, api, hub):
        with hub.database.write() as session:
            batch = add_batch(session, 2, each={"state": "completed"})
        answer = await api.post(f"{URL}/{batch.id}/pause")
        assert (answer.status_code, answer.json()["affected"]) == (200, 0)

    async def test_delete_takes_everything_but_the_files(self, api, hub, put):
        put(filename="beside")
        path = hub.store.current.download_dir / "film.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        with hub.database.write() as session:
            batch = add_batch(session, 3)
            add_download(session, batch_id=batch.id, state="completed", destination=str(path))
        answer = await api.delete(f"{URL}/{batch.id}")
        assert answer.json() == {"success": True, "affected": 4, "files_deleted": 0, "files_kept": []}
        assert path.exists()
        assert (await api.get(f"{URL}/{batch.id}")).status_code == 404
        assert (await api.get("/api/downloads")).json()["total"] == 1

    async def test_delete_with_files(self, api, hub):
        path = hub.store.current.download_dir / "film.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        with hub.database.write() as session:
            batch = add_batch(session)
            add_download(session, batch_id=batch.id, state="completed", destination=str(path))
        answer = await api.delete(f"/api/downloads/batch/{batch.id}?delete_files=true")
        assert (answer.json()["affected"], answer.json()["files_deleted"]) == (1, 1)
        assert not path.exists()
