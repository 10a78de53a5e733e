from __future__ import annotations

from pathlib import Path

import pytest

from kinoshelf.api.downloads.answers import ActionDone, Deleted, TaskDone
from tests.factories.downloads import add_batch, add_download

URL = "/api/downloads"
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
ALLOWED = {
    "pause": ("paused", {"queued", "starting", "downloading", "waiting"}),
    "resume": ("queued", {"paused", "waiting", "skipped"}),
    "retry": ("queued", {"waiting", "completed", "failed", "cancelled", "skipped"}),
    "cancel": ("cancelled", {"queued", "starting", "downloading", "paused", "waiting", "extracting", "failed"}),
}


async def states(api):
    return {task["filename"]: task["state"] for task in (await api.get(URL, params={"limit": 100})).json()["tasks"]}


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"film")
    return path


class TestActOnOne:
    @pytest.mark.parametrize("action", ALLOWED)
    async def test_the_state_decides(self, api, put, action):
        becomes, allowed = ALLOWED[action]
        for state in STATES:
            task = put(state=state, retry_count=2, error_message="no", error_category="timeout")
            answer = await api.post(f"{URL}/{task}/{action}")
            if state not in allowed:
                assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT"), state
                assert (await api.get(f"{URL}/{task}")).json()["state"] == state
                continue
            assert answer.status_code == 200, state
            done = TaskDone.model_validate_json(answer.content, strict=True)
            assert (done.success, done.id, done.state.value) == (True, task, becomes)
            assert (await api.get(f"{URL}/{task}")).json()["state"] == becomes
            if becomes == "queued":
                assert done.error_message is None
                assert done.retry_count == (3 if action == "retry" else 0)

    @pytest.mark.databases("sqlite")
    async def test_unknown_is_404(self, api):
        for action in ALLOWED:
            answer = await api.post(f"{URL}/b5a3c7a2-0000-4000-8000-000000000000/{action}")
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), action

    @pytest.mark.databases("sqlite")
    async def test_what_arrived_of_a_cancelled_one_is_thrown_away(self, api, hub, put):
        part = make_file(hub.store.current.download_dir / "Season 1" / ".film.mkv.part")
        task = put(state="paused", part_path=str(part), downloaded_bytes=4)
        answer = (await api.post(f"{URL}/{task}/cancel")).json()
        assert (answer["state"], answer["downloaded"]) == ("cancelled", 0)
        assert not part.parent.exists()


class TestChange:
    async def test_takes_what_is_given_and_leaves_the_rest(self, api, put):
        task = put(filename="old.mkv", folder="Old", checksum="md5:" + "0" * 32, priority=1)
        answer = await api.patch(f"{URL}/{task}", json={"priority": 5, "speed_limit": 1000, "segments": 2})
        assert answer.status_code == 200
        changed = TaskDone.model_validate_json(answer.content, strict=True)
        assert (changed.priority, changed.speed_limit, changed.segments) == (5, 1000, 2)
        assert (changed.filename, changed.folder, changed.checksum) == ("old.mkv", "Old", "md5:" + "0" * 32)
        answer = await api.patch(
            f"{URL}/{task}", json={"filename": "new/name.mkv", "folder": "", "checksum": "", "unknown": 1}
        )
        assert (answer.json()["filename"], answer.json()["folder"], answer.json()["checksum"]) == (
            "new_name.mkv",
            "",
            None,
        )
        assert (await api.patch(f"{URL}/{task}", json={})).json()["priority"] == 5

    @pytest.mark.parametrize(
        "body",
        [
            {"filename": ""},
            {"filename": " .. "},
            {"folder": "a/../../b"},
            {"checksum": "xyz"},
            {"segments": 0},
            {"speed_limit": -1},
            {"priority": 2**31},
            [],
            "text",
        ],
        ids=str,
    )
    async def test_refuses_nonsense(self, api, put, body):
        task = put()
        answer = await api.patch(f"{URL}/{task}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")

    async def test_a_completed_one_keeps_its_name(self, api, put):
        task = put(state="completed")
        assert (await api.patch(f"{URL}/{task}", json={"filename": "x"})).status_code == 409
        assert (await api.patch(f"{URL}/{task}", json={"priority": 3})).status_code == 200
        assert (await api.patch(f"{URL}/unknown", json={"priority": 3})).status_code == 404


