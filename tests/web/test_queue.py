"""The queue page: what its address means, and one list of batches and downloads on both databases."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from kinoshelf.app import Hub
from kinoshelf.downloads.progress import Live, ProgressBoard
from kinoshelf.downloads.states import State
from kinoshelf.web.queue_view import Shown
from tests.factories.downloads import MADE_AT, add_batch, add_download
from tests.web.conftest import Elements, Put, Visit


class TestAddress:
    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("", Shown()),
            ("status=FAILED", Shown("failed", sort="added", is_descending=True)),
            ("status=queued", Shown("queued", sort="queue")),
            ("status=nonsense&sort=nonsense&page=x&direction=x", Shown()),
            ("page=0", Shown()),
            ("page=-3", Shown()),
            ("page=99999999999999999999", Shown()),
            ("page=٣", Shown()),
            ("sort=size", Shown(sort="size", is_descending=True)),
            ("sort=size&direction=asc", Shown(sort="size")),
            ("view=flat", Shown(is_grouped=False)),
            ("batch=b1&page=2", Shown(batch_id="b1", page=2, is_grouped=False)),
            ("search=%20a%20b%20", Shown(search="a b")),
        ],
    )
    def test_is_read_without_ever_failing(self, query: str, shown: Shown) -> None:
        assert Shown.of(dict(parse_qsl(query))) == shown

    @pytest.mark.parametrize(
        "shown",
        [
            Shown(),
            Shown("completed", "ä & b", "filename", is_descending=True, page=3, is_grouped=False),
            Shown("queued", sort="queue", is_descending=True),
            Shown(batch_id="b1", is_grouped=False, sort="added"),
        ],
    )
    def test_is_written_so_that_it_reads_the_same(self, shown: Shown) -> None:
        assert Shown.of(dict(parse_qsl(urlsplit(shown.href()).query))) == shown


async def listed(visit: Visit, query: str = "") -> list[str]:
    """Return names of batches and downloads as the page lists them."""
    found = (await visit().get(f"/queue/items?{query}")).json()
    names = {one["batch_id"]: one["batch_name"] for one in found["batches"]}
    names |= {one["id"]: one["filename"] for one in found["tasks"]}
    return [names[key] for key in found["order"]]


class TestList:
    @pytest.fixture(autouse=True)
    def rows(self, hub: Hub) -> None:
        with hub.database.write() as session:
            add_download(session, filename="b-done", state="completed", size_bytes=50)
            batch = add_batch(session, name="C batch", created_at=MADE_AT + timedelta(hours=1))
            add_download(session, filename="c1", batch_id=batch.id, state="completed", size_bytes=10)
            add_download(session, filename="c2", batch_id=batch.id, state="downloading", size_bytes=20)
            add_download(session, filename="a-waits", size_bytes=70)
            add_download(session, filename="d-urgent", priority=1, size_bytes=None)
            done = add_batch(session, name="E done", created_at=MADE_AT - timedelta(hours=1))
            add_download(session, filename="e1 needle", batch_id=done.id, state="failed", size_bytes=100)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["C batch", "a-waits", "d-urgent", "E done", "b-done"]),
            ("direction=desc", ["b-done", "E done", "d-urgent", "a-waits", "C batch"]),
            ("sort=queue", ["d-urgent", "C batch", "a-waits", "b-done", "E done"]),
            ("sort=filename", ["a-waits", "b-done", "C batch", "d-urgent", "E done"]),
            ("sort=size", ["E done", "a-waits", "b-done", "C batch", "d-urgent"]),
            ("sort=added", ["C batch", "d-urgent", "a-waits", "b-done", "E done"]),
            ("status=completed", ["C batch", "b-done"]),
            ("status=failed", ["E done"]),
            ("search=NEEDLE", ["E done"]),
            ("search=c%20bat", ["C batch"]),
            ("search=100%25", []),
            ("status=queued&search=WAITS", ["a-waits"]),
            ("view=flat&sort=filename", ["a-waits", "b-done", "c1", "c2", "d-urgent", "e1 needle"]),
            ("limit=2&page=2", ["d-urgent", "E done"]),
            ("limit=2&page=3", ["b-done"]),
        ],
    )
    async def test_joins_batches_and_downloads_in_one_order(self, visit: Visit, query: str, names: list[str]) -> None:
        assert await listed(visit, query) == names

    async def test_shows_one_batch(self, visit: Visit) -> None:
        found = (await visit().get("/queue/items?status=completed")).json()
        batch_id = found["batches"][0]["batch_id"]
        assert await listed(visit, f"batch={batch_id}&sort=filename") == ["c1", "c2"]
        page = (await visit().get(f"/queue?batch={batch_id}")).text
        assert "C batch" in page
        assert "a-waits" not in page

    async def test_counts_all_however_little_is_shown(self, visit: Visit) -> None:
        found = (await visit().get("/queue/items?status=failed&limit=1")).json()
        assert found["status_counts"] == {
            "all": 6,
            "downloading": 1,
            "queued": 2,
            "paused": 0,
            "completed": 2,
            "failed": 1,
            "cancelled": 0,
        }
        assert (found["total"], found["pages"], found["page"]) == (1, 1, 1)

    async def test_running_downloads_bring_their_live_figures(self, visit: Visit, hub: Hub) -> None:
        (running,) = (await visit().get("/queue/items?status=downloading&view=flat")).json()["tasks"]
        live = Live(running["id"], State.DOWNLOADING, 15, 20, 5, 1, 1, "c2 as the host says")
        hub.container.get(ProgressBoard).put("elsewhere", [live])
        found = (await visit().get("/queue/items")).json()
        (batch,) = (one for one in found["batches"] if one["batch_name"] == "C batch")
        assert (batch["speed"], batch["downloaded_size"], batch["progress"]) == (5, 1_000_015, 100.0)
        assert found["running"] == [
            {"id": live.id, "state": "downloading", "batch_id": batch["batch_id"], "speed": 5, "downloaded_bytes": 15}
        ]
        (task,) = (await visit().get("/queue/items?status=downloading&view=flat")).json()["tasks"]
        assert (task["filename"], task["progress"], task["eta"]) == ("c2 as the host says", 75.0, 1)

    async def test_the_page_brings_the_speed_of_the_last_minutes(self, visit: Visit, hub: Hub) -> None:
        live = Live("one", State.DOWNLOADING, 15, 20, 5_000, 1, 1, "film.mkv")
        hub.container.get(ProgressBoard).put("elsewhere", [live])
        page = (await visit().get("/queue")).text
        found = re.search(r'data-speeds="([^"]*)"', page)
        assert found is not None
        assert [speed for _seconds_ago, speed in json.loads(found[1])] == [5_000]


def names(page: Elements) -> list[str]:
    """Return where the names of the list lead; those of the row templates lead nowhere."""
    return [str(found["href"]) for found, _ in page.every("a", class_="name") if found["href"]]


class TestPage:
    async def test_links_lead_on_without_script(self, visit: Visit, hub: Hub) -> None:
        with hub.database.write() as session:
            for number in range(60):
                add_download(session, filename=f"file-{number:02}")
        page = Elements((await visit().get("/queue?view=flat&search=file")).text)
        assert len(names(page)) == 50
        following = page.every("a", id="page-next")[0][0]["href"]
        assert following == "/queue?search=file&view=flat&page=2"
        second = Elements((await visit().get(following)).text)
        assert len(names(second)) == 10
        one = names(second)[0]
        assert "file-" in (await visit().get(one)).text

    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    @pytest.mark.databases("sqlite")
    async def test_every_address_stands_below_the_base_path(self, visit: Visit, put: Put) -> None:
        download_id = put(filename="a.mkv")
        for path in ("/", "/queue", f"/queue/{download_id}", "/settings", "/setup", "/login", "/nothing"):
            page = Elements((await visit(follow_redirects=True).get(f"/kino{path}")).text)
            assert page.every("html", data_base="/kino")
            addresses = [
                value
                for _, attributes, _ in page.found
                for name, value in attributes.items()
                if name in {"href", "src", "action", "data-icons", "data-next"} and value
            ]
            assert [one for one in addresses if not one.startswith(("/kino", "#"))] == []
            assert (await visit().get(addresses[0].partition("#")[0])).status_code == 200

    async def test_names_and_errors_are_text(self, visit: Visit, put: Put) -> None:
        hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
        download_id = put(filename=hostile, state="failed", error_message=hostile)
        for path in ("/queue?view=flat", f"/queue/{download_id}", "/queue?search=" + "%3Cscript%3E"):
            text = (await visit().get(path)).text
            assert "<script>alert" not in text
            assert "<img src=x" not in text

    async def test_unknown_downloads_are_not_found(self, visit: Visit) -> None:
        answer = await visit().get("/queue/no-such-id")
        assert answer.status_code == 404
        assert "there is no download" in answer.text.lower()
