"""What may be asked, as /api/docs shows it and as it is checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from kinoshelf.downloads.adding import MAX_PRIORITY, NewDownload, TitleFacts
from kinoshelf.downloads.control import Edit

MOST_LINKS = 10_000
# Numbers beyond this lose digits in JavaScript.
MOST = 2**53 - 1


def without_nul(text: str) -> str:
    # PostgreSQL stores no such character, and no name or link has one.
    if "\x00" in text:
        raise ValueError("has a NUL character in it")
    return text


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


# Forms send empty texts for what was left out. It stands outermost: limits are for what is there.
Optional = BeforeValidator(_none_if_empty)
Plain = Annotated[str, AfterValidator(without_nul)]
Text20 = Annotated[Annotated[Plain, Field(max_length=20)] | None, Optional]
Text64 = Annotated[Annotated[Plain, Field(max_length=64)] | None, Optional]
Text100 = Annotated[Annotated[Plain, Field(max_length=100)] | None, Optional]
Text200 = Annotated[Annotated[Plain, Field(max_length=200)] | None, Optional]
Text500 = Annotated[Annotated[Plain, Field(max_length=500)] | None, Optional]
Text1000 = Annotated[Annotated[Plain, Field(max_length=1000)] | None, Optional]
# Here the empty text means something.
Given200 = Annotated[Plain, Field(max_length=200)] | None
Given1000 = Annotated[Plain, Field(max_length=1000)] | None
Id = Annotated[Plain, Field(min_length=1, max_length=200)]
TMDBId = Annotated[Annotated[int, Field(ge=0, le=MOST)] | None, Optional]
Year = Annotated[Annotated[int, Field(ge=0, le=9999)] | None, Optional]
Number = Annotated[Annotated[int, Field(ge=0, le=100_000)] | None, Optional]
MediaType = Annotated[Literal["movie", "tv"] | None, BeforeValidator(_lower), Optional]


class TitleRequest(BaseModel):
    """The film or episode a link belongs to. It decides category, folder and name."""

    tmdb_id: TMDBId = None
    media_type: MediaType = None
    title: Text500 = None
    year: Year = Field(None, description="A number, or a text that is one.")
    collection_name: Text500 = None
    season: Number = None
    episode: Number = None

    def facts(self) -> TitleFacts:
        return TitleFacts(
            self.tmdb_id,
            self.media_type,
            self.title,
            self.year or None,
            self.collection_name,
            self.season,
            self.episode,
        )


class _Wishes(BaseModel):
    category: Text100 = Field(None, description="movies and tv come from `tmdb`; else this, else other.")
    folder: Text1000 = Field(None, description="Below the download directory, as in Series/Season 1.")
    priority: int = Field(0, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Higher goes first.")


class DownloadCreate(_Wishes):
    url: Plain = Field(
        description="http or https link.",
        examples=["https://example.org/film.mkv"],
        json_schema_extra={"format": "uri"},
    )
    filename: Text1000 = Field(None, description="Made safe for every file system.")
    checksum: Text200 = Field(None, description="md5, sha1, sha256 or sha512: sha256:… or bare hex digits.")
    speed_limit: int = Field(0, ge=0, le=MOST, description="Bytes per second; 0 = none of its own.")
    segments: int | None = Field(None, ge=1, le=32, description="Most connections for this file.")
    tmdb: TitleRequest | None = None
    quality: Text100 = None
    resolution: Text20 = None

    def wanted(self) -> NewDownload:
        return NewDownload(
            url=self.url,
            filename=self.filename,
            folder=self.folder,
            category=self.category,
            priority=self.priority,
            checksum=self.checksum,
            speed_limit_bytes_per_second=self.speed_limit,
            max_segments=self.segments,
            facts=self.tmdb.facts() if self.tmdb else TitleFacts(),
            quality=self.quality,
            resolution=self.resolution,
        )


class _IntoBatch(BaseModel):
    batch_id: Text64 = Field(None, description="Letters, digits, - and _; made where it is new.")
    batch_name: Text500 = Field(None, description="A batch of this name is joined where there is one.")


class SingleCreate(DownloadCreate, _IntoBatch):
    pass


class BulkCreate(_Wishes, _IntoBatch):
    """Links as plain texts, as objects, or both. What stands outside `items` holds for `urls` and where an item is silent."""

    urls: list[str] = Field([], max_length=MOST_LINKS)
    items: list[DownloadCreate] = Field([], max_length=MOST_LINKS)

    def wanted(self) -> list[NewDownload]:
        plain = [
            NewDownload(url=url, folder=self.folder, category=self.category, priority=self.priority)
            for url in self.urls
        ]
        return plain + [self._with_wishes(item).wanted() for item in self.items]

    def _with_wishes(self, item: DownloadCreate) -> DownloadCreate:
        inherited = {name: getattr(self, name) for name in _Wishes.model_fields if name not in item.model_fields_set}
        return item.model_copy(update=inherited)


class DownloadUpdate(BaseModel):
    """What is left out or null stays as it is."""

    priority: int | None = Field(None, ge=-MAX_PRIORITY, le=MAX_PRIORITY)
    speed_limit: int | None = Field(None, ge=0, le=MOST, description="Bytes per second; 0 = none of its own.")
    filename: Given1000 = None
    folder: Given1000 = Field(None, description="Empty = the download directory itself.")
    checksum: Given200 = Field(None, description="Empty = none.")
    segments: int | None = Field(None, ge=1, le=32)

    def edit(self) -> Edit:
        return Edit(
            priority=self.priority,
            speed_limit_bytes_per_second=self.speed_limit,
            filename=self.filename,
            folder=self.folder,
            checksum=self.checksum,
            max_segments=self.segments,
        )


class ActionRequest(BaseModel):
    action: Literal["pause", "resume", "retry", "cancel", "delete"]
    ids: list[Id] = Field(max_length=MOST_LINKS)
    delete_files: bool = Field(False, description="With delete: the finished files too.")


class ReorderRequest(BaseModel):
    """Either `ids`, which then come first in that order, or one `id` and its new neighbour; without one it goes last."""

    ids: list[Id] | None = Field(None, min_length=1, max_length=MOST_LINKS)
    id: Id | None = None
    before: Id | None = None
    after: Id | None = None
