"""kinoshelf batch: downloads that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from kinoshelf.cli import words
from kinoshelf.cli.download.choose import one_batch
from kinoshelf.cli.frame import Answer, Here, Table

if TYPE_CHECKING:
    from kinoshelf.downloads.queries import BatchSummary

HEADERS = ("ID", "State", "Progress", "Done", "Failed", "Size", "Name")
RIGHT = frozenset({"Progress", "Done", "Failed", "Size"})


def list_all(
    *,
    limit: Annotated[
        int, Parameter(validator=Number(gte=0), show_default=True, help="How many at most; 0 means all.")
    ] = 50,
    page: Annotated[int, Parameter(validator=Number(gte=1), help="Which page of that many.")] = 1,
    at: Here,
) -> Answer:
    """List the batches, newest first."""
    from kinoshelf.downloads.queries import count_batches, list_batches

    with at.hub() as hub, hub.database.read() as session:
        total = count_batches(session)
        found = list_batches(session, page=page if limit else 1, limit=limit or max(total, 1))
    return Answer(
        {"items": [described(one) for one in found], "total": total},
        text="" if found else "Nothing here.",
        table=Table(HEADERS, [_row(one) for one in found], right=RIGHT, wide="Name"),
    )


def show(batch: Annotated[str, Parameter(name="ID", help="Its id, or its name.")], /, *, at: Here) -> Answer:
    """Show one batch and its downloads."""
    from kinoshelf.cli.download import show as download
    from kinoshelf.cli.following import live_progress
    from kinoshelf.downloads.queries import Filter, count_downloads, list_batches, list_downloads

    with at.hub() as hub:
        with hub.database.read() as session:
            batch_id = one_batch(session, batch)
            (found,) = list_batches(session, ids=[batch_id])
            wanted = Filter(batch_id=batch_id)
            total = count_downloads(session, wanted)
            rows = list_downloads(session, wanted, limit=max(total, 1), sort="queue", descending=False)
        lives = live_progress(hub.store.current) if found.count("downloading") else {}
    document = described(found) | {
        "items": [download.described(row, lives.get(row.id)) for row in rows],
        "total": total,
    }
    done = f"{found.count('completed')} of {found.total_items} completed"
    text = f"{found.name} ({found.id}): {found.state}, {done}, {words.size(found.total_bytes)}"
    return Answer(document, text=text, table=download.listed(rows, lives))


def described(batch: BatchSummary) -> dict[str, Any]:
    from kinoshelf.downloads.states import GROUPS

    return {
        "id": batch.id,
        "name": batch.name,
        "state": batch.state,
        "created_at": batch.created_at,
        "total_items": batch.total_items,
        **{f"{group}_items": batch.count(group) for group in GROUPS},
        "size_bytes": batch.total_bytes,
        "downloaded_bytes": batch.downloaded_bytes,
        "progress": batch.percent,
    }


def _row(batch: BatchSummary) -> tuple[str, ...]:
    return (
        batch.id[:8] if len(batch.id) == 36 else batch.id,
        batch.state,
        words.percent(batch.percent),
        f"{batch.count('completed')}/{batch.total_items}",
        str(batch.count("failed")),
        words.size(batch.total_bytes),
        batch.name,
    )
