"""What a search looks through, and the words it looks for: folded, so that case, accents and apostrophes do not matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kinoshelf.titles.naming import words_of

MOST_WORDS = 20

SEARCHED = (
    "name",
    "edition",
    "genres",
    "box_set_name",
    "storage_box",
    "director",
    "production_companies",
    "location",
    "barcode",
    "imdb_id",
    "release_year",
    "duplicate_notes",
    "notes",
    "tagline",
    "overview",
)
"""Fields a search looks through, besides the tags."""

_JOINED = re.compile(r"(?<=\w)[-.\u00b7](?=\w)")


def search_text(values: Mapping[str, Any], tags: Iterable[str] = ()) -> str:
    """Return what `Disc.search_text` holds. Names with hyphens can be found written as one word, too."""
    parts = [str(values[name]) for name in SEARCHED if values.get(name)]
    parts += tags
    name = str(values.get("name") or "")
    joined = _JOINED.sub("", name)
    if joined != name:
        parts.append(joined)
    return " ".join(words_of(" / ".join(parts)))


def search_words(search: str) -> list[str]:
    """Return the words that must all occur."""
    return list(dict.fromkeys(words_of(search)))[:MOST_WORDS]
