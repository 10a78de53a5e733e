"""What is answered, as /api/docs shows it. Answers are written straight from rows (`tasks.py`): a test holds both together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue, WithJsonSchema

from kinoshelf.downloads.states import State

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Failure(BaseModel):
    timestamp: Instant
    error_message: str
    error_category: str
    retry_attempt: int


class LinkTimes(BaseModel):
    resolved_at: Instant | None
    expires_at: Instant | None


class Task(BaseModel):
    """One download. Sizes in bytes, speeds in bytes per second, times in UTC."""

    id: str
    url: str = Field(description="The link as it is fetched; a password in it is not shown.")
    original_url: str = Field(description="The link as it was given; a password in it is not shown.")
    filename: str
    destination: str = Field(description="Full path of the file, or where it will be.")
    folder: str
    state: State
    progress: float = Field(ge=0, le=100)
    size: int | None
    total_bytes: int | None
    downloaded: int
    downloaded_bytes: int
    speed: int
    average_speed: int | None = Field(description="Of the finished download.")
    eta: int | None = Field(description="Seconds.")
    host: str
    category: str
    priority: int
    position: int = Field(description="Lower goes first among equal priorities.")
    segments: int = Field(description="Most connections it may use.")
    connections: int = Field(description="Connections in use now.")
    speed_limit: int
    checksum: str | None
    verified: bool
    retry_count: int
    created_at: Instant
    started_at: Instant | None
    completed_at: Instant | None
    updated_at: Instant
    wait_until: Instant | None = Field(description="The moment of the next try.")
    error_message: str | None
    error_category: str | None
    error_history: list[Failure] = Field(description="Oldest first; filled where one download is asked for.")
    url_metadata: LinkTimes
    fshare_code: str | None
    batch_id: str | None
    batch_name: str | None
    media_type: str | None
    tmdb_id: int | None
    tmdb_title: str | None
    tmdb_year: int | None
    tmdb_season: int | None
    tmdb_episode: int | None
    quality: str | None
    resolution: str | None
    arr_series_id: int | None
    arr_movie_id: int | None
    arr_announced: bool
    arr_announce_error: str | None


class StatusCounts(BaseModel):
    all: int
    downloading: int
    queued: int
    paused: int
    completed: int
    failed: int
    cancelled: int


class EngineStats(BaseModel):
    active_downloads: int
    queued: int = Field(description="Those that wait for their next try included.")
    waiting: int = Field(description="Those that wait for their next try.")
    paused: int
    completed: int
    failed: int
    cancelled: int
    total_speed: int
    db_counts: StatusCounts


class Page(BaseModel):
    total: int
    page: int
    pages: int
    total_pages: int
    limit: int
    status_counts: StatusCounts
    stats: EngineStats


class TaskPage(Page):
    tasks: list[Task]
    downloads: list[Task] = Field(description="The same as `tasks`.")


class TaskDone(Task):
    success: Literal[True]


class Done(BaseModel):
    success: Literal[True]


class Affected(Done):
    affected: int


class Deleted(Done):
    id: str
    files_deleted: int
    files_kept: list[str] = Field(description="Files that could not be deleted, and why.")


class BatchAffected(Affected):
    files_deleted: int
    files_kept: list[str] = Field(description="Files that could not be deleted, and why.")


class ActionDone(BatchAffected):
    ids: list[str]
    refused: dict[str, State] = Field(description="Whose state does not allow it, by id.")
    missing: list[str]


class BulkOutcome(BaseModel):
    url: str
    status: Literal["added", "duplicate", "invalid"]
    id: str | None = Field(description="Of the new download, or of the one that has this link already.")
    error: str | None


class BulkDone(BaseModel):
    tasks: list[Task]
    results: list[BulkOutcome] = Field(description="One a link, in their order.")
    added: int
    duplicates: int
    invalid: int


class BatchSummaryRead(BaseModel):
    batch_id: str
    batch_name: str
    state: State
    total_items: int
    completed_items: int
    failed_items: int
    downloading_items: int
    paused_items: int
    queued_items: int
    total_size: int
    downloaded_size: int
    progress: float = Field(ge=0, le=100)
    speed: int
    created_at: Instant


class BatchPage(Page):
    """Batches, newest first, then the downloads without a batch. `total` counts both."""

    batches: list[BatchSummaryRead]
    standalone: list[Task]
    total_batches: int
    total_standalone: int


class BatchDetail(BatchSummaryRead):
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    downloading_tasks: int
    paused_tasks: int
    queued_tasks: int
    overall_progress: float
    combined_speed: int
    estimated_time_remaining: int | None


class SettingRead(BaseModel):
    value: JsonValue = Field(description="Secrets are never shown: ******** where one is set.")
    default: JsonValue
    source: Literal["default", "file", "environment"]
    variable: str = Field(description="Its name in the environment.")
    secret: bool
    description: str


class SettingsRead(BaseModel):
    """The keys of the seed, groups of settings under their own names, and every setting with its origin."""

    max_concurrent_downloads: int
    download_directory: str
    fshare_configured: bool
    tmdb_configured: bool
    settings: dict[str, SettingRead]


class SettingsSaved(SettingsRead):
    success: Literal[True]


class ErrorRead(BaseModel):
    error: str
    code: str
