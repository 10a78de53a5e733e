"""What TMDB sends. Fields the hub does not use are ignored; null, empty and missing all occur for the same thing."""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")
LAST_PAGE = 500
ExternalSource = Literal["imdb_id", "tvdb_id", "wikidata_id"]
Window = Literal["day", "week"]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _text(value: object) -> object:
    # A NUL has no place in a text, and none in PostgreSQL.
    return "" if value is None else value.replace("\0", "") if isinstance(value, str) else value


def _number(value: object) -> object:
    return 0 if value is None else value


def _rows(value: object) -> object:
    return [] if value is None else value


def _some(value: object) -> object:
    return None if value == "" else value


def _day(value: object) -> object:
    return value[:10] if isinstance(value, str) and DAY.match(value) else None


def _titled(value: object) -> object:
    """Keep films and series: persons and collections are found too."""
    if not isinstance(value, list):
        return value
    return [row for row in value if not isinstance(row, dict) or row.get("media_type") in {"movie", "tv"}]


def _name(value: object) -> object:
    return value.replace("\0", "") if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(_name)]
Text = Annotated[str, BeforeValidator(_text)]
Whole = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number)]
MaybeText = Annotated[str | None, BeforeValidator(_some)]
Day = Annotated[str | None, BeforeValidator(_day)]
"""YYYY-MM-DD."""


class Wire(BaseModel):
    # Most processes read few of them.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class TMDBMovieHit(Wire):
    """A film in a list."""

    media_type: Literal["movie"] = "movie"
    id: int
    title: Name
    original_title: Text = ""
    original_language: Text = ""
    release_date: Day = None
    overview: Text = ""
    poster_path: MaybeText = None
    backdrop_path: MaybeText = None
    genre_ids: Annotated[list[int], BeforeValidator(_rows)] = []
    popularity: Number = 0.0
    vote_average: Number = 0.0
    vote_count: Whole = 0
    adult: bool = False
    video: bool = False

    @property
    def year(self) -> int | None:
        return int(self.release_date[:4]) if self.release_date else None


class TMDBTVHit(Wire):
    """A series in a list."""

    media_type: Literal["tv"] = "tv"
    id: int
    name: Name
    original_name: Text = ""
    original_language: Text = ""
    origin_country: Annotated[list[str], BeforeValidator(_rows)] = []
    first_air_date: Day = None
    overview: Text = ""
    poster_path: MaybeText = None
    backdrop_path: MaybeText = None
    genre_ids: Annotated[list[int], BeforeValidator(_rows)] = []
    popularity: Number = 0.0
    vote_average: Number = 0.0
    vote_count: Whole = 0
    adult: bool = False

    @property
    def year(self) -> int | None:
        return int(self.first_air_date[:4]) if self.first_air_date else None


class TMDBPage(Wire, Generic[T]):
    page: int = 1
    results: list[T]
    total_pages: int = 1
    total_results: int = 0


TMDBHit = Annotated[TMDBMovieHit | TMDBTVHit, Field(discriminator="media_type")]


class TMDBMixedPage(Wire):
    """Films and series of a list that has persons and collections too; so it may be shorter than it says."""

    page: int = 1
    results: Annotated[list[TMDBHit], BeforeValidator(_titled)]
    total_pages: int = 1
    total_results: int = 0


class TMDBNamed(Wire):
    """A genre, a company, a network."""

    id: int = 0
    name: Text = ""


class TMDBCollection(Wire):
    id: int
    name: Text = ""
    poster_path: MaybeText = None
    backdrop_path: MaybeText = None


class TMDBCast(Wire):
    id: int
    name: Text = ""
    character: Text = ""
    order: Whole = 0
    profile_path: MaybeText = None


class TMDBCrew(Wire):
    id: int
    name: Text = ""
    job: Text = ""
    department: Text = ""


class TMDBCredits(Wire):
    cast: Annotated[list[TMDBCast], BeforeValidator(_rows)] = []
    crew: Annotated[list[TMDBCrew], BeforeValidator(_rows)] = []


class TMDBRelease(Wire):
    certification: Text = ""
    type: Whole = 0
    release_date: Day = None


class TMDBCountryReleases(Wire):
    iso_3166_1: Text = ""
    release_dates: Annotated[list[TMDBRelease], BeforeValidator(_rows)] = []


class TMDBReleaseDates(Wire):
    results: Annotated[list[TMDBCountryReleases], BeforeValidator(_rows)] = []


class TMDBContentRating(Wire):
    iso_3166_1: Text = ""
    rating: Text = ""


class TMDBContentRatings(Wire):
    results: Annotated[list[TMDBContentRating], BeforeValidator(_rows)] = []


class TMDBExternalIds(Wire):
    imdb_id: MaybeText = None
    tvdb_id: int | None = None
    wikidata_id: MaybeText = None


class TMDBImage(Wire):
    file_path: str
    iso_639_1: MaybeText = None
    width: Whole = 0
    height: Whole = 0
    aspect_ratio: Number = 0.0
    vote_average: Number = 0.0
    vote_count: Whole = 0


