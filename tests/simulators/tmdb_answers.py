"""What the TMDB of the tests answers to each path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

from kinoshelf.titles.naming import words_of
from tests.simulators.tmdb_films import Film, Series

PAGE_SIZE = 20
LAST_PAGE = 500
MOST_APPENDED = 20
GENRES = {
    name: number
    for number, name in (
        (28, "Action"), (12, "Adventure"), (16, "Animation"), (35, "Comedy"), (80, "Crime"), (99, "Documentary"),
        (18, "Drama"), (10751, "Family"), (14, "Fantasy"), (36, "History"), (27, "Horror"), (9648, "Mystery"),
        (10749, "Romance"), (878, "Science Fiction"), (53, "Thriller"), (10752, "War"),
    )
}  # fmt: skip
POSTER_LANGUAGES = (("en", 5.3), ("de", 5.5), (None, 5.9), ("fr", 5.1))
CERTIFICATES = {"U": "G", "PG": "PG", "12": "PG-13", "12A": "PG-13", "15": "R", "18": "R"}
Values = dict[str, str]
Json = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"success": False, "status_code": code, "status_message": message}


def not_found() -> Refused:
    return Refused(404, 34, "The resource you requested could not be found.")


class Catalog:
    """Films, series, and the paths they are found under."""

    def __init__(self, films: list[Film], series: list[Series]) -> None:
        self.films, self.series = films, series
        self._routes: list[tuple[re.Pattern[str], Callable[..., Json]]] = [
            (re.compile(pattern), answer)
            for pattern, answer in (
                (r"/configuration", self._configuration),
                (r"/search/(movie|tv|multi)", self._search),
                (r"/trending/(movie|tv|all)/(?:day|week)", self._ranked),
                (r"/(movie|tv)/popular", self._ranked),
                (r"/find/([^/]+)", self._find),
                (r"/(movie|tv)/(\d+)(?:/(\w+))?", self._title),
                (r"/tv/(\d+)/season/(\d+)(?:/(external_ids|images))?", self._season),
                (r"/tv/(\d+)/season/(\d+)/episode/(\d+)(?:/(external_ids|images))?", self._episode),
            )
        ]

    def answer(self, path: str, query: Values) -> Json:
        """Raises Refused."""
        for pattern, answer in self._routes:
            found = pattern.fullmatch(path)
            if found is not None:
                return answer(query, *(None if part is None else unquote(part) for part in found.groups()))
        raise not_found()

    def has_picture(self, path: str) -> bool:
        found = re.fullmatch(r"/(poster|backdrop|logo|still|season)-(m|t)(\d+)(?:-\w+)*\.jpg", path)
        if found is None:
            return False
        if found[2] == "m":
            return any(film.id == int(found[3]) and film.has_poster for film in self.films)
        return any(one.id == int(found[3]) for one in self.series)

    # Lists --------------------------------------------------------------------------------------

    def _configuration(self, _query: Values) -> Json:
        posters = ["w92", "w154", "w185", "w342", "w500", "w780", "original"]
        return {
            "images": {
                "base_url": "http://image.tmdb.org/t/p/",
                "secure_base_url": "https://image.tmdb.org/t/p/",
                "poster_sizes": posters,
                "backdrop_sizes": ["w300", "w780", "w1280", "original"],
            },
            "change_keys": ["adult"],
        }

    def _search(self, query: Values, kind: str) -> Json:
        if not query.get("query", "").strip():
            raise Refused(422, 5, "Invalid parameters: Your request parameters are incorrect.")
        year = query.get("year") or query.get("primary_release_year") or query.get("first_air_date_year")
        language = query.get("language", "en-US")
        wanted = _words(query["query"])
        rows: list[tuple[tuple[int, float], Json]] = []
        if kind in {"movie", "multi"}:
            for film in self.films:
                names = [film.title, film.original or "", film.german or "", *(name for _, name in film.others)]
                if (place := _place(wanted, names)) and (not year or film.year == int(year)):
                    rows.append(((place, -film.popularity), film_hit(film, language, with_kind=kind == "multi")))
        if kind in {"tv", "multi"}:
            for one in self.series:
                names = [one.name, one.original or "", one.german or ""]
                if (place := _place(wanted, names)) and (not year or one.year == int(year)):
                    rows.append(((place, -one.score), series_hit(one, language, with_kind=kind == "multi")))
        found = [row for _, row in sorted(rows, key=lambda entry: entry[0])]
        if kind == "multi" and found:
            # Persons and collections are among them, with fewer fields.
            found.insert(1, {"id": 77777, "media_type": "person", "name": query["query"], "known_for": []})
            found.append({"id": 88888, "media_type": "collection", "title": query["query"], "poster_path": None})
        return paged(found, query)

    def _ranked(self, query: Values, kind: str) -> Json:
        language = query.get("language", "en-US")
        with_kind = kind == "all"
        rows: list[Json] = []
        if kind in {"movie", "all"}:
            rows += [
                film_hit(film, language, with_kind=with_kind)
                for film in sorted(self.films, key=lambda film: -film.popularity)
            ]
        if kind in {"tv", "all"}:
            rows += [series_hit(one, language, with_kind=with_kind) for one in self.series]
        return paged(sorted(rows, key=lambda row: -row["popularity"]), query)

    def _find(self, query: Values, value: str) -> Json:
        source = query.get("external_source")
        if source not in {"imdb_id", "tvdb_id", "wikidata_id"}:
            raise Refused(400, 5, "Invalid parameters: Your request parameters are incorrect.")
        language = query.get("language", "en-US")
        films = [film for film in self.films if source == "imdb_id" and film.imdb_id == value]
        series = [
            one
            for one in self.series
            if (source == "imdb_id" and one.imdb_id == value) or (source == "tvdb_id" and str(one.tvdb_id) == value)
        ]
        episodes = []
        if (found := re.fullmatch(r"tt8(\d+)0(\d)0(\d\d)", value)) and source == "imdb_id":
            episodes = [episode(one, int(found[2]), int(found[3])) for one in self.series if one.id == int(found[1])]
        return {
            "movie_results": [film_hit(film, language, with_kind=True) for film in films],
            "person_results": [],
            "tv_results": [series_hit(one, language, with_kind=True) for one in series],
            "tv_episode_results": episodes,
            "tv_season_results": [],
        }

    # One title ----------------------------------------------------------------------------------

    def _title(self, query: Values, kind: str, number: str, part: str | None) -> Json:
        one = self._film(int(number)) if kind == "movie" else self._series(int(number))
        parts = film_part if isinstance(one, Film) else series_part
        if part is not None:
            found = parts(one, part, query)
            if found is None:
                raise not_found()
            return {"id": one.id, **found}
        language = query.get("language", "en-US")
        answer = film_details(one, language) if isinstance(one, Film) else series_details(one, language)
        appended = [name for name in query.get("append_to_response", "").split(",") if name]
        if len(appended) > MOST_APPENDED:
            raise Refused(400, 27, "Too many append to response objects: The maximum number of remote calls is 20.")
        for name in appended:
            # Names it does not know are left out without a word.
            if (found := parts(one, name, query)) is not None:
                answer[name] = found
        return answer

    def _film(self, number: int) -> Film:
        for film in self.films:
            if film.id == number:
                return film
        raise not_found()

    def _series(self, number: int) -> Series:
        for one in self.series:
            if one.id == number:
                return one
        raise not_found()

    def _season(self, query: Values, number: str, season: str, part: str | None) -> Json:
        one, at = self._series(int(number)), int(season)
        count = count_of(one, at)
        if part is not None or count == 0:
            if count and part == "external_ids":
                return {"id": one.id * 100 + at, "tvdb_id": one.tvdb_id * 10 + at, "wikidata_id": None}
            if count and part == "images":
                return {"id": one.id, "posters": pictures("season", f"t{one.id}-s{at}", (("en", 5.2),), query)}
            raise not_found()
        summary = season_row(one, at)
        return {
            "_id": f"{one.id:024x}",
            **{key: value for key, value in summary.items() if key != "episode_count"},
            "episodes": [episode(one, at, number) for number in range(1, count + 1)],
        }

    def _episode(self, query: Values, number: str, season: str, place: str, part: str | None) -> Json:
        one = self._series(int(number))
        if not 1 <= int(place) <= count_of(one, int(season)):
            raise not_found()
        if part == "external_ids":
            return {"id": 1, "imdb_id": f"tt8{one.id}0{season}0{int(place):02}", "tvdb_id": None}
        if part == "images":
            return {"id": 1, "stills": pictures("still", f"t{one.id}-s{season}-e{place}", ((None, 5.0),), query)}
        return episode(one, int(season), int(place))


# Rows ---------------------------------------------------------------------------------------------


def _words(name: str) -> list[str]:
    return words_of(name) or [name.casefold()][: len(name)]


def _place(wanted: Sequence[str], names: Sequence[str]) -> int:
    """Return 1 for the same name, 2 for its beginning, 3 for words in it, 0 for another."""
    best = 0
    for name in names:
        words = _words(name)
        if not words:
            continue
        if words == list(wanted):
            found = 1
        elif words[: len(wanted)] == list(wanted):
            found = 2
        elif all(any(word.startswith(part) for word in words) for part in wanted):
            found = 3
        else:
            continue
        best = min(best or found, found)
    return best


def paged(rows: Sequence[Json], query: Values) -> Json:
    page = query.get("page", "1")
    if not page.isdigit() or not 1 <= int(page) <= LAST_PAGE:
        raise Refused(400, 22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer.")
    at = int(page)
    return {
        "page": at,
        "results": list(rows[(at - 1) * PAGE_SIZE : at * PAGE_SIZE]),
        "total_pages": max(1, -(-len(rows) // PAGE_SIZE)),
        "total_results": len(rows),
    }


def _is_german(language: str) -> bool:
    return language.startswith("de")


def _title_in(one: Film, language: str) -> str:
    return one.german if _is_german(language) and one.german else one.title


def _overview(name: str, language: str, german: str | None) -> str:
    """A translation nobody wrote is an empty text."""
    if language.startswith("en"):
        return f"What happens in {name}, told in a few sentences. Nobody knows how it ends until it does."
    if _is_german(language) and german:
        return f"Was in {german} geschieht, in wenigen Sätzen."
    return ""


def film_hit(film: Film, language: str, *, with_kind: bool) -> Json:
    row: Json = {
        "adult": False,
        "backdrop_path": f"/backdrop-m{film.id}-1.jpg" if film.has_poster else None,
        "genre_ids": [GENRES[name] for name in film.genres.split(", ") if name],
        "id": film.id,
        "original_language": film.language,
        "original_title": film.original or film.title,
        "overview": _overview(film.title, language, film.german),
        "popularity": film.popularity,
        "poster_path": f"/poster-m{film.id}-{'de' if _is_german(language) else 'en'}.jpg" if film.has_poster else None,
        "release_date": film.date or "",
        "title": _title_in(film, language),
        "video": False,
        "vote_average": film.score,
        "vote_count": film.votes,
    }
    if film.date is None and film.id % 2:
        # Sometimes the key is not there at all.
        del row["release_date"]
    return {**row, "media_type": "movie"} if with_kind else row


def film_details(film: Film, language: str) -> Json:
    row = film_hit(film, language, with_kind=False)
    del row["genre_ids"]
    collection = None
    if film.collection:
        number, name = film.collection
        collection = {"id": number, "name": name, "poster_path": None, "backdrop_path": None}
    return {
        **row,
        "belongs_to_collection": collection,
        "budget": film.budget,
        "genres": [{"id": GENRES[name], "name": name} for name in film.genres.split(", ") if name],
        "homepage": "",
        "imdb_id": film.imdb_id or (None if film.id % 2 else ""),
        "origin_country": ["US"],
        "production_companies": [
            {"id": number, "logo_path": None, "name": name, "origin_country": "US"}
            for number, name in enumerate(film.companies.split(", "), start=1)
            if name
        ],
        "production_countries": [],
        "revenue": film.revenue,
        "runtime": film.runtime,
        "spoken_languages": [],
        "status": "Released" if film.date else "In Production",
        "tagline": f"The line under {film.title}." if language.startswith("en") and film.votes > 1000 else "",
    }


def pictures(kind: str, stem: str, languages: Sequence[tuple[str | None, float]], query: Values) -> list[Json]:
    """Without `include_image_language` only those in the language asked for remain, or all where none was."""
    allowed = query.get("include_image_language", "")
    language = query.get("language", "")[:2]
    names = [name for name in allowed.split(",") if name] or ([language] if language else [])
    wide = kind in {"backdrop", "still"}
    return [
        {
            "aspect_ratio": 1.778 if wide else 0.667,
            "height": 1080 if wide else 1500,
            "iso_639_1": code,
            "file_path": f"/{kind}-{stem}-{code or 'none'}.jpg",
            "vote_average": score,
            "vote_count": 12,
            "width": 1920 if wide else 1000,
        }
        for code, score in languages
        if not names or (code or "null") in names
    ]


def film_part(film: Film, part: str, query: Values) -> Json | None:
    if part == "credits":
        directors = [name for name in film.directors.split(", ") if name]
        return {
            "cast": [
                {
                    "id": film.id * 10 + at,
                    "name": f"Player {at} of {film.title}",
                    "character": f"Role {at}",
                    "order": at,
                }
                for at in range(3)
            ],
            "crew": [
                {"id": film.id * 100, "name": "Somebody Else", "job": "Producer", "department": "Production"},
                *(
                    {"id": film.id * 100 + at, "name": name, "job": "Director", "department": "Directing"}
                    for at, name in enumerate(directors, start=1)
                ),
            ],
        }
    if part == "release_dates":
        return {
            "results": [
                {
                    "iso_3166_1": country,
                    "release_dates": [
                        {"certification": "", "type": 1, "release_date": f"{film.date}T00:00:00.000Z", "note": ""},
                        {"certification": name, "type": 3, "release_date": f"{film.date}T00:00:00.000Z", "note": ""},
                    ],
                }
                for country, name in (("GB", film.certificate), ("US", CERTIFICATES.get(film.certificate, "NR")))
                if film.certificate and film.date
            ]
        }
    if part == "external_ids":
        return {"imdb_id": film.imdb_id, "wikidata_id": f"Q{film.id}", "facebook_id": None, "twitter_id": None}
    if part == "images":
        if not film.has_poster:
            return {"posters": [], "backdrops": [], "logos": []}
        stem = f"m{film.id}"
        return {
            "posters": pictures("poster", stem, POSTER_LANGUAGES, query),
            "backdrops": pictures("backdrop", stem, ((None, 5.6), ("en", 5.1)), query),
            "logos": pictures("logo", stem, (("en", 5.0),), query),
        }
    if part == "alternative_titles":
        german = [("DE", film.german)] if film.german else []
        rows = [*german, *film.others]
        return {"titles": [{"iso_3166_1": country, "title": name, "type": ""} for country, name in rows]}
    return None


def series_hit(one: Series, language: str, *, with_kind: bool) -> Json:
    row: Json = {
        "adult": False,
        "backdrop_path": f"/backdrop-t{one.id}-1.jpg",
        "genre_ids": [18],
        "id": one.id,
        "origin_country": ["US"],
        "original_language": one.language,
        "original_name": one.original or one.name,
        "overview": _overview(one.name, language, one.german),
        "popularity": round(one.votes / 250 + one.score, 3),
        "poster_path": f"/poster-t{one.id}-en.jpg",
        "first_air_date": one.date,
        "name": one.german if _is_german(language) and one.german else one.name,
        "vote_average": one.score,
        "vote_count": one.votes,
    }
    return {**row, "media_type": "tv"} if with_kind else row


def count_of(one: Series, season: int) -> int:
    if season == 0:
        return one.specials
    return one.episodes[season - 1] if season <= len(one.episodes) else 0


def season_row(one: Series, number: int) -> Json:
    first = date.fromisoformat(one.date) + timedelta(days=365 * max(0, number - 1))
    return {
        "air_date": first.isoformat() if number else None,
        "episode_count": count_of(one, number),
        "id": one.id * 100 + number,
        "name": f"Season {number}" if number else "Specials",
        "overview": "",
        "poster_path": f"/season-t{one.id}-s{number}-en.jpg" if number else None,
        "season_number": number,
        "vote_average": one.score if number else 0,
    }


def episode(one: Series, season: int, number: int) -> Json:
    first = date.fromisoformat(one.date) + timedelta(days=365 * max(0, season - 1) + 7 * (number - 1))
    is_last = number == count_of(one, season)
    return {
        "air_date": first.isoformat() if season else None,
        "episode_number": number,
        "episode_type": "finale" if is_last else "standard",
        "id": one.id * 10000 + season * 100 + number,
        "name": f"Chapter {number}",
        "overview": "",
        "production_code": "",
        "runtime": 45 + number if season else None,
        "season_number": season,
        "show_id": one.id,
        "still_path": f"/still-t{one.id}-s{season}-e{number}.jpg" if season else None,
        "vote_average": 8.0,
        "vote_count": 20,
        "crew": [],
        "guest_stars": [],
    }


def series_details(one: Series, language: str) -> Json:
    row = series_hit(one, language, with_kind=False)
    del row["genre_ids"]
    last = len(one.episodes)
    numbers = [0, *range(1, last + 1)] if one.specials else list(range(1, last + 1))
    return {
        **row,
        "created_by": [{"id": one.id, "name": f"Maker of {one.name}"}],
        "episode_run_time": [],
        "genres": [{"id": 18, "name": "Drama"}],
        "homepage": "",
        "in_production": one.status == "Returning Series",
        "languages": [one.language],
        "last_air_date": episode(one, last, one.episodes[-1])["air_date"],
        "last_episode_to_air": episode(one, last, one.episodes[-1]),
        "next_episode_to_air": None,
        "networks": [{"id": 1, "name": one.network, "logo_path": None, "origin_country": "US"}],
        "number_of_episodes": sum(one.episodes),
        "number_of_seasons": last,
        "production_companies": [],
        "seasons": [season_row(one, number) for number in numbers],
        "status": one.status,
        "tagline": "",
        "type": "Scripted",
    }


def series_part(one: Series, part: str, query: Values) -> Json | None:
    if part == "credits":
        return {"cast": [{"id": one.id, "name": f"Player of {one.name}", "character": "Lead", "order": 0}], "crew": []}
    if part == "content_ratings":
        return {"results": [{"iso_3166_1": "GB", "rating": "15"}, {"iso_3166_1": "US", "rating": "TV-MA"}]}
    if part == "external_ids":
        return {"imdb_id": one.imdb_id, "tvdb_id": one.tvdb_id, "wikidata_id": None, "tvrage_id": None}
    if part == "images":
        stem = f"t{one.id}"
        return {
            "posters": pictures("poster", stem, POSTER_LANGUAGES, query),
            "backdrops": pictures("backdrop", stem, ((None, 5.6),), query),
            "logos": [],
        }
    if part == "alternative_titles":
        return {"results": [{"iso_3166_1": "DE", "title": one.german, "type": ""}] if one.german else []}
    return None
