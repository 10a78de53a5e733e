"""The fields of a disc as options; what they may hold is decided where discs are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from cyclopts import Parameter

Text = str | None
Flag = bool | None


@Parameter(name="*")
@dataclass(frozen=True)
class DiscOptions:
    """What is not given stays as it is; an empty text empties the field."""

    name: Annotated[Text, Parameter(help="The title of the film.")] = None
    status: Annotated[Text, Parameter(help="kept, disposed or unboxed.")] = None
    media_type: Annotated[Text, Parameter(help="physical, download or rip.")] = None
    disk_type: Annotated[Text, Parameter(help="DVD, BluRay, BluRay3D, UHD, HDDVD, VHS, LaserDisc or VCD.")] = None
    tmdb_id: Annotated[Text, Parameter(help="Number of the film at TMDB; its facts are looked up.")] = None
    imdb_id: Annotated[Text, Parameter(help="Id at IMDb, as in tt0133093.")] = None
    release_year: Annotated[Text, Parameter(help="Year of the film.")] = None
    overview: Annotated[Text, Parameter(help="The plot.")] = None
    genres: Annotated[Text, Parameter(help="Genres, with commas between them.")] = None
    runtime: Annotated[Text, Parameter(help="Running time in minutes.")] = None
    rating: Annotated[Text, Parameter(help="Rating from 0 to 10.")] = None
    tmdb_user_score: Annotated[Text, Parameter(help="Score at TMDB from 0 to 10.")] = None
    is_tartan_dvd: Annotated[Flag, Parameter(help="It is a Tartan release.")] = None
    is_box_set: Annotated[Flag, Parameter(help="It belongs to a box set.")] = None
    box_set_name: Annotated[Text, Parameter(help="Name of the box set.")] = None
    is_unopened: Annotated[Flag, Parameter(help="It is still sealed.")] = None
    is_unwatched: Annotated[Flag, Parameter(help="Nobody has watched it yet.")] = None
    is_downloaded: Annotated[Flag, Parameter(help="It is there as a file, too.")] = None
    storage_box: Annotated[Text, Parameter(help="Where it is kept.")] = None
    location: Annotated[Text, Parameter(help="Number of its place, for unboxed discs.")] = None
    copy_number: Annotated[Text, Parameter(help="Which copy of the film this is.")] = None
    duplicate_notes: Annotated[Text, Parameter(help="What is particular about this copy.")] = None
    uk_certification: Annotated[Text, Parameter(help="Certificate: u, pg, 12, 12a, 15, 18, r18.")] = None
    original_language: Annotated[Text, Parameter(help="Language of the film, as in en.")] = None
    tagline: Annotated[Text, Parameter(help="The tagline.")] = None
    director: Annotated[Text, Parameter(help="Directors, with commas between them.")] = None
    production_companies: Annotated[Text, Parameter(help="Companies, with commas between them.")] = None
    budget: Annotated[Text, Parameter(help="Budget in US dollars.")] = None
    revenue: Annotated[Text, Parameter(help="Revenue in US dollars.")] = None
    barcode: Annotated[Text, Parameter(help="EAN or UPC of the box.")] = None
    edition: Annotated[Text, Parameter(help="Which edition.")] = None
    region: Annotated[Text, Parameter(help="Region code.")] = None
    condition: Annotated[Text, Parameter(help="sealed, mint, good, fair or poor.")] = None
    purchased_on: Annotated[Text, Parameter(help="Day of purchase, as in 2026-11-21.")] = None
    purchase_place: Annotated[Text, Parameter(help="Where it was bought.")] = None
    purchase_price: Annotated[Text, Parameter(help="What it cost.")] = None
    purchase_currency: Annotated[Text, Parameter(help="Currency of the price, as in EUR.")] = None
    notes: Annotated[Text, Parameter(help="Notes.")] = None
    tags: Annotated[Text, Parameter(help="Tags, with commas between them.")] = None

    @property
    def given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
