"""/api/settings: every setting with its origin, and changing them while the hub runs."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import JsonValue, SecretStr
from pydantic_core import to_jsonable_python
from starlette.responses import Response

from kinoshelf.api.downloads.answers import SettingsRead, SettingsSaved
from kinoshelf.api.downloads.bodies import SurfaceRoute
from kinoshelf.api.downloads.parts import CONFLICT, DatabaseDep, StoreDep
from kinoshelf.core.errors import Conflict, InvalidInput, StorageProblem
from kinoshelf.core.events import publish
from kinoshelf.core.settings import Leaf, Settings, SettingsStore, leaves
from kinoshelf.core.settings_events import SettingsChanged
from kinoshelf.core.web import JSONBytes
from kinoshelf.downloads.links import without_password

router = APIRouter(prefix="/api/settings", route_class=SurfaceRoute, tags=["settings"], strict_content_type=False)

MASK = "********"
LARGEST_NUMBER = 2**63 - 1
LONGEST_TEXT = 10_000
LEAVES = {leaf.key: leaf for leaf in leaves()}
# Groups the document of seed 004 has by other names than ours: its name, then our key.
SEED_KEYS = {"max_concurrent_downloads": "engine.max_active_downloads", "download_directory": "download_dir"}
GROUP_ALIASES = {
    ("downloads", "directory"): "download_dir",
    ("downloads", "max_concurrent"): "engine.max_active_downloads",
    ("downloads", "segments_per_download"): "engine.max_segments_per_download",
}
TOP_GROUP = "server"
SHOWN_ONLY = frozenset({"fshare_configured", "tmdb_configured", "success"})
# They say where the settings themselves are, so the settings cannot say it.
DECIDED_AT_START = frozenset({"data_dir", "config_dir", "database_url"})
FOLDERS = frozenset({"download_dir", "library_dir"})


@router.get("", response_model=SettingsRead)
async def get_settings(store: StoreDep) -> Response:
    """Return the settings in force. Secrets are never shown, only whether one is set."""
    return JSONBytes(_answer(store))


@router.put("", response_model=SettingsSaved, responses=CONFLICT)
async def change_settings(body: dict[str, JsonValue], store: StoreDep, database: DatabaseDep) -> Response:
    """Change settings; what is left out stays. They hold at once and are kept.

    They may stand as the keys of the seed, in their groups, or under `settings` by their full names. A value that is
    sent back as it was shown changes nothing, so a whole answer can be edited and returned. A setting that the
    environment decides answers 409.
    """
    changes = _changes(store, body)
    if changes:
        for key in FOLDERS & changes.keys():
            if changes[key]:
                await asyncio.to_thread(_check_folder, key, str(changes[key]))
        await asyncio.to_thread(_save, store, changes)
        await database.writing(lambda session: publish(session, SettingsChanged()))
    return JSONBytes({"success": True, **_answer(store)})


def _save(store: SettingsStore, changes: Mapping[str, Any]) -> None:
    # Another process may have written the file a moment ago: what it changed must not be lost.
    store.reload()
    try:
        store.update(changes)
    except OSError as error:
        raise StorageProblem(f"the settings file cannot be written: {error.strerror}") from error


def _check_folder(key: str, text: str) -> None:
    """Make the folder and write into it. Raises InvalidInput with the reason why that fails."""
    try:
        folder = Path(text).expanduser()
        if not folder.is_absolute():
            raise InvalidInput(f"{key}: write the whole path, from / on")
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".kinoshelf-", dir=folder)
        os.close(descriptor)
        Path(name).unlink()
    except OSError as error:
        raise InvalidInput(f"{key}: {text[:200]} cannot be used: {error.strerror or error}") from error
    except (RuntimeError, ValueError) as error:
        # A home of an unknown user, characters no path has.
        raise InvalidInput(f"{key}: {error}") from error


def _answer(store: SettingsStore) -> dict[str, Any]:
    settings = store.current
    shown = {key: _shown(settings, leaf) for key, leaf in LEAVES.items()}
    groups: dict[str, Any] = {}
    for key, leaf in LEAVES.items():
        groups.setdefault(_group(leaf), {})[leaf.path[-1]] = shown[key]
    for (group, name), key in GROUP_ALIASES.items():
        groups[group][name] = shown[key]
    return {
        **{name: shown[key] for name, key in SEED_KEYS.items()},
        "fshare_configured": bool(settings.fshare.email and settings.fshare.password.get_secret_value()),
        "tmdb_configured": bool(settings.tmdb.api_key.get_secret_value()),
        **groups,
        "settings": {key: _described(store, leaf, shown[key]) for key, leaf in LEAVES.items()},
    }


def _group(leaf: Leaf) -> str:
    return leaf.path[0] if len(leaf.path) > 1 else TOP_GROUP


def _described(store: SettingsStore, leaf: Leaf, shown: Any) -> dict[str, Any]:
    in_file: Any = store.file_values
    for part in leaf.path:
        in_file = in_file.get(part) if isinstance(in_file, Mapping) else None
    variable = store.origins.get(leaf.key)
    return {
        "value": shown,
        "default": _default(store.current, leaf),
        "source": "environment" if variable else "file" if in_file is not None else "default",
        "variable": variable or leaf.variables[0],
        "secret": leaf.is_secret,
        "description": leaf.field.description or "",
    }


def _default(settings: Settings, leaf: Leaf) -> Any:
    if leaf.key == "download_dir":
        return str(settings.data_dir / "downloads")
    return _plain(leaf.field.get_default(call_default_factory=True, validated_data={}))


def _shown(settings: Settings, leaf: Leaf) -> Any:
    value: Any = settings
    for part in leaf.path:
        value = getattr(value, part)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    # A proxy has its password in its address.
    return without_password(value) if isinstance(value, str) else to_jsonable_python(value)


def _changes(store: SettingsStore, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the body changes, by key. Raises InvalidInput for what is no setting or says two things at once."""
    changes: dict[str, Any] = {}
    for key, value in _named(body):
        leaf = LEAVES[key]
        _refuse_monsters(key, value)
        if value == _shown(store.current, leaf):
            continue
        if key in DECIDED_AT_START:
            raise Conflict(f"{key} is decided when the hub starts, by {leaf.variables[0]}")
        if key in changes and changes[key] != value:
            raise InvalidInput(f"{key} is given twice, with different values")
        changes[key] = value
    return changes


