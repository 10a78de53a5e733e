"""One disc as this surface shows it, and what /api/docs says about its fields."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kinoshelf.api.discs.answers import Badge, Day, Instant
from kinoshelf.discs.fields import FIELDS
from kinoshelf.discs.shape import MEDIA_CLASSES, STATUS_CLASSES, as_json

JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "long text": {"type": ["string", "null"]},
    "number": {"type": ["integer", "null"]},
    "decimal": {"type": ["number", "null"]},
    "boolean": {"type": "boolean"},
    "choice": {"type": "string"},
    "date": {"type": ["string", "null"], "format": "date"},
    "words": {"type": "string", "description": "Several with commas between them."},
    "tags": {"type": "array", "items": {"type": "string"}},
}


def disc_read(disc: Any, base_path: str = "") -> dict[str, Any]:
    """Render a row with every field of the seed, what its methods return, and what collectors keep besides."""
    found = as_json(disc, base_path=base_path)
    return {
        **found,
        "absolute_url": found["url"],
        "status_display_class": STATUS_CLASSES[disc.status],
        "media_type_display_class": MEDIA_CLASSES[disc.media_type],
        "special_features_badges": found["badges"],
    }


def values_schema(writable: frozenset[str]) -> dict[str, Any]:
    """Describe the body that writes a disc."""
    properties = {}
    for name, field in FIELDS.items():
        if name in writable:
            described = dict(JSON_TYPES[field.kind])
            if field.most_characters:
                described["maxLength"] = field.most_characters
            if field.choices:
                described["examples"] = list(field.choices)
            properties[name] = {"title": field.label.removeprefix("the "), **described}
    return {"type": "object", "properties": properties, "additionalProperties": False}


class DiscRead(BaseModel):
    """One copy of a film. Money in whole units of the film's facts, prices as on the receipt."""

    model_config = ConfigDict(title="Disc")

    id: int
    name: str
    status: str
    media_type: str
    disk_type: str
    tmdb_id: int | None
    imdb_id: str | None
    poster_id: int | None
    poster: str | None = Field(description="Where the poster is.")
    overview: str | None
    release_year: int | None
    genres: str = Field(description="With commas between them.")
    genres_list: list[str]
    runtime: int | None = Field(description="Minutes.")
    rating: float | None
    tmdb_user_score: float | None
    is_tartan_dvd: bool
    is_box_set: bool
    box_set_name: str
    is_unopened: bool
    is_unwatched: bool
    is_downloaded: bool
    storage_box: str
    location: str
    copy_number: int
    copy_key: str = Field(description="Equal for the copies of one film.")
    duplicate_notes: str
    uk_certification: str
    original_language: str
    tagline: str
    director: str
    production_companies: str
    budget: int | None
    revenue: int | None
    profit: int | None
    barcode: str
    edition: str
    region: str
    condition: str
    purchased_on: Day | None
    purchase_place: str
    purchase_price: float | None
    purchase_currency: str
    notes: str
    tags: list[str]
    title_id: int | None
    edited_fields: list[str] = Field(description="What a person wrote: no refresh changes it.")
    facts_refreshed_at: Instant | None
    yts_data: list[dict[str, Any]] | None = Field(description="Null while nobody has asked.")
    yts_last_updated: Instant | None
    yts_error: str
    has_cached_torrents: bool
    torrent_state: str = Field(description="unknown, failed, none or found.")
    created_at: Instant
    updated_at: Instant
    url: str
    absolute_url: str
    status_display_class: str
    media_type_display_class: str
    badges: list[Badge]
    special_features_badges: list[Badge]
