"""Whose table this is, and what its columns mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kinoshelf.discs.fields import FIELDS

COMPLETE, NOT_KEPT, DISPOSED = "complete", "not-kept", "disposed"
CLZ, LIBIB, MY_MOVIES, LETTERBOXD = "clz", "libib", "my-movies", "letterboxd"
ANY, TITLES, PASTED = "csv", "titles", "pasted"

FORMATS: Mapping[str, str] = {
    COMPLETE: "Kinoshelf, complete export",
    NOT_KEPT: "Kinoshelf, what is not kept",
    DISPOSED: "Kinoshelf, what is disposed",
    CLZ: "CLZ Movies",
    LIBIB: "Libib",
    MY_MOVIES: "My Movies",
    LETTERBOXD: "Letterboxd list",
    ANY: "a table with a column of names",
    TITLES: "titles, one a line",
    PASTED: "a pasted list",
}
OWN = frozenset({COMPLETE, NOT_KEPT, DISPOSED})
ROWS_ARE_DISCS = frozenset({COMPLETE, NOT_KEPT, DISPOSED, CLZ, LIBIB, MY_MOVIES})
"""Where the same film twice means two copies. Elsewhere it is a slip of who wrote the list."""

PREAMBLE = re.compile(r'\s*"?letterboxd list export', re.IGNORECASE)

# Special targets, which are no fields of a disc.
MEDIA, BOX_SET, SEEN, SEEN_ON, COPIES, ITEM_TYPE, NUMBER, PLACE = (
    "media",
    "box_set",
    "seen",
    "seen_on",
    "copies",
    "item_type",
    "number",
    "place",
)
BORROWER, LENT_ON, DUE_ON, LOAN_NOTES = "borrower", "lent_on", "due_on", "loan_notes"
DISC_ID, ADDED_AT, ADDED_ON, EDITED, TORRENTS, TORRENTS_AT, FACTS_AT, POSTER = (
    "disc_id",
    "added_at",
    "added_on",
    "edited_fields",
    "torrents",
    "torrents_at",
    "facts_at",
    "poster",
)
IGNORED = ""

# Target → headers, folded. Where several columns mean the same, the first of them that is filled counts.
MEANINGS: Mapping[str, Sequence[str]] = {
    "name": (
        "name",
        "title",
        "movie name",
        "movie title",
        "film title",
        "film name",
        "movie",
        "film",
        "films",
        "movies",
        "titel",  # codespell:ignore titel
        "filmtitel",
        "titre",
        "titolo",
        "título",
        "titulo",
    ),
    "release_year": (
        "movie release year",
        "release year",
        "year",
        "production year",
        "productionyear",
        "year of production",
        "film year",
        "movie year",
        "jahr",
        "année",
        "anno",
        "año",
        "movie release date",
        "publish date",
        "publication year",
        "release date",
        "released",
    ),
    "barcode": ("barcode", "upc", "ean", "upc ean", "ean upc", "ean isbn13", "upc isbn10", "gtin", "barcode upc"),
    "disk_type": ("format", "formats", "disk type", "disc type", "media format", "disc format", "type"),
    MEDIA: ("media type", "media"),
    "edition": ("edition", "edition title", "version"),
    "region": ("region", "regions", "region code", "dvd region"),
    "imdb_id": (
        "imdb id",
        "imdb number",
        "imdb nr",
        "imdb no",
        "imdb url",
        "imdb link",
        "imdb",
        "imdbid",
        "imdburl",
        "const",
    ),
    "tmdb_id": ("tmdb id", "tmdb number", "tmdb", "tmdbid", "tmdb url", "tmdb link", "themoviedb id"),
    "purchased_on": (
        "purchase date",
        "purchased on",
        "date purchased",
        "purchased",
        "bought on",
        "date bought",
        "purchasedate",
        "kaufdatum",
        "gekauft am",
    ),
    "purchase_price": ("purchase price", "price paid", "paid", "price", "cost", "purchaseprice", "preis", "kaufpreis"),
    "purchase_place": (
        "purchase store",
        "purchase place",
        "place of purchase",
        "purchased at",
        "bought at",
        "store",
        "shop",
        "purchaseplace",
        "gekauft bei",
    ),
    "purchase_currency": ("purchase currency", "currency"),
    "storage_box": ("storage box", "storage", "storage device", "shelf", "box", "regal", "standort"),
    PLACE: ("location",),
    BORROWER: ("loaned to", "borrower", "lent to", "loan to", "loaned", "borrowed by", "verliehen an"),
    LENT_ON: ("loan date", "lent on", "date loaned", "loaned on", "loaned date"),
    DUE_ON: ("due back", "due date", "loan due date", "due on", "due"),
    LOAN_NOTES: ("loan notes",),
    "tags": ("tags", "tag", "labels", "user tags"),
    SEEN: ("seen it", "seen", "watched", "viewed"),
    SEEN_ON: ("seen date", "date seen", "viewing date", "watched date", "seen when", "completed"),
    "notes": ("notes", "personal notes", "my notes", "note", "comments", "comment"),
    "overview": ("plot", "overview", "summary", "synopsis", "description"),
    "genres": ("genres", "genre"),
    "director": ("director", "directors", "film director", "film directors", "creators", "regisseur", "regie"),
    "production_companies": ("production companies", "production company", "studios", "studio"),
    "runtime": ("runtime", "running time", "run time", "length", "duration", "runtime mins", "laufzeit"),
    "uk_certification": ("uk certification", "certification", "bbfc"),
    BOX_SET: ("box set", "boxset", "is box set"),
    "box_set_name": ("box set name", "box set title", "boxset name"),
    "condition": ("condition", "media condition"),
    COPIES: ("copies", "quantity", "qty"),
    "status": ("status", "collection status"),
    ITEM_TYPE: ("item type",),
    NUMBER: ("collection number",),
    "is_unopened": ("unopened", "sealed", "is unopened"),
    ADDED_ON: ("added", "date added", "added date", "added on"),
}
ONLY: Mapping[str, Mapping[str, str]] = {
    COMPLETE: {
        "movie name": "name",
        "status": "status",
        "release year": "release_year",
        "runtime": "runtime",
        "tartan release": "is_tartan_dvd",
        "media type": "media_type",
        "box set": "is_box_set",
        "storage box": "storage_box",
        "location": "location",
        "box set name": "box_set_name",
        "date added": ADDED_ON,
        "director": "director",
        "imdb id": "imdb_id",
        "tmdb id": "tmdb_id",
        "copy number": "copy_number",
        "duplicate notes": "duplicate_notes",
        "id": DISC_ID,
        "format": "disk_type",
        "barcode": "barcode",
        "edition": "edition",
        "region": "region",
        "condition": "condition",
        "unopened": "is_unopened",
        "unwatched": "is_unwatched",
        "downloaded": "is_downloaded",
        "purchase date": "purchased_on",
        "purchase place": "purchase_place",
        "purchase price": "purchase_price",
        "purchase currency": "purchase_currency",
        "borrower": BORROWER,
        "lent on": LENT_ON,
        "due back": DUE_ON,
        "loan notes": LOAN_NOTES,
        "tags": "tags",
        "notes": "notes",
        "genres": "genres",
        "rating": "rating",
        "tmdb score": "tmdb_user_score",
        "uk certification": "uk_certification",
        "original language": "original_language",
        "tagline": "tagline",
        "overview": "overview",
        "production companies": "production_companies",
        "budget": "budget",
        "revenue": "revenue",
        "poster": POSTER,
        "edited fields": EDITED,
        "added at": ADDED_AT,
        "facts refreshed at": FACTS_AT,
        "torrents checked at": TORRENTS_AT,
        "torrents": TORRENTS,
    },
    NOT_KEPT: {"movie name": "name", "release year": "release_year", "status": "status", "media type": "media_type"},
    DISPOSED: {"movie name": "name", "status": "status"},
}
# What a column of a common name means in the tables of one product.
DIFFERENTLY: Mapping[str, Mapping[str, str]] = {
    CLZ: {"location": "storage_box", "box set": "box_set_name", "type": IGNORED, "description": "overview"},
    LIBIB: {"status": IGNORED, "location": "storage_box", "added": ADDED_ON, "format": "disk_type"},
    MY_MOVIES: {"type": "disk_type", "location": "storage_box", "box set": "box_set_name"},
    LETTERBOXD: {"description": "notes", "tags": "tags", "watched date": IGNORED, "type": IGNORED},
}
CLZ_MARKS = frozenset(
    {
        "imdb url",
        "imdb number",
        "collection status",
        "seen it",
        "loaned to",
        "movie release year",
        "purchase store",
        "audience rating",
        "storage device",
        "added date",
        "clz id",
        "title sort",
    }
)
NAMES = frozenset(MEANINGS["name"])
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table. `targets` has one entry a column, empty where it means nothing to us."""

    format: str
    names: tuple[str, ...]
    targets: tuple[str, ...]
    order: tuple[int, ...]
    """Columns that mean something, those that count first in front."""

    @property
    def ignored(self) -> list[str]:
        return [name for name, target in zip(self.names, self.targets, strict=True) if not target and name]


