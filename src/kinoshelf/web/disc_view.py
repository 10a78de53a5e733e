"""What the page of one disc shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from kinoshelf.core.settings import Settings
from kinoshelf.discs.fields import FACT_FIELDS, FIELDS, split_words
from kinoshelf.discs.queries import copies_of, get
from kinoshelf.discs.shape import profit_of, torrent_state
from kinoshelf.upstreams.yts import magnet
from kinoshelf.web import disc_words, formats
from kinoshelf.web.disc_rows import Lent, ShownDisc, downloads_of, shown
from kinoshelf.web.disc_words import field_label
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import url

TMDB_PAGE = "https://www.themoviedb.org/movie/"
IMDB_PAGE = "https://www.imdb.com/title/"


class Fact(NamedTuple):
    """One line about the disc: plain text, or words that lead to the discs they stand on."""

    field: str
    label: str
    text: str
    links: tuple[tuple[str, str], ...] = ()
    is_locked: bool = False


class Torrent(NamedTuple):
    quality: str
    facts: str
    magnet: str


@dataclass(frozen=True)
class DiscView:
    """Everything the template of the disc page knows."""

    disc: ShownDisc
    film: list[Fact]
    copy: list[Fact]
    places: list[Fact]
    loan: Lent | None
    copies: list[Any]
    downloads: Sequence[Any]
    torrents: list[Torrent]
    torrent_state: str
    torrents_asked: str
    is_yts_on: bool
    has_tmdb_key: bool

    @property
    def tmdb_href(self) -> str:
        return f"{TMDB_PAGE}{self.disc.tmdb_id}" if self.disc.tmdb_id else ""

    @property
    def imdb_href(self) -> str:
        return f"{IMDB_PAGE}{self.disc.imdb_id}/" if self.disc.imdb_id else ""


def read_disc(session: Session, disc_id: int, settings: Settings) -> DiscView:
    """Read one disc with all around it. Raises DiscNotFound."""
    disc = get(session, disc_id)
    (one,) = shown(session, [disc])
    return DiscView(
        disc=one,
        film=_film_facts(disc),
        copy=_copy_facts(disc, settings),
        places=_places(disc),
        loan=one.loan,
        copies=copies_of(session, disc),
        downloads=downloads_of(session, disc.tmdb_id),
        torrents=_torrents(disc),
        torrent_state=torrent_state(disc),
        torrents_asked=formats.moment(disc.yts_last_updated, settings.zone) if disc.yts_last_updated else "",
        is_yts_on="yts" in settings.sources,
        has_tmdb_key=bool(settings.tmdb.api_key.get_secret_value().strip()),
    )


def _fact(disc: Any, field: str, text: str | None = None, **search: str) -> Fact:
    """`search` names the filter that the words of the field lead to."""
    said = disc_words.cell(disc, field) if text is None else text
    links: tuple[tuple[str, str], ...] = ()
    for name in search:
        words = disc.tags if field == "tags" else split_words(said)
        links = tuple((word, url("/collection", **{name: word})) for word in words)
    return Fact(field, field_label(field), said, links, field in disc.edited_fields)


def _film_facts(disc: Any) -> list[Fact]:
    profit = profit_of(disc)
    found = [
        _fact(disc, "director", director=""),
        _fact(disc, "genres", genre=""),
        _fact(disc, "original_language", disc.original_language and disc_words.language_name(disc.original_language)),
        _fact(disc, "production_companies", production_company=""),
        _fact(disc, "budget", disc_words.dollars(disc.budget)),
        _fact(disc, "revenue", disc_words.dollars(disc.revenue)),
        Fact("profit", gettext("Profit"), disc_words.dollars(profit)),
    ]
    return [fact for fact in found if fact.text]


def _copy_facts(disc: Any, settings: Settings) -> list[Fact]:
    bought = [
        disc_words.day(disc.purchased_on),
        disc.purchase_place,
        disc_words.price(disc.purchase_price, disc.purchase_currency),
    ]
    found = [
        _fact(disc, "disk_type"),
        _fact(disc, "media_type"),
        _fact(disc, "edition"),
        _fact(disc, "region"),
        _fact(disc, "condition"),
        Fact("purchased_on", gettext("Bought"), " · ".join(part for part in bought if part)),
        _fact(disc, "barcode"),
        _fact(disc, "duplicate_notes"),
        _fact(disc, "tags", tag=""),
        Fact("created_at", field_label("created_at"), disc_words.day(disc.created_at.astimezone(settings.zone).date())),
    ]
    return [fact for fact in found if fact.text]


def _places(disc: Any) -> list[Fact]:
    found = []
    if disc.location:
        found.append(_fact(disc, "location"))
    if disc.storage_box:
        found.append(_linked(disc, "storage_box", "/storage-boxes"))
    if disc.box_set_name:
        found.append(_linked(disc, "box_set_name", "/box-sets"))
    return found


def _linked(disc: Any, field: str, path: str) -> Fact:
    text = getattr(disc, field)
    return Fact(field, field_label(field), text, ((text, url(path, name=text)),))


def _torrents(disc: Any) -> list[Torrent]:
    found = []
    for one in disc.yts_data or ():
        link = magnet(str(one.get("hash") or ""), disc.name)
        if link:
            seeds = one.get("seeds")
            said = [str(one.get("type") or ""), str(one.get("size") or "")]
            if isinstance(seeds, int):
                said.append(gettext("%(number)s seeds") % {"number": formats.number(seeds)})
            found.append(Torrent(str(one.get("quality") or ""), " · ".join(part for part in said if part), link))
    return found


# The form ---------------------------------------------------------------------------------------


class FormField(NamedTuple):
    """One field of the form. `suggest` is the address that completes it."""

    name: str
    label: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...]
    is_fact: bool
    is_locked: bool
    most_characters: int | None
    suggest: str
    hint: str


GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        mark("This disc"),
        (
            "status",
            "location",
            "media_type",
            "disk_type",
            "storage_box",
            "box_set_name",
            "tags",
            "is_box_set",
            "is_tartan_dvd",
            "is_unopened",
            "is_unwatched",
            "is_downloaded",
        ),
    ),
    (
        mark("The film"),
        (
            "name",
            "release_year",
            "director",
            "genres",
            "runtime",
            "rating",
            "tmdb_user_score",
            "uk_certification",
            "original_language",
            "tagline",
            "overview",
            "production_companies",
            "budget",
            "revenue",
            "tmdb_id",
            "imdb_id",
        ),
    ),
    (
        mark("Copy and purchase"),
        (
            "edition",
            "region",
            "condition",
            "barcode",
            "purchased_on",
            "purchase_place",
            "purchase_price",
            "purchase_currency",
            "copy_number",
            "duplicate_notes",
            "notes",
        ),
    ),
)
SUGGESTED = {
    "storage_box": "/ajax/storage-box-autocomplete/",
    "box_set_name": "/ajax/box-set-autocomplete/",
}
HINTS = {
    "location": mark("Only for unboxed discs. Left empty, the next free number is taken."),
    "tags": mark("Several with commas between them."),
    "genres": mark("Several with commas between them."),
    "director": mark("Several with commas between them."),
    "production_companies": mark("Several with commas between them."),
    "budget": mark("In US dollars."),
    "revenue": mark("In US dollars."),
    "purchase_currency": mark("Three letters, as EUR or GBP."),
    "barcode": mark("EAN or UPC, as it is printed."),
}


def form_groups(disc: Any) -> list[tuple[str, list[FormField]]]:
    return [(gettext(title), [_form_field(disc, name) for name in names]) for title, names in GROUPS]


def _form_field(disc: Any, name: str) -> FormField:
    field = FIELDS[name]
    value = getattr(disc, name)
    if field.kind == "tags":
        text = ", ".join(value or ())
    elif field.kind == "boolean":
        text = "true" if value else ""
    else:
        text = "" if value is None else str(value)
    choices = tuple((choice, disc_words.said(name, choice)) for choice in field.choices)
    return FormField(
        name,
        field_label(name),
        field.kind,
        text,
        (("", formats.UNKNOWN), *choices) if name == "condition" else choices,
        name in FACT_FIELDS,
        name in disc.edited_fields,
        field.most_characters,
        SUGGESTED.get(name, ""),
        gettext(HINTS[name]) if name in HINTS else "",
    )
