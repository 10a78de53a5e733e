"""Facts of the collection. One of a kind a transaction, however many discs it was about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from kinoshelf.core.events import Event, publish


@dataclass(frozen=True, slots=True)
class DiscAdded(Event):
    """Discs came into the collection."""

    name: ClassVar[str] = "discs.added"
    disc_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DiscChanged(Event):
    """Something about discs is different: fields, loans, torrents or pictures."""

    name: ClassVar[str] = "discs.changed"
    disc_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DiscRemoved(Event):
    """Discs left the collection."""

    name: ClassVar[str] = "discs.removed"
    disc_ids: tuple[int, ...]


DiscEvent = DiscAdded | DiscChanged | DiscRemoved


def tell(session: Session, kind: type[DiscEvent], ids: Iterable[int]) -> None:
    """Publish after the commit; what this transaction told before of the same kind is told together with it."""
    told: dict[int, None] = {}
    waiting: list[Event] = session.info.get("events", [])
    for event in waiting:
        if isinstance(event, kind):
            told.update(dict.fromkeys(event.disc_ids))
    told.update(dict.fromkeys(ids))
    if told:
        waiting[:] = [event for event in waiting if not isinstance(event, kind)]
        publish(session, kind(tuple(told)))
