"""Reading a collection in from a file, and writing it out into one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.core.web import JSONBytes
from kinoshelf.discs.csv_export import KINDS, Kind, count_rows
from kinoshelf.discs.csv_import.formats import FORMATS, PASTED
from kinoshelf.discs.csv_import.imports import ImportSummary, list_imports
from kinoshelf.discs.fields import FIELDS
from kinoshelf.web.batch_fields import batch_fields
from kinoshelf.web.formats import moment
from kinoshelf.web.import_view import STATES, address_of, read_import, read_progress
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)

EXPORTS: dict[Kind, tuple[str, str]] = {
    "complete": (
        mark("Everything"),
        mark(
            "Every disc with every field, and who has borrowed it. Made to be read in again, here or by another "
            "Kinoshelf, without loss."
        ),
    ),
    "not-kept": (
        mark("What is not kept"),
        mark("The discs that are disposed of or unboxed, in the columns existing scripts know."),
    ),
    "disposed": (
        mark("What is disposed of"),
        mark("The discs you gave away that are in no file yet: what you may want to look for again."),
    ),
}
ON_MATCH = (
    ("update", mark("Bring it up to date with what the file says")),
    ("skip", mark("Leave it as it is")),
    ("copy", mark("Add another copy")),
)
DAY_ORDERS = (("", mark("as the file suggests")), ("dmy", mark("day, month, year")), ("mdy", mark("month, day, year")))

ImportId = Annotated[str, Path(max_length=100, pattern=r"^[0-9a-f-]+$")]
Shown = Annotated[str, Query(max_length=20)]
After = Annotated[str, Query(max_length=25)]


@router.get("/import", dependencies=[Depends(page_for_signed_in)])
async def begin(database: DatabaseDep, store: StoreDep) -> HTMLResponse:
    zone = store.current.zone
    found = await database.reading(list_imports)
    return render(
        "import.html",
        formats=[(key, label) for key, label in FORMATS.items() if key != PASTED],
        on_match=[(key, gettext(label)) for key, label in ON_MATCH],
        day_orders=[(key, gettext(label)) for key, label in DAY_ORDERS],
        latest=[_listed(one, moment(one.created_at, zone)) for one in found],
    )


def _listed(found: ImportSummary, began: str) -> dict[str, Any]:
    return {
        "href": address_of(found),
        "name": found.filename if found.format != PASTED else gettext("Pasted list"),
        "format": found.format_label,
        "state": gettext(STATES[found.state]),
        "kind": found.state,
        "rows": found.row_count,
        "began": began,
    }


@router.get("/import/{import_id}", dependencies=[Depends(page_for_signed_in)])
async def show(
    import_id: ImportId,
    database: DatabaseDep,
    store: StoreDep,
    shown: Annotated[Shown, Query(alias="show")] = "",
    after: After = "",
) -> Response:
    settings = store.current
    view = await database.reading(lambda session: read_import(session, import_id, settings, shown, after))
    if view.summary.format == PASTED:
        return RedirectResponse(address_of(view.summary), status_code=303)
    return render(
        "import_one.html",
        view=view,
        on_match=[(key, gettext(label)) for key, label in ON_MATCH],
        batch=batch_fields(view.summary.options.get("defaults") or {}),
        fields=FIELDS,
    )


@router.get("/import/{import_id}/progress", dependencies=[Depends(local_or_signed_in)])
async def progress(import_id: ImportId, database: DatabaseDep) -> JSONBytes:
    """Tell how far the job of an import is."""
    found = await database.reading(lambda session: read_progress(session, import_id))
    return JSONBytes(found.as_json(), headers={"Cache-Control": "private, no-store"})


@router.get("/export", dependencies=[Depends(page_for_signed_in)])
async def export(database: DatabaseDep) -> HTMLResponse:
    def read(session: Session) -> dict[Kind, int]:
        return {kind: count_rows(session, kind) for kind in KINDS}

    counts = await database.reading(read)
    return render(
        "export.html",
        exports=[(kind, gettext(title), gettext(text), counts[kind]) for kind, (title, text) in EXPORTS.items()],
    )
