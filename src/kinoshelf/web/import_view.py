"""What the pages of imports and of pasted lists show: their rows, their counts, and how far their job is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from kinoshelf.core.jobs.models import UNFINISHED, Job, JobState
from kinoshelf.core.settings import Settings
from kinoshelf.discs.csv_import import imports
from kinoshelf.discs.csv_import.formats import PASTED
from kinoshelf.discs.csv_import.imports import ImportSummary
from kinoshelf.discs.csv_import.reading import BESIDE
from kinoshelf.discs.models import Disc, DiscImportRow
from kinoshelf.discs.pasting import WRITTEN
from kinoshelf.web import disc_words
from kinoshelf.web.formats import moment, number
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import url

ROWS_SHOWN = 100

STATES = {
    "reading": mark("Being read"),
    "preview": mark("Preview: nothing is changed yet"),
    "running": mark("Running"),
    "done": mark("Done"),
    "cancelled": mark("Cancelled"),
    "undoing": mark("Being taken back"),
    "undone": mark("Taken back"),
}
PLANS = {
    "add": mark("Add"),
    "update": mark("Update"),
    "same": mark("Nothing new"),
    "skip": mark("Leave alone"),
}
OUTCOMES = {
    "waiting": mark("Waiting"),
    "added": mark("Added"),
    "updated": mark("Updated"),
    "same": mark("Nothing new"),
    "skipped": mark("Left out"),
    "invalid": mark("Not possible"),
    "undone": mark("Taken back"),
    "left": mark("Could not be taken back"),
}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252", "utf-16": "UTF-16"}
SEPARATORS = {",": mark("comma"), ";": mark("semicolon"), "\t": mark("tab"), "|": mark("vertical line")}


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    count: int
    href: str
    is_current: bool


class Progress(NamedTuple):
    """How far the job of an import is. `is_busy` while the page should ask again."""

    is_busy: bool
    done: int
    total: int
    message: str
    error: str

    def as_json(self) -> dict[str, Any]:
        return dict(self._asdict())


@dataclass(frozen=True)
class ImportRow:
    """A line as it is shown. `plan` counts while it waits, `outcome` afterwards."""

    line: int
    copy: int
    written: str
    name: str
    year: int | None
    facts: str
    plan: str
    outcome: str
    word: str
    reason: str
    disc_id: int | None
    tmdb_id: int | None
    candidates: Sequence[Mapping[str, Any]]

    @property
    def kind(self) -> str:
        return self.plan if self.outcome == "waiting" else self.outcome

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        return next((one for one in self.candidates if one["tmdb_id"] == self.tmdb_id), None)


@dataclass(frozen=True)
class ImportView:
    """Everything the template of one import knows."""

    summary: ImportSummary
    rows: Sequence[ImportRow]
    tabs: Sequence[Tab]
    next_href: str
    progress: Progress
    began: str

    @property
    def state_word(self) -> str:
        return gettext(STATES[self.summary.state])

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Return the headers of the file with the word for the field each was taken for; empty where none was."""
        return [(str(header), column_word(str(field))) for header, field in self.summary.columns]

    @property
    def file_facts(self) -> str:
        separator = SEPARATORS.get(self.summary.separator)
        words = (
            self.summary.format_label,
            ENCODINGS.get(self.summary.encoding.lower(), self.summary.encoding.upper()),
            gettext(separator) if separator else "",
        )
        return " · ".join(word for word in words if word)

    @property
    def to_do(self) -> int:
        """How many discs would be added or changed."""
        plans = self.summary.plans
        return plans.get("add", 0) + plans.get("update", 0)

    @property
    def can_undo(self) -> bool:
        outcomes = self.summary.outcomes
        has_done = bool(outcomes.get("added") or outcomes.get("updated"))
        return self.summary.state in {"done", "cancelled", "undoing"} and has_done


def column_word(field: str) -> str:
    if not field:
        return ""
    return gettext(disc_words.FIELDS[field]) if field in disc_words.FIELDS else field.replace("_", " ")


def address_of(found: ImportSummary, **query: object) -> str:
    """Return the page of an import; a pasted list has one of its own."""
    return url(f"/add/list/{found.id}" if found.format == PASTED else f"/import/{found.id}", **query)


