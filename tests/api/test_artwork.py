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
        for number in (4711, 2**53, 2**80):
            assert (await api.get(address(number, "w92"))).status_code in {404, 422}

    async def test_a_failed_one_looks_different_and_says_why(self, api, artwork, want):
        await artwork.fetcher.fetch(number := want("gone.jpg"))
        failed, waiting = await api.get(address(number, "w92")), await api.get(address(want("b.jpg"), "w92"))
        assert failed.headers["x-artwork-state"] == "failed"
        assert failed.headers["cache-control"] == "no-store"
        assert failed.content != waiting.content
        told = (await api.get(f"/artwork/{number}")).json()
        assert (told["state"], told["preview"]) == ("failed", None)
        assert "does not have this" in told["error_message"]

    async def test_ranges_are_not_offered(self, api, kept):
        found = await api.get(address(kept, "original"), headers={"Range": "bytes=0-9"})
        assert (found.status_code, found.content) == (200, picture())

    async def test_a_page_can_wait_for_it(self, api, artwork, want, pictures):
        pictures.put("soon.jpg", picture())
        artwork.start()
        found = await api.get(address(want("soon.jpg"), "w92"), params={"wait": 20})
        assert found.headers["x-artwork-state"] == "kept"
        artwork.fetcher.stop()

    async def test_another_site_in_the_browser_gets_nothing(self, api, kept):
        found = await api.get(address(kept, "w92"), headers={"Origin": "https://elsewhere.example"})
        assert found.status_code == 401


class TestShowArtwork:
    async def test_tells_what_is_known(self, api, kept):
        told = (await api.get(f"/artwork/{kept}")).json()
        assert told["addresses"]["w342"] == address(kept, "w342")
        assert (told["state"], told["width"], told["height"]) == ("kept", 400, 600)
        assert told["preview"].startswith("data:image/webp;base64,")
        assert (await api.get("/artwork/4711")).status_code == 404


class TestUploadPicture:
    async def test_is_kept_whatever_it_is_called(self, api):
        answer = await api.post("/artwork", content=picture(kind="PNG"), headers={"Content-Type": "image/jpeg"})
        assert (answer.status_code, answer.json()["media_type"]) == (201, "image/png")
        found = await api.get(answer.json()["addresses"]["original"])
        assert (found.headers["content-type"], found.content) == ("image/png", picture(kind="PNG"))

    @pytest.mark.parametrize(
        ("content", "words"),
        [(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"), (b"", "empty"), (bytes(5 * 1024**2 + 1), "5 MB")],
    )
    async def test_what_is_no_picture_is_refused_in_words(self, api, content, words):
        answer = await api.post("/artwork", content=content, headers={"Content-Type": "image/png"})
        assert answer.status_code == 400
        assert words in answer.json()["message"]


class TestRetryPicture:
    async def test_lets_it_be_tried_at_the_next_look(self, api, artwork, want, pictures):
        await artwork.fetcher.fetch(number := want("late.jpg"))
        pictures.put("late.jpg", picture())
        assert (await api.post(f"/artwork/{number}/retry")).json()["state"] == "wanted"
        await artwork.fetcher.fetch(number)
        assert (await api.get(f"/artwork/{number}")).json()["state"] == "kept"
