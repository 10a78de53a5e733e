"""An artwork store whose pictures come from a server on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from kinoshelf.app import Hub
from kinoshelf.discs.models import Disc
from kinoshelf.images.models import Artwork
from kinoshelf.images.sizes import tmdb_key
from kinoshelf.images.store import ArtworkStore
from tests.simulators.pictures import PictureServer

Want = Callable[..., int]
Row = Callable[[int], Artwork]


@pytest.fixture
def pictures() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def environ(environ: dict[str, str], pictures: PictureServer) -> dict[str, str]:
    return {**environ, "TMDB_IMAGE_BASE_URL": pictures.base_url}


@pytest.fixture
async def artwork(hub: Hub) -> AsyncIterator[ArtworkStore]:
    store = hub.container.get(ArtworkStore)
    yield store
    await store.fetcher.aclose()


@pytest.fixture
def want(hub: Hub, artwork: ArtworkStore) -> Want:
    """Want one of TMDB's pictures by its name, or one of elsewhere: `want("a.jpg")`, `want("b", url="http://…")`."""

    def want_one(name: str, url: str | None = None) -> int:
        with hub.database.write() as session:
            return artwork.want(session, tmdb_key(name) if url is None else name, url)

    return want_one


@pytest.fixture
def row(hub: Hub) -> Row:
    def read(artwork_id: int) -> Artwork:
        with hub.database.read() as session:
            return session.get_one(Artwork, artwork_id)

    return read


@pytest.fixture
def make_disc(hub: Hub) -> Callable[..., None]:
    """Put a disc on the shelf that shows a picture."""

    def make(poster_id: int) -> None:
        now = hub.clock.now()
        texts = dict.fromkeys(("name", "sort_name", "search_text"), "Heat")
        with hub.database.write() as session:
            session.add(Disc(poster_id=poster_id, created_at=now, updated_at=now, **texts))

    return make
