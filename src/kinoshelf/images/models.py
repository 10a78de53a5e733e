"""The table of the artwork store."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.database import Base


class ArtworkState(StrEnum):
    WANTED = "wanted"
    """Not fetched yet, or to be fetched again."""
    KEPT = "kept"
    FAILED = "failed"
    """`error_message` says why; fetched again after `retry_at`, never by itself where there is none."""


class Artwork(Base):
    """A picture: where it comes from and, once it has been fetched, what it is. Its bytes lie in files named by `content_key`."""

    __tablename__ = "artworks"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    source_key: Mapped[str] = mapped_column(String(300), unique=True)
    """Equal for the same picture: `tmdb:/path.jpg`, or `upload:` with the SHA-256 of what was handed in."""
    source_url: Mapped[str | None] = mapped_column(Text)
    """None for what was handed in. TMDB's pictures come from the address that is in force when they are fetched."""
    state: Mapped[str] = mapped_column(String(10), default=ArtworkState.WANTED)
    content_key: Mapped[str | None] = mapped_column(String(64), index=True)
    """SHA-256 of the original file."""
    media_type: Mapped[str | None] = mapped_column(String(40))
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    preview: Mapped[str | None] = mapped_column(Text)
    """A picture of some pixels as a data address, shown until the real one is there."""
    error_message: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    retry_at: Mapped[datetime | None]
    """Nobody fetches it before; while somebody does, the end of the time they have for it."""
    unused_at: Mapped[datetime | None]
    """When the tidying first found nothing that refers to it."""
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
