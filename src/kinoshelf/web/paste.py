"""Pasted lists: typed in, looked up, reviewed line by line, added; or only marked as downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.discs.csv_import.errors import ImportNotReady
from kinoshelf.discs.csv_import.formats import PASTED
from kinoshelf.discs.locations import last_storage_box
from kinoshelf.discs.models import DiscImportRow
from kinoshelf.discs.pasting import MOST_LINES
from kinoshelf.web.add import Words, year_of
from kinoshelf.web.batch_fields import batch_fields
from kinoshelf.web.films import ArtworkDep, CatalogueDep, FilmHit, Films, pictures_of, search_films
from kinoshelf.web.import_view import address_of, read_import
from kinoshelf.web.imports import After, ImportId, Shown
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)

CONFIDENCES = {"sure": mark("Sure"), "likely": mark("Likely"), "guess": mark("A guess")}

Line = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/add/list", dependencies=[Depends(page_for_signed_in)])
async def begin(database: DatabaseDep, catalogue: CatalogueDep) -> HTMLResponse:
    last_box = await database.reading(last_storage_box)
    return render(
        "add_list.html",
        batch=batch_fields({"storage_box": last_box}),
        last_box=last_box,
        most=MOST_LINES,
        has_key=catalogue.is_configured,
    )


@router.get("/add/list/{import_id}", dependencies=[Depends(page_for_signed_in)])
async def review(
    import_id: ImportId,
    database: DatabaseDep,
    store: StoreDep,
    artwork: ArtworkDep,
    catalogue: CatalogueDep,
    shown: Annotated[Shown, Query(alias="show")] = "",
    after: After = "",
) -> Response:
    settings = store.current
    view = await database.reading(lambda session: read_import(session, import_id, settings, shown, after))
    if view.summary.format != PASTED:
        return RedirectResponse(address_of(view.summary), status_code=303)
    paths = [str((row.chosen or {}).get("poster_path") or "") for row in view.rows]
    return render(
        "add_list_one.html",
        view=view,
        pictures=await pictures_of(database, artwork, paths, "w92"),
        confidences={key: gettext(word) for key, word in CONFIDENCES.items()},
        batch=batch_fields(view.summary.options.get("defaults") or {}),
        skip_existing=view.summary.options.get("on_match") != "copy",
        has_key=catalogue.is_configured,
    )


@router.get("/add/list/{import_id}/{line}/films", dependencies=[Depends(local_or_signed_in)])
async def films(
    import_id: ImportId,
    line: Line,
    database: DatabaseDep,
    catalogue: CatalogueDep,
    artwork: ArtworkDep,
    q: Words = "",
    year: str = "",
) -> HTMLResponse:
    """Return the films a line could mean as a part of the page: those that were found, or those of a search."""

    def read(session: Session) -> Sequence[Mapping[str, Any]]:
        row = session.get(DiscImportRow, (import_id, line, 1))
        if row is None:
            raise ImportNotReady("this line is not there any more")
        return row.candidates or []

    if q.strip():
        found = await search_films(database, catalogue, artwork, q, year_of(year))
    else:
        candidates = await database.reading(read)
        pictures = await pictures_of(
            database, artwork, [str(one.get("poster_path") or "") for one in candidates], "w92"
        )
        found = Films([_hit(one, picture) for one, picture in zip(candidates, pictures, strict=True)], is_asked=True)
    return render("parts/film_choice.html", films=found, line=line)


def _hit(one: Mapping[str, Any], picture: str) -> FilmHit:
    original = str(one.get("original_name") or "")
    return FilmHit(
        one["tmdb_id"], one["name"], original if original != one["name"] else "", one["year"], one["overview"], picture
    )


@router.get("/bulk-mark-downloaded", dependencies=[Depends(page_for_signed_in)])
async def mark_downloaded() -> HTMLResponse:
    return render("mark_downloaded.html", most=MOST_LINES)
