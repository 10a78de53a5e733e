"""kinoshelf download move and clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.download.choose import one_download
from kinoshelf.cli.download.show import described
from kinoshelf.cli.failures import UsageProblem
from kinoshelf.cli.frame import Answer, Here

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kinoshelf.downloads.control import Removed

Clearable = Literal["completed", "failed", "cancelled"]


def move(
    download: Annotated[str, Parameter(name="ID", help="Its id, or the beginning of it.")],
    /,
    *,
    first: Annotated[bool, Parameter(help="To the front of the queue.")] = False,
    last: Annotated[bool, Parameter(help="To the end of the queue.")] = False,
    before: Annotated[str | None, Parameter(help="Right before this download.")] = None,
    after: Annotated[str | None, Parameter(help="Right after this download.")] = None,
    at: Here,
) -> Answer:
    """Move a download in the queue. It takes the priority of its new place."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.queries import find_download

    if sum((first, last, before is not None, after is not None)) != 1:
        raise UsageProblem("say where to: exactly one of --first, --last, --before ID and --after ID")

    def change(session: Session) -> str:
        download_id = one_download(session, download)
        word = before if before is not None else after
        neighbour = one_download(session, word) if word is not None else None
        if neighbour == download_id:
            raise UsageProblem("a download cannot be moved beside itself")
        if first:
            control.put_first(session, [download_id])
        else:
            control.move_between(
                session,
                download_id,
                before=neighbour if before is not None else None,
                after=neighbour if after is not None else None,
            )
        return download_id

    with at.hub() as hub:
        moved = hub.database.run_write(change)
        with hub.database.read() as session:
            row = find_download(session, moved)
    assert row is not None
    return Answer(described(row), text=f"Moved: {row.filename}")


def clear(
    *what: Annotated[Clearable, Parameter(name="STATE", help="What to clear: completed, failed or cancelled.")],
    at: Here,
) -> Answer:
    """Clear finished, failed or cancelled downloads from the list. Finished files stay."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.leftovers import clear_away
    from kinoshelf.downloads.states import GROUPS

    if not what:
        raise UsageProblem("say what to clear: completed, failed or cancelled")
    states = [state for word in what for state in GROUPS[word]]

    def change(session: Session) -> Removed:
        return control.remove(session, control.Selection(), hub.clock.now(), states)

    with at.hub() as hub:
        gone = hub.database.run_write(change)
        clear_away(hub.store.current.download_dir, gone)
    cleared = words.counted(len(gone.ids), "download")
    return Answer(
        {"deleted": gone.ids, "total": len(gone.ids)}, text=f"Cleared {cleared}." if gone.ids else "Nothing to clear."
    )
