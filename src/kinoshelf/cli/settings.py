"""kinoshelf settings: reading and changing the settings of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kinoshelf.cli.failures import UsageProblem
from kinoshelf.cli.frame import Answer, Here, Table
from kinoshelf.cli.words import UNKNOWN
from kinoshelf.core.errors import NotFound

if TYPE_CHECKING:
    from kinoshelf.core.settings import Leaf, SettingsStore

HEADERS = ("Setting", "Value", "From")
MASK = "********"
STANDARD_INPUT = "-"
Key = Annotated[str, Parameter(name="KEY", help="As in engine.max_active_downloads.")]


def list_all(
    *,
    search: Annotated[str, Parameter(help="Only where the name or the description contains this.")] = "",
    at: Here,
) -> Answer:
    """List the settings in force and where each comes from."""
    from kinoshelf.core.settings import leaves

    store = at.load()
    found = [_described(store, leaf) for leaf in leaves()]
    wanted = search.lower()
    found = [one for one in found if wanted in f"{one['key']} {one['description']}".lower()]
    rows = [(one["key"], _in_words(one["value"]), one["source"]) for one in found]
    return Answer(
        {"items": found, "total": len(found)},
        text="" if found else "Nothing here.",
        table=Table(HEADERS, rows, wide="Value"),
    )


def get(key: Key, /, *, at: Here) -> Answer:
    """Show one setting."""
    store = at.load()
    found = _described(store, _leaf(key))
    return Answer(found, text=_in_words(found["value"]))


def set_value(
    key: Key,
    value: Annotated[
        str | None,
        Parameter(name="VALUE", allow_leading_hyphen=True, help="Lists as a,b,c or JSON; - reads standard input."),
    ] = None,
    /,
    *,
    at: Here,
) -> Answer:
    """Change a setting, in the file of the data directory. A running server follows at once.

    A secret is better not written on the command line: leave VALUE out and it is asked for.
    """
    from kinoshelf.core.events import publish
    from kinoshelf.core.settings_events import SettingsChanged

    leaf = _leaf(key)
    if value is None and leaf.is_secret:
        value = at.ask_secret(f"{key}: ")
    elif value == STANDARD_INPUT:
        value = at.read_input().rstrip("\r\n")
    if value is None:
        raise UsageProblem(f"write the value after {key}, or - and give it on standard input")
    with at.hub() as hub:
        hub.store.update({key: _typed(leaf, value)})
        hub.database.run_write(lambda session: publish(session, SettingsChanged()))
        found = _described(hub.store, leaf)
    return Answer(found, text=f"{key} = {_in_words(found['value'])}")


def _leaf(key: str) -> Leaf:
    from kinoshelf.core.settings import leaves

    found = next((leaf for leaf in leaves() if leaf.key == key), None)
    if found is None:
        raise NotFound(f"there is no setting {key}; «kinoshelf settings list» names them")
    return found


def _described(store: SettingsStore, leaf: Leaf) -> dict[str, Any]:
    value: Any = store.current
    in_file: Any = _in_file(store)
    for part in leaf.path:
        value = getattr(value, part)
        in_file = in_file.get(part) if isinstance(in_file, Mapping) else None
    if leaf.is_secret:
        value = MASK if value.get_secret_value() else ""
    source = store.origins.get(leaf.key) or ("file" if in_file is not None else "default")
    return {
        "key": leaf.key,
        "value": _simple(value),
        "source": source,
        "description": leaf.field.description or "",
        "variable": leaf.variables[0],
        "is_secret": leaf.is_secret,
    }


def _in_file(store: SettingsStore) -> dict[str, Any]:
    import tomllib

    path = store.current.config_file
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _simple(value: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


def _in_words(value: Any) -> str:
    if value is None or value in ("", []):
        return UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={_in_words(inner)}" for name, inner in value.items())
    return str(value)


def _typed(leaf: Leaf, text: str) -> Any:
    """Return `text` as the file should hold it: a number as a number. What does not fit is left to the store to refuse."""
    import json
    import types
    import typing

    from pydantic import TypeAdapter, ValidationError

    if leaf.is_secret:
        return text
    annotation: Any = leaf.field.annotation
    is_optional = isinstance(annotation, types.UnionType) and type(None) in typing.get_args(annotation)
    if not text and is_optional:
        return None
    try:
        metadata = leaf.field.metadata
        adapter: TypeAdapter[Any] = TypeAdapter(typing.Annotated[annotation, *metadata] if metadata else annotation)
        return adapter.dump_python(adapter.validate_python(text), mode="json")
    except (ValidationError, json.JSONDecodeError):
        return text
