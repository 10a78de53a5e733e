"""Tables of the disc collection."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, ForeignKey, Index, Integer, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.database import Base

NUMBER = BigInteger().with_variant(Integer, "sqlite")


class Disc(Base):
    """One copy of a film on the shelf, in a file, or given away. Names as in the documents of seed 000; money as written on the receipt."""

    __tablename__ = "discs"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    title_id: Mapped[int | None] = mapped_column(ForeignKey("titles.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    sort_name: Mapped[str] = mapped_column(String(255))
    search_text: Mapped[str] = mapped_column(Text)
    """Name, genres, box set, boxes, people, overview and barcode, folded: what a search looks through."""
    status: Mapped[str] = mapped_column(String(10), default="kept")
    """kept, disposed, or unboxed (out of its case, filed by number)."""
    media_type: Mapped[str] = mapped_column(String(10), default="physical")
    """physical, download or rip."""
    disk_type: Mapped[str] = mapped_column(String(10), default="DVD")
    """DVD, BluRay, BluRay3D, UHD, HDDVD, VHS, LaserDisc or VCD."""
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    imdb_id: Mapped[str | None] = mapped_column(String(20))
    poster_id: Mapped[int | None] = mapped_column(ForeignKey("artworks.id", ondelete="SET NULL"), index=True)
    overview: Mapped[str | None] = mapped_column(Text)
    release_year: Mapped[int | None] = mapped_column(Integer)
    genres: Mapped[str] = mapped_column(String(255), default="")
    runtime: Mapped[int | None] = mapped_column(Integer)
    """Minutes."""
    rating: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    tmdb_user_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 2))
    is_tartan_dvd: Mapped[bool] = mapped_column(Boolean, default=False)
    is_box_set: Mapped[bool] = mapped_column(Boolean, default=False)
    box_set_name: Mapped[str] = mapped_column(String(255), default="")
    is_unopened: Mapped[bool] = mapped_column(Boolean, default=False)
    is_unwatched: Mapped[bool] = mapped_column(Boolean, default=False)
    is_downloaded: Mapped[bool] = mapped_column(Boolean, default=False)
    storage_box: Mapped[str] = mapped_column(String(100), default="")
    location: Mapped[str] = mapped_column(String(255), default="")
    """Digits, unique, for unboxed discs only."""
    copy_number: Mapped[int] = mapped_column(Integer, default=1)
    copy_key: Mapped[str] = mapped_column(String(300), default="")
    """Equal for copies of one film: its TMDB number, else folded name and year."""
    duplicate_notes: Mapped[str] = mapped_column(String(255), default="")
    uk_certification: Mapped[str] = mapped_column(String(10), default="")
    original_language: Mapped[str] = mapped_column(String(10), default="")
    tagline: Mapped[str] = mapped_column(String(255), default="")
    director: Mapped[str] = mapped_column(String(255), default="")
    production_companies: Mapped[str] = mapped_column(Text, default="")
    budget: Mapped[int | None] = mapped_column(BigInteger)
    revenue: Mapped[int | None] = mapped_column(BigInteger)

    barcode: Mapped[str] = mapped_column(String(14), default="")
    edition: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(20), default="")
    condition: Mapped[str] = mapped_column(String(10), default="")
    """sealed, mint, good, fair or poor; empty where nobody said."""
    purchased_on: Mapped[date | None] = mapped_column(Date)
    purchase_place: Mapped[str] = mapped_column(String(200), default="")
    purchase_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    purchase_currency: Mapped[str] = mapped_column(String(3), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)

    edited_fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Facts a person wrote: no refresh touches them."""
    facts_refreshed_at: Mapped[datetime | None]
    yts_data: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """Torrents that were found; null while nobody has asked, empty where there are none."""
    yts_last_updated: Mapped[datetime | None]
    yts_error: Mapped[str] = mapped_column(String(500), default="")
    has_cached_torrents: Mapped[bool] = mapped_column(Boolean, default=False)

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        # With the status behind: an index that begins with it would be taken for a list that shows most of the shelf.
        Index("ix_discs_created_at", "created_at", "id", "status"),
        Index("ix_discs_sort_name", "sort_name", "id", "status"),
        Index("ix_discs_release_year", "release_year", "id"),
        Index("ix_discs_rating", "rating", "id"),
        Index("ix_discs_copy_key", "copy_key"),
        Index("ix_discs_tmdb_id", "tmdb_id"),
        Index("ix_discs_imdb_id", "imdb_id"),
        Index("ix_discs_box_set_name", "box_set_name"),
        Index("ix_discs_storage_box", "storage_box", "id"),
        Index("ix_discs_runtime", "runtime", "id"),
        Index("ix_discs_purchased_on", "purchased_on", "id"),
        Index("ix_discs_purchase_price", "purchase_price", "id"),
        Index("ix_discs_updated_at", "updated_at", "id"),
        Index("ix_discs_genres", "genres"),
        # What lists are filtered by: the counts beside the choices are read from here, not from the wide rows.
        Index(
            "ix_discs_facets",
            "release_year",
            "status",
            "media_type",
            "disk_type",
            "condition",
            "is_tartan_dvd",
            "is_box_set",
            "is_unopened",
            "is_unwatched",
            "is_downloaded",
            "has_cached_torrents",
        ),
        Index("ix_discs_barcode", "barcode"),
        Index(
            "uq_discs_location",
            "location",
            unique=True,
            sqlite_where=text("location <> ''"),
            postgresql_where=text("location <> ''"),
        ),
        # A number that was removed must not lead to another disc.
        {"sqlite_autoincrement": True},
    )


