"""Typed settings: environment over config file over defaults, changeable while running.

A leaf `section.key` is read from `KINOSHELF_SECTION_KEY`, or from the file that `KINOSHELF_SECTION_KEY_FILE` names
(for container secrets), or from `config/kinoshelf.toml` in the data directory. Names the outside world already uses
(`TMDB_API_KEY`) are declared as aliases on the field.
"""

from __future__ import annotations

import json
import os
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from kinoshelf.core.errors import Conflict, InvalidInput
from kinoshelf.core.files import write_atomic

PREFIX = "KINOSHELF_"
MIB = 1024 * 1024


def _split(value: object) -> object:
    """Read a list from the environment: JSON, or words between commas."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        return json.loads(text)
    return [word.strip() for word in text.split(",") if word.strip()]


def _expand(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"{path} begins with a user this machine does not know") from error


WordList = Annotated[tuple[str, ...], BeforeValidator(_split)]
Folder = Annotated[Path, AfterValidator(_expand)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class SpeedWindow(Section):
    """A span of the day with a speed limit of its own, in the user's time zone. It may pass midnight."""

    days: tuple[Weekday, ...] = WEEKDAYS
    start: ClockTime
    end: ClockTime
    limit_bytes_per_second: int = Field(ge=0, description="0 = no limit inside the window")


class EngineSettings(Section):
    max_active_downloads: int = Field(5, ge=1, le=100, description="Downloads at the same time.")
    max_active_per_host: int = Field(
        0, ge=0, le=100, description="Downloads at the same time from one host; 0 = no limit of its own."
    )
    max_segments_per_download: int = Field(
        16,
        ge=1,
        le=32,
        description="Most connections one file may use when the host limits each connection; 1 = never split.",
    )
    max_connections_per_host: int = Field(
        16, ge=1, le=64, description="Most connections to one host over all downloads."
    )
    speed_limit_bytes_per_second: int = Field(0, ge=0, description="Limit over all downloads; 0 = none.")
    speed_schedule: Annotated[tuple[SpeedWindow, ...], BeforeValidator(_split)] = Field(
        (), description="Windows of the day with a limit of their own; the first that fits decides."
    )
    connect_timeout_seconds: int = Field(20, ge=1, le=300, description="Time to reach a host.")
    stall_timeout_seconds: int = Field(
        60, ge=1, le=3600, description="No bytes for this long counts as broken and is retried."
    )
    free_space_reserve_bytes: int = Field(256 * MIB, ge=0, description="Never fill the disk below this.")
    preallocate: bool = Field(
        True, description="Reserve the disk space of a file before it arrives, where the file system can."
    )
    sync_to_disk: bool = Field(True, description="Make a finished file durable before it counts as completed.")
    max_retries: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Retries of one download over all causes; empty = each cause has its own number.",
    )
    retry_delay_factor: float = Field(
        1.0, ge=0.0, le=10.0, description="Scale of the waits before a retry; what a host asks for is scaled too."
    )
    user_agent: str = Field(
        "", max_length=300, description="User-Agent for downloads; empty = Kinoshelf and its version."
    )
    proxy: str = Field("", description="Proxy for downloads (http://, https://, socks5://); empty = none.")
    verify_tls: bool = Field(True, description="Check the certificates of download hosts.")
    ca_file: Path | None = Field(None, description="Certificates to trust besides those of the system.")


class DownloadSettings(Section):
    cors_origins: WordList = Field((), description="Other web origins that may call the download API; * = all.")
    keep_history_days: int = Field(
        0, ge=0, le=36_500, description="Clear finished downloads from the list after this many days; 0 = keep."
    )


