"""Films of TMDB as the pages show them: with pictures of ours, and with the copies that stand on the shelf already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotConfigured, UpstreamError
from kinoshelf.core.web import use
from kinoshelf.discs.copies import copy_key
from kinoshelf.discs.models import Disc, DiscWish
from kinoshelf.images.sizes import address, tmdb_key
from kinoshelf.images.store import ArtworkStore
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.web.disc_words import said
from kinoshelf.web.pages import url

MOST_FILMS = 10
MOST_COPIES = 20

CatalogueDep = Annotated[Catalogue, Depends(use(Catalogue))]
ArtworkDep = Annotated[ArtworkStore, Depends(use(ArtworkStore))]


class OwnedCopy(NamedTuple):
    id: int
    name: str
    year: int | None
    copy_number: int
    disk_type: str
    status: str
    place: str

    @property
    def facts(self) -> str:
        """What tells this copy from others, in words."""
        words = (said("disk_type", self.disk_type), said("status", self.status), self.place)
        return " · ".join(word for word in words if word)


@dataclass(frozen=True)
class FilmHit:
    tmdb_id: int
    name: str
    original_name: str
    year: int | None
    overview: str
    picture: str
    copies: Sequence[OwnedCopy] = ()
    is_wished: bool = False
    href: str = ""


class Films(NamedTuple):
    """What a search brought. `problem` says in words why it brought nothing."""

    hits: Sequence[FilmHit] = ()
    problem: str = ""
    is_asked: bool = False


async def pictures_of(database: Database, artwork: ArtworkStore, paths: Sequence[str], size: str) -> list[str]:
    """Return addresses of ours for pictures of TMDB; empty where there is none. The browser asks nobody else."""

    def want(session: Session) -> list[str]:
        return [url(address(artwork.want(session, tmdb_key(path)), size)) if path else "" for path in paths]

    return await database.writing(want) if any(paths) else [""] * len(paths)


async def search_films(
    database: Database,
    catalogue: Catalogue,
    artwork: ArtworkStore,
    query: str,
    year: int | None,
    *,
    carried: Mapping[str, str] | None = None,
) -> Films:
    """Search films by title; `carried` goes along in the links to their forms."""
    if not query.strip():
        return Films()
    try:
        found = (await catalogue.search_movies(query.strip(), year=year)).results[:MOST_FILMS]
    except (NotConfigured, UpstreamError, InvalidInput) as problem:
        return Films(problem=sentence(problem.message), is_asked=True)
    pictures = await pictures_of(database, artwork, [hit.poster_path or "" for hit in found], "w154")
    numbers = [hit.id for hit in found]
    owned, wished = await database.reading(
        lambda session: (copies_by_film(session, numbers), _wished(session, numbers))
    )
    return Films(
        [
            FilmHit(
                hit.id,
                hit.title,
                hit.original_title if hit.original_title != hit.title else "",
                hit.year,
                hit.overview,
                picture,
                owned.get(hit.id, ()),
                hit.id in wished,
                url(f"/add/tmdb/{hit.id}", **(carried or {})),
            )
            for hit, picture in zip(found, pictures, strict=True)
        ],
        is_asked=True,
    )


def copies_by_film(session: Session, tmdb_ids: Sequence[int]) -> dict[int, list[OwnedCopy]]:
    """Return the discs of these films, by TMDB's number."""
    found: dict[int, list[OwnedCopy]] = {}
    for disc in session.scalars(select(Disc).where(Disc.tmdb_id.in_(tmdb_ids)).order_by(Disc.copy_number, Disc.id)):
        found.setdefault(disc.tmdb_id or 0, []).append(owned_copy(disc))
    return found


def copies_like(session: Session, name: str, year: int | None, tmdb_id: int | None) -> list[OwnedCopy]:
    """Return the discs that a disc of this film would be a copy of."""
    keys = {copy_key(name, year, None)}
    condition: ColumnElement[bool] = Disc.copy_key.in_(keys)
    if tmdb_id is not None:
        condition = or_(condition, Disc.copy_key == copy_key(name, year, tmdb_id))
    query = select(Disc).where(condition).order_by(Disc.copy_number, Disc.id).limit(MOST_COPIES)
    return [owned_copy(disc) for disc in session.scalars(query)]


def owned_copy(disc: Any) -> OwnedCopy:
    place = disc.storage_box or disc.location
    return OwnedCopy(disc.id, disc.name, disc.release_year, disc.copy_number, disc.disk_type, disc.status, place)


def sentence(message: str) -> str:
    """Return what an error says as a sentence of a page."""
    begun = message[:1].upper() + message[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def _wished(session: Session, tmdb_ids: Sequence[int]) -> set[int]:
    query = select(DiscWish.tmdb_id).where(DiscWish.tmdb_id.in_(tmdb_ids))
    return {number for number in session.scalars(query) if number is not None}
