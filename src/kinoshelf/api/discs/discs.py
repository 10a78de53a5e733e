"""/dvd: the collection and its discs as JSON and as CSV. The pages at these addresses stand in web/."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, Query, Request
from pydantic import Field, JsonValue, WithJsonSchema
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from kinoshelf.api.discs.answers import Answer, answered
from kinoshelf.api.discs.disc_shape import DiscRead, disc_read, values_schema
from kinoshelf.api.discs.parts import (
    CONFLICT,
    NOT_FOUND,
    UPSTREAM,
    WRITABLE,
    ClockDep,
    DatabaseDep,
    DiscNumber,
    LookUpDep,
    writable,
)
from kinoshelf.api.discs.routes import JSONOnlyRoute, SurfaceRouter
from kinoshelf.core.web import JSONBytes, base_of
from kinoshelf.discs import editing, queries
from kinoshelf.discs.errors import DiscNotFound
from kinoshelf.discs.filters import CHOICES, DAYS, DECIMALS, FLAGS, NUMBERS, WORDS, DiscFilter
from kinoshelf.discs.queries import DEFAULT_ORDER, ORDERS

router = SurfaceRouter(prefix="/dvd", tags=["discs"])
beside_pages = SurfaceRouter(prefix="/dvd", tags=["discs"], route_class=JSONOnlyRoute)

MOST_A_PAGE = 200

DiscValues = Annotated[
    dict[str, JsonValue], Body(max_length=100), WithJsonSchema(values_schema(WRITABLE), mode="validation")
]


class DiscPage(Answer):
    data: list[DiscRead]
    total: int = Field(description="Of all pages.")
    next_cursor: str | None = Field(description="Null on the last page.")


class DiscAdded(DiscRead):
    note: str = Field(description="Why facts are missing; empty where none are.")


class Copies(Answer):
    data: list[DiscRead]


def _filter_parameters() -> list[dict[str, Any]]:
    types: dict[str, dict[str, Any]] = {
        **{
            name: {"type": "string", "description": f"{', '.join(words)}; several with commas."}
            for name, words in CHOICES.items()
        },
        **{name: {"type": "boolean"} for name in FLAGS},
        **{name: {"type": "string"} for name in ("search", *WORDS)},
        **{name: {"type": "integer"} for name in NUMBERS},
        **{name: {"type": "number"} for name in DECIMALS},
        **{name: {"type": "string", "format": "date"} for name in DAYS},
    }
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in types.items()]


async def wanted_discs(request: Request) -> DiscFilter:
    return DiscFilter.from_query(request.query_params)


FilterDep = Annotated[DiscFilter, Depends(wanted_discs)]


@router.get("/", response_model=DiscPage, openapi_extra={"parameters": _filter_parameters()})
async def list_discs(
    request: Request,
    database: DatabaseDep,
    wanted: FilterDep,
    order: Annotated[str, Query(max_length=50, description=", ".join(ORDERS))] = DEFAULT_ORDER,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 50,
) -> Response:
    """Return a page of the collection. `cursor` of the answer leads to the next."""
    base = base_of(request.scope)
    page = await database.reading(lambda session: queries.page(session, wanted, order, cursor, limit))
    return answered([disc_read(row, base) for row in page.rows], total=page.total, next_cursor=page.next_cursor)


@router.post("/", status_code=201, response_model=DiscAdded, responses={**CONFLICT, **UPSTREAM})
async def add_disc(body: DiscValues, request: Request, look_up: LookUpDep) -> Response:
    """Put a disc on the shelf. With a `tmdb_id` the facts of the film fill what the body leaves out.

    A disc with a `name` is added also while TMDB cannot be asked; `note` says so then.
    """
    added = await look_up.add(writable(body))
    found = disc_read(added.disc, base_of(request.scope))
    return JSONBytes({**found, "note": added.note}, status_code=201)


@beside_pages.get(
    "/{pk}/",
    response_model=DiscRead,
    responses=NOT_FOUND,
    openapi_extra={"parameters": [{"name": "format", "in": "query", "required": True, "schema": {"const": "json"}}]},
)
async def get_disc(pk: DiscNumber, request: Request, database: DatabaseDep) -> Response:
    """Return one disc, for who asks with `format=json` or `Accept: application/json`; browsers get its page."""
    base = base_of(request.scope)
    return JSONBytes(await database.reading(lambda session: disc_read(queries.get(session, pk), base)))


@router.get("/{pk}", include_in_schema=False)
async def lead_to_page(pk: DiscNumber, request: Request) -> Response:
    """Lead a browser to the address of the page."""
    query = request.url.query
    return RedirectResponse(f"{base_of(request.scope)}/dvd/{pk}/{f'?{query}' if query else ''}", status_code=308)


@router.get("/{pk}/copies/", response_model=Copies, responses=NOT_FOUND)
async def list_copies(pk: DiscNumber, request: Request, database: DatabaseDep) -> Response:
    """Return the other copies of the same film."""
    base = base_of(request.scope)

    def read(session: Session) -> list[dict[str, Any]]:
        return [disc_read(copy, base) for copy in queries.copies_of(session, queries.get(session, pk))]

    return answered(await database.reading(read))


@router.patch("/{pk}/", response_model=DiscRead, responses={**NOT_FOUND, **CONFLICT})
async def change_disc(
    pk: DiscNumber, body: DiscValues, request: Request, database: DatabaseDep, clock: ClockDep
) -> Response:
    """Change the fields the body names. What a person writes here no refresh changes again."""
    values, base = writable(body), base_of(request.scope)
    return JSONBytes(
        await database.writing(lambda session: disc_read(editing.edit(session, pk, values, clock.now()), base))
    )


@router.delete("/{pk}/", response_model=Answer, responses=NOT_FOUND)
async def delete_disc(pk: DiscNumber, database: DatabaseDep) -> Response:
    """Remove one disc."""
    return answered(message=await removed(database, pk))


async def removed(database: DatabaseDep, disc_id: int) -> str:
    """Remove a disc and say so in the words of the seed. Raises DiscNotFound."""
    names = await database.writing(lambda session: editing.remove(session, [disc_id]))
    if not names:
        raise DiscNotFound(disc_id)
    return f'"{names[0]}" has been deleted successfully'
