"""/ajax: what a form completes while somebody types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator
from sqlalchemy.orm import Session
from starlette.responses import Response

from kinoshelf.api.discs.answers import LocationRead, NextLocation, SearchHits, Suggestions, answered
from kinoshelf.api.discs.parts import UPSTREAM, CatalogueDep, DatabaseDep, StoreDep, Words
from kinoshelf.api.discs.requests import MOST, none_if_empty
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.discs import locations, queries
from kinoshelf.images.sizes import tmdb_address
from kinoshelf.titles.identity import Source, find_by_id
from kinoshelf.titles.models import Title

router = SurfaceRouter(tags=["discs"])

MOST_HITS = 10
OVERVIEW_CHARACTERS = 200
POSTER_SIZE = "w500"

OwnId = Annotated[int | None, Query(ge=1, le=MOST), BeforeValidator(none_if_empty)]
Year = Annotated[int | None, Query(ge=1870, le=2100), BeforeValidator(none_if_empty)]


@router.get("/ajax/search-tmdb/", response_model=SearchHits, responses=UPSTREAM)
async def search_tmdb(
    catalogue: CatalogueDep, database: DatabaseDep, store: StoreDep, q: Words = "", year: Year = None
) -> Response:
    """Search films by title at TMDB; the ten best."""
    if not q.strip():
        return answered([], results=[])
    found = await catalogue.search_movies(q.strip(), year=year)
    base = store.current.tmdb.image_base_url
    directors = await database.reading(
        lambda session: known_directors(session, [hit.id for hit in found.results[:MOST_HITS]])
    )
    hits = [
        {
            "id": hit.id,
            "title": hit.title,
            "release_date": hit.release_date or "",
            "poster_url": tmdb_address(base, POSTER_SIZE, hit.poster_path) if hit.poster_path else None,
            "overview": _cut(hit.overview),
            "original_language": hit.original_language,
            "director": directors.get(hit.id, ""),
        }
        for hit in found.results[:MOST_HITS]
    ]
    return answered(hits, results=hits)


@router.get("/ajax/box-set-autocomplete/", response_model=Suggestions)
@router.get("/api/box-set-autocomplete/", include_in_schema=False)
async def suggest_box_sets(database: DatabaseDep, q: Words = "") -> Response:
    """Complete the name of a box set, from two characters on."""
    found = await database.reading(lambda session: queries.suggest_box_sets(session, q))
    return answered(found, suggestions=found)


@router.get("/ajax/storage-box-autocomplete/", response_model=Suggestions)
@router.get("/api/storage-box-autocomplete/", include_in_schema=False)
async def suggest_storage_boxes(database: DatabaseDep, q: Words = "") -> Response:
    """Complete the name of a storage box among those of kept discs."""
    found = await database.reading(lambda session: queries.suggest_storage_boxes(session, q))
    return answered(found, suggestions=found)


@router.get("/ajax/check-location/", response_model=LocationRead)
@router.get("/api/check-location/", include_in_schema=False)
async def check_location(database: DatabaseDep, location: Words = "", dvd_id: OwnId = None) -> Response:
    """Tell whether an unboxed disc can have this location; `dvd_id` is the disc that asks."""
    is_free, message = await database.reading(
        lambda session: locations.check_location(session, location, disc_id=dvd_id)
    )
    return answered({"available": is_free}, message, available=is_free)


@router.get("/ajax/next-location/", response_model=NextLocation)
async def next_location(database: DatabaseDep) -> Response:
    """Return the lowest free number for an unboxed disc."""
    found = await database.reading(locations.next_free_location)
    return answered(found, location=found)


def known_directors(session: Session, tmdb_ids: Sequence[int]) -> dict[int, str]:
    """Return the directors of films the hub knows already: TMDB's search does not name them."""
    found: dict[int, str] = {}
    for tmdb_id in tmdb_ids:
        title_id = find_by_id(session, Source.TMDB_MOVIE, tmdb_id)
        title = session.get(Title, title_id) if title_id is not None else None
        if title is not None:
            found[tmdb_id] = ", ".join(title.directors)
    return found


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= OVERVIEW_CHARACTERS else f"{text[:OVERVIEW_CHARACTERS].rstrip()}\u2026"
