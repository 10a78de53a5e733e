"""The things built once per process, found by their type."""

from __future__ import annotations

from typing import TypeVar, cast

T = TypeVar("T")


class Container:
    """Holds one instance a type. `app.py` fills it; routers, commands and jobs only look things up."""

    def __init__(self) -> None:
        self._things: dict[type, object] = {}

    def add(self, thing: T, as_type: type[T] | None = None) -> T:
        self._things[as_type or type(thing)] = thing
        return thing

    def get(self, kind: type[T]) -> T:
        """Return the instance of `kind`. Raises LookupError when the process was built without one."""
        try:
            return cast("T", self._things[kind])
        except KeyError:
            raise LookupError(f"this process has no {kind.__name__}") from None

    def has(self, kind: type) -> bool:
        return kind in self._things
