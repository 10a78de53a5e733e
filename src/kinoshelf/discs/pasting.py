"""Lists of titles that somebody pastes: looked up, reviewed, then added; or marked as downloaded.

A pasted list is an import like any other, with candidates beside each row. TMDB is asked by jobs, never by a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NotConfigured
from kinoshelf.core.http.errors import UpstreamNotFound
from kinoshelf.core.jobs import queue
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.discs import editing
from kinoshelf.discs.csv_import import formats, imports, writing
from kinoshelf.discs.csv_import.errors import ImportNotReady
from kinoshelf.discs.csv_import.imports import ImportDiscs, ImportSummary, with_note
from kinoshelf.discs.csv_import.options import ImportOptions
from kinoshelf.discs.csv_import.reading import BESIDE, Reading, ReadRow, title_row
from kinoshelf.discs.csv_import.titles import WrittenTitle, read_title, without_numbers
from kinoshelf.discs.looking_up import LookUp
from kinoshelf.discs.models import Disc, DiscImport, DiscImportRow
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.identity import Source
from kinoshelf.titles.models import Title, TitleId
from kinoshelf.titles.naming import folded, spellings
from kinoshelf.upstreams.tmdb import TMDBMovieHit

LOOK_UP_LIST = "discs.look_up_list"
ADD_LIST = "discs.add_list"
MOST_LINES = 1_000
MOST_LINE_CHARACTERS = 300
MOST_CANDIDATES = 8
MOST_OVERVIEW_CHARACTERS = 200
FEW = 3
AT_ONCE = 8
# TMDB and the box may stand on either side of New Year.
YEAR_TOLERANCE = 1
WRITTEN = "written"
NOT_FOUND = "not found"

Group = Literal["added", "skipped", "errors"]
GROUPS: Mapping[Group, tuple[str, ...]] = {
    "added": ("added",),
    "skipped": ("skipped", "same", "updated"),
    "errors": ("invalid",),
}


def lines_of(text: str) -> list[tuple[int, str]]:
    """Return the numbered lines of a pasted list that are not empty. Raises InvalidInput."""
    lines = [(number, line.strip()) for number, line in enumerate(text.replace("\0", "").splitlines(), start=1)]
    lines = [(number, line[:MOST_LINE_CHARACTERS]) for number, line in lines if line]
    if not lines:
        raise InvalidInput("paste at least one title, one a line")
    if len(lines) > MOST_LINES:
        raise InvalidInput(f"paste {MOST_LINES:,} titles at most; for more, import a file")
    bare = without_numbers([line for _number, line in lines])
    return [(number, line) for (number, _line), line in zip(lines, bare, strict=True)]


class PasteTitles:
    """`start` keeps a list and has it looked up, `choose` corrects a match, `add` puts the films on the shelf."""

    def __init__(
        self, *, database: Database, clock: Clock, catalogue: Catalogue, look_up: LookUp, imports: ImportDiscs
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._look_up = look_up
        self._imports = imports

    def register(self, registry: JobRegistry) -> None:
        registry.add(LOOK_UP_LIST, self._look_up_job, max_attempts=5)
        # Two writers of discs never run at once: what one adds, the other must find.
        registry.add(ADD_LIST, self._add_job, exclusive="discs.import_rows", max_attempts=10)

    def start(self, text: str, *, skip_existing: bool = True, defaults: Mapping[str, Any] | None = None) -> str:
        """Keep a pasted list and have it looked up; return the number of the import. Raises InvalidInput."""
        lines = lines_of(text)
        options = ImportOptions.read({"on_match": "skip" if skip_existing else "copy", "defaults": defaults or {}})

        def rows() -> Iterable[ReadRow]:
            for number, line in lines:
                row = title_row(number, line)
                row.values[BESIDE] = {WRITTEN: line}
                yield row

        reading = Reading(formats.PASTED, "utf-8", "", (), len(lines), lambda: iter(rows()))
        import_id = self._imports.store("pasted list", reading, options.as_json(), options)
        with self._database.write() as session:
            found = imports.locked_import(session, import_id)
            found.job_id = queue.enqueue(session, LOOK_UP_LIST, {"import_id": import_id}, clock=self._clock).id
        return import_id

    def set_options(self, import_id: str, *, skip_existing: bool, defaults: Mapping[str, Any]) -> None:
        """Change what holds for the whole list. Raises ImportNotFound, ImportNotReady, InvalidInput."""
        options = {"on_match": "skip" if skip_existing else "copy", "defaults": defaults}
        self._imports.plan_again(import_id, ImportOptions.read(options))

    def choose(
        self, import_id: str, line: int, tmdb_id: int | None, *, name: str = "", year: int | None = None
    ) -> None:
        """Say which film a line means; None for none of them. `name` and `year` are needed for one that was searched.

        Raises ImportNotFound, ImportNotReady, InvalidInput.
        """
        with self._database.write() as session:
            found = imports.locked_import(session, import_id)
            row = session.get(DiscImportRow, (import_id, line, 1), with_for_update=True)
            if found.state != "preview" or row is None or row.outcome not in {"waiting", "skipped"}:
                raise ImportNotReady("this line cannot be changed any more")
            candidates = row.candidates or []
            chosen = next((one for one in candidates if one["tmdb_id"] == tmdb_id), None)
            if tmdb_id is not None and chosen is None:
                if not name.strip():
                    raise InvalidInput("name the film that was chosen")
                chosen = {"tmdb_id": tmdb_id, "name": name.strip()[:255], "year": year}
            row.values = _as_chosen(row.values, chosen)
            options = imports.stored_options(found)
        self._imports.plan_again(import_id, options)

    def add(self, import_id: str) -> str:
        """Put the films of a reviewed list on the shelf; return the job. Raises ImportNotFound, ImportNotReady."""
        with self._database.write() as session:
            found = imports.locked_import(session, import_id)
            if found.format != formats.PASTED or found.state not in {"preview", "running", "cancelled"}:
                raise ImportNotReady(f"this list is {found.state} and cannot be added")
            found.state, found.finished_at = "running", None
            found.job_id = queue.enqueue(session, ADD_LIST, {"import_id": import_id}, clock=self._clock).id
            return found.job_id

    # Jobs ---------------------------------------------------------------------------------------

    async def _look_up_job(self, context: JobContext) -> dict[str, int]:
        import_id = str(context.arguments["import_id"])
        done = total = 0
        try:
            while True:
                rows = await self._database.reading(lambda session: _unanswered(session, import_id, AT_ONCE))
                if not rows:
                    break
                total = total or await self._database.reading(lambda session: _count_unanswered(session, import_id))
                answers = await asyncio.gather(*(self._candidates(row.values) for row in rows))
                is_wanted = await self._database.writing(
                    lambda session, rows=rows, answers=answers: _keep(session, import_id, rows, answers)  # type: ignore[misc]
                )
                if not is_wanted:
                    break
                done += len(rows)
                context.progress(done, max(total, done), f"{done:,} of {max(total, done):,} titles")
        finally:
            await self._catalogue.aclose()
        await asyncio.to_thread(self._plan_again, import_id)
        return {"titles": done}

    def _plan_again(self, import_id: str) -> None:
        with self._database.read() as session:
            found = session.get_one(DiscImport, import_id)
            options, state = imports.stored_options(found), found.state
        if state == "preview":
            self._imports.plan_again(import_id, options)

    async def _candidates(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        title = WrittenTitle(str(values["name"]), values.get("release_year"))
        known = await self._database.reading(lambda session: _known_films(session, title))
        if not self._catalogue.is_configured:
            return ranked(title, known)
        try:
            found = list((await self._catalogue.search_movies(title.name, year=title.year)).results)
            if len(found) < FEW and title.year is not None:
                # The year may be that of another country, or of the box.
                found += (await self._catalogue.search_movies(title.name)).results
        except NotConfigured:
            # The key is wrong: what the hub knows by itself is still worth showing.
            return ranked(title, known)
        return ranked(title, [*map(_candidate, found), *known])

    async def _add_job(self, context: JobContext) -> dict[str, int]:
        import_id = str(context.arguments["import_id"])
        if self._look_up.is_configured:
            try:
                await self._fetch_facts(import_id, context)
            finally:
                await self._catalogue.aclose()

        def progress(done: int, total: int) -> None:
            context.progress(done, total, f"{done:,} of {total:,} titles")
            context.check()

        return await asyncio.to_thread(self._imports.go_on, import_id, progress)

    async def _fetch_facts(self, import_id: str, context: JobContext) -> None:
        """Ask for the facts of the chosen films before any disc is written; what was asked is kept with its row."""
        rows = await self._database.reading(lambda session: _without_facts(session, import_id))
        for begin in range(0, len(rows), AT_ONCE):
            some = rows[begin : begin + AT_ONCE]
            await asyncio.gather(*(self._fetch(import_id, row) for row in some))
            context.progress(begin + len(some), len(rows), f"{begin + len(some):,} of {len(rows):,} films asked for")

    async def _fetch(self, import_id: str, row: DiscImportRow) -> None:
        try:
            found = await self._look_up.values_for(row.values["tmdb_id"])
        except (NotConfigured, UpstreamNotFound) as problem:
            values = with_note(row.values, f"added without the facts of TMDB: {problem.message}")
            await self._database.writing(lambda session: _set_values(session, import_id, row.line, values))
            return

        def keep(session: Session) -> None:
            facts = {name: writing.as_json(value) for name, value in self._look_up.written(session, found).items()}
            beside = {**row.values[BESIDE], writing.FACTS: facts}
            _set_values(session, import_id, row.line, {**row.values, BESIDE: beside})

        await self._database.writing(keep)


def _as_chosen(values: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of a row whose film is known, or known to be none."""
    beside = {name: value for name, value in (values.get(BESIDE) or {}).items() if name == WRITTEN}
    if chosen is None:
        title = read_title(beside.get(WRITTEN) or str(values["name"]))
        found: dict[str, Any] = {"name": title.name, "release_year": title.year}
        beside[imports.NOTE] = NOT_FOUND
    else:
        found = {"name": chosen["name"][:255], "release_year": chosen["year"], "tmdb_id": chosen["tmdb_id"]}
    return {name: value for name, value in found.items() if value is not None} | {BESIDE: beside}


