"""What a file is, judged by its content, and what smaller ones keep of it."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from kinoshelf.images.errors import PictureRefused
from kinoshelf.images.pictures import examine, resized
from tests.simulators.pictures import picture

TURNED_RIGHT = 6


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def png_header(width: int, height: int) -> bytes:
    """A file that says it is that large and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_orientation(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    exif[0x010E] = "taken at home"
    return picture(600, 400, exif=exif)


class TestExamine:
    @pytest.mark.parametrize(
        ("kind", "media_type"),
        [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
    )
    def test_tells_what_the_content_is(self, kind, media_type):
        facts = examine(picture(300, 200, kind))
        assert (facts.media_type, facts.width, facts.height) == (media_type, 300, 200)

    def test_makes_a_preview_of_some_pixels(self):
        preview = examine(picture(2000, 3000)).preview
        head, _, encoded = preview.partition(",")
        assert head == "data:image/webp;base64"
        assert max(opened(base64.b64decode(encoded)).size) == 20
        assert len(preview) < 500

    def test_measures_a_turned_picture_as_it_is_seen(self):
        facts = examine(with_orientation(TURNED_RIGHT))
        assert (facts.width, facts.height) == (400, 600)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"%PDF-1.7 and so on", "not a picture we know"),
            (b" <!DOCTYPE html><html></html>", "web page"),
            (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
            (b"BM" + bytes(100), "not a picture we know"),
            (picture()[:800], "broken"),
            (picture(kind="PNG")[:200], "broken"),
            (picture(kind="WEBP")[:200], "broken"),
            (picture(kind="GIF")[:900], "broken"),
            (png_header(30_000, 30_000), "30000 by 30000 pixels"),
            (png_header(20_000, 10), "a side"),
            (png_header(400, 600), "broken"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_refuses_in_a_sentence(self, content, words):
        with pytest.raises(PictureRefused, match=words):
            examine(content)


class TestResized:
    def test_keeps_the_shape_and_never_grows(self):
        assert opened(resized(picture(400, 600), 185, "webp")).size == (185, 278)
        assert opened(resized(picture(400, 600), 780, "webp")).size == (400, 600)

    def test_a_large_one_is_read_as_a_draft_of_its_colours(self):
        small = opened(resized(picture(2000, 3000), 92, "jpg"))
        assert small.size == (92, 138)
        assert all(abs(got - was) < 8 for got, was in zip(small.getpixel((80, 120)), (180, 40, 60), strict=True))

    @pytest.mark.parametrize("made", ["webp", "jpg"])
    def test_stands_upright_and_tells_nothing_else(self, made):
        small = opened(resized(with_orientation(TURNED_RIGHT), 200, made))
        assert small.size == (200, 300)
        # The light corner, top left before, is at the top right.
        assert sum(small.getpixel((190, 10))) > 600 > sum(small.getpixel((10, 10)))
        assert not small.getexif()
        assert not {"exif", "icc_profile", "comment"} & small.info.keys()

    @pytest.mark.parametrize(("turned", "corner"), [(3, "br"), (8, "bl"), (5, "tl"), (7, "br"), (2, "tr"), (4, "bl")])
    def test_knows_every_way_a_camera_is_held(self, turned, corner):
        small = opened(resized(with_orientation(turned), 300, "jpg")).convert("L")
        right, bottom = small.width - 10, small.height - 10
        places = {"tl": (10, 10), "tr": (right, 10), "bl": (10, bottom), "br": (right, bottom)}
        assert max(places, key=lambda name: small.getpixel(places[name])) == corner

    @pytest.mark.parametrize(
        ("kind", "mode"),
        [("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"), ("PNG", "I;16"), ("GIF", "P")],
    )
    @pytest.mark.parametrize("made", ["webp", "jpg"])
    def test_reads_every_kind_of_colour(self, kind, mode, made):
        content = picture(300, 300, kind, mode=mode)
        examine(content)
        assert opened(resized(content, 92, made)).size == (92, 92)

    def test_what_shines_through_stays_so_or_becomes_white(self):
        image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
        out = io.BytesIO()
        image.save(out, "PNG")
        assert opened(resized(out.getvalue(), 92, "webp")).convert("RGBA").getpixel((5, 5))[3] == 0
        assert opened(resized(out.getvalue(), 92, "jpg")).getpixel((5, 5)) == (255, 255, 255)

    def test_colours_of_a_profile_become_those_of_a_screen(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        content = picture(300, 300, icc_profile=profile)
        small = opened(resized(content, 92, "jpg"))
        assert "icc_profile" not in small.info
        assert all(abs(got - was) < 8 for got, was in zip(small.getpixel((80, 80)), (180, 40, 60), strict=True))
        # One nobody can read is as good as none.
        assert opened(resized(picture(icc_profile=b"nonsense"), 92, "webp")).size == (92, 138)

    @pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning")
    def test_broken_facts_about_a_picture_do_not_spoil_it(self):
        content = picture(300, 300, exif=b"Exif\0\0II*\0\xff\xff\xff\xffnonsense")
        assert examine(content).width == 300
        assert opened(resized(content, 92, "webp")).size == (92, 92)

    def test_a_moving_picture_stands_still(self):
        frames = [Image.new("RGB", (200, 200), colour) for colour in ("red", "blue")]
        out = io.BytesIO()
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
        small = opened(resized(out.getvalue(), 92, "webp"))
        assert getattr(small, "n_frames", 1) == 1
