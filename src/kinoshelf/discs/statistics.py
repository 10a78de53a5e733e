"""Figures of the whole collection, added up by the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, case, distinct, func, literal_column, select
from sqlalchemy.orm import Session

from kinoshelf.discs.fields import split_words
from kinoshelf.discs.models import Disc, DiscLoan
from kinoshelf.discs.queries import COLUMNS

TOP = 10
MOST_MONTHS = 120

Counts = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Spread:
    """Of ratings or running times; all None where no disc has one."""

    count: int = 0
    average: float | None = None
    lowest: float | None = None
    highest: float | None = None
    total: float = 0


@dataclass(frozen=True, slots=True)
class Value:
    """What the discs bought in one currency cost. `currency` is empty where nobody wrote it."""

    currency: str
    count: int
    total: Decimal
    kept_total: Decimal


@dataclass(frozen=True, slots=True)
class Growth:
    """Discs that came in a month (`2026-11`), and all there are from then on."""

    month: str
    added: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    total: int
    kept: int
    disposed: int
    unboxed: int
    physical: int
    download: int
    rip: int
    tartan: int
    box_sets: int
    """Sets by name."""
    in_box_sets: int
    unopened: int
    unwatched: int
    downloaded: int
    with_torrents: int
    matched: int
    on_loan: int
    storage_boxes: int
    films: int
    """Different ones: copies count once."""
    ratings: Spread
    runtimes: Spread
    """In minutes."""
    earliest_year: int | None
    latest_year: int | None
    decades: list[tuple[int, int]]
    """Every decade between the first and the last, with the number of its discs."""
    genres: Counts = field(default_factory=list)
    companies: Counts = field(default_factory=list)
    directors: Counts = field(default_factory=list)
    top_box_sets: Counts = field(default_factory=list)
    formats: Counts = field(default_factory=list)
    """Kinds of disc, of what is physical."""
    certificates: Counts = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    newest: Sequence[Row[Any]] = ()

    @property
    def year_span(self) -> int | None:
        if self.earliest_year is None or self.latest_year is None:
            return None
        return self.latest_year - self.earliest_year

    @property
    def digital(self) -> int:
        return self.download + self.rip


def statistics(session: Session, *, zone: tzinfo | None = None) -> Statistics:
    """Return the figures; `zone` decides which month a disc came in."""
    totals = session.execute(_totals()).one()._mapping  # noqa: SLF001 -- SQLAlchemy's name for the public mapping
    on_loan = session.scalar(select(func.count()).select_from(DiscLoan).where(DiscLoan.returned_on.is_(None))) or 0
    return Statistics(
        **{name: int(totals[name] or 0) for name in _COUNTED},
        on_loan=on_loan,
        ratings=_spread(session, Disc.rating),
        runtimes=_spread(session, Disc.runtime),
        earliest_year=totals["earliest_year"],
        latest_year=totals["latest_year"],
        decades=_decades(session),
        genres=_top_words(session, Disc.genres),
        companies=_top_words(session, Disc.production_companies),
        directors=_top_words(session, Disc.director),
        top_box_sets=_top(session, Disc.box_set_name),
        formats=_top(session, Disc.disk_type, Disc.media_type == "physical"),
        certificates=_top(session, Disc.uk_certification),
        values=_values(session),
        growth=_growth(session, zone or UTC),
        newest=newest(session),
    )


def newest(session: Session, limit: int = TOP) -> Sequence[Row[Any]]:
    """Return the discs that came last."""
    return session.execute(select(*COLUMNS).order_by(Disc.created_at.desc(), Disc.id.desc()).limit(limit)).all()


_COUNTED = (
    "total",
    "kept",
    "disposed",
    "unboxed",
    "physical",
    "download",
    "rip",
    "tartan",
    "box_sets",
    "in_box_sets",
    "unopened",
    "unwatched",
    "downloaded",
    "with_torrents",
    "matched",
    "storage_boxes",
    "films",
)


def _sum_of(condition: Any, name: str) -> Any:
    return func.sum(case((condition, 1), else_=0)).label(name)


def _totals() -> Any:
    return select(
        func.count().label("total"),
        *(_sum_of(Disc.status == status, status) for status in ("kept", "disposed", "unboxed")),
        *(_sum_of(Disc.media_type == kind, kind) for kind in ("physical", "download", "rip")),
        _sum_of(Disc.is_tartan_dvd, "tartan"),
        _sum_of(Disc.is_unopened, "unopened"),
        _sum_of(Disc.is_unwatched, "unwatched"),
        _sum_of(Disc.is_downloaded, "downloaded"),
        _sum_of(Disc.has_cached_torrents, "with_torrents"),
        _sum_of(Disc.tmdb_id.is_not(None), "matched"),
        _sum_of(Disc.is_box_set, "in_box_sets"),
        func.count(distinct(func.nullif(Disc.box_set_name, ""))).label("box_sets"),
        func.count(distinct(func.nullif(Disc.storage_box, ""))).label("storage_boxes"),
        func.count(distinct(Disc.copy_key)).label("films"),
        func.min(Disc.release_year).label("earliest_year"),
        func.max(Disc.release_year).label("latest_year"),
    ).select_from(Disc)


def _spread(session: Session, column: Any) -> Spread:
    query = select(func.count(column), func.avg(column), func.min(column), func.max(column), func.sum(column))
    count, average, lowest, highest, total = session.execute(query).one()
    if not count:
        return Spread()
    return Spread(count, round(float(average), 2), float(lowest), float(highest), float(total))


def _decades(session: Session) -> list[tuple[int, int]]:
    decade = Disc.release_year - Disc.release_year % literal_column("10")
    rows = session.execute(select(decade, func.count()).where(Disc.release_year.is_not(None)).group_by(decade))
    found = {int(row[0]): row[1] for row in rows if row[0] is not None}
    return [(year, found.get(year, 0)) for year in range(min(found), max(found) + 1, 10)] if found else []


def _ranked(counts: Iterable[tuple[str, int]]) -> Counts:
    return sorted(counts, key=lambda found: (-found[1], found[0].casefold()))[:TOP]


def _top(session: Session, column: Any, *where: Any) -> Counts:
    query = select(column, func.count()).where(column != "", *where).group_by(column)
    return _ranked((row[0], row[1]) for row in session.execute(query))


def _top_words(session: Session, column: Any) -> Counts:
    # Neither database takes words apart the same way; what is written alike is counted there.
    found: Counter[str] = Counter()
    for text, count in session.execute(select(column, func.count()).where(column != "").group_by(column)):
        for word in split_words(text):
            found[word] += count
    return _ranked(found.items())


def _values(session: Session) -> list[Value]:
    kept = case((Disc.status != "disposed", Disc.purchase_price), else_=0)
    query = select(Disc.purchase_currency, func.count(), func.sum(Disc.purchase_price), func.sum(kept))
    rows = session.execute(query.where(Disc.purchase_price.is_not(None)).group_by(Disc.purchase_currency))
    found = [Value(row[0], row[1], _cents(row[2]), _cents(row[3])) for row in rows]
    return sorted(found, key=lambda value: (-value.count, value.currency))


def _cents(amount: Any) -> Decimal:
    # SQLite adds up in floating point.
    return Decimal(str(amount or 0)).quantize(Decimal("0.01"))


def _growth(session: Session, zone: tzinfo) -> list[Growth]:
    """Count by months of the user. Each month is a span of an index: the databases know no common way to name months."""
    row: Any = session.execute(select(func.min(Disc.created_at), func.max(Disc.created_at))).one()
    first, last = row
    if first is None:
        return []
    starts = _months(first.astimezone(zone), last.astimezone(zone))[-MOST_MONTHS:]
    bounds = [*starts[1:], _next_month(starts[-1])]
    total = (
        session.scalar(select(func.count()).select_from(Disc).where(Disc.created_at < starts[0].astimezone(UTC))) or 0
    )
    found: list[Growth] = []
    for begin, end in zip(starts, bounds, strict=True):
        span = (Disc.created_at >= begin.astimezone(UTC), Disc.created_at < end.astimezone(UTC))
        added = session.scalar(select(func.count()).select_from(Disc).where(*span)) or 0
        total += added
        found.append(Growth(f"{begin:%Y-%m}", added, total))
    return found


def _next_month(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def _months(first: datetime, last: datetime) -> list[datetime]:
    start = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    found = [start]
    while (start := _next_month(start)) <= last:
        found.append(start)
    return found
