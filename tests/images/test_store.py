"""Pictures are wanted, kept by their content, made smaller when somebody looks, and found by number in no time."""

from __future__ import annotations

import asyncio
import hashlib
import io

import pytest
from PIL import Image
from sqlalchemy import insert

from kinoshelf.app import Role
from kinoshelf.images import store as store_module
from kinoshelf.images.errors import ArtworkNotFound, PictureRefused
from kinoshelf.images.index import BLOCK, ArtworkIndex
from kinoshelf.images.models import Artwork
from kinoshelf.images.queries import count_artwork_by_state, originals_bytes
from kinoshelf.images.queries import pictures as pictures_of
from kinoshelf.images.sizes import ArtworkSize, address, tmdb_address, tmdb_key, tmdb_source
from kinoshelf.images.store import MOST_UPLOAD_BYTES, ArtworkStore, NotThere
from tests.simulators.pictures import picture

ORIGINAL = ArtworkSize.ORIGINAL


async def shown(artwork, artwork_id, size=ArtworkSize.W185, **options):
    file = await artwork.file(artwork_id, size, **options)
    return file if isinstance(file, NotThere) else await artwork.content(file)


def opened(content):
    return Image.open(io.BytesIO(content))


@pytest.fixture
def files(data_dir):
    return lambda: sorted(path for path in (data_dir / "images").rglob("*") if path.is_file())


@pytest.fixture
async def kept(artwork, want, pictures):
    pictures.put("kept.jpg", picture())
    await artwork.fetcher.fetch(number := want("kept.jpg"))
    return number


class TestAddresses:
    def test_name_a_number_and_a_size(self):
        assert address(7, "w342") == "/artwork/7/w342"

    def test_of_tmdb_follow_the_settings(self):
        assert tmdb_key("/a.jpg") == tmdb_key("a.jpg") == "tmdb:/a.jpg"
        assert tmdb_address("https://images.example/t/p/", "w500", "/a.jpg") == "https://images.example/t/p/w500/a.jpg"

    def test_a_hit_of_a_search_is_a_lighter_picture(self):
        assert tmdb_key("/a.jpg", "w185") == "tmdb:w185/a.jpg"
        assert tmdb_source("https://images.example/p/", "tmdb:w185/a.jpg") == "https://images.example/p/w185/a.jpg"
        assert tmdb_source("https://images.example/p/", "tmdb:/a.jpg") == "https://images.example/p/original/a.jpg"

    def test_never_leave_their_folder(self):
        assert tmdb_address("https://images.example/p", "w92", "/../../x?y#z").count("/") == 5


class TestWant:
    def test_the_same_picture_has_one_number(self, want, row, pictures):
        assert want("a.jpg") == want("a.jpg") != want("b.jpg")
        assert row(want("a.jpg")).source_url == pictures.url("a.jpg")


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

    async def test_what_a_page_needs_comes_for_many_at_once(self, hub, kept, want):
        other = want("b.jpg")
        with hub.database.read() as session:
            found = pictures_of(session, [kept, other, 4711, kept])
            figures = count_artwork_by_state(session), originals_bytes(session)
        assert found.keys() == {kept, other}
        assert (found[kept].state, found[kept].width, found[kept].height) == ("kept", 400, 600)
        assert (found[other].state, found[other].preview) == ("wanted", None)
        assert figures == ({"wanted": 1, "kept": 1, "failed": 0}, len(picture()))


class TestContent:
    async def test_the_sizes_are_made_when_they_are_looked_at(self, artwork, kept, files, pictures):
        assert len(files()) == 1
        small = opened(await shown(artwork, kept))
        assert (small.format, small.size) == ("WEBP", (185, 278))
        assert opened(await shown(artwork, kept, takes_webp=False)).format == "JPEG"
        assert opened(await shown(artwork, kept, ArtworkSize.W780)).size == (400, 600)
        assert await shown(artwork, kept, ORIGINAL) == picture()
        assert len(files()) == 4
        assert pictures.count("kept.jpg") == 1

    async def test_many_looks_make_it_once(self, artwork, kept, monkeypatch):
        made, make = [], store_module._make
        monkeypatch.setattr(store_module, "_make", lambda *words: made.append(words) or make(*words))
        looks = await asyncio.gather(*(shown(artwork, kept) for _ in range(20)))
        assert len(set(looks)) == 1
        assert len(made) == 1

    async def test_somebody_who_leaves_takes_nothing_from_the_others(self, artwork, kept):
        leaving = [asyncio.create_task(shown(artwork, kept)) for _ in range(3)]
        staying = asyncio.create_task(shown(artwork, kept))
        await asyncio.sleep(0)
        for one in leaving:
            one.cancel()
        assert opened(await staying).size == (185, 278)
        await asyncio.gather(*leaving, return_exceptions=True)

    async def test_versions_differ_where_the_bytes_do(self, artwork, kept):
        files = [await artwork.file(kept, size, takes_webp=webp) for size in ArtworkSize for webp in (True, False)]
        assert len({file.etag for file in files}) == len({file.path for file in files}) == 13

    async def test_a_number_nobody_knows_is_not_found(self, artwork):
        with pytest.raises(ArtworkNotFound):
            await artwork.file(4711, ORIGINAL)