class TestDelete:
    async def test_leaves_the_finished_file(self, api, hub, put):
        path = make_file(hub.store.current.download_dir / "film.mkv")
        task = put(state="completed", destination=str(path))
        answer = await api.delete(f"{URL}/{task}")
        assert answer.status_code == 200
        Deleted.model_validate_json(answer.content, strict=True)
        assert answer.json() == {"success": True, "id": task, "files_deleted": 0, "files_kept": []}
        assert path.exists()
        again = await api.delete(f"{URL}/{task}")
        assert (again.status_code, again.json()["code"]) == (404, "NOT_FOUND")

    @pytest.mark.databases("sqlite")
    async def test_takes_the_finished_file_along_when_asked(self, api, hub, put):
        path = make_file(hub.store.current.download_dir / "Show" / "film.mkv")
        task = put(state="completed", destination=str(path))
        answer = await api.delete(f"{URL}/{task}?delete_files=true")
        assert (answer.json()["success"], answer.json()["files_deleted"]) == (True, 1)
        assert not path.parent.exists()

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("way_out", ["elsewhere", "through a link", "upwards"])
    async def test_touches_nothing_outside(self, api, hub, put, tmp_path, expected_logs, way_out):
        root = hub.store.current.download_dir
        root.mkdir(parents=True, exist_ok=True)
        outside = make_file(tmp_path / "outside" / "film.mkv")
        (root / "link").symlink_to(tmp_path / "outside")
        path = {
            "elsewhere": str(outside),
            "through a link": str(root / "link" / "film.mkv"),
            "upwards": f"{root}/../outside/film.mkv",
        }[way_out]
        expected_logs.expect("downloads.file_kept")
        task = put(state="completed", destination=path)
        answer = (await api.delete(f"{URL}/{task}?delete_files=true")).json()
        assert (answer["success"], answer["files_deleted"]) == (True, 0)
        assert answer["files_kept"] == [f"{path}: it lies outside the download directory"]
        assert outside.exists()

    @pytest.mark.databases("sqlite")
    async def test_a_link_that_is_the_file_goes_and_its_target_stays(self, api, hub, put, tmp_path):
        root = hub.store.current.download_dir
        root.mkdir(parents=True, exist_ok=True)
        outside = make_file(tmp_path / "outside.mkv")
        (root / "film.mkv").symlink_to(outside)
        task = put(state="completed", destination=str(root / "film.mkv"))
        assert (await api.delete(f"{URL}/{task}?delete_files=true")).json()["files_deleted"] == 1
        assert outside.exists()

    @pytest.mark.parametrize(
        ("group", "gone"),
        [("completed", {"completed"}), ("failed", {"failed"}), ("cancelled", {"cancelled", "skipped"})],
    )
    async def test_clears_a_group(self, api, put, group, gone):
        for state in STATES:
            put(state=state, filename=state)
        answer = await api.delete(f"{URL}/{group}")
        assert answer.json() == {"success": True, "affected": len(gone)}
        assert set(await states(api)) == set(STATES) - gone


class TestActOnAll:
    @pytest.mark.parametrize(
        ("action", "becomes", "touched"),
        [
            ("pause-all", "paused", {"queued", "starting", "downloading", "waiting"}),
            ("resume-all", "queued", {"paused", "waiting", "skipped"}),
            # Nobody wants to fetch again what is there, or was cancelled, with one click.
            ("retry-all", "queued", {"failed", "waiting"}),
            ("cancel-all", "cancelled", {"queued", "starting", "downloading", "paused", "waiting", "extracting"}),
        ],
    )
    async def test_touches_only_what_is_meant(self, api, put, action, becomes, touched):
        for state in STATES:
            put(state=state, filename=state)
        answer = await api.post(f"{URL}/{action}")
        assert (answer.status_code, answer.json()) == (200, {"success": True, "affected": len(touched)})
        assert await states(api) == {state: becomes if state in touched else state for state in STATES}
        assert (await api.post(f"{URL}/{action}")).json()["affected"] in {0, 1}


