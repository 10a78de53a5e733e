"""From a file to discs, and back again.

Each row's outcome is written in the transaction that writes its disc. Whatever ends the process, the next run goes on with
the rows that still wait, and no row is done twice.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, Table, Update, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.errors import JobNotCancellable, JobNotFound
from kinoshelf.core.jobs.queue import rows_changed
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.discs.csv_import import formats, writing
from kinoshelf.discs.csv_import.errors import ImportNotFound, ImportNotReady
from kinoshelf.discs.csv_import.matching import Shelf, Wanted, changes
from kinoshelf.discs.csv_import.options import ImportOptions
from kinoshelf.discs.csv_import.reading import BESIDE, Reading, ReadRow, read_file
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import label
from kinoshelf.discs.models import Disc, DiscImport, DiscImportRow
from kinoshelf.titles.naming import folded

IMPORT_ROWS = "discs.import_rows"
UNDO_IMPORT = "discs.undo_import"
CHUNK = 500
# A transaction holds the one writer of SQLite about this long, so that everybody else gets their turn.
SLICE_SECONDS = 0.1
FEWEST, MOST = 20, 500
MOST_REASON_CHARACTERS = 500
KEEP_PREVIEWS = timedelta(days=7)
KEEP_IMPORTS = timedelta(days=365)

NOTE = "note"

import_rows = cast("Table", DiscImportRow.__table__)
ROW = tuple(import_rows.c[name] for name in ("line", "copy", "values", "outcome", "reason", "disc_id", "before"))

Progress = Callable[[int, int], None]
"""How many rows are done, of how many. May raise to stop between two slices."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a row: add, update, same or skip."""

    plan: str
    disc: Disc | None = None
    reason: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """`plans` counts the rows that wait, by what would become of them; `outcomes` all rows by what became of them."""

    id: str
    filename: str
    format: str
    format_label: str
    state: str
    job_id: str | None
    row_count: int
    options: Mapping[str, Any]
    encoding: str
    separator: str
    columns: Sequence[Sequence[str]]
    plans: Mapping[str, int]
    outcomes: Mapping[str, int]
    created_at: datetime
    finished_at: datetime | None

    @property
    def done_count(self) -> int:
        return self.row_count - self.outcomes.get("waiting", 0)


def decide(shelf: Shelf, row: Wanted, claimed: set[int], options: ImportOptions, session: Session) -> Decision:
    """Say what becomes of a row; the disc it is about is taken from the other rows of the file."""
    disc = shelf.find(row, claimed) if options.on_match != "copy" else None
    if disc is None:
        return Decision("add")
    claimed.add(disc.id)
    if options.on_match == "skip":
        return Decision("skip", disc, f"on the shelf already: {_called(disc)}")
    changed = changes(row, disc)
    if not changed and not writing.has_more(session, disc, row):
        return Decision("same", disc)
    what = ", ".join(label(name) for name in changed) or "what is kept beside it"
    return Decision("update", disc, f"{_called(disc)}: {what}"[:MOST_REASON_CHARACTERS], changed)


def _called(disc: Disc) -> str:
    return f"\u00ab{disc.name}\u00bb" + (f" ({disc.release_year})" if disc.release_year else "")