def _named(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    groups = {_group(leaf) for leaf in LEAVES.values()}
    for name, value in body.items():
        if name in SHOWN_ONLY:
            continue
        if name in SEED_KEYS:
            yield SEED_KEYS[name], value
        elif name == "settings":
            for key, described in _object(name, value).items():
                yield _known(key, key), _value_of(described)
        elif name in groups:
            for inner, inner_value in _object(name, value).items():
                full = inner if name == TOP_GROUP else f"{name}.{inner}"
                yield _known(GROUP_ALIASES.get((name, inner), full), f"{name}.{inner}"), inner_value
        else:
            yield _known(name, name), value


def _known(key: str, written: str) -> str:
    if key not in LEAVES:
        raise InvalidInput(f"{written[:100]} is not a setting")
    return key


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name}: an object with settings is expected here")
    return value


def _value_of(described: Any) -> Any:
    """Take the value out of a setting as it is shown; a bare value is one itself."""
    return described["value"] if isinstance(described, Mapping) and "value" in described else described


def _refuse_monsters(key: str, value: Any) -> None:
    """Refuse what no setting means and no file, number or path can hold."""
    if isinstance(value, str) and ("\x00" in value or len(value) > LONGEST_TEXT):
        raise InvalidInput(f"{key}: the text is too long, or has a NUL character in it")
    if isinstance(value, int | float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise InvalidInput(f"{key}: the number is too large")
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for one in inner:
        _refuse_monsters(key, one)
