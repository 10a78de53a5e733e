"""kinoshelf disc list and show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from kinoshelf.cli import words
from kinoshelf.cli.frame import Answer, Here, Table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kinoshelf.discs.filters import DiscFilter

Status = Literal["kept", "disposed", "unboxed"]
MediaType = Literal["physical", "download", "rip"]
HEADERS = ("ID", "Name", "Year", "Status", "Kind", "Where")
RIGHT = frozenset({"ID", "Year"})
PAGE = 500
# What a person wants to read of one disc, in this order; everything stands in the document.
SHOWN = (
    ("Name", "name"),
    ("Year", "release_year"),
    ("Status", "status"),
    ("Media", "media_type"),
    ("Format", "disk_type"),
    ("Copy", "copy_number"),
    ("Copy notes", "duplicate_notes"),
    ("Edition", "edition"),
    ("Region", "region"),
    ("Condition", "condition"),
    ("Storage box", "storage_box"),
    ("Location", "location"),
    ("Box set", "box_set_name"),
    ("Director", "director"),
    ("Genres", "genres"),
    ("Runtime", "runtime"),
    ("Certificate", "uk_certification"),
    ("Rating", "rating"),
    ("TMDB", "tmdb_id"),
    ("IMDb", "imdb_id"),
    ("Barcode", "barcode"),
    ("Bought on", "purchased_on"),
    ("Bought at", "purchase_place"),
    ("Price", "purchase_price"),
    ("Currency", "purchase_currency"),
    ("Tags", "tags"),
    ("Notes", "notes"),
    ("Torrents", "torrent_state"),
    ("Added", "created_at"),
)


def list_all(
    *,
    status: Annotated[tuple[Status, ...], Parameter(help="Only these; repeat it for several.")] = (),
    media_type: Annotated[tuple[MediaType, ...], Parameter(help="Only these; repeat it for several.")] = (),
    search: Annotated[str, Parameter(help="Only discs with all of these words.")] = "",
    sort: Annotated[
        str, Parameter(show_default=True, help="created, name, year, rating…; a hyphen in front turns it round.")
    ] = "-created",
    limit: Annotated[
        int, Parameter(validator=Number(gte=0), show_default=True, help="How many at most; 0 means all.")
    ] = 0,
    at: Here,
) -> Answer:
    """List the discs."""
    from kinoshelf.discs.filters import DiscFilter
    from kinoshelf.discs.queries import count
    from kinoshelf.discs.shape import as_json

    wanted = DiscFilter(search=search, status=status, media_type=media_type)
    with at.hub() as hub, hub.database.read() as session:
        total = count(session, wanted)
        rows = list(_rows(session, wanted, sort, limit or total))
    notes = [f"{total - len(rows)} more; --limit 0 shows all"] if len(rows) < total and not at.is_json else []
    return Answer(
        {"items": [as_json(row) for row in rows], "total": total},
        text="" if rows else "Nothing here.",
        table=_table(rows),
        notes=notes,
    )


def _rows(session: Session, wanted: DiscFilter, sort: str, most: int) -> Iterator[Any]:
    from kinoshelf.discs.queries import page

    cursor: str | None = None
    while most > 0:
        found = page(session, wanted, sort, cursor, min(most, PAGE), with_total=False)
        yield from found.rows
        most -= len(found.rows)
        cursor = found.next_cursor
        if cursor is None:
            return


def show(disc: Annotated[int, Parameter(name="ID", help="Its number.")], /, *, at: Here) -> Answer:
    """Show one disc with everything known about it."""
    from kinoshelf.discs.queries import get
    from kinoshelf.discs.shape import as_json

    with at.hub() as hub, hub.database.read() as session:
        document = as_json(get(session, disc))
    return Answer(document, text=in_lines(document))


def _table(rows: Iterable[Any]) -> Table:
    from kinoshelf.discs.shape import DISK_WORDS, MEDIA_WORDS, STATUS_WORDS

    lines = [
        (
            str(row.id),
            row.name,
            str(row.release_year or ""),
            STATUS_WORDS.get(row.status, row.status),
            DISK_WORDS.get(row.disk_type, row.disk_type)
            if row.media_type == "physical"
            else MEDIA_WORDS.get(row.media_type, row.media_type),
            row.location or row.storage_box,
        )
        for row in rows
    ]
    return Table(HEADERS, lines, right=RIGHT, wide="Name")


def in_lines(document: dict[str, Any]) -> str:
    lines = []
    for label, name in SHOWN:
        value = document[name]
        if isinstance(value, list):
            value = ", ".join(value)
        if value not in {None, "", "unknown"}:
            lines.append((label, str(value)))
    lines += [("Marked", ", ".join(badge["text"] for badge in document["badges"]))] if document["badges"] else []
    lines.append(("ID", str(document["id"])))
    width = max(len(label) for label, _text in lines) + 1
    return "\n".join(f"{label + ':':<{width}} {words.one_line(text)}" for label, text in lines)
