"""The statistics page: figures and charts, each number a way into the collection. Charts are drawn here, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from babel.dates import format_skeleton
from fastapi import APIRouter, Depends
from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import page_for_signed_in
from kinoshelf.discs.models import Disc
from kinoshelf.discs.statistics import Growth, Statistics, statistics
from kinoshelf.web import disc_words
from kinoshelf.web.collection_view import decade_label
from kinoshelf.web.formats import number
from kinoshelf.web.languages import current, gettext
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)

RUNTIME_STEP = 30
RUNTIME_LAST = 240
GRID_LINES = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `share` is its length in percent of the longest."""

    label: str
    count: int
    share: float
    href: str


class Chart(NamedTuple):
    """`head` names what the bars stand for. Columns stand side by side, rows one below the other."""

    id: str
    title: str
    head: str
    bars: Sequence[Bar]
    is_columns: bool = False
    note: str = ""


class Column(NamedTuple):
    """Where a column stands, in percent of the drawing."""

    x: float
    width: float
    middle: float
    top: float
    bar: Bar


class Point(NamedTuple):
    label: str
    added: int
    total: int


@dataclass(frozen=True)
class GrowthChart:
    """Points of a line in a drawing of 100 by 100."""

    points: Sequence[Point]

    @property
    def highest(self) -> int:
        return max((point.total for point in self.points), default=0) or 1

    @property
    def line(self) -> str:
        return " ".join(f"{x:.2f},{y:.2f}" for x, y in self._places())

    @property
    def area(self) -> str:
        return f"0,100 {self.line} 100,100"

    def _places(self) -> list[tuple[float, float]]:
        last = max(len(self.points) - 1, 1)
        return [(at * 100 / last, 100 - point.total * 100 / self.highest) for at, point in enumerate(self.points)]


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    count: int
    href: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    currency: str
    count: int
    total: str
    kept: str
    share: float
    href: str


@dataclass(frozen=True)
class StatsView:
    """Everything the template of the statistics knows."""

    figures: Statistics
    head: Sequence[Figure]
    charts: Sequence[Chart]
    growth: GrowthChart
    money: Sequence[Money]


def columns_of(chart: Chart) -> list[Column]:
    """Place the columns of a chart beside each other."""
    step = 100 / max(len(chart.bars), 1)
    width = step * 0.72
    return [
        Column(
            round(at * step + (step - width) / 2, 3), round(width, 3), round((at + 0.5) * step, 3), 100 - bar.share, bar
        )
        for at, bar in enumerate(chart.bars)
    ]


def read_stats(session: Session, zone: Any) -> StatsView:
    found = statistics(session, zone=zone)
    charts = [
        _chart("decades", gettext("Decades"), gettext("Decade"), _decades(found), is_columns=True),
        _chart("genres", gettext("Genres"), gettext("Genre"), _words(found.genres, "genre")),
        _chart("formats", gettext("Formats"), gettext("Format"), _formats(found)),
        _chart(
            "ratings",
            gettext("Ratings"),
            gettext("Rating"),
            _ratings(session),
            is_columns=True,
            note=_rating_note(found),
        ),
        _chart(
            "runtimes",
            gettext("Running times"),
            gettext("Minutes"),
            _runtimes(session),
            is_columns=True,
            note=_runtime_note(found),
        ),
        _chart("directors", gettext("Directors"), gettext("Director"), _words(found.directors, "director")),
        _chart("companies", gettext("Companies"), gettext("Company"), _words(found.companies, "production_company")),
        _chart("box-sets", gettext("Box sets"), gettext("Box set"), _words(found.top_box_sets, "box_set_name")),
        _chart("certificates", gettext("Certificates"), gettext("Certificate"), _certificates(found)),
    ]
    return StatsView(
        found, _head(found), [chart for chart in charts if chart.bars], _growth(found.growth), _money(found)
    )


def _chart(
    id_: str, title: str, head: str, counts: Sequence[tuple[str, int, str]], *, is_columns: bool = False, note: str = ""
) -> Chart:
    longest = max((count for _, count, _ in counts), default=0) or 1
    bars = [Bar(label, count, round(count * 100 / longest, 2), href) for label, count, href in counts]
    return Chart(id_, title, head, bars if any(bar.count for bar in bars) else (), is_columns, note)


def _discs(**query: object) -> str:
    return url("/collection", **query)


