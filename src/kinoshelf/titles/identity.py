"""Which row a number of another system belongs to. What a person said is never changed by a machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.orm import Session

from kinoshelf.core.database import wait_turn
from kinoshelf.core.errors import InvalidInput, NotFound
from kinoshelf.titles.models import Title, TitleId, TitleMerge
from kinoshelf.titles.naming import folded, sort_name

TURN = "titles.identity"
"""Whoever looks whether a title is there and makes it waits for this turn."""

LONGEST_NAME = 500
IMDB_ID = re.compile(r"(?:.*/)?(tt\d{5,10})(?:/.*)?", re.IGNORECASE | re.DOTALL)


class Source(StrEnum):
    """The systems whose numbers the hub knows. A source of downloads adds its own words, as `source.key`."""

    TMDB_MOVIE = "tmdb.movie"
    TMDB_TV = "tmdb.tv"
    TMDB_SEASON = "tmdb.season"
    TMDB_EPISODE = "tmdb.episode"
    IMDB = "imdb"
    TVDB_MOVIE = "tvdb.movie"
    TVDB_SERIES = "tvdb.series"
    TVDB_SEASON = "tvdb.season"
    TVDB_EPISODE = "tvdb.episode"
    TRAKT_MOVIE = "trakt.movie"
    TRAKT_SHOW = "trakt.show"
    SIMKL_MOVIE = "simkl.movie"
    SIMKL_SHOW = "simkl.show"
    ANIDB = "anidb"
    SLUG = "slug"


class TitleNotFound(NotFound):
    def __init__(self, title_id: int) -> None:
        super().__init__(f"there is no title {title_id}")


def clean_value(source: str, value: str | int) -> str:
    """Return the number as it is kept. Raises InvalidInput for what cannot be one."""
    text = str(value).strip()
    if source == Source.IMDB:
        found = IMDB_ID.fullmatch(text)
        if found is None:
            raise InvalidInput(f"{text or 'nothing'} is no number of IMDb; they look like tt0133093")
        return found[1].lower()
    if source.startswith(("tmdb.", "tvdb.")):
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
            raise InvalidInput(f"{text or 'nothing'} is no number of {source.partition('.')[0].upper()}")
        return str(int(text))
    if not text or len(text) > 200 or "\0" in text:
        raise InvalidInput(f"a number of {source} has 1 to 200 characters")
    return text


def find_by_id(session: Session, source: str, value: str | int) -> int | None:
    """Return the title another system's number belongs to."""
    return session.scalar(
        select(TitleId.title_id).where(TitleId.source == source, TitleId.value == clean_value(source, value))
    )


def ids_of(session: Session, title_id: int) -> list[TitleId]:
    return list(
        session.scalars(
            select(TitleId).where(TitleId.title_id == title_id).order_by(TitleId.source, TitleId.created_at)
        )
    )


def value_of(session: Session, title_id: int, source: str) -> str | None:
    """Return the title's number in that system: what a person said, else the surest."""
    return session.scalar(
        select(TitleId.value)
        .where(TitleId.title_id == title_id, TitleId.source == source)
        .order_by(TitleId.is_manual.desc(), TitleId.confidence.desc(), TitleId.created_at)
        .limit(1)
    )


def resolve(session: Session, title_id: int) -> int | None:
    """Return the title a number of ours leads to today, joined ones too; None where there is none."""
    if session.scalar(select(Title.id).where(Title.id == title_id)) is not None:
        return title_id
    return session.scalar(select(TitleMerge.title_id).where(TitleMerge.gone_id == title_id))


def get_title(session: Session, title_id: int) -> Title:
    """Return the title, also by the number it had before it was joined. Raises TitleNotFound."""
    found = resolve(session, title_id)
    title = None if found is None else session.get(Title, found)
    if title is None:
        raise TitleNotFound(title_id)
    return title


def attach(
    session: Session,
    title_id: int,
    source: str,
    value: str | int,
    *,
    now: datetime,
    confidence: int = 100,
    is_manual: bool = False,
) -> bool:
    """Say that `value` means this title; return whether it does now.

    A machine moves a number only from a less sure match, and neither moves nor contradicts what a person said. A
    person's word moves the number here, and takes the title's other numbers of that system away.
    """
    wait_turn(session, TURN)
    value = clean_value(source, value)
    row = session.get(TitleId, (source, value))
    if not is_manual:
        said = session.scalar(
            select(TitleId.value)
            .where(TitleId.title_id == title_id, TitleId.source == source, TitleId.is_manual)
            .limit(1)
        )
        if said is not None and said != value:
            return False
        if row is not None and row.title_id != title_id and (row.is_manual or row.confidence >= confidence):
            return False
    else:
        session.execute(
            delete(TitleId).where(TitleId.title_id == title_id, TitleId.source == source, TitleId.value != value)
        )
    if row is None:
        session.add(
            TitleId(
                source=source,
                value=value,
                title_id=title_id,
                confidence=confidence,
                is_manual=is_manual,
                created_at=now,
            )
        )
    else:
        row.confidence = confidence if row.title_id != title_id else max(row.confidence, confidence)
        row.title_id = title_id
        row.is_manual = row.is_manual or is_manual
    session.flush()
    return True


