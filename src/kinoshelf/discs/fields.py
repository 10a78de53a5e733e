"""The fields of a disc that can be written, and what each of them may hold. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kinoshelf.discs.barcodes import normal_barcode
from kinoshelf.discs.errors import DiscInvalid

STATUSES = ("kept", "disposed", "unboxed")
MEDIA_TYPES = ("physical", "download", "rip")
DISK_TYPES = ("DVD", "BluRay", "BluRay3D", "UHD", "HDDVD", "VHS", "LaserDisc", "VCD")
CONDITIONS = ("sealed", "mint", "good", "fair", "poor")
CERTIFICATES = ("u", "pg", "12", "12a", "15", "18", "r18")
"""Those of the United Kingdom; others are kept as they are."""

FIRST_YEAR, LAST_YEAR = 1870, 2100
MOST_COPIES = 99
MOST_TAGS = 50
MOST_TAG_CHARACTERS = 50
MOST_TEXT_CHARACTERS = 20_000
MOST_NUMBER = 2**53

_YES = frozenset({"true", "yes", "y", "t", "on", "1"})
_NO = frozenset({"false", "no", "n", "f", "off", "0", ""})
_DISK_WORDS = {
    "dvdvideo": "DVD",
    "bd": "BluRay",
    "bluraydisc": "BluRay",
    "blueray": "BluRay",
    "3dbluray": "BluRay3D",
    "bluray3d": "BluRay3D",
    "4k": "UHD",
    "4kuhd": "UHD",
    "ultrahd": "UHD",
    "4kultrahd": "UHD",
    "uhdbluray": "UHD",
    "4kuhdbluray": "UHD",
    "4kbluray": "UHD",
    "ultrahdbluray": "UHD",
    "4kultrahdbluray": "UHD",
    "videocd": "VCD",
}
_LINES = re.compile(r"\s+")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_IMDB = re.compile(r"(?:.*/)?(?:tt)?(\d{1,10})/?(?:\?.*)?", re.IGNORECASE)
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")


class _Refused(ValueError):
    """Why a value does not fit; the sentence begins with the name of the field."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `read` turns what was given into the value of the column; `label` names it in sentences."""

    name: str
    label: str
    read: Callable[[Any], Any]
    empty: Any = None
    kind: str = "text"
    """text, long text, number, decimal, boolean, choice, date, words or tags: what a form shows."""
    choices: tuple[str, ...] = ()
    most_characters: int | None = None


# Reading ----------------------------------------------------------------------------------------


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _plain_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _Refused("must be text")
    text = unicodedata.normalize("NFC", str(value))
    if _UNSTORABLE.search(text):
        raise _Refused("holds a character that cannot be stored")
    return text


