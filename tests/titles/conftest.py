from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kinoshelf.app import Hub
from kinoshelf.titles.catalogue import Catalogue


@pytest.fixture
async def catalogue(hub: Hub) -> AsyncIterator[Catalogue]:
    """The catalogue of the hub; beside the fixture `tmdb` it asks the local one."""
    found = hub.container.get(Catalogue)
    yield found
    await found.aclose()
