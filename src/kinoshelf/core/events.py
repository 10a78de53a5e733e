"""Facts in the past tense, told after the commit that made them true: here, and to the other processes of the hub.

`publish(session, fact)` inside a write transaction. Subscribers in this process run right after the commit, in the
committing thread: they must be quick, idempotent and may be lost in a crash (work that must happen is a job inserted
in the same transaction). Between processes a fact travels by NOTIFY on PostgreSQL and by the `bus_messages` table on
SQLite; see `bus.py`.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, ClassVar, TypeVar

import structlog
from sqlalchemy.orm import Session

log = structlog.get_logger()

_REGISTRY: dict[str, type[Event]] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Base of all facts. Fields are ids or short words, never rows. `name` is how it travels."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # dataclass(slots=True) makes a second class of the same name: the last one is the one in use.
        if cls.__dict__.get("name"):
            _REGISTRY[cls.name] = cls

    def packed(self) -> dict[str, Any]:
        return {"name": self.name, **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)}}


def unpacked(message: dict[str, Any]) -> Event | None:
    """Rebuild a fact another process sent; None when this version does not know it."""
    values = dict(message)
    kind = _REGISTRY.get(values.pop("name", ""))
    if kind is None:
        return None
    fields = {field.name for field in dataclasses.fields(kind)}
    return kind(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key in fields}
    )


def known_events() -> dict[str, type[Event]]:
    return dict(_REGISTRY)


def publish(session: Session, event: Event) -> None:
    """Tell `event` once the transaction of `session` has committed; a rollback forgets it."""
    session.info.setdefault("events", []).append(event)


E = TypeVar("E", bound=Event)


class EventBus:
    """Fan-out inside one process. A failing subscriber is logged and stops nobody."""

    def __init__(self) -> None:
        self._subscribers: dict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)
        self._lock = Lock()

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> Callable[[], None]:
        """Call `handler` with every fact of `kind`; return the function that ends it."""
        with self._lock:
            self._subscribers[kind].append(handler)

        def unsubscribe() -> None:
            with self._lock:
                if handler in self._subscribers[kind]:
                    self._subscribers[kind].remove(handler)

        return unsubscribe

    def tell(self, events: Iterable[Event]) -> None:
        for event in events:
            for handler in tuple(self._subscribers.get(type(event), ())):
                try:
                    handler(event)
                except Exception:
                    log.exception(
                        "events.subscriber_failed",
                        fact=event.name,
                        subscriber=getattr(handler, "__qualname__", repr(handler)),
                    )


def dumps(event: Event) -> str:
    return json.dumps(event.packed(), separators=(",", ":"))
