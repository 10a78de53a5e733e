"""The table in which many discs are changed at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import page_for_signed_in
from kinoshelf.discs.fields import FIELDS
from kinoshelf.discs.queries import Page, numbered_page
from kinoshelf.web import disc_words
from kinoshelf.web.collection_address import USUAL_ORDERS, Asked
from kinoshelf.web.collection_view import Chip, chips_of
from kinoshelf.web.disc_words import field_label
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import data_block, render
from kinoshelf.web.queue import DatabaseDep

router = APIRouter(include_in_schema=False)

PAGE_SIZES = (50, 100, 250, 500)
USUAL_SIZE = 100
EDITED = (
    "status",
    "media_type",
    "disk_type",
    "storage_box",
    "location",
    "box_set_name",
    "is_box_set",
    "is_tartan_dvd",
    "is_unopened",
    "is_unwatched",
    "is_downloaded",
)
APPLIED = (*(name for name in EDITED if name != "location"), "tags", "condition", "edition", "region", "purchase_place")
"""What many discs can have alike; a location is one disc's alone."""
SHORT = {"is_box_set": mark("Box set"), "is_tartan_dvd": mark("Tartan")}
SUGGESTED = {"storage_box": "/ajax/storage-box-autocomplete/", "box_set_name": "/ajax/box-set-autocomplete/"}
OWN_FIELDS = ("search", "status", "media_type", "disk_type")
"""Filters that have a field in the tools of this page; others show as chips."""
SHORTCUTS = (
    (("←", "→", "↑", "↓"), mark("From cell to cell")),
    (("Enter",), mark("Change the cell; a mark is set or taken away")),
    (("Space",), mark("Select the row; with Shift everything in between")),
    (("Shift+↑", "Shift+↓"), mark("Select more rows")),
    (("Ctrl+A",), mark("Select all rows of the page")),
    (("Delete",), mark("Delete the selected discs")),
    (("Home", "End"), mark("First and last cell of the row")),
    (("Esc",), mark("Leave the cell as it was; clear the selection")),
)


class Cell(NamedTuple):
    field: str
    kind: str
    value: str
    text: str


@dataclass(frozen=True)
class BulkView:
    """Everything the template of the bulk edit knows."""

    asked: Asked
    page: Page
    size: int

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(name, gettext(SHORT[name]) if name in SHORT else field_label(name)) for name in EDITED]

    @property
    def rows(self) -> list[tuple[Any, list[Cell]]]:
        return [(row, [_cell(row, name) for name in EDITED]) for row in self.page.rows]

    @property
    def chips(self) -> list[Chip]:
        return [chip for name, chip in chips_of(self.asked) if name not in OWN_FIELDS]

    @property
    def orders(self) -> list[tuple[str, str]]:
        return [(order, gettext(label)) for order, label in USUAL_ORDERS.items()]

    def choices(self, field: str) -> list[tuple[str, str]]:
        return [(choice, disc_words.said(field, choice)) for choice in FIELDS[field].choices]

    def page_href(self, number: int) -> str:
        at = max(1, min(number, self.page.pages))
        size = str(self.size) if self.size != USUAL_SIZE else None
        return self.asked.href(page=str(at) if at > 1 else None, size=size)

    @property
    def start_json(self) -> str:
        fields = {
            name: {
                "label": field_label(name),
                "kind": FIELDS[name].kind,
                "choices": dict(self.choices(name)),
                "suggest": SUGGESTED.get(name, ""),
                "most": FIELDS[name].most_characters,
            }
            for name in dict.fromkeys((*EDITED, *APPLIED))
        }
        return data_block({"fields": fields, "applied": list(dict.fromkeys(APPLIED))})


def read_bulk(session: Session, asked: Asked, number: str, size: int) -> BulkView:
    return BulkView(asked, numbered_page(session, asked.wanted, asked.order, number, size), size)


def _cell(row: Any, name: str) -> Cell:
    value = getattr(row, name)
    kind = FIELDS[name].kind
    if kind == "boolean":
        return Cell(name, kind, "true" if value else "false", "")
    return Cell(name, kind, str(value), disc_words.cell(row, name))


@router.get("/bulk-edit", dependencies=[Depends(page_for_signed_in)])
async def bulk_edit(request: Request, database: DatabaseDep) -> HTMLResponse:
    query = request.query_params
    asked = Asked.of({"order": "name", **query}, request.cookies, "/bulk-edit")
    wanted = query.get("size", "")
    size = int(wanted) if wanted in map(str, PAGE_SIZES) else USUAL_SIZE
    view = await database.reading(lambda session: read_bulk(session, asked, query.get("page", "1"), size))
    return render(
        "bulk_edit.html",
        view=view,
        sizes=PAGE_SIZES,
        shortcuts=[(keys, gettext(meaning)) for keys, meaning in SHORTCUTS],
    )
