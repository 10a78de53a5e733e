"""kinoshelf download list and show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from kinoshelf.cli import words
from kinoshelf.cli.download.choose import one_batch, one_download
from kinoshelf.cli.frame import Answer, Here, Table

if TYPE_CHECKING:
    from sqlalchemy import Row

    from kinoshelf.downloads.progress import Live

Status = Literal[
    "queued",
    "downloading",
    "paused",
    "completed",
    "failed",
    "cancelled",
    "starting",
    "waiting",
    "extracting",
    "skipped",
]
Sort = Literal["added", "status", "filename", "size", "progress", "queue"]
# Columns that are the engine's own affair.
INTERNAL = frozenset(
    {"claimed_by", "lease_until", "link_key", "retries_by_cause", "is_filename_given", "position", "kind"}
)
LIST_HEADERS = ("ID", "State", "Progress", "Size", "Speed", "Left", "File")
LIST_RIGHT = frozenset({"Progress", "Size", "Speed", "Left"})
SHORT_ID = 8


def list_all(
    *,
    status: Annotated[tuple[Status, ...], Parameter(help="Only these; repeat it for several.")] = (),
    search: Annotated[str, Parameter(help="Only where the file name or the link contains this.")] = "",
    batch: Annotated[str | None, Parameter(help="Only those of this batch, by its id or its name.")] = None,
    sort: Annotated[
        Sort, Parameter(show_default=True, help="«added» begins with the newest, «queue» with what is fetched next.")
    ] = "added",
    reverse: Annotated[bool, Parameter(help="The other way round.")] = False,
    limit: Annotated[
        int, Parameter(validator=Number(gte=0), show_default=True, help="How many at most; 0 means all.")
    ] = 50,
    page: Annotated[int, Parameter(validator=Number(gte=1), help="Which page of that many.")] = 1,
    at: Here,
) -> Answer:
    """List the downloads."""
    from kinoshelf.cli.following import live_progress
    from kinoshelf.downloads.queries import Filter, count_downloads, list_downloads

    with at.hub() as hub:
        with hub.database.read() as session:
            wanted = Filter(
                states=_states(status),
                batch_id=one_batch(session, batch) if batch is not None else None,
                search=search,
            )
            total = count_downloads(session, wanted)
            rows = list_downloads(
                session,
                wanted,
                page=page if limit else 1,
                limit=limit or max(total, 1),
                sort=sort,
                descending=(sort in {"added", "size", "progress"}) != reverse,
            )
        lives = live_progress(hub.store.current) if any(_is_active(row) for row in rows) else {}
    shown = (page - 1) * limit + len(rows) if limit else len(rows)
    text = "" if rows else "Nothing here." if not total else "Nothing on this page."
    notes = (
        [f"{total - shown} more; --page {page + 1} shows the next"] if rows and shown < total and not at.is_json else []
    )
    return Answer(
        {"items": [described(row, lives.get(row.id)) for row in rows], "total": total},
        text=text,
        table=listed(rows, lives),
        notes=notes,
    )


def show(
    download: Annotated[str, Parameter(name="ID", help="Its id, or the beginning of it.")], /, *, at: Here
) -> Answer:
    """Show one download with everything known about it."""
    from kinoshelf.cli.following import live_progress
    from kinoshelf.downloads.queries import find_download, list_errors

    with at.hub() as hub:
        with hub.database.read() as session:
            download_id = one_download(session, download)
            row = find_download(session, download_id)
            errors = list_errors(session, download_id)
        assert row is not None
        live = live_progress(hub.store.current).get(download_id) if _is_active(row) else None
    document = described(row, live)
    document["errors"] = [dict(error._mapping) for error in errors]  # noqa: SLF001 -- SQLAlchemy's public spelling
    return Answer(document, text=_in_lines(document))


def _states(status: Sequence[str]) -> frozenset[Any]:
    """Return the states behind the words: a word for a group means all of it, as the tabs of the page do."""
    from kinoshelf.downloads.states import GROUPS, State

    return frozenset(state for word in status for state in GROUPS.get(word, frozenset({State(word)})))


def _is_active(row: Row[Any]) -> bool:
    from kinoshelf.downloads.states import ACTIVE

    return row.state in ACTIVE


def described(row: Row[Any], live: Live | None = None) -> dict[str, Any]:
    """Return one download as `--json` shows it. Sizes in bytes, speeds in bytes per second, times ISO 8601 UTC."""
    from kinoshelf.downloads.links import without_password
    from kinoshelf.downloads.progress import percent_of
    from kinoshelf.downloads.states import State

    found = {name: value for name, value in row._mapping.items() if name not in INTERNAL}  # noqa: SLF001 -- SQLAlchemy's public spelling
    found["url"], found["original_url"] = without_password(row.url), without_password(row.original_url)
    if live is not None:
        found["state"] = live.state
        found["downloaded_bytes"] = max(live.downloaded_bytes, row.downloaded_bytes)
        found["size_bytes"] = live.size_bytes or row.size_bytes
    is_whole = found["state"] == State.COMPLETED
    found["progress"] = 100.0 if is_whole else percent_of(found["downloaded_bytes"], found["size_bytes"])
    found["speed_bytes_per_second"] = live.speed_bytes_per_second if live else 0
    found["eta_seconds"] = live.eta_seconds if live else None
    return found


def listed(rows: Iterable[Row[Any]], lives: Mapping[str, Live]) -> Table:
    """Return downloads as a table for people."""
    lines = []
    for row in rows:
        found = described(row, lives.get(row.id))
        speed = found["speed_bytes_per_second"]
        lines.append(
            (
                row.id[:SHORT_ID],
                found["state"],
                words.percent(found["progress"]) if found["size_bytes"] else words.UNKNOWN,
                words.size(found["size_bytes"]),
                words.speed(speed) if speed else "",
                words.duration(found["eta_seconds"]) if speed else "",
                row.filename,
            )
        )
    return Table(LIST_HEADERS, lines, right=LIST_RIGHT, wide="File")


def _in_lines(found: Mapping[str, Any]) -> str:
    lines = [("File", found["filename"]), ("State", found["state"])]
    if found["error_message"]:
        lines.append(("Reason", found["error_message"]))
    if found["wait_until"]:
        lines.append(("Next try", words.moment(found["wait_until"])))
    arrived = f"{words.size(found['downloaded_bytes'])} of {words.size(found['size_bytes'])}"
    lines.append(("Arrived", f"{arrived} ({words.percent(found['progress'])})" if found["size_bytes"] else arrived))
    if found["speed_bytes_per_second"]:
        left = words.duration(found["eta_seconds"])
        lines.append(("Speed", f"{words.speed(found['speed_bytes_per_second'])}, {left} left"))
    elif found["average_speed_bytes_per_second"]:
        lines.append(("Average speed", words.speed(found["average_speed_bytes_per_second"])))
    if found["speed_limit_bytes_per_second"]:
        lines.append(("Speed limit", words.speed(found["speed_limit_bytes_per_second"])))
    lines += [("Link", found["original_url"]), ("Place", found["destination"] or found["folder"] or words.UNKNOWN)]
    if found["checksum"]:
        lines.append(("Checksum", f"{found['checksum']}{' (verified)' if found['is_verified'] else ''}"))
    if found["batch_name"]:
        lines.append(("Batch", f"{found['batch_name']} ({found['batch_id']})"))
    lines += [("Category", found["category"]), ("Priority", str(found["priority"]))]
    lines += [
        (name, words.moment(found[key]))
        for name, key in (("Added", "created_at"), ("Started", "started_at"), ("Completed", "completed_at"))
        if found[key]
    ]
    lines.append(("ID", found["id"]))
    width = max(len(name) for name, _text in lines) + 1
    text = "\n".join(f"{name + ':':<{width}} {words.one_line(value)}" for name, value in lines)
    if found["errors"]:
        history = [
            f"  {words.moment(error['at'])}  {words.one_line(error['message'])} (try {error['retry_attempt'] + 1})"
            for error in found["errors"]
        ]
        text += "\nErrors:\n" + "\n".join(history)
    return text
