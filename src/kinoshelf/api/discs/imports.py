"""/ajax/imports: files and lists that are read in: a preview first, then the discs, and back again."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, File, Form, Path, Query, UploadFile
from pydantic import AfterValidator, BaseModel, Field, JsonValue
from pydantic_core import from_json
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Instant, TaskStarted, answered
from kinoshelf.api.discs.parts import CONFLICT, NOT_FOUND, ClockDep, DatabaseDep
from kinoshelf.api.discs.requests import MOST, Given500, Plain, without_nul
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.clock import iso
from kinoshelf.core.errors import InvalidInput, NotFound
from kinoshelf.core.web import use
from kinoshelf.discs.csv_import import imports
from kinoshelf.discs.csv_import.formats import PASTED
from kinoshelf.discs.csv_import.imports import ImportDiscs, ImportSummary
from kinoshelf.discs.csv_import.options import ImportOptions
from kinoshelf.discs.models import DiscImportRow
from kinoshelf.discs.pasting import NamedDisc, PasteTitles, mark_downloaded

router = SurfaceRouter(prefix="/ajax/imports", tags=["imports"])
lists = SurfaceRouter(prefix="/ajax", tags=["imports"])

MOST_ROWS = 500

PasteTitlesDep = Annotated[PasteTitles, Depends(use(PasteTitles))]
ImportDiscsDep = Annotated[ImportDiscs, Depends(use(ImportDiscs))]
ImportId = Annotated[str, Path(max_length=100, description="Id of the import."), AfterValidator(without_nul)]
Outcome = Literal["waiting", "added", "updated", "same", "skipped", "invalid", "undone", "left"]


class ImportRead(BaseModel):
    id: str
    filename: str
    format: str
    format_label: str
    state: str = Field(description="reading, preview, running, done, cancelled, undoing or undone.")
    job_id: str | None
    row_count: int
    done_count: int
    options: dict[str, JsonValue]
    encoding: str
    separator: str
    columns: list[list[str]] = Field(
        description="Each header with the field it was taken for; empty where it was left out."
    )
    plans: dict[str, int] = Field(description="The rows that wait, by what would become of them.")
    outcomes: dict[str, int]
    created_at: Instant
    finished_at: Instant | None


class OneImport(Answer):
    data: ImportRead


class Imports(Answer):
    data: list[ImportRead]


class ImportRowRead(BaseModel):
    line: int
    copy_: int = Field(alias="copy", description="Above 1 where a line stands for several discs.")
    values: dict[str, JsonValue]
    plan: str = Field(description="add, update, same or skip; empty where it is invalid.")
    outcome: Outcome
    reason: str
    disc_id: int | None
    candidates: list[dict[str, JsonValue]] | None


class ImportRows(Answer):
    data: list[ImportRowRead]
    next_after: str | None = Field(description="Ask again with it as `after`; null at the end.")


class OptionsRequest(BaseModel):
    on_match: Literal["update", "skip", "copy"] = "update"
    defaults: dict[str, JsonValue] = Field({}, description="Fields new discs get.")


class SkipRequest(BaseModel):
    line: Annotated[int, Field(ge=1, le=2**31 - 1)]
    skip: bool = True


class ListRequest(BaseModel):
    text: Annotated[Plain, Field(max_length=500_000)] = Field(description="A title a line.")


class PasteRequest(ListRequest):
    skip_existing: bool = Field(True, description="Leave out what is on the shelf; else it becomes another copy.")
    defaults: dict[str, JsonValue] = Field({}, description="Fields new discs get.")


class ChoiceRequest(BaseModel):
    line: Annotated[int, Field(ge=1, le=2**31 - 1)]
    tmdb_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(description="Null: none of them.")
    name: Given500 = Field("", description="Needed for a film that is not among the candidates.")
    year: Annotated[int, Field(ge=1870, le=2100)] | None = None


class MeantDisc(BaseModel):
    id: int
    name: str
    release_year: int | None


class MarkedLine(BaseModel):
    line: str
    discs: list[MeantDisc]


class Marked(Answer):
    found: list[MarkedLine]
    already_downloaded: list[MarkedLine]
    not_found: list[str]
    multiple: list[MarkedLine]


def _shown(found: ImportSummary) -> dict[str, Any]:
    return {
        **asdict(found),
        "done_count": found.done_count,
        "created_at": iso(found.created_at),
        "finished_at": iso(found.finished_at),
    }


async def _summary(database: DatabaseDep, import_id: str, *, status: int = 200) -> Response:
    found = await database.reading(lambda session: imports.summary(session, import_id))
    return answered(_shown(found), status_code=status)


@router.get("/", response_model=Imports)
async def list_imports(database: DatabaseDep) -> Response:
    """Return the latest imports."""
    return answered([_shown(one) for one in await database.reading(imports.list_imports)])


@router.post("/", status_code=201, response_model=OneImport)
async def preview(
    importing: ImportDiscsDep,
    database: DatabaseDep,
    file: Annotated[UploadFile, File(description="A table of this or another program, or a title a line.")],
    options: Annotated[
        str, Form(max_length=100_000, description="JSON: `on_match`, `defaults`, `format`, `day_order`.")
    ] = "",
) -> Response:
    """Read a file and say what would become of each row. Nothing is changed yet."""
    chosen = ImportOptions.read(_options(options))
    content = await file.read()
    # Reading and looking up thousands of rows takes seconds.
    import_id = await asyncio.to_thread(partial(importing.start, file.filename or "", content, chosen))
    return await _summary(database, import_id, status=201)


@router.get("/{import_id}/", response_model=OneImport, responses=NOT_FOUND)
async def show_import(import_id: ImportId, database: DatabaseDep) -> Response:
    """Return the state of an import, and how many rows came to what."""
    return await _summary(database, import_id)


@router.get("/{import_id}/rows/", response_model=ImportRows, responses=NOT_FOUND)
async def list_rows(
    import_id: ImportId,
    database: DatabaseDep,
    after: Annotated[
        str, Query(pattern=r"^(\d{1,9}(\.\d{1,9})?)?$", description="`next_after` of the page before.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
    outcome: Outcome | None = None,
    plan: Literal["add", "update", "same", "skip"] | None = None,
) -> Response:
    """Return the rows in the order of the file."""
    line, _, copy = after.partition(".")
    behind = (int(line or 0), int(copy or 0) if copy or not line else MOST)

    def read(session: Session) -> list[DiscImportRow]:
        imports.summary(session, import_id)
        return imports.list_rows(session, import_id, after=behind, limit=limit + 1, outcome=outcome, plan=plan)

    rows = await database.reading(read)
    shown = [_row(row) for row in rows[:limit]]
    following = f"{rows[limit - 1].line}.{rows[limit - 1].copy}" if len(rows) > limit else None
    return answered(shown, next_after=following)


@router.post("/{import_id}/options/", response_model=OneImport, responses={**NOT_FOUND, **CONFLICT})
async def plan_again(
    import_id: ImportId, body: OptionsRequest, importing: ImportDiscsDep, database: DatabaseDep
) -> Response:
    """Look at a preview with other options."""
    chosen = ImportOptions.read(body.model_dump())
    await asyncio.to_thread(partial(importing.plan_again, import_id, chosen))
    return await _summary(database, import_id)


@router.post("/{import_id}/skip/", response_model=OneImport, responses=NOT_FOUND)
async def skip_row(import_id: ImportId, body: SkipRequest, database: DatabaseDep) -> Response:
    """Leave a row of a preview out, or take it back in."""

    def write(session: Session) -> None:
        imports.summary(session, import_id)
        if not imports.set_skipped(session, import_id, body.line, skip=body.skip):
            raise NotFound(f"line {body.line} of this import cannot be changed")

    await database.writing(write)
    return await _summary(database, import_id)


@router.post("/{import_id}/choose/", response_model=OneImport, responses={**NOT_FOUND, **CONFLICT})
async def choose_film(
    import_id: ImportId, body: ChoiceRequest, pasting: PasteTitlesDep, database: DatabaseDep
) -> Response:
    """Say which film a line of a pasted list means."""
    await asyncio.to_thread(partial(pasting.choose, import_id, body.line, body.tmdb_id, name=body.name, year=body.year))
    return await _summary(database, import_id)


@router.post("/{import_id}/run/", response_model=TaskStarted, responses={**NOT_FOUND, **CONFLICT})
async def run(
    import_id: ImportId, importing: ImportDiscsDep, pasting: PasteTitlesDep, database: DatabaseDep
) -> Response:
    """Make discs of a preview, in the background; also goes on with one that was cancelled."""
    found = await database.reading(lambda session: imports.summary(session, import_id))
    start = pasting.add if found.format == PASTED else importing.run
    task_id = await asyncio.to_thread(start, import_id)
    return answered({"task_id": task_id}, "The import has started", task_id=task_id)


@router.post("/{import_id}/cancel/", response_model=OneImport, responses={**NOT_FOUND, **CONFLICT})
async def cancel(import_id: ImportId, importing: ImportDiscsDep, database: DatabaseDep) -> Response:
    """Stop an import; what was done stays, and can be gone on with or taken back."""
    await asyncio.to_thread(importing.cancel, import_id)
    return await _summary(database, import_id)


@router.post("/{import_id}/undo/", response_model=TaskStarted, responses={**NOT_FOUND, **CONFLICT})
async def undo(import_id: ImportId, importing: ImportDiscsDep) -> Response:
    """Take back what an import did, as far as nobody changed it since."""
    task_id = await asyncio.to_thread(importing.undo, import_id)
    return answered({"task_id": task_id}, "The import is being taken back", task_id=task_id)


@lists.post("/paste/", status_code=201, response_model=OneImport)
async def paste(body: PasteRequest, pasting: PasteTitlesDep, database: DatabaseDep) -> Response:
    """Keep a list of titles and have it looked up in the background; its lines are those of an import."""
    import_id = await asyncio.to_thread(
        partial(pasting.start, body.text, skip_existing=body.skip_existing, defaults=body.defaults)
    )
    return await _summary(database, import_id, status=201)


@lists.post("/mark-downloaded/", response_model=Marked)
async def mark(body: ListRequest, database: DatabaseDep, clock: ClockDep) -> Response:
    """Mark the discs a list of titles names as downloaded; what is not clear is not changed."""
    done = await database.writing(lambda session: mark_downloaded(session, body.text, clock.now()))
    found: dict[str, Any] = {
        "found": [_line(one) for one in done.found],
        "already_downloaded": [_line(one) for one in done.already],
        "not_found": done.not_found,
        "multiple": [_line(one) for one in done.multiple],
    }
    return answered(found, f"Marked {len(done.found)}", **found)


def _line(named: NamedDisc) -> dict[str, Any]:
    discs = [{"id": number, "name": name, "release_year": year} for number, name, year in named.discs]
    return {"line": named.line, "discs": discs}


def _options(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput("options: this is not JSON") from error
    if not isinstance(found, dict):
        raise InvalidInput("options: a JSON object is wanted")
    return found


def _row(row: DiscImportRow) -> dict[str, Any]:
    names = ("line", "copy", "values", "plan", "outcome", "reason", "disc_id", "candidates")
    return {name: getattr(row, name) for name in names}