class SecuritySettings(Section):
    session_hours: int = Field(24, ge=1, le=24 * 365, description="How long a sign-in lasts.")
    remember_days: int = Field(30, ge=1, le=3650, description="How long it lasts with «remember me».")
    login_attempts_per_minute: int = Field(5, ge=1, description="Requests to login and setup per client and minute.")
    lock_after_failures: int = Field(5, ge=1, description="Wrong passwords before a client is locked out.")
    lock_seconds: int = Field(300, ge=1, description="How long the lock lasts.")
    origin_requests_per_minute: int = Field(60, ge=1, description="Requests a minute from another web origin.")
    trusted_proxies: WordList = Field((), description="Addresses of reverse proxies whose X-Forwarded-For is believed.")
    allowed_hosts: WordList = Field((), description="Host names the hub answers to; empty = any.")


class LoggingSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least severe level that is written."
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="text on a terminal and json elsewhere when auto."
    )


class TMDBSettings(Section):
    api_key: SecretStr = Field(
        SecretStr(""), description="Key for film and series facts.", json_schema_extra={"env": "TMDB_API_KEY"}
    )
    base_url: str = Field(
        "https://api.themoviedb.org/3", description="Address of TMDB.", json_schema_extra={"env": "TMDB_BASE_URL"}
    )
    image_base_url: str = Field(
        "https://image.tmdb.org/t/p/",
        description="Address of TMDB's pictures.",
        json_schema_extra={"env": "TMDB_IMAGE_BASE_URL"},
    )
    language: str = Field(
        "en-US", pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="Language of names and plots, as in de-DE."
    )
    region: str = Field("GB", pattern=r"^[A-Z]{2}$", description="Country whose age certificates are shown.")


class YTSSettings(Section):
    base_url: str = Field(
        "https://yts.mx/api/v2",
        description="Address of the YTS source; it is asked only once `sources` names yts.",
        json_schema_extra={"env": "YTS_API_BASE_URL"},
    )


class FshareSettings(Section):
    email: str = Field("", description="Account of the Fshare source.", json_schema_extra={"env": "FSHARE_EMAIL"})
    password: SecretStr = Field(
        SecretStr(""), description="Its password.", json_schema_extra={"env": "FSHARE_PASSWORD"}
    )
    app_key: SecretStr = Field(
        SecretStr(""), description="Key of your own registration.", json_schema_extra={"env": "FSHARE_APP_KEY"}
    )


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("kinoshelf", appauthor=False))


def _default_config_dir() -> Path:
    return Path(platformdirs.user_config_dir("kinoshelf", appauthor=False))