class TMDBImages(Wire):
    posters: Annotated[list[TMDBImage], BeforeValidator(_rows)] = []
    backdrops: Annotated[list[TMDBImage], BeforeValidator(_rows)] = []
    logos: Annotated[list[TMDBImage], BeforeValidator(_rows)] = []
    stills: Annotated[list[TMDBImage], BeforeValidator(_rows)] = []


class TMDBAlternativeTitle(Wire):
    iso_3166_1: Text = ""
    title: Text = ""
    type: Text = ""


class TMDBAlternativeTitles(Wire):
    """Films have them under `titles`, series under `results`."""

    titles: Annotated[list[TMDBAlternativeTitle], BeforeValidator(_rows)] = []
    results: Annotated[list[TMDBAlternativeTitle], BeforeValidator(_rows)] = []


class TMDBMovie(Wire):
    """A film with what was appended; what was not is None."""

    id: int
    title: Name
    original_title: Text = ""
    original_language: Text = ""
    release_date: Day = None
    overview: Text = ""
    tagline: Text = ""
    runtime: Whole = 0
    status: Text = ""
    imdb_id: MaybeText = None
    homepage: Text = ""
    poster_path: MaybeText = None
    backdrop_path: MaybeText = None
    genres: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    production_companies: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    origin_country: Annotated[list[str], BeforeValidator(_rows)] = []
    belongs_to_collection: TMDBCollection | None = None
    budget: Whole = 0
    revenue: Whole = 0
    popularity: Number = 0.0
    vote_average: Number = 0.0
    vote_count: Whole = 0
    adult: bool = False

    credits: TMDBCredits | None = None
    release_dates: TMDBReleaseDates | None = None
    external_ids: TMDBExternalIds | None = None
    images: TMDBImages | None = None
    alternative_titles: TMDBAlternativeTitles | None = None

    @property
    def year(self) -> int | None:
        return int(self.release_date[:4]) if self.release_date else None


class TMDBEpisode(Wire):
    id: int
    show_id: int | None = None
    season_number: int
    episode_number: int
    name: Text = ""
    overview: Text = ""
    air_date: Day = None
    runtime: int | None = None
    still_path: MaybeText = None
    episode_type: Text = ""
    production_code: Text = ""
    vote_average: Number = 0.0
    vote_count: Whole = 0

    external_ids: TMDBExternalIds | None = None
    images: TMDBImages | None = None


class TMDBSeasonSummary(Wire):
    id: int
    show_id: int | None = None
    season_number: int
    """0 are the specials."""
    name: Text = ""
    overview: Text = ""
    air_date: Day = None
    episode_count: Whole = 0
    poster_path: MaybeText = None
    vote_average: Number = 0.0


class TMDBSeason(Wire):
    id: int
    season_number: int
    name: Text = ""
    overview: Text = ""
    air_date: Day = None
    poster_path: MaybeText = None
    episodes: Annotated[list[TMDBEpisode], BeforeValidator(_rows)] = []

    external_ids: TMDBExternalIds | None = None
    images: TMDBImages | None = None


class TMDBTV(Wire):
    """A series with what was appended; what was not is None."""

    id: int
    name: Name
    original_name: Text = ""
    original_language: Text = ""
    first_air_date: Day = None
    last_air_date: Day = None
    overview: Text = ""
    tagline: Text = ""
    status: Text = ""
    type: Text = ""
    in_production: bool = False
    number_of_seasons: Whole = 0
    number_of_episodes: Whole = 0
    episode_run_time: Annotated[list[int], BeforeValidator(_rows)] = []
    poster_path: MaybeText = None
    backdrop_path: MaybeText = None
    genres: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    networks: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    production_companies: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    created_by: Annotated[list[TMDBNamed], BeforeValidator(_rows)] = []
    origin_country: Annotated[list[str], BeforeValidator(_rows)] = []
    seasons: Annotated[list[TMDBSeasonSummary], BeforeValidator(_rows)] = []
    last_episode_to_air: TMDBEpisode | None = None
    next_episode_to_air: TMDBEpisode | None = None
    popularity: Number = 0.0
    vote_average: Number = 0.0
    vote_count: Whole = 0

    credits: TMDBCredits | None = None
    content_ratings: TMDBContentRatings | None = None
    external_ids: TMDBExternalIds | None = None
    images: TMDBImages | None = None
    alternative_titles: TMDBAlternativeTitles | None = None

    @property
    def year(self) -> int | None:
        return int(self.first_air_date[:4]) if self.first_air_date else None


class TMDBFound(Wire):
    """What another system's number leads to; most of the lists are empty."""

    movie_results: list[TMDBMovieHit] = []
    tv_results: list[TMDBTVHit] = []
    tv_season_results: list[TMDBSeasonSummary] = []
    tv_episode_results: list[TMDBEpisode] = []


class TMDBImageSizes(Wire):
    secure_base_url: Text = ""
    poster_sizes: list[str] = []
    backdrop_sizes: list[str] = []
    still_sizes: list[str] = []
    logo_sizes: list[str] = []
    profile_sizes: list[str] = []


class TMDBConfiguration(Wire):
    images: TMDBImageSizes


class TMDBProblem(Wire):
    """The body of a refusal."""

    status_code: int = 0
    status_message: Any = ""