def folded_header(cell: str) -> str:
    return re.sub(r"[\W_]+", " ", cell.casefold()).strip()


def known(cells: Sequence[str]) -> int:
    """Count the columns we understand; 0 where there is no column of names."""
    headers = [folded_header(cell) for cell in cells]
    if not NAMES.intersection(headers):
        return 0
    return len({header for header in headers if header in ALL_KNOWN})


def read_header(cells: Sequence[str], *, has_preamble: bool = False, format_: str | None = None) -> Header:
    headers = [folded_header(cell) for cell in cells]
    kind = format_ or detected(set(headers), has_preamble=has_preamble)
    if kind in ONLY:
        meanings, ranks = dict(ONLY[kind]), dict.fromkeys(ONLY[kind], 0)
    else:
        meanings, ranks = dict(GENERAL), dict(RANKS)
        meanings.update(DIFFERENTLY.get(kind, {}))
        if "media type" in headers:
            # Then it is the kind of title: single disc, box, series.
            meanings["type"] = IGNORED
    targets: list[str] = []
    seen: set[str] = set()
    for header in headers:
        # The same header twice: the first counts.
        targets.append(IGNORED if header in seen else meanings.get(header, IGNORED))
        seen.add(header)
    order = sorted((place for place, target in enumerate(targets) if target), key=lambda at: ranks.get(headers[at], 0))
    return Header(kind, tuple(cell.strip() for cell in cells), tuple(targets), tuple(order))


