from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kinoshelf import __version__
from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.health import (
    KEEP_SECONDS,
    Check,
    Checked,
    Health,
    HealthChecks,
    alive_check,
    disk_check,
    filesystem_check,
    worst,
)


class TestHealthEndpoints:
    def test_says_that_all_is_well_as_the_seed_shows(self, client: httpx2.Client) -> None:
        answer = client.get("/health")
        assert answer.status_code == 200
        assert set(answer.json()) == {"status", "timestamp", "version"}
        assert (answer.json()["status"], answer.json()["version"]) == ("healthy", __version__)
        assert answer.json()["timestamp"].endswith("Z")
        assert answer.headers["Cache-Control"] == "no-store"

    def test_shows_every_part(self, client: httpx2.Client) -> None:
        body = client.get("/health/detailed").json()
        assert body["status"] == "healthy"
        assert body["startup_time"].endswith("Z")
        parts = body["dependencies"]
        assert all(part["status"] == "healthy" for part in parts.values()), parts
        assert parts["database"]["connection_time_ms"] > 0
        assert parts["database"]["message"]
        assert parts["filesystem"]["data_dir_writable"] is parts["filesystem"]["logs_dir_writable"] is True
        assert set(parts["system"]) >= {
            "cpu_percent",
            "memory_percent",
            "memory_available_mb",
            "disk_percent",
            "disk_free_mb",
            "uptime_seconds",
        }
        assert {"disk", "jobs", "engine"} <= set(parts)

    def test_names_no_place_of_the_machine(self, client: httpx2.Client, data_dir: Path) -> None:
        assert str(data_dir) not in client.get("/health/detailed").text

    def test_is_ready_once_it_is_started(self, client: httpx2.Client, server: Any) -> None:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "critical_failures": []})
        server.hub.health.stopping()
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "critical_failures": ["the hub is starting or stopping"]}

    def test_is_not_ready_without_its_database(self, client: httpx2.Client, server: Any) -> None:
        def gone() -> Checked:
            raise DatabaseUnavailable("the database does not answer: gone")

        server.hub.health.add("database", gone, is_critical=True)
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["critical_failures"] == ["database: the database does not answer: gone"]
        assert client.get("/health").json()["status"] == "unhealthy"
        assert client.get("/health").status_code == 200

    def test_is_alive(self, client: httpx2.Client) -> None:
        assert client.get("/api/health").json() == {"status": "ok"}

    @pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
    def test_is_open_to_everyone(self, client: httpx2.Client) -> None:
        for path in ("/health", "/health/detailed", "/health/ready", "/api/health"):
            assert client.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200


class Counted:
    """A check that counts how often it runs."""

    def __init__(self, *outcomes: Checked) -> None:
        self.runs = 0
        self._outcomes = list(outcomes) or [Checked()]

    def __call__(self) -> Checked:
        self.runs += 1
        return self._outcomes[min(self.runs, len(self._outcomes)) - 1]


def checks_of(clock: FrozenClock, **checks: Check) -> HealthChecks:
    found = HealthChecks(clock, timeout_seconds=0.2)
    for name, check in checks.items():
        found.add(name, check)
    return found


class TestHealthChecks:
    async def test_answers_from_memory_for_a_while(self, clock: FrozenClock) -> None:
        check = Counted(Checked(), Checked(Health.DEGRADED))
        checks = checks_of(clock, part=check)
        for _ in range(50):
            assert (await checks.results())["part"].status is Health.HEALTHY
        assert check.runs == 1
        clock.advance(KEEP_SECONDS)
        assert (await checks.results())["part"].status is Health.DEGRADED

    async def test_many_at_once_ask_once(self, clock: FrozenClock) -> None:
        check = Counted()
        checks = checks_of(clock, part=check)
        await asyncio.gather(*(checks.results() for _ in range(50)))
        assert check.runs == 1

    async def test_one_that_hangs_is_reported_and_not_asked_again(self, clock: FrozenClock) -> None:
        go_on, runs = threading.Event(), []

        def hang() -> Checked:
            runs.append(True)
            go_on.wait(20)
            return Checked()

        checks = checks_of(clock, part=hang, other=Counted())
        for _ in range(2):
            results = await checks.results()
            assert results["part"].status is Health.UNHEALTHY
            assert "did not answer" in results["part"].message
            assert results["other"].status is Health.HEALTHY
        assert len(runs) == 1
        go_on.set()

    async def test_one_that_breaks_is_reported_in_words(self, clock: FrozenClock, expected_logs) -> None:
        def breaks() -> Checked:
            raise ZeroDivisionError

        results = await checks_of(clock, part=breaks).results()
        assert results["part"].status is Health.UNHEALTHY
        assert "log" in results["part"].message
        expected_logs.expect("health.check_failed")

    def test_the_worst_decides(self) -> None:
        assert worst({}) is Health.HEALTHY
        assert worst({"a": Checked(), "b": Checked(Health.DEGRADED)}) is Health.DEGRADED
        assert worst({"a": Checked(Health.UNHEALTHY), "b": Checked(Health.DEGRADED)}) is Health.UNHEALTHY


class TestOwnChecks:
    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        check = filesystem_check(tmp_path)
        assert check().status is Health.HEALTHY
        assert [path.name for path in tmp_path.iterdir()] == ["logs"]
        (tmp_path / "logs").rmdir()
        (tmp_path / "logs").touch()
        assert (check().status, check().facts["logs_dir_writable"]) == (Health.DEGRADED, False)
        assert filesystem_check(tmp_path / "logs" / "below")().status is Health.UNHEALTHY

    def test_a_disk_that_fills_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for free, status in ((1024**4, Health.HEALTHY), (100 * 1024**2, Health.DEGRADED), (1024, Health.UNHEALTHY)):
            monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free: _Usage(total=2 * 1024**4, free=free))
            assert disk_check(tmp_path)().status is status
        assert disk_check(tmp_path)().facts["total_mb"] == 2 * 1024**2

    def test_a_thread_that_ended(self) -> None:
        assert alive_check("the work", lambda: True, lambda: {"running": 2})() == Checked(facts={"running": 2})
        assert "the work ended" in alive_check("the work", lambda: False)().message


class _Usage:
    def __init__(self, total: int, free: int) -> None:
        self.total = total
        self.free = free
