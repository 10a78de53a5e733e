"""A disc as JSON: every field of the documents and of the collectors, for the interfaces, the command line and CSV."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kinoshelf.core.clock import iso
from kinoshelf.discs.fields import FIELDS, split_words
from kinoshelf.images.sizes import ArtworkSize, address

POSTER_SIZE = ArtworkSize.W342

STATUS_WORDS = {"kept": "Kept", "disposed": "Disposed", "unboxed": "Unboxed"}
MEDIA_WORDS = {"physical": "Physical", "download": "Download", "rip": "Rip"}
DISK_WORDS = {
    "DVD": "DVD",
    "BluRay": "Blu-ray",
    "BluRay3D": "Blu-ray 3D",
    "UHD": "4K UHD",
    "HDDVD": "HD DVD",
    "VHS": "VHS",
    "LaserDisc": "LaserDisc",
    "VCD": "Video CD",
}
STATUS_CLASSES = {"kept": "success", "disposed": "danger", "unboxed": "warning"}
MEDIA_CLASSES = {"physical": "primary", "download": "info", "rip": "warning"}

_REST = (
    "title_id",
    "copy_key",
    "edited_fields",
    "facts_refreshed_at",
    "yts_data",
    "yts_last_updated",
    "yts_error",
    "has_cached_torrents",
    "created_at",
    "updated_at",
)


def profit_of(disc: Any) -> int | None:
    """Return revenue less budget; None unless both are known."""
    if disc.budget is None or disc.revenue is None:
        return None
    profit: int = disc.revenue - disc.budget
    return profit


def torrent_state(disc: Any) -> str:
    """Return what is known about torrents: unknown, failed, none or found. What was known before a failure stays so."""
    if disc.yts_data is None:
        return "failed" if disc.yts_error else "unknown"
    return "found" if disc.yts_data else "none"


def badges(disc: Any) -> list[dict[str, str]]:
    """Return the badges of a disc, text and class, in the order of the documents."""
    found = [
        ("Tartan", "bg-purple text-white", disc.is_tartan_dvd),
        ("Box Set", "bg-info", disc.is_box_set),
        ("Unopened", "bg-success", disc.is_unopened),
        ("Unwatched", "bg-warning", disc.is_unwatched),
        (f"Copy #{disc.copy_number}", "bg-secondary", disc.copy_number > 1),
        ("Torrent", "bg-dark", disc.has_cached_torrents),
    ]
    return [{"text": text, "class": style} for text, style, is_shown in found if is_shown]


def as_json(disc: Any, *, base_path: str = "") -> dict[str, Any]:
    """Render a row of `discs`, from the ORM or a query, as plain JSON values.

    Decimals become numbers, times ISO 8601 with a Z, days ISO dates; what is empty text in the table stays so.
    """
    found: dict[str, Any] = {"id": disc.id}
    for name in (*FIELDS, *_REST):
        found[name] = _plain(getattr(disc, name))
    found["tags"] = list(found["tags"] or ())
    found["poster"] = f"{base_path}{address(disc.poster_id, POSTER_SIZE)}" if disc.poster_id is not None else None
    found["genres_list"] = split_words(disc.genres)
    found["profit"] = profit_of(disc)
    found["torrent_state"] = torrent_state(disc)
    found["badges"] = badges(disc)
    found["url"] = f"{base_path}/dvd/{disc.id}/"
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value
