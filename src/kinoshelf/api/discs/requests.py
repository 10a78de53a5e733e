"""What may be asked, as /api/docs shows it and as it is checked."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, JsonValue

# Numbers beyond this lose digits in JavaScript.
MOST = 2**53 - 1
MOST_DISCS = 10_000


def without_nul(text: str) -> str:
    # PostgreSQL stores no such character, and no name has one.
    if "\x00" in text:
        raise ValueError("has a NUL character in it")
    return text


def none_if_empty(value: object) -> object:
    # Forms send empty texts for what was left out.
    return None if isinstance(value, str) and not value.strip() else value


Plain = Annotated[str, AfterValidator(without_nul)]
Number = Annotated[int, Field(ge=1, le=MOST)]
Numbers = Annotated[list[Number], Field(min_length=1, max_length=MOST_DISCS)]
Given100 = Annotated[Plain, Field(max_length=100)]
Given200 = Annotated[Plain, Field(max_length=200)]
Given500 = Annotated[Plain, Field(max_length=500)]


class FieldUpdate(BaseModel):
    dvd_id: Number
    field: Given100
    value: JsonValue = Field(description="As JSON or as text: true, “true” and “Yes” are the same.")


class DiscChosen(BaseModel):
    dvd_id: Number


class DiscsChosen(BaseModel):
    ids: Numbers


class DiscsUpdate(DiscsChosen):
    values: dict[str, JsonValue] = Field(min_length=1, max_length=100, description="Fields of a disc.")


class FieldsChosen(BaseModel):
    fields: Annotated[list[Given100], Field(min_length=1, max_length=100)]


class MatchRequest(BaseModel):
    tmdb_id: Annotated[int, Field(ge=1, le=2**31 - 1)]


class PosterChoice(BaseModel):
    file_path: Annotated[str, Field(max_length=200, pattern=r"^/[A-Za-z0-9_.-]+$")] = Field(
        description="As TMDB names it."
    )


class LoanRequest(DiscChosen):
    borrower: Given200
    lent_on: Given100 | None = Field(None, description="Today where it is left out.", examples=["2026-11-21"])
    due_on: Given100 | None = None
    notes: Given500 = ""


class LoanUpdate(BaseModel):
    borrower: Given200 | None = None
    lent_on: Given100 | None = None
    due_on: Given100 | None = Field(None, description="An empty text takes it away.")
    notes: Given500 | None = None


class TagsRequest(DiscsChosen):
    add: Annotated[list[Given100], Field(max_length=50)] = []
    remove: Annotated[list[Given100], Field(max_length=50)] = []


class Renaming(BaseModel):
    name: Given500
    new_name: Given500 = Field(description="Where that is there already, both become one. Empty takes the name away.")


class WishRequest(BaseModel):
    name: Given500 | None = None
    tmdb_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    release_year: int | None = None
    disk_type: Given100 | None = None
    most_price: float | Given100 | None = None
    notes: Annotated[Plain, Field(max_length=20_000)] | None = None


class ViewRequest(BaseModel):
    name: Given200
    query: Annotated[Plain, Field(max_length=8000)] = Field(description="The query string of the page.")


class ViewRenaming(BaseModel):
    name: Given200
