"""Pictures over HTTP: what is kept, what stands in for what is not, and what callers have already."""

from __future__ import annotations

import pytest

from kinoshelf.images.sizes import address, tmdb_key
from kinoshelf.images.store import ArtworkStore
from tests.simulators.pictures import PictureServer, picture


@pytest.fixture
def pictures():
    with PictureServer() as running:
        yield running


@pytest.fixture
def environ(environ, pictures):
    return {**environ, "TMDB_IMAGE_BASE_URL": pictures.base_url}


@pytest.fixture
async def artwork(hub):
    store = hub.container.get(ArtworkStore)
    yield store
    await store.fetcher.aclose()


@pytest.fixture
def want(hub, artwork):
    def want_one(name):
        with hub.database.write() as session:
            return artwork.want(session, tmdb_key(name))

    return want_one


@pytest.fixture
async def kept(artwork, want, pictures):
    """The number of a picture that is here."""
    pictures.put("kept.jpg", picture())
    await artwork.fetcher.fetch(number := want("kept.jpg"))
    return number


class TestShowPicture:
    async def test_sends_what_the_caller_can_show(self, api, kept):
        webp = await api.get(address(kept, "w185"), headers={"Accept": "image/webp,*/*"})
        jpeg = await api.get(address(kept, "w185"), headers={"Accept": "*/*"})
        assert (webp.status_code, webp.headers["content-type"]) == (200, "image/webp")
        assert (jpeg.status_code, jpeg.headers["content-type"]) == (200, "image/jpeg")
        assert webp.headers["vary"] == jpeg.headers["vary"] == "Accept"
        assert webp.headers["etag"] != jpeg.headers["etag"]
        assert webp.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in webp.headers["cache-control"]

    async def test_is_answered_without_bytes_where_the_caller_has_it(self, api, kept):
        etag = (await api.get(address(kept, "w92"))).headers["etag"]
        for known in (etag, f'"other", W/{etag}', "*"):
            again = await api.get(address(kept, "w92"), headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert (await api.get(address(kept, "w92"), headers={"If-None-Match": '"other"'})).status_code == 200

    async def test_head_tells_the_length(self, api, kept):
        head, got = await api.head(address(kept, "w92")), await api.get(address(kept, "w92"))
        assert head.content == b""
        assert head.headers["content-length"] == str(len(got.content))

    async def test_a_drawing_stands_in(self, api, want):
        waiting = await api.get(address(want("later.jpg"), "w342"))
        assert (waiting.status_code, waiting.headers["content-type"]) == (200, "image/svg+xml")
        assert waiting.headers["cache-control"] == "no-store"
        assert waiting.headers["x-artwork-state"] == "wanted"

    @pytest.mark.parametrize(
        "path", ["/artwork/1/w300", "/artwork/0/w92", "/artwork/-1/w92", "/artwork/..%2f..%2f1/w92"]
    )
    async def test_nothing_but_numbers_and_sizes_leads_anywhere(self, api, path):
        assert (await api.get(path)).status_code in {404, 422}

    async def test_an_unknown_number_is_not_found(self, api):
        assert (await api.get(address(4711, "w92"))).status_code == 404
