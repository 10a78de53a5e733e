"""What the address of the collection page asks for. The whole state of the page stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import NamedTuple, Self

from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.queries import DEFAULT_ORDER, ORDERS
from kinoshelf.web.languages import mark
from kinoshelf.web.pages import url

MAX_TEXT = 300
LOOKS = ("grid", "table")

FLAGS = {
    "is_unwatched": mark("Unwatched"),
    "is_unopened": mark("Unopened"),
    "is_downloaded": mark("Downloaded"),
    "on_loan": mark("On loan"),
    "has_torrents": mark("With torrents"),
    "has_copies": mark("Several copies"),
    "is_box_set": mark("In a box set"),
    "is_tartan_dvd": mark("Tartan"),
}
PARAMETERS = tuple(field.name for field in fields(DiscFilter))

USUAL_ORDERS = {
    "-created": mark("Added"),
    "name": mark("Title"),
    "-year": mark("Year"),
    "-rating": mark("Rating"),
    "-runtime": mark("Running time"),
    "storage_box": mark("Storage box"),
    "-purchased": mark("Bought on"),
    "-price": mark("Price"),
    "-updated": mark("Changed"),
}
"""Every order in the direction people expect first."""

COLUMNS = (
    "release_year",
    "status",
    "disk_type",
    "media_type",
    "genres",
    "rating",
    "runtime",
    "director",
    "box_set_name",
    "storage_box",
    "location",
    "uk_certification",
    "tags",
    "condition",
    "edition",
    "region",
    "barcode",
    "purchased_on",
    "purchase_price",
    "created_at",
)
DEFAULT_COLUMNS = ("release_year", "status", "disk_type", "genres", "rating", "box_set_name", "storage_box")
ORDER_OF_COLUMN = {
    "name": "name",
    "release_year": "-year",
    "rating": "-rating",
    "runtime": "-runtime",
    "storage_box": "storage_box",
    "purchased_on": "-purchased",
    "purchase_price": "-price",
    "created_at": "-created",
}
COLUMNS_COOKIE = "kinoshelf_columns"
LOOK_COOKIE = "kinoshelf_look"


class Asked(NamedTuple):
    """Wrong values are left out instead of failing: people edit addresses. `after` is where the page begins."""

    filters: Mapping[str, str]
    order: str = DEFAULT_ORDER
    look: str = "grid"
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    after: str = ""
    usual_look: str = "grid"
    usual_columns: tuple[str, ...] = DEFAULT_COLUMNS
    path: str = "/collection"

    @classmethod
    def of(cls, query: Mapping[str, str], cookies: Mapping[str, str], path: str = "/collection") -> Self:
        order = query.get("order", "")
        usual_look = cookies.get(LOOK_COOKIE, "")
        usual_look = usual_look if usual_look in LOOKS else LOOKS[0]
        look = query.get("look", "")
        usual_columns = _columns(cookies.get(COLUMNS_COOKIE, "")) or DEFAULT_COLUMNS
        return cls(
            filters_of(query),
            order if order in ORDERS else DEFAULT_ORDER,
            look if look in LOOKS else usual_look,
            _columns(query.get("columns", "")) or usual_columns,
            query.get("after", "")[:2000],
            usual_look,
            usual_columns,
            path,
        )

    @property
    def wanted(self) -> DiscFilter:
        return DiscFilter.from_query(self.filters)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.filters)

    @property
    def is_descending(self) -> bool:
        return self.order.startswith("-")

    @property
    def usual_order(self) -> str:
        """The order that stands, in the direction it usually has."""
        return self.order if self.order in USUAL_ORDERS else turned(self.order)

    @property
    def turned_href(self) -> str:
        return self._replace(order=turned(self.order), after="").address()

    def href(self, path: str | None = None, **changes: str | None) -> str:
        """Return the address with filters changed; None takes one away. It begins at the first disc again."""
        filters = {name: value for name, value in {**self.filters, **changes}.items() if value}
        return self._replace(filters=filters, after="").address(path)

    def ordered_by(self, order: str) -> str:
        """Return the address in this order; one that stands already is turned round."""
        stands = order in (self.order, turned(self.order))
        return self._replace(order=turned(self.order) if stands else order, after="").address()

    def looking(self, look: str) -> str:
        return self._replace(look=look, usual_look="", after="").address()

    def starting(self, cursor: str) -> str:
        return self._replace(after=cursor).address()

    def address(self, path: str | None = None) -> str:
        return url(path or self.path, **self.query())

    def query(self) -> dict[str, str | None]:
        """Return the parameters; what is usual for this visitor is None."""
        return {
            **self.filters,
            "order": self.order if self.order != DEFAULT_ORDER else None,
            "look": self.look if self.look != self.usual_look else None,
            "columns": ",".join(self.columns) if self.columns != self.usual_columns else None,
            "after": self.after or None,
        }


def turned(order: str) -> str:
    return order.removeprefix("-") if order.startswith("-") else f"-{order}"


def filters_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that make sense, each as the address writes it."""
    found: dict[str, str] = {}
    for name in PARAMETERS:
        value = query.get(name, "").replace("\x00", "")[:MAX_TEXT]
        with suppress(DiscInvalid):
            found |= DiscFilter.from_query({name: value}).as_query()
    return found


def _columns(text: str) -> tuple[str, ...]:
    # Commas cannot stand in a cookie.
    wanted = text.replace(".", ",").split(",")
    return tuple(column for column in COLUMNS if column in wanted)