def detach(session: Session, source: str, value: str | int) -> bool:
    """Forget a number, whoever said it; return whether it was there."""
    row = session.get(TitleId, (source, clean_value(source, value)))
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def ensure_film(
    session: Session,
    *,
    now: datetime,
    tmdb_id: int | None = None,
    imdb_id: str | None = None,
    name: str | None = None,
    year: int | None = None,
) -> int:
    """Return the title of a film, found by its numbers, else by the same name and year, else made.

    Raises InvalidInput where it must be made and has no name.
    """
    numbers: dict[str, str | int | None] = {Source.TMDB_MOVIE: tmdb_id, Source.IMDB: imdb_id}
    return _ensure(session, "film", numbers, name, year, now)


def ensure_series(
    session: Session,
    *,
    now: datetime,
    tmdb_id: int | None = None,
    tvdb_id: int | None = None,
    imdb_id: str | None = None,
    name: str | None = None,
    year: int | None = None,
) -> int:
    """Return the title of a series; as `ensure_film`."""
    numbers: dict[str, str | int | None] = {Source.TMDB_TV: tmdb_id, Source.TVDB_SERIES: tvdb_id, Source.IMDB: imdb_id}
    return _ensure(session, "series", numbers, name, year, now)


def _ensure(
    session: Session,
    kind: str,
    given: Mapping[str, str | int | None],
    name: str | None,
    year: int | None,
    now: datetime,
) -> int:
    wait_turn(session, TURN)
    numbers = {source: clean_value(source, value) for source, value in given.items() if value and str(value).strip()}
    known = _rows_of(session, numbers)
    title_id = _by_numbers(session, numbers, known) or _by_name(session, kind, numbers, name, year)
    # A library of discs asks thousands of times: what nobody can contradict is written at once.
    unknown = {source: value for source, value in numbers.items() if source not in known}
    if title_id is None:
        title_id = make_title(session, kind=kind, name=name, year=year, now=now)
        if unknown:
            row = {"title_id": title_id, "confidence": 100, "is_manual": False, "created_at": now}
            session.execute(insert(TitleId), [{"source": one, "value": unknown[one], **row} for one in unknown])
        known |= dict.fromkeys(unknown, title_id)
    for source, value in numbers.items():
        if known.get(source) != title_id:
            attach(session, title_id, source, value, now=now)
    return title_id


def make_title(session: Session, *, kind: str, name: str | None, year: int | None, now: datetime) -> int:
    """Make a title of which no more is known than its name."""
    name = " ".join((name or "").replace("\0", " ").split())[:LONGEST_NAME]
    if not name:
        raise InvalidInput("a title needs a name")
    title = Title(
        kind=kind,
        name=name,
        sort_name=sort_name(name),
        search_name=folded(name),
        year=year,
        genres=[],
        directors=[],
        companies=[],
        facts={},
        created_at=now,
        updated_at=now,
    )
    session.add(title)
    session.flush()
    return title.id


def _rows_of(session: Session, numbers: Mapping[str, str]) -> dict[str, int]:
    """Return the title each of these numbers belongs to, by source."""
    if not numbers:
        return {}
    is_one = or_(*(and_(TitleId.source == source, TitleId.value == value) for source, value in numbers.items()))
    return {row.source: row.title_id for row in session.execute(select(TitleId.source, TitleId.title_id).where(is_one))}


def _by_numbers(session: Session, numbers: dict[str, str], known: Mapping[str, int]) -> int | None:
    for source in numbers:
        found = known.get(source)
        # TMDB's own number decides; the others it only knows by what people wrote into it.
        if found is not None and (source.startswith("tmdb.") or _fits(session, found, numbers)):
            return found
    return None


def _by_name(session: Session, kind: str, numbers: dict[str, str], name: str | None, year: int | None) -> int | None:
    """Find the one title of that name and year; none where several could be meant."""
    if not name or not name.strip():
        return None
    query = select(Title.id).where(
        Title.search_name == folded(name), Title.kind == kind, Title.year == year if year else Title.year.is_(None)
    )
    found = [title_id for title_id in session.scalars(query.order_by(Title.id)) if _fits(session, title_id, numbers)]
    return found[0] if len(found) == 1 else None


def _fits(session: Session, title_id: int, numbers: dict[str, str]) -> bool:
    """Tell whether the title has no other number in any of these systems."""
    return all(row.value == numbers[row.source] for row in ids_of(session, title_id) if row.source in numbers)
