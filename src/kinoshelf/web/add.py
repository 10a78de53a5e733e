"""Adding a disc: by the title of its film, by its barcode, by hand. Lists are pasted in `paste.py`, files in `imports.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.core.errors import NotFound
from kinoshelf.core.http.errors import UpstreamNotFound
from kinoshelf.core.web import use
from kinoshelf.discs.barcodes import find_known, normal_barcode
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import FIELDS, clean
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.locations import last_storage_box, next_free_location
from kinoshelf.discs.looking_up import LookUp
from kinoshelf.discs.queries import page as discs_page
from kinoshelf.web.disc_view import FormField, form_groups
from kinoshelf.web.films import ArtworkDep, CatalogueDep, OwnedCopy, copies_like, owned_copy, pictures_of, search_films
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue import DatabaseDep

router = APIRouter(include_in_schema=False)

# They are the disc's alone, or follow from what else is said.
NOT_CARRIED = frozenset({"poster_id", "copy_number", "tmdb_id"})
MOST_CARRIED_CHARACTERS = 300

LookUpDep = Annotated[LookUp, Depends(use(LookUp))]
FilmNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
Words = Annotated[str, Query(max_length=300)]


class FilmNotFound(NotFound):
    def __init__(self, tmdb_id: int) -> None:
        super().__init__(f"TMDB has no film of the number {tmdb_id}")


def carried_fields(query: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a disc that an address carries to its form; values that make no sense are left out."""
    found: dict[str, str] = {}
    for name in FIELDS.keys() - NOT_CARRIED:
        value = query.get(name, "").replace("\x00", "").strip()
        if not value or len(value) > MOST_CARRIED_CHARACTERS:
            continue
        try:
            clean({name: value}, is_partial=True)
        except DiscInvalid:
            continue
        found[name] = value
    return dict(sorted(found.items()))


def year_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1870 <= int(text[:5]) <= 2100 else None


def ways(query: Mapping[str, str]) -> dict[str, str]:
    """Return what every address of adding carries along."""
    kept = carried_fields(query)
    if query.get("wish", "").isdigit():
        kept["wish"] = query["wish"][:15]
    if query.get("from") == "barcode":
        kept["from"] = "barcode"
    return kept


@router.get("/add", dependencies=[Depends(page_for_signed_in)])
async def by_title(
    request: Request, database: DatabaseDep, catalogue: CatalogueDep, artwork: ArtworkDep, q: Words = "", year: str = ""
) -> HTMLResponse:
    carried = ways(request.query_params)
    found = await search_films(database, catalogue, artwork, q, year_of(year), carried=carried)
    return render(
        "add.html", films=found, q=q.strip(), year=year_of(year), carried=carried, has_key=catalogue.is_configured
    )


@router.get("/add/films", dependencies=[Depends(local_or_signed_in)])
async def films(
    request: Request, database: DatabaseDep, catalogue: CatalogueDep, artwork: ArtworkDep, q: Words = "", year: str = ""
) -> HTMLResponse:
    """Return the films of a search as a part of the page."""
    carried = ways(request.query_params)
    found = await search_films(database, catalogue, artwork, q, year_of(year), carried=carried)
    return render("parts/films.html", films=found, q=q.strip(), carried=carried)


@router.get("/add/copies", dependencies=[Depends(local_or_signed_in)])
async def copies(database: DatabaseDep, name: Words = "", year: str = "") -> HTMLResponse:
    """Return the copies a disc typed by hand would stand beside, as a part of the page."""
    wanted = name.strip()
    found = await database.reading(lambda session: copies_like(session, wanted, year_of(year), None)) if wanted else []
    return render("parts/copies.html", copies=found)


@router.get("/add/tmdb/{tmdb_id}", dependencies=[Depends(page_for_signed_in)])
async def from_tmdb(
    tmdb_id: FilmNumber, request: Request, database: DatabaseDep, look_up: LookUpDep, artwork: ArtworkDep
) -> HTMLResponse:
    try:
        found = await look_up.values_for(tmdb_id)
    except UpstreamNotFound as error:
        raise FilmNotFound(tmdb_id) from error
    (picture,) = await pictures_of(database, artwork, [found.poster_path or ""], "w342")
    return await _form(request, database, found.values, picture)


@router.get("/add/by-hand", dependencies=[Depends(page_for_signed_in)])
async def by_hand(request: Request, database: DatabaseDep) -> HTMLResponse:
    return await _form(request, database, {}, "")


async def _form(request: Request, database: Any, facts: Mapping[str, Any], picture: str) -> HTMLResponse:
    carried = ways(request.query_params)
    given = clean(
        {name: value for name, value in carried.items() if name in FIELDS and name not in facts}, is_partial=True
    )

    def read(session: Session) -> tuple[str, str, list[OwnedCopy]]:
        name, year, tmdb_id = (facts.get(one, given.get(one)) for one in ("name", "release_year", "tmdb_id"))
        beside = copies_like(session, name, year, tmdb_id) if name else []
        return last_storage_box(session), next_free_location(session), beside

    last_box, free_location, beside = await database.reading(read)
    usual = {"storage_box": last_box} if not given.get("storage_box") else {}
    values = {**clean({"name": "?"}, is_partial=False), "name": "", **facts, **given, **usual}
    disc = SimpleNamespace(**values, edited_fields=())
    this_disc, film, purchase = form_groups(disc)
    return render(
        "add_form.html",
        this_disc=_without(this_disc),
        film=_without(film),
        purchase=_without(purchase),
        facts=facts,
        picture=picture,
        copies=beside,
        free_location=free_location,
        last_box=last_box,
        wish=carried.get("wish", ""),
        next=url("/add/barcode") if carried.get("from") else url("/add") if facts else url("/add/by-hand"),
    )


def _without(group: tuple[str, list[FormField]]) -> tuple[str, list[FormField]]:
    return group[0], [field for field in group[1] if field.name not in NOT_CARRIED]


@router.get("/add/barcode", dependencies=[Depends(page_for_signed_in)])
async def by_barcode(database: DatabaseDep, code: Annotated[str, Query(max_length=100)] = "") -> HTMLResponse:
    number = normal_barcode(code)

    def read(session: Session) -> tuple[Any, list[OwnedCopy]]:
        if number is None:
            return None, []
        rows = discs_page(session, DiscFilter(barcode=number), with_total=False).rows
        return find_known(session, number), [owned_copy(row) for row in rows]

    known, owned = await database.reading(read)
    page = render(
        "add_barcode.html",
        code=code.strip(),
        number=number,
        known=known,
        known_href=_known_href(known) if known else "",
        copies=owned,
    )
    # This page alone may ask for the camera.
    page.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return page


def _known_href(known: Any) -> str:
    about = {"barcode": known.barcode, "disk_type": known.disk_type, "edition": known.edition, "from": "barcode"}
    if known.tmdb_id:
        return url(f"/add/tmdb/{known.tmdb_id}", **about)
    return url("/add/by-hand", name=known.name, release_year=known.release_year, **about)
