"""The settings as fields of a form: grouped, labelled, with what decides each of them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr

from kinoshelf.core.settings import Leaf, SettingsStore, SpeedWindow, leaves
from kinoshelf.web.languages import gettext, mark

Kind = Literal["switch", "number", "size", "speed", "choice", "words", "windows", "secret", "text"]


class Group(NamedTuple):
    """`keys` are settings, or whole sections with a dot at the end. A setting belongs to the first group that names it."""

    id: str
    title: str
    icon: str
    keys: tuple[str, ...]


GROUPS = (
    Group(
        "downloads",
        mark("Downloads"),
        "download",
        (
            "engine.max_active_downloads",
            "engine.max_active_per_host",
            "engine.max_segments_per_download",
            "engine.max_connections_per_host",
            "engine.max_retries",
            "downloads.keep_history_days",
        ),
    ),
    Group("speed", mark("Speed"), "gauge", ("engine.speed_limit_bytes_per_second", "engine.speed_schedule")),
    Group(
        "folders",
        mark("Folders and disk"),
        "folder",
        (
            "download_dir",
            "library_dir",
            "engine.free_space_reserve_bytes",
            "engine.preallocate",
            "engine.sync_to_disk",
        ),
    ),
    Group("network", mark("Network"), "globe", ("engine.", "allow_private_hosts")),
    Group("sources", mark("Sources and keys"), "key-round", ("sources", "tmdb.", "yts.", "fshare.")),
    Group("access", mark("Access"), "lock", ("trust_local", "security.", "downloads.cors_origins")),
    Group(
        "hub",
        mark("This hub"),
        "server",
        ("timezone", "host", "port", "base_path", "logging.", "data_dir", "config_dir", "database_url"),
    ),
    Group("more", mark("More"), "settings", ("",)),
)

LABELS = {
    "engine.max_active_downloads": mark("Downloads at the same time"),
    "engine.max_active_per_host": mark("Downloads at the same time per host"),
    "engine.max_segments_per_download": mark("Connections per file"),
    "engine.max_connections_per_host": mark("Connections per host"),
    "engine.max_retries": mark("Retries"),
    "engine.speed_limit_bytes_per_second": mark("Speed limit"),
    "engine.speed_schedule": mark("Speed by time of day"),
    "engine.free_space_reserve_bytes": mark("Space to leave free"),
    "engine.preallocate": mark("Reserve disk space at once"),
    "engine.sync_to_disk": mark("Make finished files durable"),
    "engine.connect_timeout_seconds": mark("Time to connect"),
    "engine.stall_timeout_seconds": mark("Time without bytes"),
    "engine.verify_tls": mark("Check certificates"),
    "engine.ca_file": mark("Extra certificates"),
    "engine.user_agent": mark("User-Agent"),
    "engine.proxy": mark("Proxy"),
    "downloads.keep_history_days": mark("Keep history"),
    "downloads.cors_origins": mark("Origins that may call the interface"),
    "download_dir": mark("Download folder"),
    "library_dir": mark("Library folder"),
    "allow_private_hosts": mark("Private hosts links may reach"),
    "sources": mark("Sources"),
    "tmdb.api_key": mark("TMDB key"),
    "tmdb.base_url": mark("TMDB address"),
    "tmdb.image_base_url": mark("Address of TMDB's pictures"),
    "tmdb.language": mark("Language of facts"),
    "tmdb.region": mark("Region of certificates"),
    "yts.base_url": mark("YTS address"),
    "fshare.email": mark("Fshare account"),
    "fshare.password": mark("Fshare password"),
    "fshare.app_key": mark("Fshare app key"),
    "trust_local": mark("Trust this machine"),
    "security.session_hours": mark("Length of a sign-in"),
    "security.remember_days": mark("Length of a remembered sign-in"),
    "security.login_attempts_per_minute": mark("Sign-in requests per minute"),
    "security.lock_after_failures": mark("Wrong passwords before the lock"),
    "security.lock_seconds": mark("Length of the lock"),
    "security.origin_requests_per_minute": mark("Requests per minute from other origins"),
    "security.trusted_proxies": mark("Trusted proxies"),
    "security.allowed_hosts": mark("Host names"),
    "timezone": mark("Time zone"),
    "host": mark("Address to listen on"),
    "port": mark("Port"),
    "base_path": mark("Base path"),
    "data_dir": mark("Data folder"),
    "config_dir": mark("Folder of sign-in files"),
    "database_url": mark("Database"),
    "logging.level": mark("Log level"),
    "logging.format": mark("Log format"),
}
UNITS = (
    ("_seconds", mark("seconds")),
    ("_hours", mark("hours")),
    ("_days", mark("days")),
)
# Read once at the start: a change shows after the next one.
AFTER_RESTART = frozenset({"host", "port", "logging.level", "logging.format"})
# What can be asked whether it works, and who answers.
TESTED = {"tmdb.api_key": "tmdb", "yts.base_url": "yts"}
# They say where the settings themselves are, so the settings cannot say it.
DECIDED_AT_START = frozenset({"data_dir", "config_dir", "database_url"})


@dataclass(frozen=True)
class SettingField:
    """One setting of the form. `variable` names the environment variable that decides it, where one does."""

    key: str
    kind: Kind
    label: str
    description: str
    value: Any
    default: Any
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    is_whole: bool
    is_optional: bool
    is_secret_set: bool
    variable: str
    needs_restart: bool

    @property
    def is_fixed(self) -> bool:
        return bool(self.variable) or self.key in DECIDED_AT_START

    @property
    def test(self) -> str:
        """What the button beside it asks; empty where there is none."""
        return TESTED.get(self.key, "")

    @property
    def id(self) -> str:
        return "setting-" + self.key.replace(".", "-").replace("_", "-")


class FieldGroup(NamedTuple):
    id: str
    title: str
    icon: str
    fields: list[SettingField]


def fields_by_group(store: SettingsStore) -> list[FieldGroup]:
    """Return every setting, in groups; secrets without their value."""
    found: dict[str, list[SettingField]] = {group.id: [] for group in GROUPS}
    for leaf in leaves():
        found[_group_of(leaf.key).id].append(_field(leaf, store))
    return [
        FieldGroup(group.id, gettext(group.title), group.icon, _in_order(group, found[group.id]))
        for group in GROUPS
        if found[group.id]
    ]


def texts() -> Iterator[str]:
    """Yield the texts of the settings that people see, for the catalogues."""
    for leaf in leaves():
        yield leaf.field.description or leaf.key
        if leaf.key not in LABELS:
            yield _spelled(leaf.key)


def _group_of(key: str) -> Group:
    exact = next((group for group in GROUPS if key in group.keys), None)
    return exact or next(
        group for group in GROUPS if any(key.startswith(name) for name in group.keys if _is_open(name))
    )


def _in_order(group: Group, fields: list[SettingField]) -> list[SettingField]:
    """Sort as the group names them; what it names by section stays in the order of declaration."""
    return sorted(fields, key=lambda one: _rank(group, one.key))


def _is_open(name: str) -> bool:
    return not name or name.endswith(".")


def _rank(group: Group, key: str) -> int:
    if key in group.keys:
        return group.keys.index(key)
    return next(place for place, name in enumerate(group.keys) if _is_open(name) and key.startswith(name))


def _spelled(key: str) -> str:
    return key.rpartition(".")[2].replace("_", " ").capitalize()


def _field(leaf: Leaf, store: SettingsStore) -> SettingField:
    current: Any = store.current
    for part in leaf.path:
        current = getattr(current, part)
    annotation, is_optional = _without_none(leaf.field.annotation)
    bounds = leaf.field.metadata
    label = gettext(LABELS.get(leaf.key) or _spelled(leaf.key))
    description = gettext(leaf.field.description) if leaf.field.description else ""
    kind = _kind(leaf, annotation)
    secret = current.get_secret_value() if isinstance(current, SecretStr) else ""
    return SettingField(
        key=leaf.key,
        kind=kind,
        label=label,
        # Said once is enough.
        description="" if description.rstrip(".") == label else description,
        value="" if kind == "secret" else _plain(current),
        default=None if kind == "secret" else _plain(leaf.field.get_default(call_default_factory=False)),
        unit=next((gettext(unit) for suffix, unit in UNITS if leaf.key.endswith(suffix)), ""),
        minimum=next((bound.ge for bound in bounds if hasattr(bound, "ge")), None),
        maximum=next((bound.le for bound in bounds if hasattr(bound, "le")), None),
        choices=get_args(annotation) if get_origin(annotation) is Literal else (),
        is_whole=annotation is int,
        is_optional=is_optional,
        is_secret_set=bool(secret),
        variable=store.origins.get(leaf.key, ""),
        needs_restart=leaf.key in AFTER_RESTART,
    )


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if isinstance(annotation, types.UnionType):
        kept = [part for part in get_args(annotation) if part is not type(None)]
        return kept[0], len(kept) < len(get_args(annotation))
    return annotation, False


def _kind(leaf: Leaf, annotation: Any) -> Kind:
    if leaf.is_secret:
        return "secret"
    if annotation is bool:
        return "switch"
    if get_origin(annotation) is Literal:
        return "choice"
    if leaf.key.endswith("_bytes_per_second"):
        return "speed"
    if leaf.key.endswith("_bytes"):
        return "size"
    if annotation in (int, float):
        return "number"
    if get_origin(annotation) is tuple:
        return "windows" if SpeedWindow in get_args(annotation) else "words"
    return "text"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [part.model_dump(mode="json") if isinstance(part, SpeedWindow) else str(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