class Settings(Section):
    """Every setting of the hub. Immutable; a change makes a new one (see `SettingsStore`)."""

    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs a password.")
    port: int = Field(8484, ge=0, le=65535, description="Port to listen on; 0 = any free one.")
    base_path: str = Field("", description="Path the hub is served under, as in /kinoshelf.")
    data_dir: Folder = Field(
        default_factory=_default_data_dir, description="All state: database, configuration, images, backups, logs."
    )
    config_dir: Folder = Field(default_factory=_default_config_dir, description="Sign-in data of the trackers.")
    download_dir: Folder = Field(
        Path(), description="Where finished downloads go; empty = downloads in the data directory."
    )
    library_dir: Folder | None = Field(None, description="Root of the series library.")
    database_url: SecretStr = Field(
        SecretStr(""), description="PostgreSQL address; empty = SQLite in the data directory."
    )
    timezone: str = Field("", description="The user's time zone, as in Europe/Berlin; empty = that of the machine.")
    trust_local: bool = Field(
        True, description="Let callers on this machine use the local surfaces without signing in."
    )
    sources: WordList = Field((), description="Sources switched on by the operator.")
    allow_private_hosts: WordList = Field(
        (), description="host or host:port that links may reach although the address is private."
    )
    engine: EngineSettings = EngineSettings()
    downloads: DownloadSettings = DownloadSettings()
    security: SecuritySettings = SecuritySettings()
    logging: LoggingSettings = LoggingSettings()
    tmdb: TMDBSettings = TMDBSettings()
    yts: YTSSettings = YTSSettings()
    fshare: FshareSettings = FshareSettings()

    @model_validator(mode="before")
    @classmethod
    def _downloads_below_data(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("download_dir"):
            data_dir = Path(values.get("data_dir") or _default_data_dir())
            values = {**values, "download_dir": data_dir / "downloads"}
        return values

    @field_validator("base_path")
    @classmethod
    def _base_path_form(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value:
            return ""
        if not value.startswith("/"):
            value = f"/{value}"
        if "//" in value or any(part in {".", ".."} for part in value.split("/")) or set(value) & set("?#%\\ "):
            raise ValueError("must look like /kinoshelf")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("is not a known time zone, as in Europe/Berlin")
        return value

    @property
    def zone(self) -> ZoneInfo | None:
        """The user's time zone; None means that of the machine."""
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def config_file(self) -> Path:
        return self.data_dir / "config" / "kinoshelf.toml"


def _inner_section(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


class Leaf(typing.NamedTuple):
    """One setting: where it stands in the tree, how the environment calls it."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names in the environment, strongest first."""
        own = PREFIX + "_".join(self.path).upper()
        extra = self.field.json_schema_extra
        alias = typing.cast("dict[str, Any]", extra or {}).get("env")
        return (own, str(alias)) if alias else (own,)

    @property
    def is_secret(self) -> bool:
        return self.field.annotation is SecretStr


def leaves(model: type[Section] = Settings, above: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield every setting in the order of declaration."""
    for name, field in model.model_fields.items():
        inner = _inner_section(field.annotation)
        if inner is not None:
            yield from leaves(inner, (*above, name))
        else:
            yield Leaf((*above, name), field)


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _is_optional(leaf: Leaf) -> bool:
    annotation: Any = leaf.field.annotation
    return isinstance(annotation, types.UnionType) and type(None) in typing.get_args(annotation)


def read_variable(environ: Mapping[str, str], variable: str) -> str | None:
    """Return what a variable says, or the file that `<variable>_FILE` names; None where neither is set. Raises OSError."""
    if variable in environ:
        return environ[variable]
    if f"{variable}_FILE" in environ:
        return Path(environ[f"{variable}_FILE"]).read_text(encoding="utf-8").rstrip("\r\n")
    return None


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings found in the environment and, by key, the variable each came from."""
    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for leaf in leaves():
        for variable in leaf.variables:
            text = read_variable(environ, variable)
            if text is None:
                continue
            if text == "" and not leaf.is_secret:
                # An empty variable in a compose file means «not set».
                break
            _put(tree, leaf.path, text)
            origins[leaf.key] = variable
            break
    return tree, origins


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        inner = merged.get(name)
        merged[name] = _merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _in_words(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        name = origins.get(key, key)
        lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


class SettingsStore:
    """Holds the settings in force and changes them: validated, written to the file, announced to listeners."""

    def __init__(
        self, settings: Settings, file_tree: dict[str, Any], origins: dict[str, str], environment: dict[str, Any]
    ) -> None:
        self._settings = settings
        self._file_tree = file_tree
        self._environment = environment
        self.origins = origins
        self._lock = Lock()
        self._listeners: list[Callable[[Settings], None]] = []

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read environment and file. `overrides` (from the command line) win over both.

        Raises InvalidInput with one sentence that names every wrong setting.
        """
        environ = os.environ if environ is None else environ
        try:
            environment, origins = read_environment(environ)
        except OSError as error:
            raise InvalidInput(f"a secret file cannot be read: {error.filename}: {error.strerror}") from error
        environment = _merge(environment, {name: value for name, value in overrides.items() if value is not None})
        try:
            data_dir = _expand(Path(environment.get("data_dir") or _default_data_dir()))
        except ValueError as error:
            raise InvalidInput(f"settings: {origins.get('data_dir', 'data_dir')}: {error}") from error
        path = data_dir / "config" / "kinoshelf.toml"
        file_tree = _read_file(path)
        return cls(cls._build(file_tree, environment, origins), file_tree, origins, environment)

    @staticmethod
    def _build(file_tree: dict[str, Any], environment: dict[str, Any], origins: Mapping[str, str]) -> Settings:
        try:
            return Settings.model_validate(_merge(file_tree, environment))
        except ValidationError as error:
            raise InvalidInput(f"settings: {_in_words(error, origins)}") from error
        except json.JSONDecodeError as error:
            raise InvalidInput(f"settings: a list is neither JSON nor words between commas: {error}") from error

    @property
    def current(self) -> Settings:
        return self._settings

    @property
    def file_values(self) -> Mapping[str, Any]:
        """What the config file says, as the tree it is."""
        return self._file_tree

    def on_change(self, listener: Callable[[Settings], None]) -> None:
        """Call `listener` with the new settings after every change, from the thread that made it."""
        self._listeners.append(listener)

    def update(self, changes: Mapping[str, Any]) -> Settings:
        """Apply `{"section.key": value}`, write the file, return the settings in force.

        Raises InvalidInput for an unknown key or a wrong value, Conflict for a key the environment decides and for another
        data directory.
        """
        known = {leaf.key: leaf for leaf in leaves()}
        with self._lock:
            # As it is now: another process, or a person with an editor, may have changed it since.
            tree = _read_file(self._settings.config_file)
            for key, value in changes.items():
                leaf = known.get(key)
                if leaf is None:
                    raise InvalidInput(f"{key} is not a setting")
                if key in self.origins:
                    if not self._is_in_force(leaf, value):
                        raise Conflict(f"{key} is set by the environment variable {self.origins[key]}")
                    continue
                if key == "data_dir" and not self._is_in_force(leaf, value):
                    raise Conflict(
                        "the data directory holds this very file; name it with KINOSHELF_DATA_DIR or --data-dir"
                    )
                if value is None and not _is_optional(leaf):
                    raise InvalidInput(f"{key} cannot be empty")
                _put(tree, leaf.path, value)
            tree = _without_none(tree)
            settings = self._build(tree, self._environment, self.origins)
            write_atomic(settings.config_file, self._dumped(settings.config_file, tree), mode=0o600)
            self._file_tree, self._settings = tree, settings
        for listener in list(self._listeners):
            listener(settings)
        return settings

    def reload(self) -> Settings:
        """Read the file again after another process changed it."""
        fresh = type(self).load({}, **self._environment)
        with self._lock:
            changed = fresh.current != self._settings
            self._file_tree, self._settings = fresh._file_tree, fresh._settings  # noqa: SLF001 -- its own kind
        if changed:
            for listener in list(self._listeners):
                listener(self._settings)
        return self._settings

    def _is_in_force(self, leaf: Leaf, value: Any) -> bool:
        """Tell whether `value`, however it is spelled, is the one in force."""
        tree: dict[str, Any] = {}
        _put(tree, leaf.path, value)
        asked: Any = self._build(tree, {}, {})
        found: Any = self._settings
        for part in leaf.path:
            asked, found = getattr(asked, part), getattr(found, part)
        return bool(asked == found)

    @staticmethod
    def _dumped(path: Path, tree: dict[str, Any]) -> bytes:
        """Keep the comments and order a person gave the file."""
        import tomlkit

        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        _write_into(document, tree)
        return tomlkit.dumps(document).encode()


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}") from error


def _without_none(tree: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            kept[name] = _without_none(value)
        elif value is not None:
            kept[name] = value
    return kept


def _write_into(document: Any, tree: Mapping[str, Any]) -> None:
    for name in [name for name in document if name not in tree]:
        del document[name]
    for name, value in tree.items():
        if isinstance(value, Mapping):
            if name not in document:
                document[name] = {}
            _write_into(document[name], value)
        elif name not in document or document[name] != value:
            document[name] = (
                str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
            )
