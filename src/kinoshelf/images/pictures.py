"""Pictures as such: what a file is, judged by its content, and smaller ones made of it. Slow; call it on a thread."""

from __future__ import annotations

import base64
import io
import struct
import warnings

from PIL import Image, ImageCms, UnidentifiedImageError

from kinoshelf.images.errors import PictureRefused
from kinoshelf.images.formats import MEDIA_TYPES, MadeFormat, PictureFacts

MOST_PIXELS = 60_000_000
MOST_SIDE_PIXELS = 16_383
"""What WebP can hold."""
WEBP_QUALITY = 80
JPEG_QUALITY = 85
PREVIEW_PIXELS = 20
ORIENTATION = 0x0112
TURNED = frozenset({5, 6, 7, 8})

# The library only warns at its own limit. `_open` refuses at ours, before a pixel is unpacked.
Image.MAX_IMAGE_PIXELS = None
# Crooked notes inside a picture are no news to whoever runs the hub.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def examine(content: bytes) -> PictureFacts:
    """Read the whole picture and tell what it is. Raises PictureRefused for what is none, or is broken, or too large."""
    with _open(content) as image:
        media_type = MEDIA_TYPES[image.format or ""]
        is_turned = _orientation(image) in TURNED
        width, height = reversed(image.size) if is_turned else image.size
        try:
            # All of it, once: a shortened draft would not see that the end is missing.
            image.load()
            small = _fitted(image, PREVIEW_PIXELS, PREVIEW_PIXELS)
        except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
            raise PictureRefused("this picture is broken or its end is missing") from error
    encoded = base64.b64encode(_encoded(small, "webp", quality=50)).decode()
    return PictureFacts(media_type, width, height, f"data:image/webp;base64,{encoded}")


def resized(content: bytes, width: int, made: MadeFormat) -> bytes:
    """Return the picture at most `width` pixels wide, upright and without what else the file told. Raises PictureRefused."""
    with _open(content) as image:
        try:
            small = _fitted(image, width, MOST_SIDE_PIXELS)
        except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
            raise PictureRefused("this picture is broken or its end is missing") from error
    return _encoded(small, made)


def _open(content: bytes) -> Image.Image:
    if not content:
        raise PictureRefused("the file is empty")
    try:
        image = Image.open(io.BytesIO(content), formats=tuple(MEDIA_TYPES))
    except UnidentifiedImageError as error:
        what = _likely(content)
        raise PictureRefused(f"{what}: only JPEG, PNG, GIF and WebP pictures are kept") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise PictureRefused("this picture is broken or its end is missing") from error
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE_PIXELS:
        image.close()
        raise PictureRefused(
            f"this picture has {width} by {height} pixels; the most is {MOST_PIXELS // 1_000_000} million pixels, "
            f"{MOST_SIDE_PIXELS} a side"
        )
    return image


def _likely(content: bytes) -> str:
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "this is a web page, not a picture"
    if b"<svg" in head:
        return "this is an SVG drawing, which can carry scripts"
    return "this is not a picture we know"


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:
        # The library fails on broken EXIF in many ways; the picture is there all the same.
        return 1
    return found if isinstance(found, int) else 1


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return an upright copy inside that box, in a mode both formats can hold; never larger than it was."""
    orientation = _orientation(image)
    box = (height, width) if orientation in TURNED else (width, height)
    small = image
    if image.has_transparency_data and image.mode != "RGBA":
        # Neither a palette nor a colour that means «nothing» can be averaged.
        small = image.convert("RGBA")
    elif image.format != "JPEG" and image.mode not in {"RGB", "RGBA", "L"}:
        small = image.convert("RGB")
    # It also asks the JPEG decoder for a draft, which makes small ones several times faster.
    small.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    # What was small enough has not been read yet.
    small.load()
    small = _in_screen_colours(small, image.info.get("icc_profile"))
    return _upright(small, orientation)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    steps = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    step = steps.get(orientation)
    return image if step is None else image.transpose(step)


def _in_screen_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and image.mode in {"RGB", "CMYK"}:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile nobody can read is as good as none.
            turned = None
        if turned is not None:
            return turned
    return image if image.mode in {"RGB", "RGBA", "L"} else image.convert("RGB")


def _encoded(image: Image.Image, made: MadeFormat, *, quality: int | None = None) -> bytes:
    # The encoders take what they write from these, unless there is nothing.
    image.info = {}
    out = io.BytesIO()
    if made == "webp":
        image.save(out, "WEBP", quality=quality or WEBP_QUALITY, method=4)
    else:
        image = _on_white(image) if image.mode == "RGBA" else image
        image.save(out, "JPEG", quality=quality or JPEG_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground
