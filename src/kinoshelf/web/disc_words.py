"""What discs are called on the pages: words for the values of their fields, and the badges beside a name."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from kinoshelf.web.languages import current, gettext, mark, ngettext

STATUSES = {"kept": mark("Kept"), "disposed": mark("Disposed"), "unboxed": mark("Unboxed")}
MEDIA_TYPES = {"physical": mark("Physical"), "download": mark("Download"), "rip": mark("Rip")}
DISK_TYPES = {
    "DVD": "DVD",
    "BluRay": "Blu-ray",
    "BluRay3D": "Blu-ray 3D",
    "UHD": "4K UHD",
    "HDDVD": "HD DVD",
    "VHS": "VHS",
    "LaserDisc": "LaserDisc",
    "VCD": "Video CD",
}
CONDITIONS = {
    "sealed": mark("Sealed"),
    "mint": mark("Mint"),
    "good": mark("Good"),
    "fair": mark("Fair"),
    "poor": mark("Poor"),
}
CHOICES: dict[str, dict[str, str]] = {
    "status": STATUSES,
    "media_type": MEDIA_TYPES,
    "disk_type": DISK_TYPES,
    "condition": CONDITIONS,
}

FIELDS = {
    "name": mark("Title"),
    "status": mark("Status"),
    "media_type": mark("Kept as"),
    "disk_type": mark("Format"),
    "tmdb_id": mark("TMDB number"),
    "imdb_id": mark("IMDb id"),
    "overview": mark("Plot"),
    "release_year": mark("Year"),
    "genres": mark("Genres"),
    "runtime": mark("Minutes"),
    "rating": mark("Rating"),
    "tmdb_user_score": mark("TMDB score"),
    "is_tartan_dvd": mark("Tartan release"),
    "is_box_set": mark("Part of a box set"),
    "box_set_name": mark("Box set"),
    "is_unopened": mark("Unopened"),
    "is_unwatched": mark("Unwatched"),
    "is_downloaded": mark("Downloaded"),
    "storage_box": mark("Storage box"),
    "location": mark("Location"),
    "copy_number": mark("Copy number"),
    "duplicate_notes": mark("Notes about this copy"),
    "uk_certification": mark("Certificate"),
    "original_language": mark("Language"),
    "tagline": mark("Tagline"),
    "director": mark("Director"),
    "production_companies": mark("Companies"),
    "budget": mark("Budget"),
    "revenue": mark("Revenue"),
    "barcode": mark("Barcode"),
    "edition": mark("Edition"),
    "region": mark("Region"),
    "condition": mark("Condition"),
    "purchased_on": mark("Bought on"),
    "purchase_place": mark("Bought at"),
    "purchase_price": mark("Price"),
    "purchase_currency": mark("Currency"),
    "notes": mark("Notes"),
    "tags": mark("Tags"),
    "created_at": mark("Added"),
    "poster_id": mark("Poster"),
}


class Badge(NamedTuple):
    """`kind` decides the colour."""

    text: str
    kind: str


def said(field: str, value: str) -> str:
    """Return the word for a value of a choice; what is not known is shown as it is."""
    return gettext(CHOICES[field].get(value, value)) if value else ""


def field_label(field: str) -> str:
    return gettext(FIELDS[field])


def badges(disc: Any) -> list[Badge]:
    """The marks of a disc, the most telling first. What is usual has none."""
    found = []
    if disc.status != "kept":
        found.append(Badge(said("status", disc.status), disc.status))
    if disc.media_type != "physical":
        found.append(Badge(said("media_type", disc.media_type), "media"))
    if disc.disk_type != "DVD":
        found.append(Badge(said("disk_type", disc.disk_type), "format"))
    marks = (
        (disc.is_tartan_dvd, gettext("Tartan"), "tartan"),
        (disc.is_box_set, gettext("Box set"), "set"),
        (disc.is_unopened, gettext("Unopened"), "unopened"),
        (disc.is_unwatched, gettext("Unwatched"), "unwatched"),
        (disc.is_downloaded, gettext("Downloaded"), "downloaded"),
        (disc.copy_number > 1, gettext("Copy %(number)s") % {"number": disc.copy_number}, "copy"),
        (disc.has_cached_torrents, gettext("Torrent"), "torrent"),
    )
    return [*found, *(Badge(text, kind) for is_shown, text, kind in marks if is_shown)]


def discs_label(number: int) -> str:
    return ngettext("%(n)s disc", "%(n)s discs", number) % {"n": format_decimal(number, locale=current().locale)}


def day(value: date | None) -> str:
    return str(format_date(value, "medium", locale=current().locale)) if value else ""


def dollars(value: int | None) -> str:
    if value is None:
        return ""
    return str(format_currency(value, "USD", "¤#,##0", locale=current().locale, currency_digits=False))


def price(value: Decimal | None, currency: str) -> str:
    if value is None:
        return ""
    if not currency:
        return str(format_decimal(value, "#,##0.00", locale=current().locale))
    return str(format_currency(value, currency, locale=current().locale))


def rating(value: Decimal | float | None) -> str:
    return str(format_decimal(value, "0.0", locale=current().locale)) if value is not None else ""


def running_time(minutes: int | None) -> str:
    if not minutes:
        return ""
    if minutes < 60:
        return gettext("%(minutes)s min") % {"minutes": minutes}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}


def language_name(code: str) -> str:
    """Return the name of a language in the visitor's; TMDB writes Chinese as `cn`."""
    known = {"cn": "zh", "xx": ""}.get(code, code)
    return str(current().locale.languages.get(known, code)) if known else gettext("No language")


def certificate(text: str) -> str:
    return text.upper()


def cell(disc: Any, column: str) -> str:
    """What a column of the table says of a disc."""
    value = getattr(disc, column)
    if column in CHOICES:
        return said(column, value)
    if column == "runtime":
        return running_time(value)
    if column == "rating":
        return rating(value)
    if column == "tags":
        return ", ".join(value or ())
    if column == "uk_certification":
        return certificate(value)
    if column == "purchase_price":
        return price(value, disc.purchase_currency)
    if isinstance(value, datetime):
        return day(value.date())
    if isinstance(value, date):
        return day(value)
    return "" if value is None else str(value)
