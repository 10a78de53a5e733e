"""What the person wishes about an import: what happens to discs that are there already, and what new ones get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from kinoshelf.core.errors import InvalidInput
from kinoshelf.discs.csv_import.formats import FORMATS, PASTED
from kinoshelf.discs.csv_import.values import DayOrder
from kinoshelf.discs.fields import FIELDS, clean

OnMatch = Literal["update", "skip", "copy"]
NO_DEFAULTS = frozenset({"name", "location", "copy_number", "poster_id", "tmdb_id", "imdb_id", "barcode"})


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`on_match`: bring the disc up to date, leave it alone, or add another copy. `defaults` are for new discs."""

    on_match: OnMatch = "update"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    day_order: DayOrder | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> ImportOptions:
        """Read what a form or JSON holds. Raises InvalidInput, and DiscInvalid for the defaults."""
        on_match = given.get("on_match") or "update"
        if on_match not in get_args(OnMatch):
            raise InvalidInput(f"on_match is one of {', '.join(get_args(OnMatch))}")
        format_ = given.get("format") or None
        if format_ is not None and (format_ not in FORMATS or format_ == PASTED):
            raise InvalidInput(f"format is one of {', '.join(one for one in FORMATS if one != PASTED)}")
        day_order = given.get("day_order") or None
        if day_order is not None and day_order not in get_args(DayOrder):
            raise InvalidInput(f"day_order is one of {', '.join(get_args(DayOrder))}")
        defaults = given.get("defaults") or {}
        if not isinstance(defaults, Mapping):
            raise InvalidInput("defaults are fields of a disc")
        for name in defaults:
            if name in NO_DEFAULTS or name not in FIELDS:
                raise InvalidInput(f"{str(name)[:50]} cannot be the same for every disc")
        clean(defaults, is_partial=True)
        return cls(cast("OnMatch", on_match), dict(defaults), format_, cast("DayOrder | None", day_order))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
