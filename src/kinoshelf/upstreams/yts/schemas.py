"""What YTS sends. Keys are missing where there is nothing: `movies`, `torrents`, and what older entries never had."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# null, a missing key and an empty list all mean that there is nothing.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
Number = Annotated[int, BeforeValidator(lambda value: value or 0)]


def _rows(value: Any) -> Any:
    return [] if value is None else value


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class YTSTorrent(Wire):
    hash: str
    """Forty hexadecimal digits."""
    url: Text = ""
    """Of the .torrent file."""
    quality: Text = ""
    type: Text = ""
    """web, bluray and others."""
    video_codec: Text = ""
    bit_depth: Text = ""
    audio_channels: Text = ""
    is_repack: Text = ""
    seeds: Number = 0
    peers: Number = 0
    size: Text = ""
    size_bytes: Number = 0
    date_uploaded: Text = ""


class YTSMovie(Wire):
    id: int
    imdb_code: Text = ""
    title: Text = ""
    title_long: Text = ""
    year: Number = 0
    rating: float | None = None
    language: Text = ""
    torrents: Annotated[list[YTSTorrent], BeforeValidator(_rows)] = Field(default_factory=list)


class YTSPage(Wire):
    movie_count: Number = 0
    limit: Number = 20
    page_number: Number = 1
    movies: Annotated[list[YTSMovie], BeforeValidator(_rows)] = Field(default_factory=list)


class YTSDetails(Wire):
    movie: YTSMovie | None = None


class YTSAnswer(Wire):
    """The envelope: failures come with status 200, too."""

    status: Text = ""
    status_message: Text = ""
    data: dict[str, Any] | None = None
