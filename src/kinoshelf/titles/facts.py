"""From what TMDB sends to the facts of a title, and into its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.titles.identity import LONGEST_NAME, TURN, Source, ensure_film, find_by_id, value_of
from kinoshelf.titles.merging import MergeRefused, merge
from kinoshelf.titles.models import Title, TitleName
from kinoshelf.titles.naming import folded, sort_name
from kinoshelf.upstreams.tmdb import TMDBImage, TMDBMovie

log = structlog.get_logger()

MOST_CAST = 20
MOST_NAMES = 60
# TMDB's kinds of release, those a certificate is best taken from first: cinema, limited, disc, digital, television.
RELEASE_KINDS = (3, 2, 5, 4, 6, 1)


@dataclass(frozen=True, slots=True)
class OtherName:
    name: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class MovieFacts:
    """A film as TMDB knows it. What it does not know is None or empty; money in US dollars, times in minutes."""

    tmdb_id: int
    name: str
    imdb_id: str | None = None
    original_name: str | None = None
    year: int | None = None
    released_on: str | None = None
    overview: str | None = None
    tagline: str | None = None
    runtime_minutes: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    certificate: str | None = None
    original_language: str | None = None
    score: float | None = None
    """0 to 10; None while nobody has voted."""
    vote_count: int | None = None
    popularity: float | None = None
    budget: int | None = None
    revenue: int | None = None
    status: str | None = None
    poster_path: str | None = None
    backdrop_path: str | None = None
    other_names: tuple[OtherName, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    """Cast and collection."""


def movie_facts(details: TMDBMovie, region: str = "GB", language: str = "en-US") -> MovieFacts:
    """Pick the facts of a film: the certificate of `region`, the poster in `language`. Pure."""
    images = details.images
    external = details.external_ids
    crew = details.credits.crew if details.credits else []
    cast = details.credits.cast if details.credits else []
    collection = details.belongs_to_collection
    return MovieFacts(
        tmdb_id=details.id,
        name=details.title.strip()[:LONGEST_NAME] or details.original_title.strip()[:LONGEST_NAME] or f"#{details.id}",
        imdb_id=details.imdb_id or (external.imdb_id if external else None),
        original_name=details.original_title[:LONGEST_NAME] or None,
        year=details.year,
        released_on=details.release_date,
        overview=details.overview or None,
        tagline=details.tagline[:500] or None,
        runtime_minutes=details.runtime or None,
        genres=unique(genre.name for genre in details.genres),
        directors=unique(person.name for person in crew if person.job == "Director"),
        companies=unique(company.name for company in details.production_companies),
        certificate=_certificate(details, region),
        original_language=details.original_language[:10] or None,
        score=round(details.vote_average, 2) if details.vote_count else None,
        vote_count=details.vote_count,
        popularity=details.popularity,
        budget=details.budget or None,
        revenue=details.revenue or None,
        status=details.status[:40] or None,
        poster_path=choose_image(images.posters if images else (), language) or details.poster_path,
        backdrop_path=choose_image(images.backdrops if images else (), None) or details.backdrop_path,
        other_names=_other_names(details),
        more={
            "cast": [
                {"name": person.name, "character": person.character, "profile_path": person.profile_path}
                for person in sorted(cast, key=lambda person: person.order)[:MOST_CAST]
            ],
            "collection": {"tmdb_id": collection.id, "name": collection.name} if collection else None,
        },
    )


def choose_image(images: Iterable[TMDBImage], language: str | None) -> str | None:
    """Return the path of the best picture: in `language`, else English, else without words, each by votes.

    Without a language those without words come first.
    """
    order = [None, "en"] if language is None else list(dict.fromkeys((language[:2], "en", None)))

    def place(image: TMDBImage) -> tuple[int, float, int]:
        at = order.index(image.iso_639_1) if image.iso_639_1 in order else len(order)
        return at, -image.vote_average, -image.vote_count

    best = min(images, key=place, default=None)
    return best.file_path if best else None


def store_movie(session: Session, facts: MovieFacts, now: datetime) -> int:
    """Write the facts into the title of the film, made where there is none; return its id.

    A second title that is known by the film's number of IMDb only turns out to be the same, and is joined.
    """
    wait_turn(session, TURN)
    imdb_id = _usable(facts.imdb_id)
    title_id = ensure_film(session, now=now, tmdb_id=facts.tmdb_id, imdb_id=imdb_id, name=facts.name, year=facts.year)
    if imdb_id is not None:
        _join_known_by(session, title_id, imdb_id, now)
    title = session.get_one(Title, title_id)
    title.name, title.original_name = facts.name, facts.original_name
    title.sort_name, title.search_name = sort_name(facts.name), folded(facts.name)
    title.year, title.released_on = facts.year, facts.released_on
    title.overview, title.tagline = facts.overview, facts.tagline
    title.runtime_minutes = facts.runtime_minutes
    title.genres, title.directors, title.companies = list(facts.genres), list(facts.directors), list(facts.companies)
    title.certificate = facts.certificate
    title.original_language = facts.original_language
    title.score, title.vote_count, title.popularity = facts.score, facts.vote_count, facts.popularity
    title.budget, title.revenue, title.status = facts.budget, facts.revenue, facts.status
    title.poster_path, title.backdrop_path = facts.poster_path, facts.backdrop_path
    title.facts = dict(facts.more)
    title.facts_fetched_at = title.updated_at = now
    session.flush()
    store_names(session, title_id, facts.name, facts.other_names)
    return title_id


def _join_known_by(session: Session, title_id: int, imdb_id: str, now: datetime) -> None:
    other = find_by_id(session, Source.IMDB, imdb_id)
    if other is None or other == title_id or value_of(session, other, Source.TMDB_MOVIE) is not None:
        return
    try:
        merge(session, title_id, other, now=now)
    except MergeRefused as refusal:
        log.info("titles.not_joined", title_id=title_id, other_id=other, reason=refusal.message)


def store_names(session: Session, title_id: int, name: str, others: Sequence[OtherName]) -> None:
    """Replace the further names of a title; what is written alike is kept once."""
    session.execute(delete(TitleName).where(TitleName.title_id == title_id))
    seen = {folded(name)}
    rows: list[dict[str, Any]] = []
    for other in others:
        search_name = folded(other.name)
        if search_name and search_name not in seen and len(search_name) <= LONGEST_NAME:
            seen.add(search_name)
            rows.append(
                {"title_id": title_id, "name": other.name, "search_name": search_name, "country": other.country}
            )
    if rows:
        session.execute(insert(TitleName), rows[:MOST_NAMES])


def _certificate(details: TMDBMovie, region: str) -> str | None:
    releases = [
        release
        for country in (details.release_dates.results if details.release_dates else [])
        if country.iso_3166_1 == region
        for release in country.release_dates
        if release.certification.strip()
    ]

    def place(kind: int) -> int:
        return RELEASE_KINDS.index(kind) if kind in RELEASE_KINDS else len(RELEASE_KINDS)

    best = min(releases, key=lambda release: place(release.type), default=None)
    return best.certification.strip()[:10] if best else None


def _other_names(details: TMDBMovie) -> tuple[OtherName, ...]:
    rows = details.alternative_titles.titles if details.alternative_titles else []
    original = [OtherName(details.original_title[:LONGEST_NAME])] if details.original_title else []
    others = [
        OtherName(row.title.strip()[:LONGEST_NAME], row.iso_3166_1[:10] or None) for row in rows if row.title.strip()
    ]
    return (*original, *others)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _usable(imdb_id: str | None) -> str | None:
    """People write into TMDB whatever they like; what is no number of IMDb is no reason to fail."""
    return imdb_id if imdb_id and imdb_id.startswith("tt") and imdb_id[2:].isdigit() else None