class ImportDiscs:
    """`start` stores a file as a preview, `run` makes discs of it, `undo` takes them back."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def register(self, registry: JobRegistry) -> None:
        registry.add(IMPORT_ROWS, self._import_job, exclusive=True, max_attempts=10)
        registry.add(UNDO_IMPORT, self._undo_job, exclusive=IMPORT_ROWS, max_attempts=10)

    # A preview ----------------------------------------------------------------------------------

    def start(
        self, filename: str, content: bytes, options: ImportOptions | None = None, *, progress: Progress | None = None
    ) -> str:
        """Read a file, store its rows with what would become of them, and return the number of the import.

        Raises FileUnreadable and ImportTooLarge; then nothing is stored.
        """
        options = options or ImportOptions()
        reading = read_file(content, format_=options.format, day_order=options.day_order)
        about = {
            **options.as_json(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "encoding": reading.encoding,
            "separator": reading.separator,
            "columns": [list(pair) for pair in reading.columns],
        }
        return self.store(filename, reading, about, options, progress=progress)

    def store(
        self,
        filename: str,
        reading: Reading,
        about: Mapping[str, Any],
        options: ImportOptions,
        *,
        progress: Progress | None = None,
    ) -> str:
        import_id = str(uuid.uuid4())
        row = DiscImport(
            id=import_id,
            filename=(filename.replace("\\", "/").rpartition("/")[2] or "list")[:255],
            format=reading.format,
            options=dict(about),
            state="reading",
            row_count=0,
            created_at=self._clock.now(),
        )
        with self._database.write() as session:
            session.add(row)
        try:
            count = self._store_rows(import_id, reading, options, progress)
        except BaseException:
            self._database.run_write(lambda session: remove_import(session, import_id))
            raise
        with self._database.write() as session:
            session.execute(
                update(DiscImport).where(DiscImport.id == import_id).values(state="preview", row_count=count)
            )
        return import_id

    def _store_rows(self, import_id: str, reading: Reading, options: ImportOptions, progress: Progress | None) -> int:
        claimed: set[int] = set()
        slips = Slips(reading.format)
        count = 0
        for chunk in _chunks(map(slips.marked, reading.rows())):
            planned = self._database.run_read(
                lambda session, chunk=chunk: [  # type: ignore[misc]
                    {"import_id": import_id, **one}
                    for one in _planned(session, reading.format, chunk, claimed, options)
                ]
            )
            with self._database.write() as session:
                session.execute(insert(import_rows), planned)
            count += len(chunk)
            if progress is not None:
                progress(count, max(count, reading.row_count))
        return count

    def plan_again(self, import_id: str, options: ImportOptions) -> None:
        """Look at the rows of a preview with other options. Raises ImportNotFound, ImportNotReady."""
        with self._database.write() as session:
            found = locked_import(session, import_id)
            if found.state != "preview":
                raise ImportNotReady("this import is not waiting to be started any more")
            found.options = {**found.options, **options.as_json()}
            format_ = found.format
        claimed: set[int] = set()
        after = (0, 0)
        while True:
            with self._database.read() as session:
                rows = _rows_after(session, import_id, after, CHUNK, outcome="waiting")
                plans = _planned(
                    session, format_, [ReadRow(row.line, row.copy, row.values) for row in rows], claimed, options
                )
            if not rows:
                return
            with self._database.write() as session:
                for row, plan in zip(rows, plans, strict=True):
                    values = {name: plan[name] for name in ("plan", "reason", "outcome")}
                    session.execute(_this_row(import_id, row.line, row.copy).values(**values))
            after = (rows[-1].line, rows[-1].copy)

    # Running ------------------------------------------------------------------------------------

    def run(self, import_id: str) -> str:
        """Begin, or go on, in the background; return the job. Raises ImportNotFound, ImportNotReady."""
        with self._database.write() as session:
            found = self._begun(session, import_id)
            job = queue.enqueue(session, IMPORT_ROWS, {"import_id": import_id}, clock=self._clock)
            found.job_id = job.id
            return job.id

    def run_here(self, import_id: str, progress: Progress | None = None) -> ImportSummary:
        """Begin, or go on, in this process, to the end. Raises ImportNotFound, ImportNotReady."""
        with self._database.write() as session:
            self._begun(session, import_id)
        self._import_slices(import_id, progress)
        return self._database.run_read(lambda session: summary(session, import_id))

    @staticmethod
    def _begun(session: Session, import_id: str) -> DiscImport:
        found = locked_import(session, import_id)
        if found.state not in {"preview", "running", "cancelled"}:
            raise ImportNotReady(f"this import is {found.state} and cannot be started")
        found.state, found.finished_at = "running", None
        return found

    def go_on(self, import_id: str, progress: Progress | None = None) -> dict[str, int]:
        """Do the rows of a running import that wait; return the outcomes. For jobs."""
        self._import_slices(import_id, progress)
        return self._outcomes(import_id)

    def _import_job(self, context: JobContext) -> dict[str, int]:
        import_id = str(context.arguments["import_id"])

        def progress(done: int, total: int) -> None:
            context.progress(done, total, f"{done:,} of {total:,} rows")
            context.check()

        return self.go_on(import_id, progress)

    def _outcomes(self, import_id: str) -> dict[str, int]:
        return self._database.run_read(lambda session: _counts(session, import_id, DiscImportRow.outcome))

    def _import_slices(self, import_id: str, progress: Progress | None) -> None:
        with self._database.read() as session:
            found = session.get(DiscImport, import_id)
            if found is None or found.state != "running":
                return
            options = stored_options(found)
            total = found.row_count
            done = total - (_counts(session, import_id, DiscImportRow.outcome).get("waiting", 0))
            ids = session.scalars(select(DiscImportRow.disc_id).where(DiscImportRow.import_id == import_id))
            claimed = {one for one in ids if one is not None}
        size = FEWEST
        while True:
            if progress is not None:
                progress(done, total)
            count = self._database.run_write(
                lambda session, size=size: self._slice(session, import_id, claimed, options, size)  # type: ignore[misc]
            )
            if not count:
                return
            done += count
            # The shelf is asked about as many rows as fit into one transaction.
            size = max(FEWEST, min(MOST, count * 2 if count == size else count))

    def _slice(self, session: Session, import_id: str, claimed: set[int], options: ImportOptions, size: int) -> int:
        """Do some rows that wait; 0 at the end, or where somebody cancelled."""
        found = session.get(DiscImport, import_id)
        if found is None or found.state != "running":
            return 0
        rows = session.execute(
            select(*ROW)
            .where(DiscImportRow.import_id == import_id, DiscImportRow.outcome == "waiting")
            .order_by(DiscImportRow.line, DiscImportRow.copy)
            .limit(size)
            .with_for_update()
        ).all()
        now = self._clock.now()
        if not rows:
            found.state, found.finished_at = "done", now
            return 0
        # Only what is committed is claimed for good: a transaction that fails is done again.
        taken = set(claimed)
        wanted = [_wanted(found.format, row.values) for row in rows]
        shelf = Shelf.around(session, [one for one in wanted if isinstance(one, Wanted)])
        give_up = time.monotonic() + SLICE_SECONDS
        outcomes: list[dict[str, Any]] = []
        for row, one in zip(rows, wanted, strict=True):
            done = self._done(session, shelf, one, taken, options, now)
            outcomes.append({"on_line": row.line, "on_copy": row.copy, **done, "reason": done["reason"] or row.reason})
            if time.monotonic() > give_up:
                break
        session.execute(_these_rows(import_id, "outcome", "reason", "plan", "disc_id", "before"), outcomes)
        claimed |= taken
        return len(outcomes)

    @staticmethod
    def _done(
        session: Session,
        shelf: Shelf,
        wanted: Wanted | str,
        claimed: set[int],
        options: ImportOptions,
        now: datetime,
    ) -> dict[str, Any]:
        """Do one row; return what its record becomes."""
        refused = {"outcome": "invalid", "plan": "", "disc_id": None, "before": None}
        if isinstance(wanted, str):
            return {**refused, "reason": wanted}
        before: writing.Before | None = None
        try:
            with session.begin_nested():
                decision = decide(shelf, wanted, claimed, options, session)
                disc_id = decision.disc.id if decision.disc else None
                if decision.plan == "add":
                    disc_id, before = writing.add_disc(session, wanted, options.defaults, now)
                elif decision.plan == "update" and decision.disc is not None:
                    before = writing.update_disc(session, decision.disc, wanted, decision.changed, now)
        except DiscInvalid as problem:
            return {**refused, "reason": problem.message[:MOST_REASON_CHARACTERS]}
        except IntegrityError:
            return {**refused, "reason": "another disc took its place at this very moment"}
        if disc_id is not None:
            claimed.add(disc_id)
        outcome = {"add": "added", "update": "updated", "same": "same", "skip": "skipped"}[decision.plan]
        return {
            "outcome": outcome,
            "plan": decision.plan,
            "reason": decision.reason,
            "disc_id": disc_id,
            "before": before,
        }

    def cancel(self, import_id: str) -> None:
        """Stop between two slices; what was done stays, and can be gone on with or undone. Raises ImportNotFound."""
        with self._database.write() as session:
            found = locked_import(session, import_id)
            if found.state not in {"preview", "running"}:
                raise ImportNotReady(f"this import is {found.state} and cannot be cancelled")
            found.state, found.finished_at = "cancelled", self._clock.now()
            if found.job_id is not None:
                try:
                    queue.cancel(session, found.job_id, clock=self._clock)
                except (JobNotFound, JobNotCancellable):
                    # It ended by itself meanwhile.
                    found.job_id = None

    # Undoing ------------------------------------------------------------------------------------

    def undo(self, import_id: str) -> str:
        """Take an import back in the background; return the job. Raises ImportNotFound, ImportNotReady."""
        with self._database.write() as session:
            found = self._undoing(session, import_id)
            job = queue.enqueue(session, UNDO_IMPORT, {"import_id": import_id}, clock=self._clock)
            found.job_id = job.id
            return job.id

    def undo_here(self, import_id: str, progress: Progress | None = None) -> ImportSummary:
        with self._database.write() as session:
            self._undoing(session, import_id)
        self._undo_slices(import_id, progress)
        return self._database.run_read(lambda session: summary(session, import_id))

    @staticmethod
    def _undoing(session: Session, import_id: str) -> DiscImport:
        found = locked_import(session, import_id)
        if found.state not in {"done", "cancelled", "undoing"}:
            raise ImportNotReady(f"this import is {found.state} and cannot be undone")
        found.state = "undoing"
        return found

    def _undo_job(self, context: JobContext) -> dict[str, int]:
        import_id = str(context.arguments["import_id"])

        def progress(done: int, total: int) -> None:
            context.progress(done, total, f"{done:,} of {total:,} discs")
            context.check()

        self._undo_slices(import_id, progress)
        return self._outcomes(import_id)

    def _undo_slices(self, import_id: str, progress: Progress | None) -> None:
        done, total = 0, sum(count for name, count in self._outcomes(import_id).items() if name in {"added", "updated"})
        while True:
            if progress is not None:
                progress(done, total)
            count = self._database.run_write(lambda session: self._undo_slice(session, import_id))
            if not count:
                return
            done += count

    def _undo_slice(self, session: Session, import_id: str) -> int:
        found = session.get(DiscImport, import_id)
        if found is None or found.state != "undoing":
            return 0
        rows = session.execute(
            select(*ROW)
            .where(DiscImportRow.import_id == import_id, DiscImportRow.outcome.in_(["added", "updated"]))
            .order_by(DiscImportRow.line.desc(), DiscImportRow.copy.desc())
            .limit(MOST)
            .with_for_update()
        ).all()
        now = self._clock.now()
        if not rows:
            found.state, found.finished_at = "undone", now
            return 0
        give_up = time.monotonic() + SLICE_SECONDS
        outcomes: list[dict[str, Any]] = []
        for row in rows:
            outcome, reason = self._taken_back(session, row, now)
            outcomes.append({"on_line": row.line, "on_copy": row.copy, "outcome": outcome, "reason": reason})
            if time.monotonic() > give_up:
                break
        session.execute(_these_rows(import_id, "outcome", "reason"), outcomes)
        return len(outcomes)

    @staticmethod
    def _taken_back(session: Session, row: Row[Any], now: datetime) -> tuple[str, str]:
        disc = session.get(Disc, row.disc_id, with_for_update=True) if row.disc_id is not None else None
        if disc is None:
            return "undone", "it was removed meanwhile"
        before = row.before or {}
        try:
            with session.begin_nested():
                if row.outcome == "added":
                    reason = writing.take_back_added(session, disc, before)
                else:
                    reason = writing.take_back_update(session, disc, before, now)
        except DiscInvalid as problem:
            reason = problem.message
        return ("left" if reason else "undone"), reason[:MOST_REASON_CHARACTERS]


class Slips:
    """Finds lines that name what an earlier line named, in lists where that is no second copy."""

    def __init__(self, format_: str) -> None:
        self._counts_copies = format_ in formats.ROWS_ARE_DISCS
        self._seen: dict[tuple[Any, ...], int] = {}

    def marked(self, row: ReadRow) -> ReadRow:
        if self._counts_copies or row.problem or row.skip or row.copy > 1:
            return row
        found = row.values
        key = (
            folded(str(found["name"])),
            *(str(found.get(name) or "") for name in ("release_year", "barcode", "disk_type", "media_type", "edition")),
        )
        first = self._seen.setdefault(key, row.line)
        if first != row.line:
            row.skip = f"line {first} says the same"
        return row


def _chunks(rows: Iterable[ReadRow]) -> Iterator[list[ReadRow]]:
    chunk: list[ReadRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _wanted(format_: str, values: Mapping[str, Any]) -> Wanted | str:
    """Return the row as it is looked for, or why it is no disc."""
    try:
        return Wanted.of(format_, values)
    except DiscInvalid as problem:
        return problem.message[:MOST_REASON_CHARACTERS]


def _planned(
    session: Session, format_: str, rows: Sequence[ReadRow], claimed: set[int], options: ImportOptions
) -> list[dict[str, Any]]:
    wanted = [None if row.problem or row.skip else _wanted(format_, row.values) for row in rows]
    shelf = Shelf.around(session, [one for one in wanted if isinstance(one, Wanted)])
    planned = []
    for row, one in zip(rows, wanted, strict=True):
        plan, outcome, reason = "", "waiting", row.reason
        if row.notes:
            row.values = with_note(row.values, reason)
        elif not reason:
            reason = note_of(row.values)
        if row.skip and not row.problem:
            outcome = "skipped"
        elif row.problem or isinstance(one, str):
            outcome, reason = "invalid", row.problem or str(one)
        elif one is not None:
            decision = decide(shelf, one, claimed, options, session)
            plan, reason = decision.plan, decision.reason or reason
        planned.append(
            {
                "line": row.line,
                "copy": row.copy,
                "values": row.values,
                "plan": plan,
                "outcome": outcome,
                "reason": reason[:MOST_REASON_CHARACTERS],
            }
        )
    return planned


def with_note(values: Mapping[str, Any], note: str) -> dict[str, Any]:
    """Return the values of a row with a note that outlives other plans."""
    return {**values, BESIDE: {**(values.get(BESIDE) or {}), NOTE: note[:MOST_REASON_CHARACTERS]}}


def note_of(values: Mapping[str, Any]) -> str:
    return str((values.get(BESIDE) or {}).get(NOTE) or "")


def stored_options(found: DiscImport) -> ImportOptions:
    """Return the wishes an import was started with."""
    return ImportOptions.read({name: value for name, value in found.options.items() if name != "format"})


# Reads, and small changes, inside the caller's transaction ---------------------------------------


def locked_import(session: Session, import_id: str) -> DiscImport:
    """Raises ImportNotFound."""
    found = session.get(DiscImport, import_id, with_for_update=True)
    if found is None:
        raise ImportNotFound(import_id)
    return found


def summary(session: Session, import_id: str) -> ImportSummary:
    """Raises ImportNotFound."""
    found = session.get(DiscImport, import_id)
    if found is None:
        raise ImportNotFound(import_id)
    return _summary(session, found)


def list_imports(session: Session, limit: int = 20) -> list[ImportSummary]:
    """Return the latest imports."""
    rows = session.scalars(select(DiscImport).order_by(DiscImport.created_at.desc(), DiscImport.id).limit(limit))
    return [_summary(session, row) for row in rows]


def _summary(session: Session, found: DiscImport) -> ImportSummary:
    options = dict(found.options)
    return ImportSummary(
        id=found.id,
        filename=found.filename,
        format=found.format,
        format_label=formats.FORMATS.get(found.format, found.format),
        state=found.state,
        job_id=found.job_id,
        row_count=found.row_count,
        encoding=options.pop("encoding", ""),
        separator=options.pop("separator", ""),
        columns=options.pop("columns", []),
        options=options,
        plans=_counts(session, found.id, DiscImportRow.plan, waiting=True),
        outcomes=_counts(session, found.id, DiscImportRow.outcome),
        created_at=found.created_at,
        finished_at=found.finished_at,
    )


def _counts(session: Session, import_id: str, column: Any, *, waiting: bool = False) -> dict[str, int]:
    query = select(column, func.count()).where(DiscImportRow.import_id == import_id).group_by(column)
    if waiting:
        query = query.where(DiscImportRow.outcome == "waiting")
    return {name: count for name, count in session.execute(query).all() if name}


def list_rows(
    session: Session,
    import_id: str,
    *,
    after: tuple[int, int] = (0, 0),
    limit: int = 100,
    outcome: str | None = None,
    plan: str | None = None,
) -> list[DiscImportRow]:
    """Return rows behind that (line, copy), in the order of the file."""
    return _rows_after(session, import_id, after, limit, outcome=outcome, plan=plan)


def _rows_after(
    session: Session,
    import_id: str,
    after: tuple[int, int],
    limit: int,
    *,
    outcome: str | None = None,
    plan: str | None = None,
) -> list[DiscImportRow]:
    line, copy = after
    is_behind = or_(DiscImportRow.line > line, (DiscImportRow.line == line) & (DiscImportRow.copy > copy))
    query = select(DiscImportRow).where(DiscImportRow.import_id == import_id, is_behind)
    if outcome is not None:
        query = query.where(DiscImportRow.outcome == outcome)
    if plan is not None:
        query = query.where(DiscImportRow.plan == plan)
    return list(session.scalars(query.order_by(DiscImportRow.line, DiscImportRow.copy).limit(limit)))


def _these_rows(import_id: str, *names: str) -> Update:
    """Return the statement that writes these columns of many rows, each named by its line and copy."""
    is_row = (
        import_rows.c.import_id == import_id,
        import_rows.c.line == bindparam("on_line"),
        import_rows.c.copy == bindparam("on_copy"),
    )
    return update(import_rows).where(*is_row).values({name: bindparam(name) for name in names})


def _this_row(import_id: str, line: int, copy: int) -> Any:
    return update(DiscImportRow).where(
        DiscImportRow.import_id == import_id, DiscImportRow.line == line, DiscImportRow.copy == copy
    )


def set_skipped(session: Session, import_id: str, line: int, *, skip: bool) -> bool:
    """Leave a row of a preview out, or take it back in; False where there is no such row to change."""
    old, new, reason = ("waiting", "skipped", "left out") if skip else ("skipped", "waiting", "")
    found = session.get(DiscImport, import_id)
    if found is None or found.state != "preview":
        return False
    is_row = (DiscImportRow.import_id == import_id, DiscImportRow.line == line, DiscImportRow.outcome == old)
    return rows_changed(session, update(DiscImportRow).where(*is_row).values(outcome=new, reason=reason)) > 0


def find_unfinished(session: Session, sha256: str) -> str | None:
    """Return an import of the same file that was begun and ended in the middle."""
    rows = session.scalars(select(DiscImport).where(DiscImport.state == "running").order_by(DiscImport.created_at))
    return next((row.id for row in rows if row.options.get("sha256") == sha256), None)


def remove_import(session: Session, import_id: str) -> None:
    """Forget an import; its discs stay."""
    session.execute(delete(DiscImport).where(DiscImport.id == import_id))


def tidy_imports(session: Session, now: datetime) -> int:
    """Forget previews nobody started, and imports too old to be taken back."""
    return rows_changed(
        session,
        delete(DiscImport).where(
            or_(
                DiscImport.state.in_(["preview", "reading"]) & (DiscImport.created_at < now - KEEP_PREVIEWS),
                DiscImport.created_at < now - KEEP_IMPORTS,
            )
        ),
    )
