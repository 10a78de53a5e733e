"""kinoshelf disc export and import."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.failures import Exit, UsageProblem
from kinoshelf.cli.frame import Answer, Here, Invocation
from kinoshelf.core.errors import InvalidInput

if TYPE_CHECKING:
    from kinoshelf.app import Hub
    from kinoshelf.discs.csv_import.imports import ImportDiscs, ImportSummary

STANDARD = "-"
MOST_NAMED = 20
TELL_SECONDS = 0.2


def export(
    file: Annotated[
        str | None, Parameter(name="FILE", allow_leading_hyphen=True, help="Where to write, or - for standard output.")
    ] = None,
    /,
    *,
    kind: Annotated[
        Literal["not-kept", "disposed", "complete"],
        Parameter(show_default=True, help="What is not kept, what is disposed, or everything."),
    ] = "not-kept",
    bom: Annotated[
        bool | None,
        Parameter(help="Begin with the mark Excel knows UTF-8 by; the complete export does unless told =false."),
    ] = None,
    at: Here,
) -> Answer:
    """Write the collection as CSV."""
    from kinoshelf.discs.csv_export import export_csv, file_name
    from kinoshelf.discs.loans import today_of

    if file == STANDARD and at.is_json:
        raise UsageProblem("--json and - cannot be combined: standard output holds one or the other")
    with at.hub() as hub:
        pieces = export_csv(hub.database, kind, byte_order_mark=bom)
        if file == STANDARD:
            _write_out(at, pieces)
            return Answer(None)
        path = Path(file or file_name(kind, today_of(hub.clock.now(), hub.store.current.zone)))
        rows = _write(path, pieces) - 1
    return Answer(
        {"file": str(path), "rows": rows, "kind": kind}, text=f"Wrote {words.counted(rows, 'disc')} to {path}."
    )


def _write_out(at: Invocation, pieces: Iterable[bytes]) -> None:
    at.out.flush()
    raw = getattr(at.out, "buffer", None)
    for piece in pieces:
        if raw is not None:
            raw.write(piece)
            raw.flush()
        else:
            at.out.write(piece.decode())
    at.out.flush()


def _write(path: Path, pieces: Iterable[bytes]) -> int:
    """Write beside and rename, so that a failure leaves the old file; return the lines that end with CR LF."""
    lines = 0
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder")
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                lines += _records(piece)
                stream.write(piece)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    return lines


def _records(piece: bytes) -> int:
    """Count the records of a piece; line ends inside of a cell stand between quotation marks."""
    return sum(part.count(b"\r\n") for part in piece.split(b'"')[::2])


def import_(
    file: Annotated[
        str,
        Parameter(name="FILE", allow_leading_hyphen=True, help="A table or a list of titles, or - for standard input."),
    ],
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Only say what would happen.")] = False,
    on_match: Annotated[
        Literal["update", "skip", "copy"],
        Parameter(show_default=True, help="What is on the shelf already: bring it up to date, leave it, add a copy."),
    ] = "update",
    day_order: Annotated[
        Literal["dmy", "mdy"] | None, Parameter(help="Whether 1/2/2020 is in February or in January.")
    ] = None,
    at: Here,
) -> Answer:
    """Read discs in: our own exports, CLZ, Libib, My Movies, Letterboxd lists, any CSV with names, titles."""
    from kinoshelf.discs.csv_import import imports
    from kinoshelf.discs.csv_import.options import ImportOptions

    content = _content(file)
    options = ImportOptions(on_match=on_match, day_order=day_order)
    name = "standard input" if file == STANDARD else Path(file).name
    with at.hub() as hub:
        importing: ImportDiscs = hub.container.get(imports.ImportDiscs)
        tell = _teller(at)
        import_id = None if dry_run else _left_over(hub, content)
        if import_id is None:
            import_id = importing.start(name, content, options)
        if dry_run:
            found = hub.database.run_read(lambda session: imports.summary(session, import_id))
        else:
            found = importing.run_here(import_id, tell)
        with hub.database.read() as session:
            invalid = [
                {"line": row.line, "reason": row.reason}
                for row in imports.list_rows(session, import_id, limit=found.row_count or 1, outcome="invalid")
            ]
        if dry_run:
            hub.database.run_write(lambda session: imports.remove_import(session, import_id))
    return _answer(found, invalid, dry_run=dry_run)


def _content(file: str) -> bytes:
    from kinoshelf.discs.csv_import.errors import MOST_BYTES

    # One byte more than allowed tells that it is too much; the rest need not be read.
    if file == STANDARD:
        stdin = getattr(sys.stdin, "buffer", None)
        if stdin is not None:
            return bytes(stdin.read(MOST_BYTES + 1))
        return sys.stdin.read().encode() if sys.stdin is not None else b""
    with Path(file).open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _left_over(hub: Hub, content: bytes) -> str | None:
    """Return the import of the same file that something ended in the middle, to go on with it."""
    import hashlib

    from kinoshelf.discs.csv_import.imports import find_unfinished

    digest = hashlib.sha256(content).hexdigest()
    return hub.database.run_read(lambda session: find_unfinished(session, digest))


def _teller(at: Invocation) -> Callable[[int, int], None]:
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if at.err.isatty() and time.monotonic() - last > TELL_SECONDS:
            last = time.monotonic()
            print(f"{done:,} of {total:,} rows", file=at.err, flush=True)

    return tell


def _answer(found: ImportSummary, invalid: list[dict[str, Any]], *, dry_run: bool) -> Answer:
    counts = {
        "rows": found.row_count,
        "added": found.plans.get("add", 0) if dry_run else found.outcomes.get("added", 0),
        "updated": found.plans.get("update", 0) if dry_run else found.outcomes.get("updated", 0),
        "same": found.plans.get("same", 0) if dry_run else found.outcomes.get("same", 0),
        "skipped": found.outcomes.get("skipped", 0) + found.plans.get("skip", 0),
    }
    document = {**counts, "invalid": invalid, "format": found.format, "dry_run": dry_run}
    notes = [f"line {one['line']}: {one['reason']}" for one in invalid[:MOST_NAMED]]
    if len(invalid) == found.row_count:
        more = f" ({words.counted(len(invalid), 'row')})" if len(invalid) > 1 else ""
        raise InvalidInput(f"no row can be read{more}; {notes[0]}", **document)
    if not dry_run:
        document["import_id"] = found.id
    would = "Would be: " if dry_run else ""
    text = f"{would}{counts['added']} added, {counts['updated']} updated, {counts['same']} the same"
    text += f", {counts['skipped']} skipped, {len(invalid)} invalid ({found.format_label})."
    return Answer(document, text=text, notes=notes, exit_status=Exit.PARTLY if invalid else Exit.DONE)
