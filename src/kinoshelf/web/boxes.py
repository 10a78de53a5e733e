"""Box sets and storage boxes: all of them, one of them, and labels to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse

from kinoshelf.core.access.addresses import is_loopback_place
from kinoshelf.core.access.approach import approach_of
from kinoshelf.core.access.guards import page_for_signed_in
from kinoshelf.core.errors import NotFound
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.queries import count, page
from kinoshelf.web.disc_rows import Group, ShownDisc, groups, shown
from kinoshelf.web.labels import FORMS, MOST_LABELS, form_named, make_label, sheets
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue import DatabaseDep

router = APIRouter(include_in_schema=False, dependencies=[Depends(page_for_signed_in)])

MEMBERS_SHOWN = 500
NOT_THERE = {
    "box_set_name": mark("No disc is in a box set of that name."),
    "storage_box": mark("No disc is in a storage box of that name."),
}

Name = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True)
class GroupsView:
    """All box sets or storage boxes. `without` is how many discs are in none."""

    groups: list[Group]
    without: int
    without_href: str


@dataclass(frozen=True)
class GroupView:
    """One of them with its discs."""

    name: str
    discs: list[ShownDisc]
    total: int
    kept: int
    more_href: str
    names: list[str]


def read_groups(session: Session, field: str) -> GroupsView:
    lacking = DiscFilter().but(**{field: "-"})
    return GroupsView(groups(session, field), count(session, lacking), url("/collection", **{field: "-"}))


def read_group(session: Session, field: str, name: str) -> GroupView:
    """Raises NotFound."""
    wanted = DiscFilter().but(**{field: name})
    order = "year" if field == "box_set_name" else "name"
    found = page(session, wanted, order, None, MEMBERS_SHOWN)
    if not found.rows:
        raise NotFound(gettext(NOT_THERE[field]))
    return GroupView(
        name=name,
        discs=shown(session, found.rows),
        total=found.total,
        kept=count(session, wanted.but(status=("kept",))),
        more_href=url("/collection", **{field: name}),
        names=[group.name for group in groups(session, field) if group.name != name],
    )


async def _answer(database: Any, field: str, name: str) -> HTMLResponse:
    if name:
        view = await database.reading(lambda session: read_group(session, field, name))
        return render("group.html", view=view, field=field)
    found = await database.reading(lambda session: read_groups(session, field))
    return render("groups.html", view=found, field=field)


@router.get("/box-sets")
async def box_sets(database: DatabaseDep, name: Name = "") -> HTMLResponse:
    return await _answer(database, "box_set_name", name)


@router.get("/box-sets/{name:path}")
async def box_set(name: str) -> RedirectResponse:
    """The address box sets have elsewhere; names may hold slashes, so ours stands in the query."""
    return RedirectResponse(url("/box-sets", name=name.removesuffix("/")), 308)


@router.get("/tartan")
@router.get("/tartan/")
async def tartan() -> RedirectResponse:
    return RedirectResponse(url("/collection", is_tartan_dvd="true"), 308)


@router.get("/storage-boxes")
async def storage_boxes(database: DatabaseDep, name: Name = "") -> HTMLResponse:
    return await _answer(database, "storage_box", name)


@router.get("/storage-boxes/labels")
async def labels(
    request: Request,
    database: DatabaseDep,
    box: Annotated[list[str] | None, Query(max_length=MOST_LABELS)] = None,
    form: str = "",
    skip: str = "",
    hub: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Labels with codes; without a box chosen, of all boxes. Codes lead to `hub`, else to where this page was asked."""
    chosen = form_named(form)
    address = hub.strip() if urlsplit(hub.strip()).scheme in ("http", "https") else hub_address(request)
    found = await database.reading(lambda session: groups(session, "storage_box"))
    wanted = [group for group in found if box is None or group.name in box][:MOST_LABELS]
    made = [make_label(address, group.name, group.count) for group in wanted]
    skipped = int(skip) if skip.isascii() and skip.isdigit() and len(skip) < 4 else 0
    return render(
        "labels.html",
        boxes=found,
        chosen_boxes={group.name for group in wanted},
        forms=[(one.id, gettext(one.name)) for one in FORMS],
        form=chosen,
        skipped=min(skipped, chosen.count - 1),
        hub=address,
        is_hub_here=is_loopback_place(urlsplit(address).netloc),
        sheets=sheets(made, chosen, skipped),
    )


def hub_address(request: Request) -> str:
    approach = approach_of(request.scope)
    return f"{approach.scheme}://{approach.host or request.url.netloc}{url('')}"