def _text(most: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value is None:
            return ""
        text = _LINES.sub(" ", _plain_text(value)).strip()
        if len(text) > most:
            raise _Refused(f"can be {most} characters long, not {len(text)}")
        return text

    return read


def _name(value: Any) -> str:
    text = _text(255)(value)
    if not text:
        raise _Refused("must not be empty")
    return text


def _long_text(value: Any) -> str:
    if value is None:
        return ""
    text = _plain_text(value).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > MOST_TEXT_CHARACTERS:
        raise _Refused(f"can be {MOST_TEXT_CHARACTERS} characters long, not {len(text)}")
    return text


def _long_text_or_none(value: Any) -> str | None:
    return _long_text(value) or None


def _lower_text(most: int) -> Callable[[Any], str]:
    read = _text(most)
    return lambda value: read(value).lower()


def _words(most: int) -> Callable[[Any], str]:
    """A list of words, kept as text with commas between them."""

    def read(value: Any) -> str:
        parts = value.split(",") if isinstance(value, str) else value
        if parts is None:
            return ""
        if not isinstance(parts, list | tuple):
            raise _Refused("must be a list, or text with commas")
        words = [_LINES.sub(" ", _plain_text(part)).strip() for part in parts]
        text = ", ".join(dict.fromkeys(word for word in words if word))
        if len(text) > most:
            raise _Refused(f"can be {most} characters long, not {len(text)}")
        return text

    return read


def _boolean(value: Any) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else "?"
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _Refused("must be true or false")


def _whole(least: int, most: int, *, zero_is_none: bool = False) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        if is_blank(value):
            return None
        # 12.0 is whole: JSON of some clients knows one kind of number only.
        found = None if isinstance(value, bool) else re.fullmatch(r"([+-]?[0-9]{1,18})(?:\.0+)?", str(value).strip())
        if found is None:
            raise _Refused("must be a whole number")
        number = int(found[1])
        if number == 0 and zero_is_none:
            return None
        if not least <= number <= most:
            raise _Refused(f"must lie between {least} and {most}")
        return number

    return read


def _required_whole(least: int, most: int) -> Callable[[Any], int]:
    read = _whole(least, most)

    def required(value: Any) -> int:
        number = read(value)
        if number is None:
            raise _Refused("must not be empty")
        return number

    return required


def _decimal(least: int, most: int, places: int) -> Callable[[Any], Decimal | None]:
    def read(value: Any) -> Decimal | None:
        if is_blank(value):
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise _Refused("must be a number")
        text = str(value).strip()
        if "." not in text:
            text = text.replace(",", ".", 1)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise _Refused("must be a number") from None
        if not number.is_finite():
            raise _Refused("must be a number")
        if not least <= number <= most:
            raise _Refused(f"must lie between {least} and {most}")
        rounded = round(number, places)
        if rounded != number:
            raise _Refused(f"can have {places} digit{'s' if places > 1 else ''} after the point")
        return abs(rounded) if rounded == 0 else rounded

    return read


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _choice(
    choices: tuple[str, ...], *, empty: str | None = None, words: Mapping[str, str] | None = None
) -> Callable[[Any], str]:
    known = {_bare(choice): choice for choice in choices} | dict(words or {})

    def read(value: Any) -> str:
        if is_blank(value) and empty is not None:
            return empty
        found = known.get(_bare(value)) if isinstance(value, str) else None
        if found is None:
            raise _Refused(f"must be one of {', '.join(choices)}")
        return found

    return read


def _imdb_id(value: Any) -> str | None:
    if is_blank(value):
        return None
    found = _IMDB.fullmatch(_plain_text(value).strip())
    if found is None:
        raise _Refused("looks like tt0133093")
    return f"tt{found[1].lstrip('0').zfill(7)}"


def _location(value: Any) -> str:
    if is_blank(value):
        return ""
    text = _text(255)(value)
    if not (text.isascii() and text.isdigit()):
        raise _Refused("must be a number: digits only")
    return text.lstrip("0") or "0"


def _barcode(value: Any) -> str:
    if is_blank(value):
        return ""
    number = normal_barcode(_plain_text(value))
    if number is None:
        raise _Refused("must be an EAN or UPC: 8, 12 or 13 digits with the right check digit")
    return number


def _currency(value: Any) -> str:
    if is_blank(value):
        return ""
    text = _plain_text(value).strip().upper()
    if not re.fullmatch("[A-Z]{3}", text):
        raise _Refused("must be three letters, as EUR or GBP")
    return text


def _date(value: Any) -> date | None:
    if is_blank(value):
        return None
    found: date | None = None
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str):
        for form in _DATE_FORMATS:
            try:
                found = datetime.strptime(value.strip(), form).date()  # noqa: DTZ007 -- a day has no zone
                break
            except ValueError:
                continue
    if found is None:
        raise _Refused("must be a date, as 2026-11-21")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise _Refused(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return found


def clean_tags(value: Any) -> list[str]:
    """Return tags without blanks and doubles, in their order; the case of the first spelling stays."""
    parts = value.split(",") if isinstance(value, str) else value
    if parts is None:
        return []
    if not isinstance(parts, list | tuple):
        raise _Refused("must be a list, or text with commas")
    tags: dict[str, str] = {}
    for part in parts:
        tag = _LINES.sub(" ", _plain_text(part)).strip()
        if len(tag) > MOST_TAG_CHARACTERS:
            raise _Refused(f"hold one longer than {MOST_TAG_CHARACTERS} characters")
        if "," in tag:
            raise _Refused("cannot hold a comma")
        if tag:
            tags.setdefault(tag.casefold(), tag)
    if len(tags) > MOST_TAGS:
        raise _Refused(f"can be {MOST_TAGS} at most")
    return list(tags.values())


# The fields -------------------------------------------------------------------------------------


def _flag(name: str, label: str) -> Field:
    return Field(name, label, _boolean, empty=False, kind="boolean")


def _line(name: str, label: str, most: int) -> Field:
    return Field(name, label, _text(most), empty="", most_characters=most)


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("name", "the name", _name, most_characters=255),
        Field("status", "the status", _choice(STATUSES), "kept", "choice", STATUSES),
        Field("media_type", "the media type", _choice(MEDIA_TYPES), "physical", "choice", MEDIA_TYPES),
        Field("disk_type", "the disc type", _choice(DISK_TYPES, words=_DISK_WORDS), "DVD", "choice", DISK_TYPES),
        Field("tmdb_id", "the TMDB number", _whole(1, 2**31 - 1, zero_is_none=True), kind="number"),
        Field("imdb_id", "the IMDb id", _imdb_id, most_characters=20),
        Field("poster_id", "the poster", _whole(1, 2**53), kind="number"),
        Field("overview", "the plot", _long_text_or_none, kind="long text", most_characters=MOST_TEXT_CHARACTERS),
        Field("release_year", "the year", _whole(FIRST_YEAR, LAST_YEAR), kind="number"),
        Field("genres", "the genres", _words(255), "", "words", most_characters=255),
        Field("runtime", "the running time", _whole(1, 10_000, zero_is_none=True), kind="number"),
        Field("rating", "the rating", _decimal(0, 10, 1), kind="decimal"),
        Field("tmdb_user_score", "the score of TMDB", _decimal(0, 10, 2), kind="decimal"),
        _flag("is_tartan_dvd", "the Tartan mark"),
        _flag("is_box_set", "the box set mark"),
        _line("box_set_name", "the box set", 255),
        _flag("is_unopened", "the unopened mark"),
        _flag("is_unwatched", "the unwatched mark"),
        _flag("is_downloaded", "the downloaded mark"),
        _line("storage_box", "the storage box", 100),
        Field("location", "the location", _location, "", most_characters=255),
        Field("copy_number", "the copy number", _required_whole(1, MOST_COPIES), 1, "number"),
        _line("duplicate_notes", "the notes of the copy", 255),
        Field("uk_certification", "the certificate", _lower_text(10), "", most_characters=10),
        _line("original_language", "the language", 10),
        _line("tagline", "the tagline", 255),
        Field("director", "the director", _words(255), "", "words", most_characters=255),
        Field(
            "production_companies",
            "the companies",
            _words(MOST_TEXT_CHARACTERS),
            "",
            "words",
            most_characters=MOST_TEXT_CHARACTERS,
        ),
        Field("budget", "the budget", _whole(0, MOST_NUMBER), kind="number"),
        Field("revenue", "the revenue", _whole(0, MOST_NUMBER), kind="number"),
        Field("barcode", "the barcode", _barcode, "", most_characters=14),
        _line("edition", "the edition", 100),
        _line("region", "the region", 20),
        Field("condition", "the condition", _choice(CONDITIONS, empty=""), "", "choice", CONDITIONS),
        Field("purchased_on", "the date of purchase", _date, kind="date"),
        _line("purchase_place", "the place of purchase", 200),
        Field("purchase_price", "the price", _decimal(0, 9_999_999_999, 2), kind="decimal"),
        Field("purchase_currency", "the currency", _currency, "", most_characters=3),
        Field("notes", "the notes", _long_text, "", "long text", most_characters=MOST_TEXT_CHARACTERS),
        Field("tags", "the tags", clean_tags, (), "tags"),
    )
}
"""Every field that can be written, in the order forms and listings show them."""

