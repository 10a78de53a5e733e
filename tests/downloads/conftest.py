"""Engines at work on real sockets and real files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinoshelf.app import Hub, Role
from kinoshelf.core.clock import SystemClock
from kinoshelf.downloads.engine.threads import ThreadTransport
from tests.downloads.queue import Queue

# Quick to lose patience, quick to try again; durability is what tests/faults is about.
QUICK = {
    "KINOSHELF_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
    "KINOSHELF_ENGINE_RETRY_DELAY_FACTOR": "0.01",
    "KINOSHELF_ENGINE_STALL_TIMEOUT_SECONDS": "1",
    "KINOSHELF_ENGINE_SYNC_TO_DISK": "false",
    "KINOSHELF_ENGINE_FREE_SPACE_RESERVE_BYTES": "0",
}


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**QUICK, **environ}


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """What moves the bytes: libcurl, or urllib3 in threads where a test asks for it (`tests.downloads.queue.both`)."""
    return getattr(request, "param", "libcurl")


@pytest.fixture
def make_queue(make_hub: Callable[..., Hub], transport: str) -> Callable[..., Queue]:
    """Open further hubs with an engine at work, as other processes would be: `make_queue(KINOSHELF_X="…")`."""

    def make(**changes: Any) -> Queue:
        hub = make_hub(Role.WORKER, clock=SystemClock(), **changes)
        assert hub.engine is not None
        if transport == "threads":
            hub.engine._make_transport = lambda trust: ThreadTransport(trust.is_allowed)
        hub.start()
        return Queue(hub)

    return make


@pytest.fixture
def queue(make_queue: Callable[..., Queue]) -> Queue:
    """A hub whose engine is at work."""
    return make_queue()
