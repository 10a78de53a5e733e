"""What the collection page shows: the discs its address asks for, and the filters with the number of discs behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.facets import Facets, facets
from kinoshelf.discs.filters import CHOICES, DiscFilter
from kinoshelf.discs.models import SavedView
from kinoshelf.discs.queries import Page, count, page
from kinoshelf.web import disc_words
from kinoshelf.web.collection_address import COLUMNS, FLAGS, ORDER_OF_COLUMN, USUAL_ORDERS, Asked, turned
from kinoshelf.web.disc_rows import ShownDisc, count_flag, searched_once, shown
from kinoshelf.web.disc_words import discs_label, field_label
from kinoshelf.web.formats import number
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import url

CHUNK_SIZE = 120
"""Full lines at 2, 3, 4, 5, 6 and 8 posters beside each other: chunks join without a gap."""

FILTER_LABELS = {
    "search": mark("Search"),
    "genre": mark("Genre"),
    "tag": mark("Tag"),
    "production_company": mark("Company"),
    "decade": mark("Decade"),
    "year_from": mark("Year from"),
    "year_to": mark("Year to"),
    "rating_from": mark("Rating from"),
    "rating_to": mark("Rating to"),
    "runtime_from": mark("Minutes from"),
    "runtime_to": mark("Minutes to"),
    "price_from": mark("Price from"),
    "price_to": mark("Price to"),
    "purchased_from": mark("Bought from"),
    "purchased_to": mark("Bought until"),
    "not_status": mark("Without status"),
    "has_poster": mark("With poster"),
    "is_matched": mark("With TMDB number"),
    "ids": mark("Chosen discs"),
    **FLAGS,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a filter. `href` puts it into force, or takes it away where it is; `not_href` asks for the opposite."""

    id: str
    label: str
    count: int
    href: str
    is_current: bool
    not_href: str = ""


class FacetGroup(NamedTuple):
    parameter: str
    title: str
    entries: list[Entry]
    is_open: bool


class Chip(NamedTuple):
    label: str
    value: str
    href: str


class Saved(NamedTuple):
    id: int
    name: str
    href: str


class Header(NamedTuple):
    column: str
    label: str
    href: str
    sorted: str


@dataclass(frozen=True)
class CollectionView:
    """Everything the template of the collection knows."""

    asked: Asked
    discs: list[ShownDisc]
    next_cursor: str | None
    total: int
    all_count: int
    facets: list[FacetGroup]
    saved: list[Saved]

    @property
    def summary(self) -> str:
        if self.total == self.all_count:
            return discs_label(self.total)
        return gettext("%(part)s of %(whole)s") % {"part": number(self.total), "whole": discs_label(self.all_count)}

    @property
    def chips(self) -> list[Chip]:
        return [chip for _name, chip in chips_of(self.asked)]

    @property
    def orders(self) -> list[tuple[str, str]]:
        """The order that stands has its own direction: a form without script keeps it."""
        return [
            (self.asked.order if self.asked.usual_order == order else order, gettext(label))
            for order, label in USUAL_ORDERS.items()
        ]

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(column, field_label(column)) for column in COLUMNS]

    @property
    def headers(self) -> list[Header]:
        found = []
        for column in ("name", *self.asked.columns):
            order = ORDER_OF_COLUMN.get(column)
            stands = order in (self.asked.order, turned(self.asked.order))
            sorted_as = ("descending" if self.asked.is_descending else "ascending") if stands else ""
            href = self.asked.ordered_by(order) if order else ""
            found.append(Header(column, field_label(column), href, sorted_as))
        return found

    @property
    def all_href(self) -> str:
        return self.asked._replace(filters={}, after="").address()


def read_collection(session: Session, asked: Asked) -> CollectionView:
    """Read the first chunk and everything around it."""
    wanted = searched_once(session, asked.wanted)
    found = read_page(session, asked, wanted, with_total=True)
    return CollectionView(
        asked=asked,
        discs=shown(session, found.rows),
        next_cursor=found.next_cursor,
        total=found.total,
        all_count=found.total if wanted.is_empty else count(session),
        facets=list(_groups(asked, wanted, session)),
        saved=[Saved(row.id, row.name, view_href(row.query)) for row in _saved_views(session)],
    )


def read_chunk(session: Session, asked: Asked) -> CollectionView:
    """Read further discs and nothing around them."""
    found = read_page(session, asked, asked.wanted, with_total=False)
    return CollectionView(asked, shown(session, found.rows), found.next_cursor, -1, -1, [], [])