def read_progress(session: Session, import_id: str) -> Progress:
    """Raises ImportNotFound."""
    found = imports.summary(session, import_id)
    job = session.get(Job, found.job_id) if found.job_id else None
    state = JobState(job.state) if job is not None else JobState.DONE
    is_working = state in UNFINISHED
    is_busy = is_working or found.state == "reading"
    error = (job.error or "") if job is not None and state is JobState.FAILED else ""
    if found.state in {"running", "undoing"} and not is_working and not error:
        error = gettext("It was ended in the middle and can be gone on with.")
    total = (job.progress_total or 0) if job is not None else 0
    done = job.progress_done if job is not None else 0
    return Progress(is_busy, done, max(total, done) or found.row_count, _said(found, done, total), error)


def _said(found: ImportSummary, done: int, total: int) -> str:
    if not total:
        return gettext("It begins in a moment.")
    amount = {"done": number(done), "total": number(total)}
    if found.state == "preview":
        return gettext("%(done)s of %(total)s titles looked up") % amount
    if found.state == "undoing":
        return gettext("%(done)s of %(total)s discs taken back") % amount
    return gettext("%(done)s of %(total)s rows done") % amount


def read_import(session: Session, import_id: str, settings: Settings, shown: str, after: str) -> ImportView:
    """Read one page of rows; `shown` is a plan or an outcome. Raises ImportNotFound."""
    found = imports.summary(session, import_id)
    plan = shown if shown in PLANS and found.state in {"preview", "running", "cancelled"} else None
    outcome = "waiting" if plan else shown if shown in OUTCOMES else None
    rows = imports.list_rows(session, import_id, after=_place(after), limit=ROWS_SHOWN + 1, outcome=outcome, plan=plan)
    is_more = len(rows) > ROWS_SHOWN
    last = rows[ROWS_SHOWN - 1] if is_more else None
    kept = shown if plan or outcome else None
    return ImportView(
        summary=found,
        rows=[_row(row, _there(session, rows)) for row in rows[:ROWS_SHOWN]],
        tabs=_tabs(found, kept),
        next_href=address_of(found, show=kept, after=f"{last.line}.{last.copy}") if last else "",
        progress=read_progress(session, import_id),
        began=moment(found.created_at, settings.zone),
    )


def _there(session: Session, rows: Sequence[DiscImportRow]) -> set[int]:
    ids = {row.disc_id for row in rows if row.disc_id is not None}
    return set(session.scalars(select(Disc.id).where(Disc.id.in_(ids)))) if ids else set()


def _place(after: str) -> tuple[int, int]:
    line, _, copy = after.partition(".")
    parts = [int(part) if part.isascii() and part.isdigit() and len(part) < 10 else 0 for part in (line, copy)]
    return parts[0], parts[1]


def _tabs(found: ImportSummary, shown: str | None) -> list[Tab]:
    tabs = [Tab(gettext("All"), found.row_count, address_of(found), shown is None)]
    for key, word in PLANS.items():
        if found.plans.get(key):
            tabs.append(Tab(gettext(word), found.plans[key], address_of(found, show=key), shown == key))
    for key, word in OUTCOMES.items():
        if key != "waiting" and found.outcomes.get(key):
            tabs.append(Tab(gettext(word), found.outcomes[key], address_of(found, show=key), shown == key))
    return tabs


def _row(row: DiscImportRow, there: set[int]) -> ImportRow:
    values = row.values
    beside = values.get(BESIDE) or {}
    year = values.get("release_year")
    word = PLANS.get(row.plan, "") if row.outcome == "waiting" else OUTCOMES.get(row.outcome, row.outcome)
    return ImportRow(
        line=row.line,
        copy=row.copy,
        written=str(beside.get(WRITTEN) or ""),
        name=str(values.get("name") or ""),
        year=year if isinstance(year, int) else None,
        facts=_facts(values),
        plan=row.plan,
        outcome=row.outcome,
        word=gettext(word) if word else "",
        reason=row.reason,
        disc_id=row.disc_id if row.disc_id in there else None,
        tmdb_id=values.get("tmdb_id"),
        candidates=row.candidates or (),
    )


def _facts(values: Mapping[str, Any]) -> str:
    kinds = (("status", "kept"), ("disk_type", ""), ("media_type", "physical"))
    words = [
        disc_words.said(name, str(values[name])) for name, usual in kinds if values.get(name) and values[name] != usual
    ]
    words += [str(values[name]) for name in ("storage_box", "box_set_name", "edition") if values.get(name)]
    return " · ".join(words)
