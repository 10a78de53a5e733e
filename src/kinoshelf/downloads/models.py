"""Tables of the download queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.claims import Claimable
from kinoshelf.core.database import Base

# Positions are sparse, so that a task moves between two others with one UPDATE.
POSITION_STEP = 1024


class Batch(Base):
    """A named group of downloads. It lives as long as it has downloads."""

    __tablename__ = "download_batches"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(500), index=True)
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class Download(Claimable, Base):
    """One link and the file it becomes. Sizes in bytes, speeds in bytes per second, times aware UTC."""

    __tablename__ = "downloads"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), default="link")
    state: Mapped[str] = mapped_column(String(12))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    position: Mapped[int] = mapped_column(BigInteger)

    url: Mapped[str] = mapped_column(Text)
    original_url: Mapped[str] = mapped_column(Text)
    link_key: Mapped[str] = mapped_column(String(64))
    """Equal for links to the same file; see `links.link_key`."""
    host: Mapped[str] = mapped_column(String(260))

    filename: Mapped[str] = mapped_column(String(255))
    is_filename_given: Mapped[bool] = mapped_column(Boolean, default=False)
    folder: Mapped[str] = mapped_column(Text, default="")
    """Below the download directory; empty = the directory itself."""
    destination: Mapped[str | None] = mapped_column(Text)
    """Full path of the finished file; of the file to be, while it arrives."""
    part_path: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(100), default="other")

    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    downloaded_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    speed_limit_bytes_per_second: Mapped[int] = mapped_column(BigInteger, default=0)
    max_segments: Mapped[int | None] = mapped_column(Integer)
    average_speed_bytes_per_second: Mapped[int | None] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(String(150))
    """Expected, as algorithm:hex; from the user or from the server's digest header."""
    is_verified: Mapped[bool] = mapped_column(Boolean, default=False)
    etag: Mapped[str | None] = mapped_column(String(300))

    retry_count: Mapped[int] = mapped_column(Integer, default=0)
    retries_by_cause: Mapped[str] = mapped_column(Text, default="{}")
    wait_until: Mapped[datetime | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    error_category: Mapped[str | None] = mapped_column(String(40))

    batch_id: Mapped[str | None] = mapped_column(ForeignKey("download_batches.id"))
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    media_type: Mapped[str | None] = mapped_column(String(10))
    tmdb_title: Mapped[str | None] = mapped_column(String(500))
    tmdb_year: Mapped[int | None] = mapped_column(Integer)
    tmdb_collection: Mapped[str | None] = mapped_column(String(500))
    tmdb_season: Mapped[int | None] = mapped_column(Integer)
    tmdb_episode: Mapped[int | None] = mapped_column(Integer)
    quality: Mapped[str | None] = mapped_column(String(100))
    resolution: Mapped[str | None] = mapped_column(String(20))
    source_code: Mapped[str | None] = mapped_column(String(100))
    """The file's own code at a source that has such codes."""

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        # The order of the queue: what a worker claims next.
        Index("ix_downloads_queue", "state", priority.desc(), "position"),
        Index("ix_downloads_link_key", "link_key"),
        # The list as people see it first, deep pages included, without touching the rows.
        Index("ix_downloads_added", "created_at", "position", "id"),
        # Sums of a batch without touching its rows.
        Index("ix_downloads_batch_id", "batch_id", "state", "size_bytes", "downloaded_bytes"),
        Index("ix_downloads_position", "position"),
    )


class DownloadError(Base):
    """One failure in the history of a download."""

    __tablename__ = "download_errors"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    download_id: Mapped[str] = mapped_column(ForeignKey("downloads.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    message: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(40))
    retry_attempt: Mapped[int] = mapped_column(Integer)
