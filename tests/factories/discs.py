"""Rows of the collection. `add_disc` goes the way of the product; `make_discs` fills a table quickly."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from kinoshelf.discs.adding import add
from kinoshelf.discs.copies import copy_key
from kinoshelf.discs.models import Disc, DiscLoan, DiscTag, DiscWish
from kinoshelf.discs.words import search_text
from kinoshelf.titles.naming import sort_name

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_numbers = itertools.count(1)


def add_disc(session: Session, **fields: Any) -> Disc:
    """Add a disc as an import does; a name is made up where none is given."""
    fields.setdefault("name", f"Film {next(_numbers)}")
    return add(session, fields, fields.pop("now", MADE_AT), by_person=fields.pop("by_person", False))


def make_disc_row(**fields: Any) -> dict[str, Any]:
    """Return the columns of a disc, for inserting many at once; it belongs to no title."""
    number = next(_numbers)
    name = fields.setdefault("name", f"Film {number}")
    empty = {column.name: "" for column in Disc.__table__.c if not column.nullable and column.type.python_type is str}
    row = {
        **empty,
        **{column.name: None for column in Disc.__table__.c if column.nullable},
        **{column.name: False for column in Disc.__table__.c if column.type.python_type is bool},
        "status": "kept",
        "media_type": "physical",
        "disk_type": "DVD",
        "sort_name": sort_name(name),
        "search_text": search_text(fields, fields.get("tags", ())),
        "copy_number": 1,
        "copy_key": copy_key(name, fields.get("release_year"), fields.get("tmdb_id")),
        "tags": [],
        "edited_fields": [],
        "created_at": MADE_AT + timedelta(minutes=number),
        "updated_at": MADE_AT + timedelta(minutes=number),
        **fields,
    }
    row.pop("id", None)
    return row


def make_discs(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Insert discs with these fields, a thousand at once."""
    waiting = iter(rows)
    while part := [make_disc_row(**fields) for fields in itertools.islice(waiting, 1000)]:
        session.execute(insert(Disc), part)


def varied_discs(count: int) -> Iterable[dict[str, Any]]:
    """Yield fields of so many discs, as different from one another as those of a real shelf."""
    genres = ("Drama", "Comedy", "Action, Thriller", "Science Fiction, Drama", "Horror", "")
    kinds = ("DVD", "DVD", "BluRay", "UHD")
    for number in range(count):
        yield {
            "name": f"{('The ' if number % 3 else '')}Film of the {number % 977} Days {number}",
            "release_year": None if number % 31 == 0 else 1930 + number * 7 % 96,
            "status": ("kept", "kept", "kept", "disposed")[number % 4],
            "media_type": ("physical", "physical", "download", "rip")[number // 3 % 4],
            "disk_type": kinds[number % 4],
            "genres": genres[number % 6],
            "director": f"Director {number % 400}",
            "production_companies": f"Company {number % 150}, Pictures {number % 70}",
            "overview": f"What happens to {number % 53} people in a town of {number} houses. " * 5,
            "rating": None if number % 13 == 0 else Decimal(number % 101) / 10,
            "runtime": None if number % 17 == 0 else 60 + number % 120,
            "storage_box": "" if number % 5 == 0 else f"Box {number % 80}",
            "box_set_name": f"Set {number % 60}" if number % 9 == 0 else "",
            "is_box_set": number % 9 == 0,
            "is_unwatched": number % 7 == 0,
            "purchased_on": None if number % 3 else date(2000, 1, 1) + timedelta(days=number % 9000),
            "purchase_price": None if number % 2 else Decimal(number % 4000) / 100,
            "purchase_currency": "" if number % 2 else ("EUR", "GBP")[number // 2 % 2],
            "tmdb_id": None if number % 8 == 0 else 1000 + number,
        }


def add_loan(session: Session, disc: Disc, **fields: Any) -> DiscLoan:
    """Lend a disc, open and without a day unless told."""
    loan = DiscLoan(
        **{"disc_id": disc.id, "borrower": "Ada", "lent_on": MADE_AT.date(), "notes": "", **fields},
    )
    session.add(loan)
    session.flush()
    return loan


def add_tag(session: Session, disc: Disc, tag: str) -> DiscTag:
    found = DiscTag(disc_id=disc.id, tag=tag)
    session.add(found)
    disc.tags = [*disc.tags, tag]
    session.flush()
    return found


def add_wish_row(session: Session, **fields: Any) -> DiscWish:
    wish = DiscWish(
        **{"name": f"Wish {next(_numbers)}", "disk_type": "", "notes": "", "created_at": MADE_AT, **fields},
    )
    session.add(wish)
    session.flush()
    return wish