class TestLost:
    async def test_a_file_that_is_gone_is_fetched_again(self, artwork, kept, files, row, pictures):
        files()[0].unlink()
        assert await shown(artwork, kept) == NotThere("wanted")
        assert row(kept).state == "wanted"
        await artwork.fetcher.fetch(kept)
        assert opened(await shown(artwork, kept)).size == (185, 278)
        assert pictures.count("kept.jpg") == 2

    async def test_so_is_a_damaged_one(self, artwork, kept, files, row):
        files()[0].write_bytes(b"the disk had a bad day")
        assert await shown(artwork, kept) == NotThere("wanted")
        await artwork.fetcher.fetch(kept)
        assert await shown(artwork, kept, ORIGINAL) == picture()

    async def test_what_somebody_handed_in_cannot_be_had_again(self, artwork, files, row):
        number = await artwork.keep_upload(picture())
        files()[0].unlink()
        assert await shown(artwork, number) == NotThere("failed")
        assert "nobody but you" in row(number).error_message
        assert not await artwork.want_again(number)
        assert await artwork.keep_upload(picture()) == number
        assert opened(await shown(artwork, number)).size == (185, 278)

    async def test_the_memory_tells_no_lie_to_another_process(self, artwork, kept, make_hub):
        other = make_hub(Role.COMMAND).container.get(ArtworkStore)
        assert opened(await shown(other, kept)).size == (185, 278)


class TestKeepUpload:
    async def test_is_kept_at_once(self, artwork, row, data_dir):
        number = await artwork.keep_upload(content := picture(kind="PNG"))
        assert row(number).source_key == f"upload:{hashlib.sha256(content).hexdigest()}"
        assert (row(number).state, row(number).media_type) == ("kept", "image/png")
        assert await artwork.keep_upload(content) == number
        assert await shown(artwork, number, ORIGINAL) == content

    async def test_a_refused_one_leaves_nothing(self, artwork, files, hub):
        for content in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ", b"", bytes(MOST_UPLOAD_BYTES + 1)):
            with pytest.raises(PictureRefused):
                await artwork.keep_upload(content)
        with hub.database.read() as session:
            assert sum(count_artwork_by_state(session).values()) == 0
        assert not files()

    async def test_the_most_bytes_are_said(self, artwork):
        with pytest.raises(PictureRefused, match="larger than 5 MB"):
            await artwork.keep_upload(picture() + bytes(MOST_UPLOAD_BYTES))


class TestIndex:
    @pytest.fixture
    def many(self, hub):
        with hub.database.write() as session:
            now = hub.clock.now()
            rows = [
                {
                    "source_key": f"tmdb:/{number}.jpg",
                    "state": "kept",
                    "content_key": f"{number:064x}",
                    "created_at": now,
                }
                for number in range(3 * BLOCK)
            ]
            session.execute(insert(Artwork), [{**row, "attempts": 0, "media_type": "image/jpeg"} for row in rows])

    async def test_one_read_serves_a_thousand_lookups(self, artwork, many, hub, monkeypatch):
        reads, reading = [], hub.database.reading
        monkeypatch.setattr(hub.database, "reading", lambda work: reads.append(work) or reading(work))
        for number in range(1, 2 * BLOCK):
            assert (await artwork.index.find(number)).content_key == f"{number - 1:064x}"
        assert len(reads) == 2

    async def test_a_row_that_comes_later_is_found(self, artwork, want):
        assert await artwork.index.find(1) is None
        assert want("a.jpg") == 1
        assert (await artwork.index.find(1)).state == "wanted"

    async def test_a_change_while_reading_is_not_covered_up(self, hub, artwork, kept, monkeypatch):
        index = ArtworkIndex(hub.database, hub.events)
        reading = hub.database.reading

        async def slow(work):
            found = await reading(work)
            index.forget([kept])
            return found

        monkeypatch.setattr(hub.database, "reading", slow)
        assert await index.find(kept)
        assert index.get(kept) is None

    @pytest.mark.system_clock
    async def test_other_processes_are_heard(self, make_hub, pictures, wait_until):
        one, other = make_hub(Role.WORKER), make_hub(Role.WORKER)
        one.start()
        other.start()
        here, there = one.container.get(ArtworkStore), other.container.get(ArtworkStore)
        with one.database.write() as session:
            number = here.want(session, tmdb_key("a.jpg"))
        assert (await there.index.find(number)).state == "wanted"
        pictures.put("a.jpg", picture())
        assert await here.fetcher.fetch(number)
        await asyncio.to_thread(wait_until, lambda: there.index.get(number) is None, "the other process is told")
        assert (await there.index.find(number)).state == "kept"
        await here.fetcher.aclose()