def detected(headers: set[str], *, has_preamble: bool = False) -> str:
    if headers.issuperset(DOCUMENTED_COMPLETE):
        return COMPLETE
    if headers.issuperset(DOCUMENTED_NOT_KEPT):
        return NOT_KEPT
    if headers.issuperset(DOCUMENTED_DISPOSED):
        return DISPOSED
    if has_preamble or "letterboxd uri" in headers:
        return LETTERBOXD
    if "title" in headers and headers & {"ean isbn13", "upc isbn10"}:
        return LIBIB
    if "collection number" in headers and headers & {"barcode", "production year", "disc title", "title"}:
        return MY_MOVIES
    if "title" in headers and (len(headers & CLZ_MARKS) > 1 or ("barcode" in headers and headers & CLZ_MARKS)):
        return CLZ
    return ANY


def _general() -> tuple[dict[str, str], dict[str, int]]:
    meanings: dict[str, str] = {}
    ranks: dict[str, int] = {}
    for target, headers in MEANINGS.items():
        for rank, header in enumerate(headers):
            meanings.setdefault(header, target)
            ranks.setdefault(header, rank)
    for field in FIELDS:
        header = folded_header(field)
        # A poster is a number of this hub, which no other table knows.
        if field not in {"poster_id", "media_type", "is_box_set", "location"}:
            meanings[header] = field
            ranks.setdefault(header, 0)
    return meanings, ranks


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(folded_header(name) for name in names)


GENERAL, RANKS = _general()
ALL_KNOWN = frozenset(GENERAL) | frozenset(header for only in ONLY.values() for header in only) | {"letterboxd uri"}
DOCUMENTED_NOT_KEPT = _folded(
    ("Movie Name", "Release Year", "Status", "Media Type", "720p Download Link", "1080p Download Link")
)
DOCUMENTED_DISPOSED = _folded(("Movie Name", "Status", "Torrent Available", "720p Torrent Link", "1080p Torrent Link"))
DOCUMENTED_COMPLETE = _folded(
    ("Movie Name", "Status", "Release Year", "Tartan Release", "Media Type", "Date Added", "IMDB ID", "Copy Number")
)
