"""The interface over an open hub whose TMDB is the simulator; jobs run when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinoshelf.app import Hub
from kinoshelf.discs import adding


@pytest.fixture
def own(hub: Hub) -> Callable[..., int]:
    """Put a disc on the shelf as it is: `own(name="Alien", status="kept")` returns its id."""

    def own_one(**fields: Any) -> int:
        with hub.database.write() as session:
            return adding.add(session, {"name": "The Matrix", **fields}, hub.clock.now()).id

    return own_one
