"""/ajax: what the collection is sorted by: boxes, sets, tags, barcodes, and the choices of the filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Suggestions, answered
from kinoshelf.api.discs.disc_shape import DiscRead, disc_read
from kinoshelf.api.discs.discs import FilterDep
from kinoshelf.api.discs.parts import NOT_FOUND, ClockDep, DatabaseDep, Words
from kinoshelf.api.discs.requests import Renaming, TagsRequest
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.web import base_of
from kinoshelf.discs import editing, locations, queries, tags
from kinoshelf.discs.barcodes import find_known, normal_barcode
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.facets import facets
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.models import KnownBarcode

router = SurfaceRouter(prefix="/ajax", tags=["shelf"])

MOST_SUGGESTIONS = 10


class Counted(BaseModel):
    name: str
    count: int


class Names(Answer):
    names: list[Counted]


class Changed(Answer):
    changed: int


class KnownRead(BaseModel):
    barcode: str
    name: str
    release_year: int | None
    tmdb_id: int | None
    disk_type: str
    edition: str


class BarcodeRead(Answer):
    barcode: str = Field(description="As EAN-13 or EAN-8.")
    known: KnownRead | None
    discs: list[DiscRead] = Field(description="Those of the collection that have it.")


class FacetsRead(Answer):
    data: dict[str, Any]


def _names(found: Any) -> Response:
    rows = [{"name": name, "count": count} for name, count in found]
    return answered(rows, names=rows)


@router.get("/box-sets/", response_model=Names)
async def list_box_sets(database: DatabaseDep) -> Response:
    """Return every box set with the number of its discs."""
    return _names(await database.reading(queries.box_sets))


@router.get("/storage-boxes/", response_model=Names)
async def list_storage_boxes(database: DatabaseDep) -> Response:
    """Return every storage box with the number of its discs."""
    return _names(await database.reading(queries.storage_boxes))


@router.get("/tags/", response_model=Names)
async def list_tags(database: DatabaseDep) -> Response:
    """Return every tag with the number of its discs."""
    return _names(await database.reading(tags.list_tags))


@router.get("/tag-autocomplete/", response_model=Suggestions)
async def suggest_tags(database: DatabaseDep, q: Words = "") -> Response:
    """Complete a tag; the one that is used most comes first."""
    part = q.strip().casefold()
    rows = await database.reading(tags.list_tags)
    fitting = sorted((-count, tag) for tag, count in rows if part in tag.casefold())
    found = [tag for _, tag in fitting[:MOST_SUGGESTIONS]]
    return answered(found, suggestions=found)


@router.get("/facets/", response_model=FacetsRead)
async def show_facets(database: DatabaseDep, wanted: FilterDep) -> Response:
    """Return how many discs each choice of a filter would show, beside the filters of `GET /dvd/`."""
    return answered(asdict(await database.reading(lambda session: facets(session, wanted))))


@router.get("/barcode/", response_model=BarcodeRead)
async def look_up_barcode(
    request: Request, database: DatabaseDep, code: Annotated[str, Query(max_length=100)]
) -> Response:
    """Tell what is behind an EAN or UPC, learned from your own discs and imports."""
    number, base = normal_barcode(code), base_of(request.scope)
    if number is None:
        raise DiscInvalid(
            [("code", "this is no EAN or UPC: they have 8, 12 or 13 digits, the last of which is checked")]
        )

    def read(session: Session) -> dict[str, Any]:
        known = find_known(session, number)
        page = queries.page(session, DiscFilter(barcode=number), with_total=False)
        return {
            "barcode": number,
            "known": _known(known) if known else None,
            "discs": [disc_read(row, base) for row in page.rows],
        }

    found = await database.reading(read)
    return answered(found, **found)


@router.post("/tag-dvds/", response_model=Changed, responses=NOT_FOUND)
async def tag_discs(body: TagsRequest, database: DatabaseDep, clock: ClockDep) -> Response:
    """Put tags on many discs and take others off, all or none."""
    gone = {tag.strip().casefold() for tag in body.remove}

    def write(session: Session) -> None:
        for disc_id in dict.fromkeys(body.ids):
            kept = [tag for tag in queries.get(session, disc_id).tags if tag.casefold() not in gone]
            editing.edit(session, disc_id, {"tags": [*kept, *body.add]}, clock.now())

    await database.writing(write)
    changed = len(set(body.ids))
    return answered({"changed": changed}, changed=changed)


def _renaming(rename: Callable[[Session, str, str, datetime], int]) -> Callable[..., Any]:
    async def change_name(body: Renaming, database: DatabaseDep, clock: ClockDep) -> Response:
        changed = await database.writing(lambda session: rename(session, body.name, body.new_name, clock.now()))
        return answered({"changed": changed}, changed=changed)

    return change_name


def _rename_or_empty(
    rename: Callable[[Session, str, str, datetime], int], empty: Callable[[Session, str, datetime], int]
) -> Callable[[Session, str, str, datetime], int]:
    def change(session: Session, name: str, new_name: str, now: datetime) -> int:
        return rename(session, name, new_name, now) if new_name.strip() else empty(session, name, now)

    return change


for _what, _rename in (
    ("storage-box", _rename_or_empty(locations.rename_storage_box, locations.empty_storage_box)),
    ("box-set", _rename_or_empty(locations.rename_box_set, locations.break_up_box_set)),
    ("tag", tags.rename_tag),
):
    router.add_api_route(
        f"/rename-{_what}/",
        _renaming(_rename),
        methods=["POST"],
        name=f"rename_{_what.replace('-', '_')}",
        description=f"Give a {_what.replace('-', ' ')} another name on all its discs; with an empty one they leave it.",
        response_model=Changed,
        responses=NOT_FOUND,
    )


def _known(known: KnownBarcode) -> dict[str, Any]:
    return {name: getattr(known, name) for name in KnownRead.model_fields}