def _head(found: Statistics) -> list[Figure]:
    yes = "true"
    figures = [
        Figure(gettext("Discs"), found.total, _discs()),
        Figure(gettext("Films"), found.films),
        Figure(gettext("Kept"), found.kept, _discs(status="kept")),
        Figure(gettext("Unboxed"), found.unboxed, _discs(status="unboxed")),
        Figure(gettext("Disposed"), found.disposed, _discs(status="disposed")),
        Figure(gettext("Files"), found.digital, _discs(media_type="download,rip")),
        Figure(gettext("Unwatched"), found.unwatched, _discs(is_unwatched=yes)),
        Figure(gettext("Unopened"), found.unopened, _discs(is_unopened=yes)),
        Figure(gettext("Tartan"), found.tartan, _discs(is_tartan_dvd=yes)),
        Figure(gettext("On loan"), found.on_loan, _discs(on_loan=yes)),
        Figure(gettext("In box sets"), found.in_box_sets, _discs(is_box_set=yes)),
        Figure(gettext("Box sets"), found.box_sets, url("/box-sets")),
        Figure(gettext("Storage boxes"), found.storage_boxes, url("/storage-boxes")),
        Figure(gettext("Without TMDB number"), found.total - found.matched, _discs(is_matched="false")),
    ]
    return [figure for at, figure in enumerate(figures) if at < 2 or figure.count]


def _decades(found: Statistics) -> list[tuple[str, int, str]]:
    return [(decade_label(year), count, _discs(decade=year)) for year, count in found.decades]


def _words(counts: Sequence[tuple[str, int]], parameter: str) -> list[tuple[str, int, str]]:
    return [(word, count, _discs(**{parameter: word})) for word, count in counts]


def _formats(found: Statistics) -> list[tuple[str, int, str]]:
    discs = [
        (disc_words.said("disk_type", kind), count, _discs(disk_type=kind, media_type="physical"))
        for kind, count in found.formats
    ]
    files = [
        (disc_words.said("media_type", kind), count, _discs(media_type=kind))
        for kind, count in (("download", found.download), ("rip", found.rip))
        if count
    ]
    return discs + files


def _certificates(found: Statistics) -> list[tuple[str, int, str]]:
    return [(word.upper(), count, _discs(uk_certification=word)) for word, count in found.certificates]


def _ratings(session: Session) -> list[tuple[str, int, str]]:
    """Whole points; the best have a 10."""
    point = cast(func.floor(Disc.rating), Integer)
    rows = session.execute(select(point, func.count()).where(Disc.rating.is_not(None)).group_by(point))
    counts = {row[0]: row[1] for row in rows}
    if not counts:
        return []
    return [
        (str(at), counts.get(at, 0), _discs(rating_from=at, rating_to=f"{at}.9" if at < 10 else None))
        for at in range(min(counts), 11)
    ]


def _runtimes(session: Session) -> list[tuple[str, int, str]]:
    """Half hours; the last holds all that is longer."""
    step = (Disc.runtime - Disc.runtime % RUNTIME_STEP) / RUNTIME_STEP
    rows = session.execute(select(step, func.count()).where(Disc.runtime.is_not(None)).group_by(step))
    last = RUNTIME_LAST // RUNTIME_STEP
    counts: dict[int, int] = {}
    for at, count in rows:
        place = min(round(float(at or 0)), last)
        counts[place] = counts.get(place, 0) + count
    if not counts:
        return []
    found = []
    for at in range(min(counts), max(counts) + 1):
        begin, end = at * RUNTIME_STEP, (at + 1) * RUNTIME_STEP - 1
        is_open = at == last
        label = f"{begin}+" if is_open else f"{begin}\N{EN DASH}{end}"
        href = _discs(runtime_from=begin or None, runtime_to=None if is_open else end)
        found.append((label, counts.get(at, 0), href))
    return found


def _rating_note(found: Statistics) -> str:
    average = found.ratings.average
    return "" if average is None else gettext("On average %(rating)s") % {"rating": number(average, 1)}


def _runtime_note(found: Statistics) -> str:
    spread = found.runtimes
    if spread.average is None:
        return ""
    days = number(spread.total / 60 / 24, 1)
    average = disc_words.running_time(round(spread.average))
    return gettext("On average %(time)s; all together %(days)s days") % {"time": average, "days": days}


def _growth(months: Sequence[Growth]) -> GrowthChart:
    return GrowthChart([Point(_month(one.month), one.added, one.total) for one in months])


def _month(month: str) -> str:
    year, _, at = month.partition("-")
    return str(format_skeleton("yMMM", date(int(year), int(at), 1), locale=current().locale))


def _money(found: Statistics) -> list[Money]:
    """Currencies are not added up: nobody here knows what they were worth to each other."""
    most = max((value.count for value in found.values), default=0) or 1
    return [
        Money(
            value.currency or gettext("without a currency"),
            value.count,
            disc_words.price(value.total, value.currency),
            disc_words.price(value.kept_total, value.currency),
            round(value.count * 100 / most, 2),
            _discs(purchase_currency=value.currency) if value.currency else "",
        )
        for value in found.values
    ]


@router.get("/stats", dependencies=[Depends(page_for_signed_in)])
async def stats(database: DatabaseDep, store: StoreDep) -> HTMLResponse:
    zone = store.current.zone
    view = await database.reading(lambda session: read_stats(session, zone))
    return render("stats.html", view=view, columns_of=columns_of, grid_lines=range(GRID_LINES + 1))
