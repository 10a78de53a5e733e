"""The collection for scripts: `DVD` and `AppSettings`, without a server.

from kinoshelf.models import DVD

dvd = DVD(name="The Matrix", storage_box="Box 1")
dvd.save()
for one in DVD.filter(status="kept"):
print(one.name, one.get_absolute_url())
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from kinoshelf.core.clock import iso
from kinoshelf.core.files import write_atomic
from kinoshelf.discs import adding, editing, queries
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.fields import FIELDS, clean, split_words
from kinoshelf.discs.models import Disc
from kinoshelf.discs.shape import (
    MEDIA_CLASSES,
    MEDIA_WORDS,
    POSTER_SIZE,
    STATUS_CLASSES,
    STATUS_WORDS,
    badges,
    profit_of,
)
from kinoshelf.images.sizes import address
from kinoshelf.scripting import open_script

BESIDE_FIELDS = (
    "title_id",
    "edited_fields",
    "facts_refreshed_at",
    "yts_data",
    "yts_last_updated",
    "has_cached_torrents",
    "created_at",
    "updated_at",
)
"""What a disc has that nobody writes."""
CREATED_FILE = "app-settings.json"


class DVD:
    """One disc of the collection. `DVD(name=…)` makes an unsaved one; `save()` checks its fields and writes it.

    Fields are attributes under the names of seed 000 and those collectors need besides. `save()` raises DiscInvalid with
    a sentence for each field that is wrong.
    """

    DoesNotExist: ClassVar[type[DiscNotFound]] = DiscNotFound
    Invalid: ClassVar[type[DiscInvalid]] = DiscInvalid

    if TYPE_CHECKING:
        name: str
        status: str
        media_type: str
        disk_type: str
        tmdb_id: int | None
        imdb_id: str | None
        poster_id: int | None
        overview: str | None
        release_year: int | None
        genres: str
        runtime: int | None
        rating: Decimal | None
        is_tartan_dvd: bool
        is_box_set: bool
        box_set_name: str
        is_unopened: bool
        is_unwatched: bool
        storage_box: str
        location: str
        copy_number: int
        has_cached_torrents: bool
        created_at: datetime | None
        updated_at: datetime | None

    def __init__(self, **fields: Any) -> None:
        unknown = sorted(fields.keys() - FIELDS.keys())
        if unknown:
            raise TypeError(f"a DVD has no field {', '.join(unknown)}")
        self.id: int | None = None
        self._saved: dict[str, Any] = {}
        for name, field in FIELDS.items():
            default = list(field.empty) if isinstance(field.empty, tuple) else field.empty
            setattr(self, name, fields.get(name, default if name != "name" else ""))
        for name in BESIDE_FIELDS:
            setattr(self, name, None)
        self.has_cached_torrents = False
        self.__dict__["edited_fields"] = []

    # Reading ------------------------------------------------------------------------------------

    @classmethod
    def get(cls, id: int) -> DVD:  # noqa: A002 -- the name of the field
        """Return a disc. Raises DVD.DoesNotExist."""
        return open_script().database.run_read(lambda session: cls._of(queries.get(session, id)))

    @classmethod
    def all(cls) -> list[DVD]:
        """Return every disc, the newest first."""
        return cls.filter()

    @classmethod
    def filter(cls, **fields: Any) -> list[DVD]:
        """Return the discs whose fields all have these values, the newest first. Raises DVD.Invalid."""
        wanted = clean({name: value for name, value in fields.items() if name != "tags"}, is_partial=True)

        def read(session: Session) -> list[DVD]:
            query = select(Disc).where(*(getattr(Disc, name) == wanted[name] for name in wanted if name in fields))
            return [cls._of(disc) for disc in session.scalars(query.order_by(Disc.created_at.desc(), Disc.id.desc()))]

        return open_script().database.run_read(read)

    @classmethod
    def count(cls) -> int:
        return open_script().database.run_read(queries.count)

    def refresh_from_db(self) -> None:
        """Read the disc again. Raises DVD.DoesNotExist."""
        open_script().database.run_read(lambda session: self._take(queries.get(session, self.id or 0)))

    # Writing ------------------------------------------------------------------------------------

    def save(self) -> None:
        """Add the disc, or write the fields that are different now. Raises DVD.Invalid, DVD.DoesNotExist."""
        hub = open_script()

        def write(session: Session) -> Disc:
            if self.id is None:
                return adding.add(session, self._given(), hub.clock.now())
            return editing.edit(session, self.id, self._changed(), hub.clock.now())

        self._take(hub.database.run_write(write))

    def delete(self) -> None:
        """Remove the disc. Raises DVD.DoesNotExist."""
        disc_id = self.id or 0
        if not open_script().database.run_write(lambda session: editing.remove(session, [disc_id])):
            raise DiscNotFound(disc_id)
        self.id = None

    # The methods of the seed --------------------------------------------------------------------

    @property
    def pk(self) -> int | None:
        return self.id

    @property
    def poster(self) -> Poster | None:
        """Where the hub serves the poster; None without one."""
        return None if self.poster_id is None else Poster(address(self.poster_id, POSTER_SIZE))

    @property
    def profit(self) -> int | None:
        """Revenue less budget; None unless both are known."""
        return profit_of(self)

    def get_absolute_url(self) -> str:
        return f"/dvd/{self.id}/"

    def get_genres_list(self) -> list[str]:
        return split_words(self.genres or "")

    def get_status_display(self) -> str:
        return STATUS_WORDS.get(self.status, self.status)

    def get_media_type_display(self) -> str:
        return MEDIA_WORDS.get(self.media_type, self.media_type)

    def get_status_display_class(self) -> str:
        """Return the Bootstrap class: success, danger, or warning for an unboxed disc."""
        return STATUS_CLASSES.get(self.status, "secondary")

    def get_media_type_display_class(self) -> str:
        """Return the Bootstrap class: primary, info or warning."""
        return MEDIA_CLASSES.get(self.media_type, "secondary")

    def get_special_features_badges(self) -> list[dict[str, str]]:
        """Return what is special about the disc, as `text` and `class` of a badge."""
        return badges(self)

    def __str__(self) -> str:
        return f"{self.name} ({self.release_year})" if self.release_year else self.name

    def __repr__(self) -> str:
        return f"<DVD {self.id or 'unsaved'}: {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DVD) and (self is other or (self.id is not None and self.id == other.id))

    __hash__ = None  # type: ignore[assignment]  # it changes, and so does what it is equal to

    # ---------------------------------------------------------------------------------------------

    @classmethod
    def _of(cls, disc: Disc) -> DVD:
        found = cls()
        found._take(disc)
        return found

    def _take(self, disc: Disc) -> None:
        for name in ("id", *FIELDS, *BESIDE_FIELDS):
            setattr(self, name, getattr(disc, name))
        self.__dict__["tags"] = list(disc.tags)
        self._saved = {name: getattr(disc, name) for name in FIELDS}

    def _given(self) -> dict[str, Any]:
        # What was left at its default is left to the hub: the number of a copy, the place of an unboxed disc.
        return {
            name: getattr(self, name)
            for name, field in FIELDS.items()
            if name == "name" or _plain(getattr(self, name)) != _plain(field.empty)
        }

    def _changed(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name, saved in self._saved.items() if getattr(self, name) != saved}


class Poster(str):
    """The address of a poster, as an image field shows it."""

    __slots__ = ()

    @property
    def url(self) -> str:
        return str(self)


class AppSettings:
    """The settings seed 000 documents. There is one of them: `AppSettings.get_settings()`."""

    def __init__(self, tmdb_api_key: str, created_at: datetime, updated_at: datetime) -> None:
        self.tmdb_api_key = tmdb_api_key
        self.created_at = created_at
        self.updated_at = updated_at

    @classmethod
    def get_settings(cls) -> AppSettings:
        """Return the settings as they are now."""
        settings = open_script().store.reload()
        created_at = _created_at(settings.data_dir / "config" / CREATED_FILE)
        file = settings.config_file
        changed_at = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.exists() else created_at
        return cls(settings.tmdb.api_key.get_secret_value(), created_at, max(created_at, changed_at))

    def save(self) -> None:
        """Write the key into the configuration file. Raises Conflict where the environment decides it."""
        open_script().store.update({"tmdb.api_key": self.tmdb_api_key})
        self.updated_at = self.get_settings().updated_at


def _created_at(file: Path) -> datetime:
    """Return when the settings were first asked for; the first time writes it down."""
    if file.exists():
        return datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["created_at"])
    now = open_script().clock.now()
    write_atomic(file, json.dumps({"created_at": iso(now)}).encode(), mode=0o600)
    return _created_at(file)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value
