"""Pictures are wanted, fetched once, kept, made smaller; what fails is remembered."""

from __future__ import annotations

import hashlib
import io

from PIL import Image

from kinoshelf.images.sizes import ArtworkSize
from kinoshelf.images.store import NotThere
from tests.simulators.pictures import picture


async def shown(artwork, artwork_id, size=ArtworkSize.W185, **options):
    file = await artwork.file(artwork_id, size, **options)
    assert not isinstance(file, NotThere)
    return await artwork.content(artwork_id, size, file)


def opened(content):
    return Image.open(io.BytesIO(content))


class TestWant:
    def test_the_same_picture_has_one_number(self, want):
        assert want("a.jpg") == want("a.jpg") != want("b.jpg")


class TestFetch:
    async def test_keeps_the_picture_by_its_content(self, artwork, want, row, pictures, data_dir):
        pictures.put("a.jpg", content := picture())
        number = want("a.jpg")
        assert await artwork.fetcher.fetch(number)
        found = row(number)
        key = hashlib.sha256(content).hexdigest()
        assert (found.state, found.content_key, found.media_type) == ("kept", key, "image/jpeg")
        assert (found.width, found.height, found.size_bytes) == (400, 600, len(content))
        assert found.preview.startswith("data:image/webp;base64,")
        assert (data_dir / "images" / key[:2] / key[2:4] / f"{key}.jpg").read_bytes() == content

    async def test_makes_the_sizes_when_they_are_looked_at(self, artwork, want, pictures):
        pictures.put("a.jpg", content := picture())
        await artwork.fetcher.fetch(number := want("a.jpg"))
        small = opened(await shown(artwork, number))
        assert (small.format, small.size) == ("WEBP", (185, 278))
        assert opened(await shown(artwork, number, takes_webp=False)).format == "JPEG"
        assert opened(await shown(artwork, number, ArtworkSize.W780)).size == (400, 600)
        assert await shown(artwork, number, ArtworkSize.ORIGINAL) == content
        assert pictures.count("a.jpg") == 1
