"""Changing and removing discs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kinoshelf.discs.adding import MOST_SORT_CHARACTERS
from kinoshelf.discs.barcodes import learn
from kinoshelf.discs.copies import copy_key, next_copy_number
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.events import DiscChanged, DiscRemoved, tell
from kinoshelf.discs.fields import FACT_FIELDS, FIELDS, PERSON_FIELDS, clean, label
from kinoshelf.discs.links import title_of
from kinoshelf.discs.locations import settled_location
from kinoshelf.discs.models import Disc
from kinoshelf.discs.tags import write_tags
from kinoshelf.discs.words import SEARCHED, search_text
from kinoshelf.images.models import Artwork
from kinoshelf.images.sizes import UPLOAD
from kinoshelf.titles.naming import sort_name

CHUNK = 500
IDENTITY = frozenset({"name", "release_year", "tmdb_id", "imdb_id"})
"""What decides which title a disc is of."""
BARCODE_FACTS = frozenset({"barcode", "name", "release_year", "tmdb_id", "disk_type", "edition"})


def edit(session: Session, disc_id: int, values: Mapping[str, Any], now: datetime, *, by_person: bool = True) -> Disc:
    """Write the given fields and return the row; fields that are not given stay.

    What a person changes among the facts is locked against refreshes; what is not by a person leaves locked fields
    alone. Raises DiscNotFound, DiscInvalid, and DiscConflict for a location that is taken.
    """
    disc = session.get(Disc, disc_id, with_for_update=True)
    if disc is None:
        raise DiscNotFound(disc_id)
    cleaned = clean(values, is_partial=True)
    if not by_person:
        cleaned = {name: value for name, value in cleaned.items() if name not in disc.edited_fields}
    write(session, disc, cleaned, now, locks=by_person)
    return disc


def write(session: Session, disc: Disc, cleaned: dict[str, Any], now: datetime, *, locks: bool) -> frozenset[str]:
    """Write values that are checked and everything that follows from them; return the fields that changed."""
    location = settled_location(
        session,
        status=cleaned.get("status", disc.status),
        given=cleaned.get("location"),
        present=disc.location,
        disc_id=disc.id,
    )
    new = {**cleaned, "location": location}
    changed = frozenset(name for name, value in new.items() if getattr(disc, name) != value)
    if not changed:
        return changed
    for name in changed:
        setattr(disc, name, new[name])
    if locks and changed & PERSON_FIELDS:
        disc.edited_fields = sorted({*disc.edited_fields, *(changed & PERSON_FIELDS)})
    if changed & {"name", "original_language"}:
        disc.sort_name = sort_name(disc.name, disc.original_language)[:MOST_SORT_CHARACTERS]
    if changed & IDENTITY:
        disc.title_id = title_of(
            session,
            name=disc.name,
            year=disc.release_year,
            tmdb_id=disc.tmdb_id,
            imdb_id=disc.imdb_id,
            now=now,
        )
    if "imdb_id" in changed:
        # What was found belongs to another film.
        disc.yts_data, disc.yts_last_updated, disc.yts_error, disc.has_cached_torrents = None, None, "", False
    key = copy_key(disc.name, disc.release_year, disc.tmdb_id)
    if key != disc.copy_key:
        disc.copy_key = key
        if "copy_number" not in cleaned:
            disc.copy_number = next_copy_number(session, key, besides=disc.id)
    if changed & {*SEARCHED, "tags"}:
        disc.search_text = search_text({name: getattr(disc, name) for name in SEARCHED}, disc.tags)
    if "tags" in changed:
        write_tags(session, disc.id, disc.tags)
    disc.updated_at = now
    session.flush()
    if changed & BARCODE_FACTS:
        learn(session, disc, now)
    tell(session, DiscChanged, (disc.id,))
    return changed


def edit_many(
    session: Session, ids: Collection[int], values: Mapping[str, Any], now: datetime
) -> list[tuple[int, str]]:
    """Write the same fields of many discs, as a person; return those that could not be changed, with the reason.

    Unboxed discs without a place get the next free numbers, in the order of `ids`.
    """
    refused: list[tuple[int, str]] = []
    # What is wrong for one is wrong for all.
    clean(values, is_partial=True)
    for disc_id in dict.fromkeys(ids):
        try:
            edit(session, disc_id, values, now)
        except (DiscInvalid, DiscNotFound) as problem:
            refused.append((disc_id, problem.message))
    return refused


def unlock(session: Session, disc_id: int, fields: Iterable[str], now: datetime) -> Disc:
    """Let refreshes write these fields again. Raises DiscNotFound, and DiscInvalid for what is no field."""
    wanted = set(fields)
    unknown = sorted(wanted - FIELDS.keys())
    if unknown:
        raise DiscInvalid([(name, f"{name} is no field of a disc") for name in unknown])
    disc = session.get(Disc, disc_id, with_for_update=True)
    if disc is None:
        raise DiscNotFound(disc_id)
    kept = [name for name in disc.edited_fields if name not in wanted]
    if kept != disc.edited_fields:
        disc.edited_fields, disc.updated_at = kept, now
        session.flush()
        tell(session, DiscChanged, (disc.id,))
    return disc


def lock(session: Session, disc_id: int, fields: Iterable[str], now: datetime) -> Disc:
    """Keep refreshes away from these facts, without changing them. Raises DiscNotFound, DiscInvalid."""
    wanted = set(fields)
    unknown = sorted(wanted - PERSON_FIELDS)
    if unknown:
        raise DiscInvalid([(name, f"no refresh ever writes {label(name)}") for name in unknown])
    disc = session.get(Disc, disc_id, with_for_update=True)
    if disc is None:
        raise DiscNotFound(disc_id)
    locked = sorted({*disc.edited_fields, *wanted})
    if locked != disc.edited_fields:
        disc.edited_fields, disc.updated_at = locked, now
        session.flush()
        tell(session, DiscChanged, (disc.id,))
    return disc


def fix_match(session: Session, disc_id: int, facts: Mapping[str, Any], now: datetime, *, tmdb_id: int) -> Disc:
    """Make the disc one of another film: every fact of the wrong one goes, known to TMDB or not.

    What a person wrote and a picture they handed in stay, as does all that is about the copy. The torrents of the wrong
    film are forgotten.
    Raises DiscNotFound, DiscInvalid.
    """
    disc = session.get(Disc, disc_id, with_for_update=True)
    if disc is None:
        raise DiscNotFound(disc_id)
    empty = {
        name: list(FIELDS[name].empty) if name == "tags" else FIELDS[name].empty for name in FACT_FIELDS - {"name"}
    }
    cleaned = {**empty, **clean({name: facts[name] for name in FACT_FIELDS & facts.keys()}, is_partial=True)}
    # A number and a picture are of one film, whoever chose them; words a person wrote are that person's.
    of_the_film = {"imdb_id"} if _is_handed_in(session, disc.poster_id) else {"imdb_id", "poster_id"}
    disc.edited_fields = [name for name in disc.edited_fields if name not in of_the_film]
    cleaned = {name: value for name, value in cleaned.items() if name not in disc.edited_fields}
    cleaned["tmdb_id"] = tmdb_id
    disc.facts_refreshed_at = now
    write(session, disc, cleaned, now, locks=False)
    session.flush()
    tell(session, DiscChanged, (disc.id,))
    return disc


def _is_handed_in(session: Session, poster_id: int | None) -> bool:
    artwork = None if poster_id is None else session.get(Artwork, poster_id)
    return artwork is not None and artwork.source_key.startswith(UPLOAD)


def remove(session: Session, ids: Collection[int]) -> list[str]:
    """Remove discs with their loans and tags; return the names of those that were there, in the order of `ids`."""
    wanted = list(dict.fromkeys(ids))
    names: dict[int, str] = {}
    for begin in range(0, len(wanted), CHUNK):
        part = wanted[begin : begin + CHUNK]
        rows = session.execute(select(Disc.id, Disc.name).where(Disc.id.in_(part)).with_for_update())
        names.update({row.id: row.name for row in rows})
        session.execute(delete(Disc).where(Disc.id.in_(part)))
    tell(session, DiscRemoved, [one for one in wanted if one in names])
    return [names[one] for one in wanted if one in names]
