"""The collection as CSV, streamed: the documented list of what is not kept, the disposed, and everything.

Quoted as the documents show it: text in quotation marks, numbers bare. Read page by page, each in a short transaction,
so that 50,000 discs cost no more memory than one page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, or_, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import Database
from kinoshelf.discs.csv_import.guard import guarded
from kinoshelf.discs.models import Disc, DiscLoan
from kinoshelf.discs.shape import MEDIA_WORDS, STATUS_WORDS
from kinoshelf.images.models import Artwork
from kinoshelf.images.sizes import TMDB

Kind = Literal["not-kept", "disposed", "complete"]
KINDS: tuple[Kind, ...] = ("not-kept", "disposed", "complete")
FILE_NAMES: Mapping[Kind, str] = {
    "not-kept": "Non-Kept_MovieExport_{}.csv",
    "disposed": "DisposedDVDsExport_{}.csv",
    "complete": "CompleteCollectionExport_{}.csv",
}
PAGE = 500
LINE_END = "\r\n"
BYTE_ORDER_MARK = "\ufeff"

discs = cast("Table", Disc.__table__)
loans = cast("Table", DiscLoan.__table__)
artworks = cast("Table", Artwork.__table__)

Cell = str | int | Decimal | None
Facts = Row[Any]


@dataclass(frozen=True, slots=True)
class Column:
    header: str
    cell: Callable[[Facts], Cell]


def file_name(kind: Kind, today: date) -> str:
    return FILE_NAMES[kind].format(today.isoformat())


def export_csv(database: Database, kind: Kind = "not-kept", *, byte_order_mark: bool | None = None) -> Iterator[bytes]:
    """Yield the file piece by piece, in UTF-8.

    Excel takes a file for UTF-8 only by the mark in front. The complete export has it unless told otherwise; the two
    others follow their documents byte for byte and have it only when asked for.
    """
    columns = COLUMNS[kind]
    has_mark = kind == "complete" if byte_order_mark is None else byte_order_mark
    head = ",".join(column.header for column in columns) + LINE_END
    yield ((BYTE_ORDER_MARK if has_mark else "") + head).encode()
    for rows in pages(database, kind):
        yield "".join(_line(columns, row) for row in rows).encode()


def count_rows(session: Session, kind: Kind) -> int:
    return session.scalar(select(func.count()).select_from(discs).where(*_filter(kind))) or 0


def pages(database: Database, kind: Kind) -> Iterator[Sequence[Facts]]:
    after: Facts | None = None
    while True:
        with database.read() as session:
            rows = session.execute(_page(kind, after)).all()
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1]


def _page(kind: Kind, after: Facts | None) -> Select[Any]:
    query = (
        select(
            discs,
            loans.c.borrower,
            loans.c.lent_on,
            loans.c.due_on,
            loans.c.notes.label("loan_notes"),
            artworks.c.source_key.label("poster_key"),
        )
        .outerjoin(loans, and_(loans.c.disc_id == discs.c.id, loans.c.returned_on.is_(None)))
        .outerjoin(artworks, artworks.c.id == discs.c.poster_id)
        .where(*_filter(kind))
        .limit(PAGE)
    )
    if kind == "not-kept":
        query = query.order_by(discs.c.created_at.desc(), discs.c.id.desc())
        return query if after is None else query.where(_before(discs.c.created_at, after.created_at, after.id))
    if kind == "disposed":
        query = query.order_by(discs.c.sort_name, discs.c.id)
        if after is None:
            return query
        is_further = or_(
            discs.c.sort_name > after.sort_name, and_(discs.c.sort_name == after.sort_name, discs.c.id > after.id)
        )
        return query.where(is_further)
    query = query.order_by(discs.c.id)
    return query if after is None else query.where(discs.c.id > after.id)


def _before(column: ColumnElement[Any], value: Any, disc_id: int) -> ColumnElement[bool]:
    return or_(column < value, and_(column == value, discs.c.id < disc_id))


def _filter(kind: Kind) -> Sequence[ColumnElement[bool]]:
    if kind == "not-kept":
        return (discs.c.status != "kept",)
    if kind == "disposed":
        # What is a file already needs no link.
        return (discs.c.status == "disposed", discs.c.is_downloaded.is_(False), discs.c.media_type != "download")
    return ()


def _line(columns: Sequence[Column], row: Facts) -> str:
    return ",".join(_quoted(column.cell(row)) for column in columns) + LINE_END


def _quoted(cell: Cell) -> str:
    if isinstance(cell, str):
        return '"' + guarded(cell).replace('"', '""') + '"'
    return "" if cell is None else str(cell)


# Cells.


def _magnet(torrent: Mapping[str, Any], name: str) -> str:
    # Whoever exports no torrents need not wait until an upstream's client is loaded.
    from kinoshelf.upstreams.yts import magnet

    return magnet(str(torrent.get("hash") or ""), name) or ""


def _link(quality: str) -> Callable[[Facts], Cell]:
    def cell(row: Facts) -> Cell:
        links = (_magnet(one, row.name) for one in row.yts_data or () if one.get("quality") == quality)
        return next(filter(None, links), "")

    return cell


def _links(row: Facts) -> Cell:
    found = ((one.get("quality", ""), _magnet(one, row.name)) for one in row.yts_data or ())
    return "|".join(f"{quality}|{link}" for quality, link in found if link)


def _text(field: str) -> Callable[[Facts], Cell]:
    return lambda row: getattr(row, field) or ""


def _number(field: str) -> Callable[[Facts], Cell]:
    return lambda row: getattr(row, field)


def _yes(field: str) -> Callable[[Facts], Cell]:
    return lambda row: "Yes" if getattr(row, field) else "No"


def _day(field: str) -> Callable[[Facts], Cell]:
    def cell(row: Facts) -> Cell:
        value: date | None = getattr(row, field)
        return "" if value is None else value.isoformat()

    return cell


def _second(field: str) -> Callable[[Facts], Cell]:
    return lambda row: f"{getattr(row, field):%Y-%m-%d %H:%M:%S}"


def _moment(field: str) -> Callable[[Facts], Cell]:
    """To the microsecond, so that reading it back is exact."""

    def cell(row: Facts) -> Cell:
        value: datetime | None = getattr(row, field)
        return "" if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return cell


def _list(field: str) -> Callable[[Facts], Cell]:
    return lambda row: ", ".join(getattr(row, field) or ())


def _poster(row: Facts) -> Cell:
    """What another hub can fetch again; a picture somebody handed in stays here."""
    key: str = row.poster_key or ""
    return key if key.startswith(TMDB) else ""


def _torrents(row: Facts) -> Cell:
    # Null is «nobody has asked», an empty list is «there are none».
    return "" if row.yts_data is None else json.dumps(row.yts_data, ensure_ascii=False, separators=(",", ":"))


def _has(row: Facts) -> Cell:
    return str(bool(row.has_cached_torrents))


NAME = Column("Movie Name", _text("name"))
STATUS = Column("Status", lambda row: STATUS_WORDS.get(row.status, row.status))
MEDIA = Column("Media Type", lambda row: MEDIA_WORDS.get(row.media_type, row.media_type))
YEAR = Column("Release Year", _number("release_year"))

NOT_KEPT = (
    NAME,
    YEAR,
    STATUS,
    MEDIA,
    Column("720p Download Link", _link("720p")),
    Column("1080p Download Link", _link("1080p")),
)
DISPOSED = (
    NAME,
    STATUS,
    Column("Torrent Available", _has),
    Column("720p Torrent Link", _link("720p")),
    Column("1080p Torrent Link", _link("1080p")),
)
DOCUMENTED = (
    NAME,
    STATUS,
    YEAR,
    Column("Runtime", lambda row: "" if row.runtime is None else f"{row.runtime} minutes"),
    Column("Tartan Release", _yes("is_tartan_dvd")),
    MEDIA,
    Column("Box Set", _yes("is_box_set")),
    Column("Storage Box", _text("storage_box")),
    Column("Location", _text("location")),
    Column("Box Set Name", _text("box_set_name")),
    Column("Date Added", _second("created_at")),
    Column("Date Updated", _second("updated_at")),
    Column("Has torrents", _has),
    Column("Torrent File Links", _links),
    Column("Director", _text("director")),
    Column("IMDB ID", _text("imdb_id")),
    Column("TMDB ID", _number("tmdb_id")),
    Column("Copy Number", _number("copy_number")),
    Column("Duplicate Notes", _text("duplicate_notes")),
)
OURS = (
    Column("ID", _number("id")),
    Column("Format", _text("disk_type")),
    Column("Barcode", _text("barcode")),
    Column("Edition", _text("edition")),
    Column("Region", _text("region")),
    Column("Condition", _text("condition")),
    Column("Unopened", _yes("is_unopened")),
    Column("Unwatched", _yes("is_unwatched")),
    Column("Downloaded", _yes("is_downloaded")),
    Column("Purchase Date", _day("purchased_on")),
    Column("Purchase Place", _text("purchase_place")),
    Column("Purchase Price", _number("purchase_price")),
    Column("Purchase Currency", _text("purchase_currency")),
    Column("Borrower", _text("borrower")),
    Column("Lent On", _day("lent_on")),
    Column("Due Back", _day("due_on")),
    Column("Loan Notes", _text("loan_notes")),
    Column("Tags", _list("tags")),
    Column("Notes", _text("notes")),
    Column("Genres", _text("genres")),
    Column("Rating", _number("rating")),
    Column("TMDB Score", _number("tmdb_user_score")),
    Column("UK Certification", _text("uk_certification")),
    Column("Original Language", _text("original_language")),
    Column("Tagline", _text("tagline")),
    Column("Overview", _text("overview")),
    Column("Production Companies", _text("production_companies")),
    Column("Budget", _number("budget")),
    Column("Revenue", _number("revenue")),
    Column("Poster", _poster),
    Column("Edited Fields", _list("edited_fields")),
    Column("Added At", _moment("created_at")),
    Column("Facts Refreshed At", _moment("facts_refreshed_at")),
    Column("Torrents Checked At", _moment("yts_last_updated")),
    Column("Torrents", _torrents),
)
COLUMNS: Mapping[Kind, Sequence[Column]] = {"not-kept": NOT_KEPT, "disposed": DISPOSED, "complete": DOCUMENTED + OURS}