class DiscLoan(Base):
    """A disc in somebody's hands. Open until it is returned; a disc has one open loan at most."""

    __tablename__ = "disc_loans"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    disc_id: Mapped[int] = mapped_column(ForeignKey("discs.id", ondelete="CASCADE"), index=True)
    borrower: Mapped[str] = mapped_column(String(200))
    lent_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    returned_on: Mapped[date | None] = mapped_column(Date)
    notes: Mapped[str] = mapped_column(String(500), default="")

    __table_args__ = (
        Index(
            "uq_disc_loans_open",
            "disc_id",
            unique=True,
            sqlite_where=text("returned_on IS NULL"),
            postgresql_where=text("returned_on IS NULL"),
        ),
    )


class DiscTag(Base):
    """A tag of a disc, for filters; `Disc.tags` holds the same for reading."""

    __tablename__ = "disc_tags"

    disc_id: Mapped[int] = mapped_column(ForeignKey("discs.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(50), primary_key=True)

    __table_args__ = (Index("ix_disc_tags_tag", "tag", "disc_id"),)


class DiscWish(Base):
    """A disc somebody would like to own."""

    __tablename__ = "disc_wishes"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    title_id: Mapped[int | None] = mapped_column(ForeignKey("titles.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    release_year: Mapped[int | None] = mapped_column(Integer)
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    disk_type: Mapped[str] = mapped_column(String(10), default="")
    most_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class KnownBarcode(Base):
    """What is behind an EAN or UPC, learned from the user's own discs and imports."""

    __tablename__ = "known_barcodes"

    barcode: Mapped[str] = mapped_column(String(14), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    release_year: Mapped[int | None] = mapped_column(Integer)
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    disk_type: Mapped[str] = mapped_column(String(10), default="")
    edition: Mapped[str] = mapped_column(String(100), default="")
    updated_at: Mapped[datetime]


class SavedView(Base):
    """Filters, order and columns of the collection page under a name."""

    __tablename__ = "disc_views"

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    query: Mapped[str] = mapped_column(Text)
    """The query string of the page."""
    created_at: Mapped[datetime]


class DiscRefresh(Base):
    """How far a refresh of facts is: written together with each disc, so that it goes on where it was ended."""

    __tablename__ = "disc_refreshes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """That of its job."""
    kind: Mapped[str] = mapped_column(String(10))
    """full or details."""
    total: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    last_disc_id: Mapped[int] = mapped_column(BigInteger, default=0)
    end_disc_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last disc that was there when it began."""
    status: Mapped[str] = mapped_column(Text, default="")
    failures: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """The first of those that failed: disc_id, name and reason."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DiscImport(Base):
    """One file that was read in, or a pasted list: what it said, and what became of it."""

    __tablename__ = "disc_imports"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    filename: Mapped[str] = mapped_column(String(255))
    format: Mapped[str] = mapped_column(String(20))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="reading")
    """reading, preview, running, done, cancelled, undoing or undone."""
    job_id: Mapped[str | None] = mapped_column(String(36))
    row_count: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DiscImportRow(Base):
    """One line of it."""

    __tablename__ = "disc_import_rows"

    import_id: Mapped[str] = mapped_column(ForeignKey("disc_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    copy: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    """Above 1 where a line stands for several discs."""
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """As read: fields of a disc."""
    plan: Mapped[str] = mapped_column(String(10), default="")
    """What would become of it: add, update, same or skip; empty where it is invalid or was not looked at yet."""
    outcome: Mapped[str] = mapped_column(String(10), default="waiting")
    """waiting, added, updated, same, skipped, invalid; after undoing: undone, or left where it could not be."""
    reason: Mapped[str] = mapped_column(String(500), default="")
    disc_id: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Each field that was written, as it was and as it became; for undoing."""
    candidates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    """Of a pasted list: the films it could be, best first; null while nobody has looked."""

    __table_args__ = (Index("ix_disc_import_rows_outcome", "import_id", "outcome"),)
