"""kinoshelf download add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.download.show import described
from kinoshelf.cli.failures import Exit, UsageProblem
from kinoshelf.cli.frame import Answer, Here, HubRole, Invocation
from kinoshelf.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinoshelf.app import Hub
    from kinoshelf.downloads.adding import Added

STANDARD_INPUT = "-"
MOST_NAMED = 20


def add(
    *urls: Annotated[str, Parameter(name="URL", help="Links to fetch.")],
    name: Annotated[str | None, Parameter(help="File name, instead of the one the host gives.")] = None,
    folder: Annotated[str | None, Parameter(help="Folder below the download directory.")] = None,
    category: Annotated[str | None, Parameter(help="A word to find it by.")] = None,
    priority: Annotated[int, Parameter(help="Higher ones are fetched first.")] = 0,
    checksum: Annotated[str | None, Parameter(help="What the file must have, as in sha256:ab12…")] = None,
    batch: Annotated[str | None, Parameter(help="Name of the batch they belong to.")] = None,
    limit: Annotated[str | None, Parameter(help="Speed limit of each, as in 1M or 500k.")] = None,
    file: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="A file with one link a line, or - for standard input.")
    ] = None,
    wait: Annotated[bool, Parameter(help="Wait until they are finished, as «watch» does.")] = False,
    at: Here,
) -> Answer:
    """Add links to the queue."""
    from kinoshelf.downloads.adding import NewDownload, add_all, checked_batch

    links = [*urls, *_links_in(at, file)]
    if not links:
        raise UsageProblem("name a link, or a file of links with --file" if file is None else f"{file} holds no link")
    if len(links) > 1 and (name is not None or checksum is not None):
        raise UsageProblem(
            f"{'--name' if name is not None else '--checksum'} belongs to one file, and there are several links"
        )
    limit_bytes_per_second = words.parse_speed(limit) if limit is not None else 0
    checked_batch(None, batch)
    wanted = [
        NewDownload(
            url=link,
            filename=name,
            folder=folder,
            category=category,
            priority=priority,
            checksum=checksum,
            speed_limit_bytes_per_second=limit_bytes_per_second,
        )
        for link in links
    ]
    with at.hub(HubRole.WORKER if wait else HubRole.COMMAND) as hub:
        outcomes = hub.database.run_write(lambda session: add_all(session, wanted, hub.clock.now(), batch_name=batch))
        return _answer(at, hub, outcomes, wait=wait)


def _links_in(at: Invocation, file: str | None) -> list[str]:
    """Return the links of a list: one a line, empty lines and lines that begin with # left out."""
    if file is None:
        return []
    try:
        text = at.read_input() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not a text file in UTF-8") from error
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _answer(at: Invocation, hub: Hub, outcomes: Sequence[Added], *, wait: bool) -> Answer:
    from kinoshelf.cli.download.watch import follow
    from kinoshelf.downloads.queries import get_downloads

    invalid = [{"url": one.url, "message": one.error} for one in outcomes if one.outcome == "invalid"]
    twins = [one for one in outcomes if one.outcome == "duplicate"]
    ids = list(dict.fromkeys(one.download_id for one in outcomes if one.download_id))
    duplicate = [{"url": one.url, "id": one.download_id, "state": one.error} for one in twins]
    if not ids:
        sentence = "; ".join(f"{one['url']}: {one['message']}" for one in invalid[:MOST_NAMED])
        raise InvalidInput(sentence, items=[], total=0, invalid=invalid)
    added = len(outcomes) - len(invalid) - len(twins)
    more: dict[str, Any] = {"added": added, "duplicate": duplicate, "invalid": invalid}
    notes = [f"{one['url']}: {one['message']}" for one in invalid[:MOST_NAMED]]
    notes += [f"{one.url} is in the list already ({one.error})" for one in twins[:MOST_NAMED]]
    status = Exit.PARTLY if invalid else Exit.DONE
    if wait:
        for note in notes:
            at.note(note)
        answer = follow(at, hub, ids)
        return Answer(
            {**(answer.document or {}), **more},
            text=answer.text,
            notes=answer.notes,
            exit_status=answer.exit_status or status,
        )
    with hub.database.read() as session:
        rows = get_downloads(session, ids)
    items = [described(row) for row in rows]
    document: dict[str, Any] = {"items": items, "total": len(items), **more}
    if len(outcomes) == 1:
        document = {**items[0], **document}
    new = {one.download_id for one in outcomes if one.outcome == "added"}
    lines = [f"Added {row.id[:8]}: {row.filename}" for row in rows if row.id in new]
    if len(lines) > MOST_NAMED:
        lines = [f"Added {words.counted(len(lines), 'download')}."]
    return Answer(document, text="\n".join(lines), notes=notes, exit_status=status)
