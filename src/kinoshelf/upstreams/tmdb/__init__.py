"""TMDB: facts and pictures of films and series, and the numbers other systems give them.

It knows HTTP and TMDB's schemas only; what is kept for how long is decided in `titles/catalogue.py`. Start with
`client.py`.
"""

from kinoshelf.upstreams.tmdb.client import LAST_PAGE, ExternalSource, TMDBClient, Window
from kinoshelf.upstreams.tmdb.fake import FakeTMDB
from kinoshelf.upstreams.tmdb.schemas import (
    TMDBTV,
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
)

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
