"""Tables of the titles: identity, external ids, names, facts with their age, and what waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.database import Base

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""For keys that count up: only an INTEGER counts by itself on SQLite."""


class Title(Base):
    """A film, series, season or episode. Facts are TMDB's, as of `facts_fetched_at`; money in US dollars."""

    __tablename__ = "titles"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(10))
    """film, series, season or episode."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("titles.id", ondelete="CASCADE"))
    """The series of a season or an episode."""
    season_number: Mapped[int | None] = mapped_column(Integer)
    episode_number: Mapped[int | None] = mapped_column(Integer)

    name: Mapped[str] = mapped_column(String(500))
    original_name: Mapped[str | None] = mapped_column(String(500))
    sort_name: Mapped[str] = mapped_column(String(500))
    search_name: Mapped[str] = mapped_column(String(500))
    """`name` as `naming.folded` makes it: equal for what people write alike."""
    year: Mapped[int | None] = mapped_column(Integer)
    released_on: Mapped[str | None] = mapped_column(String(10))
    """ISO date of the first release or airing."""

    overview: Mapped[str | None] = mapped_column(Text)
    tagline: Mapped[str | None] = mapped_column(String(500))
    runtime_minutes: Mapped[int | None] = mapped_column(Integer)
    genres: Mapped[list[str]] = mapped_column(JSON, default=list)
    directors: Mapped[list[str]] = mapped_column(JSON, default=list)
    companies: Mapped[list[str]] = mapped_column(JSON, default=list)
    certificate: Mapped[str | None] = mapped_column(String(10))
    original_language: Mapped[str | None] = mapped_column(String(10))
    score: Mapped[float | None] = mapped_column(Numeric(4, 2, asdecimal=False))
    """TMDB's average, 0 to 10."""
    vote_count: Mapped[int | None] = mapped_column(Integer)
    popularity: Mapped[float | None] = mapped_column(Numeric(12, 3, asdecimal=False))
    budget: Mapped[int | None] = mapped_column(BigInteger)
    revenue: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str | None] = mapped_column(String(40))
    poster_path: Mapped[str | None] = mapped_column(String(200))
    backdrop_path: Mapped[str | None] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What has no column: cast, images, networks, seasons."""
    facts_fetched_at: Mapped[datetime | None]

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_titles_search_name", "search_name", "kind", "year"),
        Index("uq_titles_part", "parent_id", "season_number", "episode_number", unique=True),
        # A number that was joined into another title must never come again for a third.
        {"sqlite_autoincrement": True},
    )


class TitleId(Base):
    """What another system calls a title. `source` says whose number it is, films and series apart: `tmdb.movie`."""

    __tablename__ = "title_ids"

    source: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    title_id: Mapped[int] = mapped_column(ForeignKey("titles.id", ondelete="CASCADE"), index=True)
    confidence: Mapped[int] = mapped_column(Integer, default=100)
    """How sure the match was, 0 to 100."""
    is_manual: Mapped[bool] = mapped_column(Boolean, default=False)
    """A person said so: no machine changes it."""
    created_at: Mapped[datetime]


class TitleName(Base):
    """A further name under which a title is known."""

    __tablename__ = "title_names"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    title_id: Mapped[int] = mapped_column(ForeignKey("titles.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(500))
    search_name: Mapped[str] = mapped_column(String(500), index=True)
    country: Mapped[str | None] = mapped_column(String(10))


class TitleMerge(Base):
    """A number that was joined into another title: old links still lead somewhere, and it can be parted again."""

    __tablename__ = "title_merges"

    gone_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    title_id: Mapped[int] = mapped_column(ForeignKey("titles.id", ondelete="CASCADE"), index=True)
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The row that went, its ids and names, and the keys of what hung on it."""
    merged_at: Mapped[datetime]


class TitleReview(Base):
    """A match nobody can be sure of, waiting for a person."""

    __tablename__ = "title_reviews"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    subject: Mapped[str] = mapped_column(String(200), unique=True)
    """What asks, as kind:key (`disc:17`)."""
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(500))
    year: Mapped[int | None] = mapped_column(Integer)
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Best first: source, id, name, year, confidence and the reasons in words."""
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    """waiting, decided or dismissed."""
    title_id: Mapped[int | None] = mapped_column(ForeignKey("titles.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_title_reviews_state", "state", "created_at"),)


class KeptAnswer(Base):
    """An answer of an upstream that may be used again until it is too old."""

    __tablename__ = "kept_answers"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of upstream, path and parameters."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
