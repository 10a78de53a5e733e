"""Which discs a list shows: conditions that all must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, select
from sqlalchemy.orm import Session

from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import CONDITIONS, DISK_TYPES, FIELDS, MEDIA_TYPES, STATUSES
from kinoshelf.discs.models import Disc, DiscLoan, DiscTag
from kinoshelf.discs.words import search_words
from kinoshelf.downloads.queries import contains

FLAGS = (
    "is_tartan_dvd",
    "is_box_set",
    "is_unopened",
    "is_unwatched",
    "is_downloaded",
    "has_torrents",
    "on_loan",
    "has_poster",
    "has_copies",
    "is_matched",
)
WORDS = (
    "tag",
    "genre",
    "box_set_name",
    "storage_box",
    "director",
    "production_company",
    "edition",
    "region",
    "uk_certification",
    "purchase_place",
    "purchase_currency",
    "location",
    "barcode",
)
NUMBERS = {
    "decade": "release_year",
    "year_from": "release_year",
    "year_to": "release_year",
    "tmdb_id": "tmdb_id",
    "runtime_from": "runtime",
    "runtime_to": "runtime",
}
DECIMALS = {
    "rating_from": "rating",
    "rating_to": "rating",
    "price_from": "purchase_price",
    "price_to": "purchase_price",
}
DAYS = ("purchased_from", "purchased_to")
CHOICES = {"status": STATUSES, "media_type": MEDIA_TYPES, "disk_type": DISK_TYPES, "condition": CONDITIONS}

# What only reading every row can find.
TEXTS = ("search", "director", "production_company", "genre", "edition", "region", "purchase_place")
MOST_NARROWED = 2000


@dataclass(frozen=True, slots=True)
class DiscFilter:
    """Empty fields ask for nothing; tuples for one of their words; `has_torrents` false includes what nobody knows.

    `storage_box` and `box_set_name` are whole names, `-` for discs in none; `director`, `production_company` and the
    other words are looked for inside the field. `not_status` leaves discs of these states out.
    """

    search: str = ""
    status: tuple[str, ...] = ()
    not_status: tuple[str, ...] = ()
    media_type: tuple[str, ...] = ()
    disk_type: tuple[str, ...] = ()
    condition: tuple[str, ...] = ()
    is_tartan_dvd: bool | None = None
    is_box_set: bool | None = None
    is_unopened: bool | None = None
    is_unwatched: bool | None = None
    is_downloaded: bool | None = None
    has_torrents: bool | None = None
    on_loan: bool | None = None
    has_poster: bool | None = None
    has_copies: bool | None = None
    is_matched: bool | None = None
    tag: str = ""
    genre: str = ""
    box_set_name: str = ""
    storage_box: str = ""
    director: str = ""
    production_company: str = ""
    edition: str = ""
    region: str = ""
    uk_certification: str = ""
    purchase_place: str = ""
    purchase_currency: str = ""
    location: str = ""
    barcode: str = ""
    decade: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    tmdb_id: int | None = None
    runtime_from: int | None = None
    runtime_to: int | None = None
    rating_from: Decimal | None = None
    rating_to: Decimal | None = None
    price_from: Decimal | None = None
    price_to: Decimal | None = None
    purchased_from: date | None = None
    purchased_to: date | None = None
    ids: tuple[int, ...] = ()

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> DiscFilter:
        """Read the filter out of a query string; words it does not know are for others.

        Raises DiscInvalid for a value that makes no sense: a list that silently shows everything would be wrong.
        """
        found: dict[str, Any] = {}
        errors: list[tuple[str, str]] = []
        for name, text in query.items():
            if name not in _NAMES or not text.strip():
                continue
            try:
                found[name] = _read(name, text.strip())
            except DiscInvalid as problem:
                errors += [(name, sentence) for _field, sentence in problem.errors]
        if errors:
            raise DiscInvalid(errors)
        return cls(**found)

    def as_query(self) -> dict[str, str]:
        """Return the query that `from_query` reads back."""
        found: dict[str, str] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if isinstance(value, tuple):
                found[field.name] = ",".join(map(str, value))
            else:
                found[field.name] = str(value).lower() if isinstance(value, bool) else str(value)
        return found

    def but(self, **changes: Any) -> DiscFilter:
        return replace(self, **changes)

    @property
    def is_empty(self) -> bool:
        return self == DiscFilter()


_NAMES = frozenset(field.name for field in fields(DiscFilter))


def _read(name: str, text: str) -> Any:
    if name in CHOICES or name == "not_status":
        read = FIELDS["status" if name == "not_status" else name].read
        return tuple(_checked(read, name, part) for part in text.split(",") if part.strip())
    if name in FLAGS:
        return _checked(FIELDS["is_box_set"].read, name, text)
    if name == "decade":
        year: int = _checked(FIELDS["release_year"].read, name, text.removesuffix("s"))
        return year // 10 * 10
    if name in NUMBERS:
        return _checked(FIELDS[NUMBERS[name]].read, name, text)
    if name in DECIMALS:
        return _checked(FIELDS[DECIMALS[name]].read, name, text)
    if name in DAYS:
        return _checked(FIELDS["purchased_on"].read, name, text)
    if name == "ids":
        return tuple(_checked(FIELDS["poster_id"].read, name, part) for part in text.split(",") if part.strip())
    return text[:300]


def _checked(read: Any, name: str, text: str) -> Any:
    try:
        return read(text)
    except ValueError as problem:
        raise DiscInvalid([(name, f"the filter {name} {problem}")]) from None


def conditions(wanted: DiscFilter) -> list[ColumnElement[bool]]:
    """Return what the rows must fulfil."""
    found: list[ColumnElement[bool]] = [
        Disc.search_text.contains(word, autoescape=True) for word in search_words(wanted.search)
    ]
    if wanted.search.strip() and not found:
        # Nothing but punctuation was looked for.
        found.append(literal(value=False))
    found += choice_conditions(wanted)
    found += _flag_conditions(wanted)
    found += _word_conditions(wanted)
    found += _range_conditions(wanted)
    if wanted.ids:
        found.append(Disc.id.in_(wanted.ids))
    return found


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Conditions that are quick to test again, and how many rows fulfil them, where that is known already."""

    where: list[ColumnElement[bool]]
    total: int | None = None


