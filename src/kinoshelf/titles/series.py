"""From what TMDB sends to the facts of a series, and into its row and those of its seasons and episodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.titles.facts import MOST_CAST, OtherName, choose_image, store_names, unique
from kinoshelf.titles.identity import LONGEST_NAME, TURN, Source, attach, ensure_series, get_title, make_title
from kinoshelf.titles.models import Title
from kinoshelf.titles.naming import folded, sort_name
from kinoshelf.upstreams.tmdb import TMDBTV, TMDBEpisode, TMDBSeason


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series as TMDB knows it. What it does not know is None or empty."""

    tmdb_id: int
    name: str
    imdb_id: str | None = None
    tvdb_id: int | None = None
    original_name: str | None = None
    year: int | None = None
    released_on: str | None = None
    overview: str | None = None
    tagline: str | None = None
    runtime_minutes: int | None = None
    genres: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    certificate: str | None = None
    original_language: str | None = None
    score: float | None = None
    vote_count: int | None = None
    popularity: float | None = None
    status: str | None = None
    poster_path: str | None = None
    backdrop_path: str | None = None
    other_names: tuple[OtherName, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    """Cast, networks, last airing and how many episodes each season has."""


def series_facts(details: TMDBTV, region: str = "GB", language: str = "en-US") -> SeriesFacts:
    """Pick the facts of a series: the certificate of `region`, the poster in `language`. Pure."""
    images, external = details.images, details.external_ids
    ratings = details.content_ratings.results if details.content_ratings else []
    alternative = details.alternative_titles.results if details.alternative_titles else []
    original = [OtherName(details.original_name[:LONGEST_NAME])] if details.original_name else []
    imdb_id = external.imdb_id if external else None
    return SeriesFacts(
        tmdb_id=details.id,
        name=details.name.strip()[:LONGEST_NAME] or details.original_name.strip()[:LONGEST_NAME] or f"#{details.id}",
        imdb_id=imdb_id if imdb_id and imdb_id.startswith("tt") and imdb_id[2:].isdigit() else None,
        tvdb_id=external.tvdb_id if external else None,
        original_name=details.original_name[:LONGEST_NAME] or None,
        year=details.year,
        released_on=details.first_air_date,
        overview=details.overview or None,
        tagline=details.tagline[:500] or None,
        runtime_minutes=details.episode_run_time[0] if details.episode_run_time else None,
        genres=unique(genre.name for genre in details.genres),
        creators=unique(person.name for person in details.created_by),
        companies=unique(company.name for company in details.production_companies),
        certificate=next((one.rating[:10] for one in ratings if one.iso_3166_1 == region and one.rating), None),
        original_language=details.original_language[:10] or None,
        score=round(details.vote_average, 2) if details.vote_count else None,
        vote_count=details.vote_count,
        popularity=details.popularity,
        status=details.status[:40] or None,
        poster_path=choose_image(images.posters if images else (), language) or details.poster_path,
        backdrop_path=choose_image(images.backdrops if images else (), None) or details.backdrop_path,
        other_names=(
            *original,
            *(
                OtherName(row.title[:LONGEST_NAME], row.iso_3166_1[:10] or None)
                for row in alternative
                if row.title.strip()
            ),
        ),
        more={
            "cast": [
                {"name": person.name, "character": person.character, "profile_path": person.profile_path}
                for person in (details.credits.cast if details.credits else [])[:MOST_CAST]
            ],
            "networks": list(unique(network.name for network in details.networks)),
            "last_air_date": details.last_air_date,
            "seasons": [
                {"season_number": season.season_number, "name": season.name, "episode_count": season.episode_count}
                for season in details.seasons
            ],
        },
    )


def store_series(session: Session, facts: SeriesFacts, now: datetime) -> int:
    """Write the facts into the title of the series, made where there is none; return its id."""
    wait_turn(session, TURN)
    title_id = ensure_series(
        session,
        now=now,
        tmdb_id=facts.tmdb_id,
        tvdb_id=facts.tvdb_id,
        imdb_id=facts.imdb_id,
        name=facts.name,
        year=facts.year,
    )
    title = session.get_one(Title, title_id)
    title.name, title.original_name = facts.name, facts.original_name
    title.sort_name, title.search_name = sort_name(facts.name), folded(facts.name)
    title.year, title.released_on = facts.year, facts.released_on
    title.overview, title.tagline, title.runtime_minutes = facts.overview, facts.tagline, facts.runtime_minutes
    title.genres, title.directors, title.companies = list(facts.genres), list(facts.creators), list(facts.companies)
    title.certificate, title.original_language, title.status = facts.certificate, facts.original_language, facts.status
    title.score, title.vote_count, title.popularity = facts.score, facts.vote_count, facts.popularity
    title.poster_path, title.backdrop_path = facts.poster_path, facts.backdrop_path
    title.facts = dict(facts.more)
    title.facts_fetched_at = title.updated_at = now
    session.flush()
    store_names(session, title_id, facts.name, facts.other_names)
    return title_id


def store_season(session: Session, series_id: int, season: TMDBSeason, now: datetime) -> int:
    """Write a season of the title `series_id` and its episodes; return the season's id.

    Episodes TMDB no longer lists stay: something may hang on them. Raises TitleNotFound.
    """
    wait_turn(session, TURN)
    series = get_title(session, series_id)
    known = {
        (part.season_number, part.episode_number): part
        for part in session.scalars(
            select(Title).where(Title.parent_id == series.id, Title.season_number == season.season_number)
        )
    }
    name = season.name or f"Season {season.season_number}"
    row = _part(session, known.get((season.season_number, None)), "season", name, now)
    row.parent_id, row.season_number = series.id, season.season_number
    row.overview, row.poster_path = season.overview or None, season.poster_path
    _aired(row, season.air_date, now)
    session.flush()
    attach(session, row.id, Source.TMDB_SEASON, season.id, now=now)
    for episode in season.episodes:
        _store_episode(
            session,
            series.id,
            known.get((season.season_number, episode.episode_number)),
            season.season_number,
            episode,
            now,
        )
    return row.id


def _store_episode(
    session: Session, series_id: int, known: Title | None, season_number: int, episode: TMDBEpisode, now: datetime
) -> None:
    row = _part(session, known, "episode", episode.name or f"Episode {episode.episode_number}", now)
    row.parent_id, row.season_number, row.episode_number = series_id, season_number, episode.episode_number
    row.overview, row.runtime_minutes = episode.overview or None, episode.runtime
    row.backdrop_path = episode.still_path
    row.score = round(episode.vote_average, 2) if episode.vote_count else None
    row.vote_count = episode.vote_count
    row.facts = {"episode_type": episode.episode_type}
    _aired(row, episode.air_date, now)
    session.flush()
    attach(session, row.id, Source.TMDB_EPISODE, episode.id, now=now)


def _part(session: Session, known: Title | None, kind: str, name: str, now: datetime) -> Title:
    name = name.strip()[:LONGEST_NAME]
    if known is None:
        return session.get_one(Title, make_title(session, kind=kind, name=name, year=None, now=now))
    known.name, known.sort_name, known.search_name = name, sort_name(name), folded(name)
    return known


def _aired(row: Title, air_date: str | None, now: datetime) -> None:
    row.released_on = air_date
    row.year = int(air_date[:4]) if air_date else None
    row.facts_fetched_at = row.updated_at = now
