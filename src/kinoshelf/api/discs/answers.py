"""What is answered, as /api/docs shows it. A test holds these and the answers together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from kinoshelf.core.web import JSONBytes

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]


def answered(data: Any = None, message: str = "", *, status_code: int = 200, **keys: Any) -> JSONBytes:
    """Answer in the standard form; `keys` stand beside it under the names the documents give them."""
    return JSONBytes({"success": True, "message": message, "errors": [], "data": data, **keys}, status_code=status_code)


class FieldProblem(BaseModel):
    field: str = Field(description="Empty where the failure belongs to no field.")
    message: str


class Answer(BaseModel):
    success: Literal[True]
    message: str
    errors: list[FieldProblem] = Field(description="Empty.")
    data: Any = Field(description="The same as the keys beside it, under one name.")


class ErrorRead(BaseModel):
    success: Literal[False]
    message: str = Field(description="A sentence a person understands.")
    errors: list[FieldProblem]


class SearchHit(BaseModel):
    id: int = Field(description="Of TMDB.")
    title: str
    release_date: str
    poster_url: str | None
    overview: str = Field(max_length=201, description="Cut after 200 characters.")
    original_language: str
    director: str = Field(description="Empty where it is not known yet: TMDB's search does not tell it.")


class SearchHits(Answer):
    results: list[SearchHit] = Field(max_length=10)
    data: list[SearchHit]


class Suggestions(Answer):
    suggestions: list[str] = Field(max_length=10)
    data: list[str]


class LocationRead(Answer):
    available: bool


class NextLocation(Answer):
    location: str


class IMDbFound(Answer):
    imdb_id: str


class TaskStarted(Answer):
    task_id: str = Field(description="That of the task that runs already, where one does.")


class RefreshCounts(BaseModel):
    updated: int
    failed: int
    skipped: int


class RefreshFailure(BaseModel):
    disc_id: int
    name: str
    reason: str


class RefreshProgress(Answer):
    progress: float = Field(ge=0, le=100)
    status: str
    completed: bool
    results: RefreshCounts
    task_id: str
    kind: Literal["full", "details"]
    cancelled: bool
    total: int
    done: int
    failures: list[RefreshFailure]


class Badge(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"text": "Tartan", "class": "bg-purple text-white"}})

    text: str
    class_: str = Field(alias="class")
