"""kinoshelf apikey: keys for other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.failures import UsageProblem
from kinoshelf.cli.frame import Answer, Here, Table

if TYPE_CHECKING:
    from kinoshelf.app import Hub
    from kinoshelf.core.access.keys import APIKeys

HEADERS = ("ID", "Begins with", "Created", "Last used", "Name")
SHORTEST_PREFIX = 4


def create(*, name: Annotated[str, Parameter(help="What the key is for.")] = "", at: Here) -> Answer:
    """Make a key and show it, this once."""
    with at.hub() as hub:
        made = _keys(hub).create(name)
    return Answer(asdict(made), text=made.key, notes=[f"keep the key of «{made.name}» now, it is not shown again"])


def list_all(*, at: Here) -> Answer:
    """List the keys. The keys themselves are not kept."""
    with at.hub() as hub:
        found = _keys(hub).list_all()
    rows = [
        (one.id[:8], f"{one.prefix}…", words.moment(one.created_at), words.moment(one.last_used_at), one.name)
        for one in found
    ]
    return Answer(
        {"items": [asdict(one) for one in found], "total": len(found)},
        text="" if found else "There are no keys.",
        table=Table(HEADERS, rows, wide="Name"),
    )


def revoke(key: Annotated[str, Parameter(name="ID", help="Its id, or the beginning of it.")], /, *, at: Here) -> Answer:
    """Withdraw a key. Programs that use it are shut out at once."""
    with at.hub() as hub:
        keys = _keys(hub)
        candidates = [one.id for one in keys.list_all() if one.id == key] or [
            one.id for one in keys.list_all() if len(key) >= SHORTEST_PREFIX and one.id.startswith(key)
        ]
        if len(candidates) > 1:
            raise UsageProblem(f"{key} can mean {' or '.join(candidates)}; write more of it", candidates=candidates)
        gone = keys.revoke(candidates[0] if candidates else key)
    return Answer({"revoked": gone.id, "id": gone.id, "name": gone.name}, text=f"Revoked: {gone.name}")


def _keys(hub: Hub) -> APIKeys:
    from kinoshelf.core.access.keys import APIKeys

    return APIKeys(hub.database, hub.clock)
