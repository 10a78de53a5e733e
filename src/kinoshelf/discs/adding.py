"""Putting a disc on the shelf."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from kinoshelf.discs.barcodes import learn
from kinoshelf.discs.copies import copy_key, next_copy_number
from kinoshelf.discs.events import DiscAdded, tell
from kinoshelf.discs.fields import FACT_FIELDS, clean, is_blank
from kinoshelf.discs.links import title_of
from kinoshelf.discs.locations import settled_location
from kinoshelf.discs.models import Disc
from kinoshelf.discs.tags import write_tags
from kinoshelf.discs.words import search_text
from kinoshelf.titles.naming import sort_name

MOST_SORT_CHARACTERS = 255


def add(
    session: Session,
    values: Mapping[str, Any],
    now: datetime,
    *,
    by_person: bool = True,
    facts: Mapping[str, Any] | None = None,
    created_at: datetime | None = None,
) -> Disc:
    """Add one copy and return its row. `values` are fields as a form, JSON or a file holds them.

    `facts` are what TMDB says of the film: they fill what `values` leaves out, and what a person wrote differently
    is locked against refreshes. `created_at` is when it came into the collection, where that was earlier.
    Raises DiscInvalid; DiscConflict for a location that is taken.
    """
    given = {
        name: value
        for name, value in values.items()
        if not (value is None and name in {"location", "copy_number"})
        # A form sends what was left empty, too.
        and not (facts is not None and name in FACT_FIELDS and is_blank(value))
    }
    known = clean(facts or {}, is_partial=True)
    cleaned = clean({**known, **given}, is_partial=False)
    cleaned["location"] = settled_location(
        session, status=cleaned["status"], given=cleaned["location"] if "location" in given else None
    )
    key = copy_key(cleaned["name"], cleaned["release_year"], cleaned["tmdb_id"])
    if "copy_number" not in given:
        cleaned["copy_number"] = next_copy_number(session, key)
    edited: set[str] = set()
    if by_person and facts is not None:
        edited = {name for name in FACT_FIELDS & given.keys() if cleaned[name] != known.get(name)}
    tags = cleaned.pop("tags")
    title_id = title_of(
        session,
        name=cleaned["name"],
        year=cleaned["release_year"],
        tmdb_id=cleaned["tmdb_id"],
        imdb_id=cleaned["imdb_id"],
        now=now,
    )
    disc = Disc(
        **cleaned,
        title_id=title_id,
        tags=tags,
        sort_name=sort_name(cleaned["name"], cleaned["original_language"])[:MOST_SORT_CHARACTERS],
        search_text=search_text(cleaned, tags),
        copy_key=key,
        edited_fields=sorted(edited),
        facts_refreshed_at=now if facts is not None else None,
        yts_error="",
        has_cached_torrents=False,
        created_at=created_at or now,
        updated_at=now,
    )
    session.add(disc)
    session.flush()
    if tags:
        write_tags(session, disc.id, tags)
    learn(session, disc, now)
    tell(session, DiscAdded, (disc.id,))
    return disc