def _candidate(hit: TMDBMovieHit) -> dict[str, Any]:
    overview = " ".join(hit.overview.split())
    if len(overview) > MOST_OVERVIEW_CHARACTERS:
        overview = f"{overview[: MOST_OVERVIEW_CHARACTERS - 1].rstrip()}\u2026"
    return {
        "tmdb_id": hit.id,
        "name": hit.title,
        "original_name": hit.original_title,
        "year": hit.year,
        "overview": overview,
        "poster_path": hit.poster_path,
    }


def _known_films(session: Session, title: WrittenTitle) -> list[dict[str, Any]]:
    """Return films the hub knows already under such a name."""
    query = (
        select(Title, TitleId.value)
        .join(TitleId, (TitleId.title_id == Title.id) & (TitleId.source == Source.TMDB_MOVIE))
        .where(Title.kind == "film", Title.search_name.in_(spellings(title.name)))
        .limit(MOST_CANDIDATES)
    )
    return [
        {
            "tmdb_id": int(value),
            "name": film.name,
            "original_name": film.original_name or "",
            "year": film.year,
            "overview": (film.overview or "")[:MOST_OVERVIEW_CHARACTERS],
            "poster_path": film.poster_path,
        }
        for film, value in session.execute(query).all()
    ]


def ranked(title: WrittenTitle, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return candidates once each, best first; `confidence` is sure, likely or guess. Pure."""
    wanted = set(spellings(title.name))

    def judged(one: Mapping[str, Any]) -> tuple[int, str]:
        is_name = bool(wanted & {folded(str(one["name"])), folded(str(one.get("original_name") or ""))})
        if title.year is None or one["year"] is None:
            distance = 0 if title.year is None else 2 * YEAR_TOLERANCE
        else:
            distance = abs(one["year"] - title.year)
        if is_name and distance == 0 and title.year is not None:
            return 0, "sure"
        if is_name and distance <= YEAR_TOLERANCE:
            return 1 + distance, "likely"
        return (3 if distance <= YEAR_TOLERANCE else 4) + (0 if is_name else 2), "guess"

    once = {one["tmdb_id"]: one for one in reversed(found)}
    places = {one["tmdb_id"]: place for place, one in reversed(list(enumerate(found)))}
    order = sorted(once.values(), key=lambda one: (judged(one)[0], places[one["tmdb_id"]]))
    return [{**one, "confidence": judged(one)[1]} for one in order[:MOST_CANDIDATES]]


# Rows, inside the caller's transaction ----------------------------------------------------------


def _unanswered(session: Session, import_id: str, limit: int) -> list[DiscImportRow]:
    query = select(DiscImportRow).where(_is_unanswered(import_id)).order_by(DiscImportRow.line).limit(limit)
    return list(session.scalars(query))


def _count_unanswered(session: Session, import_id: str) -> int:
    return len(session.scalars(select(DiscImportRow.line).where(_is_unanswered(import_id))).all())


def _is_unanswered(import_id: str) -> Any:
    return (
        (DiscImportRow.import_id == import_id)
        & DiscImportRow.outcome.in_(["waiting", "skipped"])
        & DiscImportRow.candidates.is_(None)
    )


def _keep(
    session: Session, import_id: str, rows: Sequence[DiscImportRow], answers: Sequence[list[dict[str, Any]]]
) -> bool:
    """Keep what was found; False where the list is not under review any more."""
    found = session.get(DiscImport, import_id, with_for_update=True)
    if found is None or found.state != "preview":
        return False
    for row, candidates in zip(rows, answers, strict=True):
        values = _as_chosen(row.values, candidates[0] if candidates else None)
        session.execute(
            update(DiscImportRow)
            .where(
                DiscImportRow.import_id == import_id,
                DiscImportRow.line == row.line,
                DiscImportRow.candidates.is_(None),
            )
            .values(candidates=candidates, values=values)
        )
    return True


def _without_facts(session: Session, import_id: str) -> list[DiscImportRow]:
    query = select(DiscImportRow).where(DiscImportRow.import_id == import_id, DiscImportRow.outcome == "waiting")
    return [
        row
        for row in session.scalars(query.order_by(DiscImportRow.line))
        if row.values.get("tmdb_id") and row.plan == "add" and writing.FACTS not in row.values.get(BESIDE, {})
    ]


def _set_values(session: Session, import_id: str, line: int, values: Mapping[str, Any]) -> None:
    session.execute(
        update(DiscImportRow)
        .where(DiscImportRow.import_id == import_id, DiscImportRow.line == line)
        .values(values=dict(values))
    )


def results(session: Session, import_id: str, group: Group) -> list[DiscImportRow]:
    """Return the lines of a list that were added, skipped because they are on the shelf, or could not be added."""
    query = select(DiscImportRow).where(DiscImportRow.import_id == import_id, DiscImportRow.outcome.in_(GROUPS[group]))
    return list(session.scalars(query.order_by(DiscImportRow.line)))


def group_counts(found: ImportSummary) -> dict[Group, int]:
    return {group: sum(found.outcomes.get(one, 0) for one in outcomes) for group, outcomes in GROUPS.items()}


# Marking as downloaded --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedDisc:
    """A line of the list and the discs it means."""

    line: str
    discs: tuple[tuple[int, str, int | None], ...] = ()
    """Number, name and year of each."""


@dataclass(frozen=True, slots=True)
class MarkedDownloads:
    found: list[NamedDisc] = field(default_factory=list)
    already: list[NamedDisc] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    multiple: list[NamedDisc] = field(default_factory=list)


def mark_downloaded(session: Session, text: str, now: datetime) -> MarkedDownloads:
    """Mark the discs a pasted list names as downloaded, in this transaction.

    A name counts exactly, whatever its case, before any name that only holds it. A year behind the title chooses among
    several. Raises InvalidInput.
    """
    marked = MarkedDownloads()
    shelf = [
        (row.id, row.name, row.release_year, row.is_downloaded and row.media_type == "download", row.name.casefold())
        for row in session.execute(
            select(Disc.id, Disc.name, Disc.release_year, Disc.is_downloaded, Disc.media_type).order_by(Disc.id)
        )
    ]
    by_name: dict[str, list[Any]] = {}
    for one in shelf:
        by_name.setdefault(one[4], []).append(one)
    done: set[int] = set()
    for _number, line in lines_of(text):
        meant = _meant(line, shelf, by_name)
        named = NamedDisc(line, tuple(one[:3] for one in meant[:MOST_CANDIDATES]))
        if not meant:
            marked.not_found.append(line)
        elif len(meant) > 1:
            marked.multiple.append(named)
        elif meant[0][3] or meant[0][0] in done:
            marked.already.append(named)
        else:
            editing.edit(session, meant[0][0], {"media_type": "download", "is_downloaded": True}, now)
            done.add(meant[0][0])
            marked.found.append(named)
    return marked


def _meant(line: str, shelf: Sequence[Any], by_name: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    title = read_title(line)
    for name, year in ((line.casefold(), None), (title.name.casefold(), title.year)):
        meant = by_name.get(name, ())
        if year is not None:
            meant = [one for one in meant if one[2] in {year, None}]
        if meant:
            return meant
    part = title.name.casefold()
    return [one for one in shelf if part in one[4] and (title.year is None or one[2] in {title.year, None})]