class TestActOnMany:
    async def test_names_what_was_refused_and_what_is_missing(self, api, put):
        queued, paused, done = put(), put(state="paused"), put(state="completed")
        ids = [done, queued, "unknown", paused, queued]
        answer = await api.post(f"{URL}/actions", json={"action": "pause", "ids": ids})
        assert answer.status_code == 200
        ActionDone.model_validate_json(answer.content, strict=True)
        assert answer.json() == {
            "success": True,
            "affected": 1,
            "ids": [queued],
            "refused": {done: "completed", paused: "paused"},
            "missing": ["unknown"],
            "files_deleted": 0,
            "files_kept": [],
        }

    async def test_deletes_with_files_only_when_asked(self, api, hub, put):
        paths = [make_file(hub.store.current.download_dir / name) for name in ("a", "b")]
        first, second = (put(state="completed", destination=str(path)) for path in paths)
        answer = await api.post(f"{URL}/actions", json={"action": "delete", "ids": [first]})
        assert (answer.json()["affected"], answer.json()["files_deleted"]) == (1, 0)
        answer = await api.post(f"{URL}/actions", json={"action": "delete", "ids": [second, "x"], "delete_files": True})
        assert (answer.json()["affected"], answer.json()["files_deleted"], answer.json()["missing"]) == (1, 1, ["x"])
        assert [path.exists() for path in paths] == [True, False]

    async def test_thousands(self, api, hub):
        with hub.database.write() as session:
            batch = add_batch(session, 1_500)
        ids = [
            task["id"]
            for page in range(1, 16)
            for task in (await api.get(URL, params={"limit": 100, "page": page, "batch_id": batch.id})).json()["tasks"]
        ]
        for action in ("pause", "resume", "cancel", "retry", "delete"):
            answer = (await api.post(f"{URL}/actions", json={"action": action, "ids": ids})).json()
            assert (answer["affected"], answer["ids"], answer["refused"], answer["missing"]) == (1_500, ids, {}, [])
        assert (await api.get(URL)).json()["total"] == 0

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"action": "explode", "ids": []},
            {"action": "pause"},
            {"action": "pause", "ids": "all"},
            {"action": "pause", "ids": [1]},
            {"action": "pause", "ids": [""]},
            {"action": "pause", "ids": ["x"] * 10_001},
        ],
        ids=lambda body: str(body)[:40],
    )
    async def test_refuses_nonsense(self, api, body):
        answer = await api.post(f"{URL}/actions", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


NOWHERE = (
    ({}, 400),
    ({"ids": []}, 400),
    ({"ids": ["x"], "id": "x"}, 400),
    ({"ids": ["x"]}, 404),
    ({"id": "x"}, 404),
    ({"id": "x" * 201}, 400),
    ({"ids": None, "id": None}, 400),
)


class TestReorder:
    @pytest.fixture(autouse=True)
    def _five(self, hub):
        with hub.database.write() as session:
            self.ids = {name: add_download(session, filename=name, priority=0).id for name in "abcde"}

    async def order(self, api):
        tasks = (await api.get(URL, params={"sort": "queue"})).json()["tasks"]
        return "".join(task["filename"] for task in tasks)

    async def reorder(self, api, **body):
        named = {
            key: [self.ids[one] for one in value] if key == "ids" else self.ids[value] for key, value in body.items()
        }
        answer = await api.post(f"{URL}/reorder", json=named)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        return await self.order(api)

    async def test_named_ones_come_first_in_their_order(self, api):
        assert await self.reorder(api, ids="dbd") == "dbace"
        assert await self.reorder(api, ids="e") == "edbac"

    @pytest.mark.parametrize(
        ("body", "order"),
        [
            ({"id": "e", "before": "b"}, "aebcd"),
            ({"id": "a", "after": "c"}, "bcade"),
            ({"id": "a", "after": "e"}, "bcdea"),
            ({"id": "c", "before": "a"}, "cabde"),
            ({"id": "b"}, "acdeb"),
            ({"id": "b", "before": "b"}, "abcde"),
        ],
        ids=str,
    )
    async def test_moves_one_beside_another(self, api, body, order):
        assert await self.reorder(api, **body) == order

    async def test_a_gap_never_runs_out(self, api):
        for _ in range(15):
            await self.reorder(api, id="e", after="a")
            assert await self.reorder(api, id="d", after="a") == "adebc"

    async def test_takes_the_priority_of_its_new_place(self, api):
        await api.patch(f"{URL}/{self.ids['c']}", json={"priority": 10})
        assert await self.order(api) == "cabde"
        assert await self.reorder(api, id="e", after="c") == "ceabd"
        assert await self.reorder(api, ids="b") == "bcead"

    async def test_refuses_what_it_cannot_place(self, api):
        for body, status in NOWHERE:
            answer = await api.post(f"{URL}/reorder", json=body)
            assert answer.status_code == status, body
            assert await self.order(api) == "abcde"

    async def test_an_unknown_neighbour_moves_nothing(self, api):
        for body in ({"id": self.ids["a"], "after": "x"}, {"ids": [self.ids["c"], "x"]}):
            assert (await api.post(f"{URL}/reorder", json=body)).status_code == 404
        assert await self.order(api) == "abcde"
