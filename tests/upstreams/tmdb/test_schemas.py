"""What TMDB really sent is understood. Source and licence of the samples stand beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kinoshelf.upstreams.tmdb import TMDBMixedPage, TMDBMovie, TMDBMovieHit, TMDBPage, TMDBTVHit
from kinoshelf.upstreams.tmdb.schemas import (
    TMDBTV,
    TMDBConfiguration,
    TMDBEpisode,
    TMDBExternalIds,
    TMDBFound,
    TMDBImages,
    TMDBReleaseDates,
    TMDBSeason,
)

SAMPLES = Path(__file__).parent / "samples"


def read(name: str, schema: Any) -> Any:
    return schema.model_validate_json((SAMPLES / f"{name}.json").read_bytes())


class TestSamples:
    @pytest.mark.parametrize(
        ("name", "schema"),
        [
            ("configuration", TMDBConfiguration),
            ("episode", TMDBEpisode),
            ("find_movie", TMDBFound),
            ("find_tv", TMDBFound),
            ("find_tv_episode", TMDBFound),
            ("find_tv_season", TMDBFound),
            ("movie", TMDBMovie),
            ("movie_external_ids", TMDBExternalIds),
            ("movie_images", TMDBImages),
            ("movie_release_dates", TMDBReleaseDates),
            ("popular_movies", TMDBPage[TMDBMovieHit]),
            ("popular_tv", TMDBPage[TMDBTVHit]),
            ("search_movie", TMDBPage[TMDBMovieHit]),
            ("search_multi", TMDBMixedPage),
            ("search_tv", TMDBPage[TMDBTVHit]),
            ("season", TMDBSeason),
            ("trending_all", TMDBMixedPage),
            ("trending_movies", TMDBPage[TMDBMovieHit]),
            ("trending_tv", TMDBPage[TMDBTVHit]),
            ("tv", TMDBTV),
            ("tv_appended", TMDBTV),
        ],
    )
    def test_keep_their_meaning_when_they_are_kept(self, name: str, schema: Any) -> None:
        found = read(name, schema)
        assert schema.model_validate_json(found.model_dump_json()) == found

    def test_a_film_with_its_parts(self) -> None:
        film = read("movie", TMDBMovie)
        assert (film.id, film.title, film.year, film.runtime) == (12313, "Rock Crystal", 2004, 92)
        assert film.credits.crew[0].name == "Joseph Vilsmaier"
        assert film.external_ids.imdb_id == film.imdb_id == "tt0409732"
        assert film.images.posters[0].iso_639_1 == "pt"
        assert film.alternative_titles.titles[0].title == "Мост"

    def test_a_series_with_its_seasons(self) -> None:
        series = read("tv", TMDBTV)
        assert (series.name, series.year, series.number_of_seasons) == ("Game of Thrones", 2011, 8)
        assert [season.season_number for season in series.seasons] == list(range(9))
        assert read("tv_appended", TMDBTV).content_ratings.results[0].rating == "TV-14"

    def test_of_mixed_lists_films_and_series_remain(self) -> None:
        found = read("search_multi", TMDBMixedPage).results
        assert [hit.media_type for hit in found] == ["movie", "tv"]

    def test_an_episode_is_found_by_its_number(self) -> None:
        (episode,) = read("find_tv_episode", TMDBFound).tv_episode_results
        assert (episode.show_id, episode.season_number, episode.episode_number) == (1396, 1, 1)


class TestWhatIsMissing:
    @pytest.mark.parametrize("nothing", [{}, {"release_date": None}, {"release_date": ""}, {"release_date": "0000"}])
    def test_a_date_may_be(self, nothing: dict[str, Any]) -> None:
        assert TMDBMovieHit.model_validate({"id": 1, "title": "Film", **nothing}).year is None

    def test_anything_but_number_and_name_may_be_null(self) -> None:
        for schema in (TMDBMovie, TMDBMovieHit):
            required = {"id": 1, "title": "Film", "media_type": "movie"}
            nulls = {
                name: None
                for name, field in schema.model_fields.items()
                if name not in required and field.annotation is not bool
            }
            assert schema.model_validate({**nulls, **required}).title == "Film"

    def test_a_film_without_number_or_name_is_no_film(self) -> None:
        for row in ({"title": "Film"}, {"id": 1}, {"id": "x", "title": "Film"}):
            with pytest.raises(ValidationError):
                TMDBMovieHit.model_validate(row)

    def test_unknown_fields_are_ignored(self) -> None:
        row = {"id": 1, "title": "Film", "soundtrack": {"id": 2}}
        assert "soundtrack" not in json.loads(TMDBMovieHit.model_validate(row).model_dump_json())
