"""TMDB: facts and pictures of films and series, and the numbers other systems give them.

It knows HTTP and TMDB's schemas only; what is kept for how long is decided in `titles/catalogue.py`. Start with
`client.py`.
"""

from typing import TYPE_CHECKING, Any

from kinoshelf.upstreams.tmdb.schemas import (
    LAST_PAGE,
    TMDBTV,
    ExternalSource,
    TMDBEpisode,
    TMDBFound,
    TMDBImage,
    TMDBImages,
    TMDBMixedPage,
    TMDBMovie,
    TMDBMovieHit,
    TMDBPage,
    TMDBSeason,
    TMDBTVHit,
    Window,
)

if TYPE_CHECKING:
    from kinoshelf.upstreams.tmdb.client import TMDBClient
    from kinoshelf.upstreams.tmdb.fake import FakeTMDB

__all__ = [
    "LAST_PAGE",
    "TMDBTV",
    "ExternalSource",
    "FakeTMDB",
    "TMDBClient",
    "TMDBEpisode",
    "TMDBFound",
    "TMDBImage",
    "TMDBImages",
    "TMDBMixedPage",
    "TMDBMovie",
    "TMDBMovieHit",
    "TMDBPage",
    "TMDBSeason",
    "TMDBTVHit",
    "Window",
]


def __getattr__(name: str) -> Any:
    # The HTTP library takes longer to load than most commands to run; it is loaded by whoever asks TMDB.
    if name == "TMDBClient":
        from kinoshelf.upstreams.tmdb.client import TMDBClient

        return TMDBClient
    if name == "FakeTMDB":
        from kinoshelf.upstreams.tmdb.fake import FakeTMDB

        return FakeTMDB
    raise AttributeError(name)