def read_page(session: Session, asked: Asked, wanted: DiscFilter, *, with_total: bool) -> Page:
    """A cursor that is not one begins at the start: people keep addresses."""
    with suppress(DiscInvalid):
        return page(session, wanted, asked.order, asked.after or None, CHUNK_SIZE, with_total=with_total)
    return page(session, wanted, asked.order, None, CHUNK_SIZE, with_total=with_total)


def chips_of(asked: Asked) -> list[tuple[str, Chip]]:
    """Return the filters in force with their names; each chip takes its own away."""
    return [
        (name, Chip(_filter_label(name), _filter_value(name, value), asked.href(**{name: None})))
        for name, value in asked.filters.items()
    ]


def view_href(query: str) -> str:
    return url("/collection") + (f"?{query}" if query else "")


def _saved_views(session: Session) -> Sequence[Any]:
    rows = session.execute(select(SavedView.id, SavedView.name, SavedView.query)).all()
    return sorted(rows, key=lambda row: row.name.casefold())


def _filter_label(name: str) -> str:
    if name in FILTER_LABELS:
        return gettext(FILTER_LABELS[name])
    return field_label(name)


def _filter_value(name: str, value: str) -> str:
    if name in CHOICES or name == "not_status":
        field = "status" if name == "not_status" else name
        return ", ".join(disc_words.said(field, one) for one in value.split(","))
    if value in ("true", "false"):
        return "" if value == "true" else gettext("no")
    if name == "decade":
        return decade_label(int(value))
    if name == "ids":
        return number(value.count(",") + 1)
    return gettext("none") if value == "-" and name in ("storage_box", "box_set_name") else value


def decade_label(year: int) -> str:
    return gettext("%(year)ss") % {"year": year}


def _groups(asked: Asked, wanted: DiscFilter, session: Session) -> Iterable[FacetGroup]:
    counts = facets(session, wanted)
    for name in ("status", "disk_type", "media_type"):
        yield _choices(asked, name, getattr(counts, name))
    yield _flags(asked, wanted, counts, session)
    yield _words(asked, "genre", counts.genres, is_open=True)
    decades = {str(year): count for year, count in counts.decades.items()}
    yield _words(asked, "decade", decades, is_open=True)
    lists: tuple[tuple[str, dict[str, int]], ...] = (
        ("storage_box", counts.storage_boxes),
        ("box_set_name", counts.box_sets),
        ("tag", counts.tags),
    )
    for name, found in lists:
        if found or name in asked.filters:
            yield _words(asked, name, found, is_open=name in asked.filters)
    if counts.condition:
        yield _choices(asked, "condition", counts.condition)


def _choices(asked: Asked, name: str, counts: dict[str, int]) -> FacetGroup:
    """Values of which several can be chosen: the list shows discs with any of them."""
    chosen = [value for value in asked.filters.get(name, "").split(",") if value]
    entries = []
    for value in dict.fromkeys((*counts, *chosen)):
        others = [one for one in chosen if one != value]
        href = asked.href(**{name: ",".join(others if value in chosen else [*chosen, value])})
        label = disc_words.said(name, value)
        entries.append(Entry(_id(name, value), label, counts.get(value, 0), href, value in chosen))
    return FacetGroup(name, field_label(name), entries, name != "condition" or bool(chosen))


def _flags(asked: Asked, wanted: DiscFilter, counts: Facets, session: Session) -> FacetGroup:
    entries = []
    for name, label in FLAGS.items():
        number_of = counts.flags[name][True] if name in counts.flags else count_flag(session, wanted, name)
        value = asked.filters.get(name)
        said = gettext("%(mark)s: no") % {"mark": gettext(label)} if value == "false" else gettext(label)
        href = asked.href(**{name: None if value else "true"})
        not_href = "" if value else asked.href(**{name: "false"})
        entries.append(Entry(_id(name, ""), said, number_of, href, value is not None, not_href))
    return FacetGroup("marks", gettext("Marks"), entries, is_open=True)


def _words(asked: Asked, name: str, counts: dict[str, int], *, is_open: bool) -> FacetGroup:
    """Values of which one can be chosen. A chosen one stands first, whatever its number."""
    chosen = asked.filters.get(name, "")
    values = [value for value in counts if value.casefold() != chosen.casefold()]
    entries = []
    for value in ([chosen] if chosen else []) + values:
        is_current = value == chosen
        label = decade_label(int(value)) if name == "decade" else value
        label = gettext("none") if value == "-" else label
        href = asked.href(**{name: None if is_current else value})
        entries.append(Entry(_id(name, value), label, counts.get(value, 0), href, is_current))
    return FacetGroup(name, _filter_label(name), entries, is_open)


def _id(name: str, value: str) -> str:
    """An id that a reloaded page has again, so that the focus finds back."""
    written = re.sub("[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):x}", value)
    return f"at-{name}-{written}"[:200] if value else f"at-{name}"
