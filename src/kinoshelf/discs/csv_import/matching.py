"""Which disc on the shelf a row of a file is, and what the row would change about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from kinoshelf.discs.csv_import import formats
from kinoshelf.discs.csv_import.reading import BESIDE
from kinoshelf.discs.fields import FACT_FIELDS, clean
from kinoshelf.discs.models import Disc
from kinoshelf.titles.naming import ARTICLES, ELIDED, folded, sort_name

CHUNK = 400
# What a table of another program fills where the shelf has nothing, and never overwrites.
ONLY_FILLED = FACT_FIELDS | {"tmdb_id", "barcode", "notes", "edition", "duplicate_notes", "disk_type", "copy_number"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row as it is looked for."""

    format: str
    values: Mapping[str, Any]
    cleaned: Mapping[str, Any]
    beside: Mapping[str, Any]

    @classmethod
    def of(cls, format_: str, values: Mapping[str, Any]) -> Wanted:
        """Raises DiscInvalid."""
        fields = {name: value for name, value in values.items() if name != BESIDE}
        return cls(format_, fields, clean(fields, is_partial=True), values.get(BESIDE) or {})

    @property
    def name(self) -> str:
        return folded(self.cleaned["name"])

    @property
    def sort_names(self) -> set[str]:
        """The disc's language decides which article it is put in order without; the row does not know it."""
        name = self.cleaned["name"]
        first = name.casefold().partition(" ")[0]
        languages = [language for language, articles in ARTICLES.items() if first in articles]
        if ELIDED.match(name):
            languages += ["fr"]
        return {sort_name(name, language)[:255] for language in ("en", *languages)}


@dataclass
class Shelf:
    """Discs that some of the rows could be; found with a handful of queries for all of them."""

    discs: list[Disc] = field(default_factory=list)
    by_id: dict[int, Disc] = field(default_factory=dict)
    _by_key: dict[tuple[str, Any], list[Disc]] = field(default_factory=dict)

    @classmethod
    def around(cls, session: Session, rows: Iterable[Wanted]) -> Shelf:
        shelf = cls()
        rows = list(rows)
        ids = {row.beside[formats.DISC_ID] for row in rows if formats.DISC_ID in row.beside}
        shelf._load(session, Disc.id, {one for one in ids if 0 < one < 2**63})
        for name, column in (("barcode", Disc.barcode), ("tmdb_id", Disc.tmdb_id), ("imdb_id", Disc.imdb_id)):
            shelf._load(session, column, {row.cleaned[name] for row in rows if row.cleaned.get(name)})
        shelf._load(session, Disc.sort_name, {name for row in rows for name in row.sort_names})
        return shelf

    def _load(self, session: Session, column: Any, wanted: set[Any]) -> None:
        some = sorted(wanted)
        for begin in range(0, len(some), CHUNK):
            is_one: ColumnElement[bool] = column.in_(some[begin : begin + CHUNK])
            for disc in session.scalars(select(Disc).where(is_one)):
                if disc.id not in self.by_id:
                    self.by_id[disc.id] = disc
                    self._file(disc)

    def _file(self, disc: Disc) -> None:
        self.discs.append(disc)
        keys = (
            ("barcode", disc.barcode or None),
            ("tmdb_id", disc.tmdb_id),
            ("imdb_id", disc.imdb_id),
            ("name", folded(disc.name)),
        )
        for key in keys:
            if key[1] is not None:
                self._by_key.setdefault(key, []).append(disc)

    def find(self, row: Wanted, claimed: set[int]) -> Disc | None:
        """Return the disc the row is about; none that another row of the same file was about already."""
        own = self.by_id.get(row.beside.get(formats.DISC_ID, 0))
        if own is not None and own.id not in claimed and _is_same_row(row, own):
            return own
        for key in ("barcode", "tmdb_id", "imdb_id", "name"):
            value = row.name if key == "name" else row.cleaned.get(key)
            if not value:
                continue
            fitting = [
                disc
                for disc in self._by_key.get((key, value), ())
                if disc.id not in claimed and (key == "barcode" or _fits(row, disc, by=key))
            ]
            if fitting:
                return min(fitting, key=lambda disc: _distance(row, disc))
        return None


def _is_same_row(row: Wanted, disc: Disc) -> bool:
    """Tell whether a number of a disc means this one: numbers of another hub mean other discs."""
    added_at = row.beside.get(formats.ADDED_AT)
    if added_at is not None and abs((datetime.fromisoformat(added_at) - disc.created_at).total_seconds()) < 1:
        return True
    return folded(disc.name) == row.name


def _fits(row: Wanted, disc: Disc, *, by: str) -> bool:
    given = row.cleaned
    if by == "name" and given.get("release_year") and disc.release_year and given["release_year"] != disc.release_year:
        return False
    names = ["barcode", "edition"]
    if row.format not in {formats.NOT_KEPT, formats.DISPOSED}:
        names += ["media_type", "disk_type"]
    if row.format == formats.COMPLETE:
        names.append("copy_number")
    return all(
        not given.get(name) or not getattr(disc, name) or _same(given[name], getattr(disc, name)) for name in names
    )


def _same(one: Any, other: Any) -> bool:
    return one.casefold() == other.casefold() if isinstance(one, str) else bool(one == other)


def _distance(row: Wanted, disc: Disc) -> tuple[bool, bool, bool, bool, int, int]:
    given = row.cleaned
    return (
        given.get("release_year") != disc.release_year,
        given.get("copy_number", disc.copy_number) != disc.copy_number,
        # A row without a barcode leaves the disc with one to the row that has it.
        bool(given.get("barcode")) != bool(disc.barcode),
        bool(given.get("edition")) != bool(disc.edition),
        disc.copy_number,
        disc.id,
    )


def changes(row: Wanted, disc: Disc) -> dict[str, Any]:
    """Return the fields the row would write, as values of the columns; nothing where it says the same."""
    if row.format == formats.COMPLETE:
        found = dict(row.cleaned)
    else:
        found = {name: value for name, value in row.cleaned.items() if not _is_empty(value)}
        for name in ONLY_FILLED & found.keys():
            if not _is_empty(getattr(disc, name)) or name in disc.edited_fields:
                del found[name]
        if "tags" in found:
            found["tags"] = _joined(disc.tags, found["tags"])
    if found.get("status", disc.status) != "unboxed":
        found.pop("location", None)
    return {name: value for name, value in found.items() if getattr(disc, name) != value}


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [])


def _joined(present: Sequence[str], more: Sequence[str]) -> list[str]:
    known = {tag.casefold() for tag in present}
    return [*present, *(tag for tag in more if tag.casefold() not in known)]
