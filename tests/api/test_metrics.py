from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session
from websockets.sync.client import connect

from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.tidy import TIDY
from kinoshelf.core.metrics import Metrics


class Figures:
    """What a scrape says: `figures("kinoshelf_jobs", state="queued")`, None where it says nothing."""

    def __init__(self, client: httpx2.Client) -> None:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        self.samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        found = [sample.value for sample in self.samples if sample.name == name and sample.labels == labels]
        return found[0] if found else None


REQUESTS = "kinoshelf_http_requests_total"
SOCKETS = "kinoshelf_websockets_open"


class TestMetrics:
    def test_counts_requests_by_surface_and_status_class(self, client: httpx2.Client) -> None:
        client.get("/api/downloads")
        client.get("/api/downloads/no-such-thing")
        for number in range(5):
            client.get(f"/nothing/{number}")
        figures = Figures(client)
        assert figures(REQUESTS, surface="downloads", status="2xx") == 1
        assert figures(REQUESTS, surface="downloads", status="4xx") == 1
        assert figures(REQUESTS, surface="pages", status="4xx") == 5
        assert figures("kinoshelf_http_request_seconds_count", surface="downloads") == 2

    def test_no_label_holds_a_path(self, client: httpx2.Client) -> None:
        for number in range(20):
            client.get(f"/api/downloads/x{number}")
        surfaces = {sample.labels["surface"] for sample in Figures(client).samples if sample.name == REQUESTS}
        assert all(re.fullmatch("[a-z]+", name) for name in surfaces)

    def test_shows_process_jobs_and_downloads(self, client: httpx2.Client, server: Any) -> None:
        def add(session: Session) -> None:
            for number in range(3):
                # Far away, so that nobody starts them meanwhile.
                at = server.hub.clock.now() + timedelta(days=1)
                queue.enqueue(
                    session, TIDY, clock=server.hub.clock, not_before=at, dedupe_key=f"x{number}", exclusive_key="x"
                )

        server.hub.database.run_write(add)
        figures = Figures(client)
        assert figures("kinoshelf_jobs", state="queued") == 3
        assert figures("kinoshelf_jobs", state="failed") == 0
        assert (figures("process_resident_memory_bytes") or 0) > 0
        client.post("/api/downloads", json={"url": "http://films.example/one.mkv"})
        assert any(sample.name == "kinoshelf_downloads" for sample in Figures(client).samples)

    def test_counts_open_sockets(self, client: httpx2.Client, server: Any, wait_until: Callable[..., None]) -> None:
        with connect(f"{server.ws_url}/api/ws"):
            assert Figures(client)(SOCKETS, surface="downloads") == 1
        wait_until(lambda: Figures(client)(SOCKETS, surface="downloads") == 0, "the socket is gone")

    def test_is_not_for_strangers(self, client: httpx2.Client) -> None:
        assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401

    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    def test_knows_the_surfaces_below_a_base_path(self, server: Any) -> None:
        with httpx2.Client(base_url=f"{server.base_url}/kino") as client:
            client.get("/api/downloads")
            assert Figures(client)(REQUESTS, surface="downloads", status="2xx") == 1

    def test_a_room_that_cannot_tell_leaves_the_others_alone(self) -> None:
        def cannot() -> dict[tuple[str, ...], float]:
            raise NotConfigured("no")

        metrics = Metrics()
        metrics.add_gauge("silent", "x", ("a",), cannot)
        metrics.add_gauge("loud", "x", ("a",), lambda: {("b",): 7.0})
        text = metrics.rendered("")[0].decode()
        assert 'kinoshelf_loud{a="b"} 7.0' in text
        assert "kinoshelf_silent" not in text


class TestRequestLog:
    def test_every_request_is_one_event_without_its_query(self, client: httpx2.Client, caplog, wait_until) -> None:
        caplog.set_level("DEBUG")
        answer = client.get("/api/health?apikey=geheim")

        def logged() -> list[dict[str, Any]]:
            events = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
            return [event for event in events if event["event"] == "web.answered"]

        # The server writes it after its answer went out.
        wait_until(logged, "the line of the request")
        (event,) = logged()
        assert (event["path"], event["status"], event["method"]) == ("/api/health", 200, "GET")
        assert event["request_id"] == answer.headers["X-Request-ID"]
        assert "geheim" not in str(event)
