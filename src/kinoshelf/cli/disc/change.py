"""kinoshelf disc add, edit, delete and refresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

from kinoshelf.cli.disc.options import DiscOptions
from kinoshelf.cli.failures import Exit, UsageProblem
from kinoshelf.cli.frame import Answer, Here, Invocation

if TYPE_CHECKING:
    from kinoshelf.app import Hub
    from kinoshelf.discs.looking_up import LookUp

T = TypeVar("T")
LOOK_SECONDS = 0.2
NOTHING = DiscOptions()


def add(
    *, options: Annotated[DiscOptions, Parameter(name="*", help="Fields of the disc.")] = NOTHING, at: Here
) -> Answer:
    """Put a disc on the shelf. With --tmdb-id its facts are looked up, and what is written here counts before them."""
    from kinoshelf.discs.shape import as_json

    values = options.given
    if not values.get("name") and not values.get("tmdb_id"):
        raise UsageProblem("name the film with --name, or its number with --tmdb-id")
    with at.hub() as hub:
        added = _asking(hub, lambda look_up: look_up.add(values))
    document = as_json(added.disc)
    return Answer(
        document, text=f"Added {document['id']}: {document['name']}", notes=[added.note] if added.note else ()
    )


def edit(
    disc: Annotated[int, Parameter(name="ID", help="Its number.")],
    /,
    *,
    options: Annotated[DiscOptions, Parameter(name="*", help="Fields of the disc.")] = NOTHING,
    at: Here,
) -> Answer:
    """Change fields of a disc. Facts that are changed here are not overwritten by a refresh."""
    from kinoshelf.discs import editing
    from kinoshelf.discs.shape import as_json

    values = options.given
    if not values:
        raise UsageProblem("name the fields to change, as in --status disposed")
    with at.hub() as hub:
        document = hub.database.run_write(lambda session: as_json(editing.edit(session, disc, values, hub.clock.now())))
    return Answer(document, text=f"Changed {document['id']}: {document['name']}")


def delete(disc: Annotated[int, Parameter(name="ID", help="Its number.")], /, *, at: Here) -> Answer:
    """Take a disc off the shelf for good."""
    from kinoshelf.discs import editing
    from kinoshelf.discs.errors import DiscNotFound

    with at.hub() as hub:
        names = hub.database.run_write(lambda session: editing.remove(session, [disc])) if 0 < disc < 2**63 else []
    if not names:
        raise DiscNotFound(disc)
    return Answer({"deleted": disc, "name": names[0]}, text=f"Deleted {disc}: {names[0]}")


def refresh(
    disc: Annotated[int | None, Parameter(name="ID", help="One disc; without it, all of them.")] = None,
    /,
    *,
    missing: Annotated[bool, Parameter(help="Only fill what is missing.")] = False,
    at: Here,
) -> Answer:
    """Ask TMDB for the facts again. What somebody edited stays."""
    from kinoshelf.discs.queries import get
    from kinoshelf.discs.shape import as_json

    with at.hub() as hub:
        if disc is None:
            return _refresh_all(at, hub, kind="details" if missing else "full")
        changed = _asking(hub, lambda look_up: look_up.fill(disc, only_missing=missing, fresh=True))
        with hub.database.read() as session:
            document = as_json(get(session, disc))
    return Answer(
        {**document, "changed": sorted(changed)},
        text=f"{document['name']}: {', '.join(sorted(changed)) or 'nothing new'}",
    )


def _refresh_all(at: Invocation, hub: Hub, *, kind: str) -> Answer:
    """Start the job everybody shares and see it through, with a server's help or without."""
    from kinoshelf.core.errors import KinoshelfError, NotConfigured
    from kinoshelf.discs import refresh as refreshing
    from kinoshelf.discs.looking_up import LookUp
    from kinoshelf.titles.catalogue import NO_KEY

    if not hub.container.get(LookUp).is_configured:
        raise NotConfigured(NO_KEY)
    hub.seat.take()
    task_id = hub.database.run_write(
        lambda session: refreshing.start(session, "details" if kind == "details" else "full", clock=hub.clock)
    )
    hub.jobs.start()
    told = ""
    while True:
        found = hub.database.run_read(lambda session: refreshing.progress(session, task_id))
        if found["status"] != told and at.progress.isatty():
            told = found["status"]
            print(told, file=at.progress, flush=True)
        if found["completed"]:
            break
        time.sleep(LOOK_SECONDS)
    if found.get("error"):
        raise KinoshelfError(found["error"], **found["results"])
    failures = [f"{one['name']}: {one['reason']}" for one in found["failures"]]
    return Answer(
        {**found["results"], "task_id": task_id, "failures": found["failures"]},
        text=found["status"],
        notes=failures[:20],
        exit_status=Exit.PARTLY if failures else Exit.DONE,
    )


def _asking(hub: Hub, question: Callable[[LookUp], Awaitable[T]]) -> T:
    """Run one question to TMDB to its end."""
    from kinoshelf.discs.looking_up import LookUp

    look_up = hub.container.get(LookUp)

    async def ask() -> Any:
        try:
            return await question(look_up)
        finally:
            await look_up.aclose()

    found: T = asyncio.run(ask())
    return found