def narrowed(session: Session, wanted: DiscFilter) -> Narrowed:
    """Look through the texts once, so that counting, sorting and paging need not do it again."""
    where = conditions(wanted)
    if not any(getattr(wanted, name) for name in TEXTS):
        return Narrowed(where)
    ids = list(session.scalars(select(Disc.id).where(*where).limit(MOST_NARROWED + 1)))
    if len(ids) > MOST_NARROWED:
        return Narrowed(where)
    return Narrowed([Disc.id.in_(ids)], len(ids))


def choice_conditions(wanted: DiscFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        getattr(Disc, name).in_(getattr(wanted, name)) for name in CHOICES if getattr(wanted, name)
    ]
    if wanted.not_status:
        found.append(Disc.status.not_in(wanted.not_status))
    return found


def _flag_conditions(wanted: DiscFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in ("is_tartan_dvd", "is_box_set", "is_unopened", "is_unwatched", "is_downloaded"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(getattr(Disc, name).is_(value))
    other = Disc.__table__.alias("other")
    present: dict[str, ColumnElement[bool]] = {
        "has_torrents": Disc.has_cached_torrents.is_(True),
        "on_loan": exists(select(1).where(DiscLoan.disc_id == Disc.id, DiscLoan.returned_on.is_(None))),
        "has_poster": Disc.poster_id.is_not(None),
        "has_copies": exists(select(1).where(other.c.copy_key == Disc.copy_key, other.c.id != Disc.id)),
        "is_matched": Disc.tmdb_id.is_not(None),
    }
    for name, condition in present.items():
        value = getattr(wanted, name)
        if value is not None:
            found.append(condition if value else ~condition)
    return found


def _word_conditions(wanted: DiscFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.tag:
        # By another name: the tags may be counted around it.
        tags = DiscTag.__table__.alias("tagged")
        found.append(exists(select(1).where(tags.c.disc_id == Disc.id, tags.c.tag == wanted.tag)))
    if wanted.genre:
        found.append(has_word(Disc.genres, wanted.genre))
    for name in ("box_set_name", "storage_box"):
        value = getattr(wanted, name)
        if value:
            found.append(getattr(Disc, name) == ("" if value == "-" else value))
    if wanted.production_company:
        found.append(contains(Disc.production_companies, wanted.production_company))
    for name in ("director", "edition", "region", "purchase_place"):
        value = getattr(wanted, name)
        if value:
            found.append(contains(getattr(Disc, name), value))
    if wanted.uk_certification:
        found.append(Disc.uk_certification == wanted.uk_certification.lower())
    if wanted.purchase_currency:
        found.append(Disc.purchase_currency == wanted.purchase_currency.upper())
    for name in ("location", "barcode"):
        value = getattr(wanted, name)
        if value:
            try:
                found.append(getattr(Disc, name) == FIELDS[name].read(value))
            except ValueError:
                found.append(literal(value=False))
    return found


def has_word(column: Any, word: str) -> ColumnElement[bool]:
    """The condition that one of the words between the commas is this one, whatever its case."""
    listed = literal(", ").concat(column).concat(",")
    return contains(listed, f", {word},")


def _range_conditions(wanted: DiscFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.decade is not None:
        found.append(and_(Disc.release_year >= wanted.decade, Disc.release_year < wanted.decade + 10))
    if wanted.tmdb_id is not None:
        found.append(Disc.tmdb_id == wanted.tmdb_id)
    columns: dict[str, Any] = {
        "year": Disc.release_year,
        "runtime": Disc.runtime,
        "rating": Disc.rating,
        "price": Disc.purchase_price,
        "purchased": Disc.purchased_on,
    }
    for name, column in columns.items():
        least, most = getattr(wanted, f"{name}_from"), getattr(wanted, f"{name}_to")
        if least is not None:
            found.append(column >= least)
        if most is not None:
            found.append(column <= most)
    return found
