"""File names that every file system takes, from headers, links and titles. Pure."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from kinoshelf.core.errors import InvalidInput

# 255 bytes is the common limit; the part file adds its mark, and a conflict adds « (12)».
MAX_NAME_BYTES = 200
FALLBACK = "download"
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]')
# Marks that turn the reading direction can make «exe.mp4» look like «4pm.exe».
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$", re.IGNORECASE)
NAME_CHARACTERS = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
PARAMETER = re.compile(
    # A quotation that nobody ended goes on to the end.
    rf";\s*({NAME_CHARACTERS}+)\s*=\s*(\"(?:[^\"\\]|\\.)*(?:\"|$)|[^;\"]*)",
)


def safe_filename(name: str, fallback: str = FALLBACK) -> str:
    """Return `name` as one path component that Linux, macOS, Windows, SMB and exFAT accept; `fallback` where nothing is left."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    name = INVISIBLE.sub("", name)
    name = FORBIDDEN.sub("_", name)
    name = re.sub(r"\s+", " ", name).strip(" .")
    if not name.strip("_ "):
        return fallback
    stem, dot, _rest = name.partition(".")
    if RESERVED.match(stem.rstrip()):
        name = f"{stem.rstrip()}_{dot}{_rest}"
    return _cut(name)


def _cut(name: str) -> str:
    """Shorten to the byte limit and keep the extension."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > 20:
        suffix = ""
    stem = name.removesuffix(suffix).encode()[: MAX_NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore").rstrip(" .") + suffix


def safe_folder(text: str) -> str:
    """Return a relative folder made of safe names, with forward slashes; empty for none.

    Raises InvalidInput for an absolute path or one that climbs.
    """
    text = text.strip().replace("\\", "/")
    if not text:
        return ""
    if text.startswith("/") or re.match(r"^[A-Za-z]:", text):
        raise InvalidInput("the folder must lie below the download directory, so it cannot begin with / or a drive")
    parts = [part for part in text.split("/") if part.strip() not in {"", "."}]
    if any(part.strip() == ".." for part in parts):
        raise InvalidInput("the folder cannot contain ..")
    if len(parts) > 20:
        raise InvalidInput("the folder is deeper than 20 levels")
    return "/".join(safe_filename(part, "_") for part in parts)


def filename_from_url(url: str) -> str:
    """Return a safe name from the last part of the path; the host where the path has none."""
    parts = urlsplit(url)
    last = next((part for part in reversed(parts.path.split("/")) if part), "")
    return safe_filename(_percent_decoded(last), "") or safe_filename(parts.hostname or FALLBACK)


def _percent_decoded(text: str) -> str:
    raw = unquote_to_bytes(text)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def filename_from_disposition(header: str) -> str | None:
    """Return the safe name a Content-Disposition header gives (RFC 6266, RFC 8187); None where it gives none.

    `filename*` wins over `filename`. Bytes that servers send raw in UTF-8 are understood.
    """
    found: dict[str, str] = {}
    for match in PARAMETER.finditer(";" + header if "=" in header.partition(";")[0] else header):
        name, value = match[1].lower(), match[2].strip()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'))
        found.setdefault(name, value)
    extended = _decoded_extended(found.get("filename*", ""))
    name = extended or _plain(found.get("filename", ""))
    if not name:
        return None
    # Some servers send a path; only its last part is a name.
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    return safe_filename(name, "") or None


def _decoded_extended(value: str) -> str:
    charset, separator, rest = value.partition("'")
    _language, second, text = rest.partition("'")
    if not (separator and second):
        return ""
    try:
        return unquote(text, encoding=charset or "utf-8", errors="strict")
    except (LookupError, ValueError):
        return ""


def _plain(value: str) -> str:
    try:
        value = value.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        pass
    return unquote(value) if "%" in value else value


def numbered(name: str, number: int) -> str:
    """Return the name for the `number`-th file of that name: «film.mkv», «film (2).mkv» and so on."""
    if number <= 1:
        return name
    path = PurePosixPath(name)
    suffix = path.suffix if len(path.suffix) <= 12 else ""
    return f"{name.removesuffix(suffix)} ({number}){suffix}"


def titled_name(title: str, year: int | None, season: int | None, episode: int | None, suffix: str) -> str:
    """Return the clean name of a film or an episode: «Title (2008) - S01E02.mkv»."""
    named = f"{title} ({year})" if year else title
    if season is not None and episode is not None:
        named = f"{named} - S{season:02d}E{episode:02d}"
    return safe_filename(named + (suffix or ".mkv"))


def titled_folder(title: str, year: int | None, season: int | None, collection: str | None, *, is_series: bool) -> str:
    """Return the folder of a film or an episode: «Title (2008)/Season 1», or the collection above the film."""
    named = safe_filename(f"{title} ({year})" if year else title)
    if is_series:
        return f"{named}/Season {season}" if season is not None else named
    return f"{safe_filename(collection)}/{named}" if collection else named