FACT_FIELDS = frozenset(
    {
        "name",
        "imdb_id",
        "poster_id",
        "overview",
        "release_year",
        "genres",
        "runtime",
        "rating",
        "tmdb_user_score",
        "uk_certification",
        "original_language",
        "tagline",
        "director",
        "production_companies",
        "budget",
        "revenue",
    }
)
"""What TMDB knows about a film; all else is about the copy and the person's own."""

PERSON_FIELDS = FACT_FIELDS
"""Fields a person's edit locks: no refresh writes them again until they are unlocked."""


def label(name: str) -> str:
    """Return what sentences call a field."""
    field = FIELDS.get(name)
    return field.label if field else name


def clean(values: Mapping[str, Any], *, is_partial: bool) -> dict[str, Any]:
    """Check values as they came from a form, JSON or a file and return those of the columns.

    A whole disc (`is_partial` false) gets every field that was not given. Raises DiscInvalid with every problem.
    """
    errors: list[tuple[str, str]] = [
        (str(name)[:100], f"{str(name)[:100]} is no field of a disc") for name in values if name not in FIELDS
    ]
    found: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if name not in values:
            if is_partial:
                continue
            if name == "name":
                errors.append((name, f"{field.label} must not be empty"))
            found[name] = list(field.empty) if isinstance(field.empty, tuple) else field.empty
            continue
        try:
            found[name] = field.read(values[name])
        except _Refused as problem:
            errors.append((name, f"{field.label} {problem}"))
    if errors:
        raise DiscInvalid(errors)
    if found.get("box_set_name") and "is_box_set" not in values:
        found["is_box_set"] = True
    return found


def split_words(text: str) -> list[str]:
    """Return the words of a field that keeps several with commas between them."""
    return [word for word in (part.strip() for part in text.split(",")) if word]


def fitted(words: Iterable[str], most: int = 255) -> str:
    """Join words with commas as far as they fit; for facts, which nobody can shorten by hand."""
    text = ""
    for word in words:
        longer = f"{text}, {word.replace(',', ' ').strip()}" if text else word.replace(",", " ").strip()
        if len(longer) > most:
            break
        text = longer
    return text
