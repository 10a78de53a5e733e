"""Finding the title for what somebody named: among our own, and at TMDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from kinoshelf.core.http.errors import UpstreamNotFound
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.identity import Source, clean_value, find_by_id
from kinoshelf.titles.likeness import LEAST_LIKENESS, Candidate, Judged, Kind, Match, Wanted, contradicts, judge, rank
from kinoshelf.titles.models import Title, TitleName
from kinoshelf.titles.naming import folded, main_parts, spellings
from kinoshelf.titles.review import decision_for
from kinoshelf.upstreams.tmdb import TMDBTV, TMDBMovie, TMDBMovieHit, TMDBTVHit

__all__ = ["Candidate", "Judged", "Kind", "Match", "Wanted", "match", "match_online"]

MOST_NEAR = 300
"""Names beginning alike that are compared for a near miss."""
MOST_JUDGED = 20
WORTH_A_LOOK = LEAST_LIKENESS - 15
"""Of the names as they are kept; their numbers may be written otherwise."""
BEGINNING = 3
LOOKED_INTO = 3
"""Hits whose other names are asked for, where the names in the list do not decide."""
BY_A_NUMBER, NUMBER_IN_DOUBT = 100, 60
NUMBERS = {
    Source.TMDB_MOVIE: "TMDB",
    Source.TMDB_TV: "TMDB",
    Source.IMDB: "IMDb",
    Source.TVDB_SERIES: "TheTVDB",
}


def match(session: Session, wanted: Wanted) -> Match:
    """Find it among our titles: by what a person decided, by number, by name and year. Asks nobody."""
    if wanted.subject and (decided := decision_for(session, wanted.subject)) is not None:
        found = _candidates(session, [decided])
        return Match(tuple(Judged(one, 100, ("a person said so",)) for one in found))
    for source, value in wanted.ids.items():
        title_id = find_by_id(session, source, value)
        if title_id is not None:
            (candidate,) = _candidates(session, [title_id])
            return _by_number(wanted, candidate, source)
    same = _candidates(session, _named_the_same(session, wanted))
    best = rank(judge(wanted, candidate) for candidate in same)
    if best.is_certain:
        return best
    near = _candidates(session, _beginning_alike(session, wanted))
    return rank(judge(wanted, one) for one in {one.id: one for one in (*same, *near)}.values())


async def match_online(catalogue: Catalogue, wanted: Wanted) -> Match:
    """Find it at TMDB: by number, else by name, with the other names of the likeliest. Raises as the catalogue does."""
    by_number = await _online_by_number(catalogue, wanted)
    if by_number is not None:
        return by_number
    found: dict[int, Candidate] = {}
    best = Match()
    for name, year in _questions(wanted):
        hits = await _search(catalogue, wanted.kind, name, year)
        found = {hit.id: hit for hit in hits} | found
        best = rank(judge(wanted, candidate) for candidate in found.values())
        if best.is_certain:
            return best
        # Other names stand in the details only. TMDB found it by one of them, perhaps.
        for hit in _likely(wanted, hits)[:LOOKED_INTO]:
            if not found[hit.id].other_names or found[hit.id] == hit:
                found[hit.id] = await _with_names(catalogue, wanted.kind, hit)
        best = rank(judge(wanted, candidate) for candidate in found.values())
        if best.is_certain:
            return best
    return best


# Among our own -------------------------------------------------------------------------------------


def _named_the_same(session: Session, wanted: Wanted) -> list[int]:
    """Return the titles whose name, or a further one, is written in one of the ways this name can be."""
    names = [wanted.name, *main_parts(wanted.name)]
    forms = list(dict.fromkeys(form for name in names for form in spellings(name)))
    by_title = select(Title.id).where(Title.search_name.in_(forms), Title.kind == wanted.kind)
    by_name = _with_name().where(TitleName.search_name.in_(forms), Title.kind == wanted.kind)
    return list(dict.fromkeys([*session.scalars(by_title), *session.scalars(by_name)]))


def _beginning_alike(session: Session, wanted: Wanted) -> list[int]:
    """Return titles of a similar name among the best known with this beginning, and longer names that begin with it."""
    name = folded(wanted.name)
    begins = name[:BEGINNING]
    # As in `likeness.py`: loaded by whoever compares names.
    from rapidfuzz import fuzz, process

    near: dict[int, None] = {}
    for column, query in (
        (Title.search_name, select(Title.id, Title.search_name)),
        (
            TitleName.search_name,
            select(Title.id, TitleName.search_name).join(TitleName, TitleName.title_id == Title.id),
        ),
    ):
        rows = session.execute(
            query.where(column.startswith(begins, autoescape=True), Title.kind == wanted.kind)
            .order_by(func.coalesce(Title.vote_count, 0).desc(), Title.id)
            .limit(MOST_NEAR)
        ).all()
        longer = [row.id for row in rows if row.search_name.startswith(f"{name} ")]
        similar = [
            rows[at].id
            for scorer in (fuzz.ratio, fuzz.token_sort_ratio)
            for _, _, at in process.extract(
                name, [row.search_name for row in rows], scorer=scorer, score_cutoff=WORTH_A_LOOK, limit=MOST_JUDGED
            )
        ]
        near |= dict.fromkeys([*similar, *longer[:MOST_JUDGED]])
    return list(near)


def _with_name() -> Select[int]:
    return select(Title.id).join(TitleName, TitleName.title_id == Title.id)


def _candidates(session: Session, title_ids: Sequence[int]) -> list[Candidate]:
    if not title_ids:
        return []
    names: dict[int, list[str]] = {}
    for row in session.execute(
        select(TitleName.title_id, TitleName.name).where(TitleName.title_id.in_(title_ids)).order_by(TitleName.id)
    ):
        names.setdefault(row.title_id, []).append(row.name)
    columns = (Title.id, Title.name, Title.original_name, Title.year, Title.vote_count, Title.poster_path)
    return [
        Candidate(
            "title",
            row.id,
            row.name,
            row.year,
            _others(row.name, [row.original_name, *names.get(row.id, [])]),
            row.vote_count,
            row.poster_path,
        )
        for row in session.execute(select(*columns).where(Title.id.in_(title_ids)).order_by(Title.id))
    ]


# At TMDB -------------------------------------------------------------------------------------------


def _questions(wanted: Wanted) -> list[tuple[str, int | None]]:
    """Return what to search for, one after the other until something certain is found."""
    names = [wanted.name, *main_parts(wanted.name)]
    questions: list[tuple[str, int | None]] = []
    for name in names:
        # The year of a disc is often that of another country, or of the disc.
        questions += [(name, wanted.year), (name, None)] if wanted.year else [(name, None)]
    return list(dict.fromkeys(questions))


async def _search(catalogue: Catalogue, kind: Kind, name: str, year: int | None) -> list[Candidate]:
    if kind == "film":
        return [_of_hit(hit) for hit in (await catalogue.search_movies(name, year=year)).results]
    return [_of_hit(hit) for hit in (await catalogue.search_tv(name, year=year)).results]


def _likely(wanted: Wanted, hits: Sequence[Candidate]) -> list[Candidate]:
    """Return those whose year does not speak against them."""
    return [hit for hit in hits if wanted.year is None or hit.year is None or abs(hit.year - wanted.year) <= 1]


async def _online_by_number(catalogue: Catalogue, wanted: Wanted) -> Match | None:
    for source, value in wanted.ids.items():
        if source in {Source.TMDB_MOVIE, Source.TMDB_TV}:
            try:
                candidate = await _details(catalogue, wanted.kind, int(clean_value(source, value)))
            except UpstreamNotFound:
                continue
            return _by_number(wanted, candidate, source)
        external = (
            {Source.IMDB: "imdb_id", Source.TVDB_SERIES: "tvdb_id"}.get(Source(source)) if source in NUMBERS else None
        )
        if external is None:
            continue
        found = await catalogue.find(clean_value(source, value), "imdb_id" if external == "imdb_id" else "tvdb_id")
        hits: Sequence[TMDBMovieHit | TMDBTVHit] = found.movie_results if wanted.kind == "film" else found.tv_results
        if hits:
            return _by_number(wanted, await _with_names(catalogue, wanted.kind, _of_hit(hits[0])), source)
    return None


async def _with_names(catalogue: Catalogue, kind: Kind, hit: Candidate) -> Candidate:
    try:
        return await _details(catalogue, kind, hit.id)
    except UpstreamNotFound:
        # TMDB lists films for a while after it has removed them.
        return hit


async def _details(catalogue: Catalogue, kind: Kind, tmdb_id: int) -> Candidate:
    if kind == "film":
        return _of_details(await catalogue.movie(tmdb_id))
    return _of_details(await catalogue.tv(tmdb_id))


def _of_hit(hit: TMDBMovieHit | TMDBTVHit) -> Candidate:
    if isinstance(hit, TMDBMovieHit):
        source, name, original = Source.TMDB_MOVIE, hit.title, hit.original_title
    else:
        source, name, original = Source.TMDB_TV, hit.name, hit.original_name
    return Candidate(source, hit.id, name, hit.year, _others(name, [original]), hit.vote_count, hit.poster_path)


def _of_details(details: TMDBMovie | TMDBTV) -> Candidate:
    names = details.alternative_titles
    if isinstance(details, TMDBMovie):
        source, name, original = Source.TMDB_MOVIE, details.title, details.original_title
        others = [row.title for row in names.titles] if names else []
    else:
        source, name, original = Source.TMDB_TV, details.name, details.original_name
        others = [row.title for row in names.results] if names else []
    return Candidate(
        source,
        details.id,
        name,
        details.year,
        _others(name, [original, *others]),
        details.vote_count,
        details.poster_path,
    )


# Both ----------------------------------------------------------------------------------------------


def _by_number(wanted: Wanted, candidate: Candidate, source: str) -> Match:
    owner = NUMBERS.get(Source(source)) if source in set(Source) else None
    reason = f"the same number at {owner}" if owner else f"the same number ({source})"
    if contradicts(wanted, candidate):
        words = f"but its name and year are others: «{candidate.name}» ({candidate.year})"
        return Match((Judged(candidate, NUMBER_IN_DOUBT, (reason, words)),))
    return Match((Judged(candidate, BY_A_NUMBER, (reason,)),))


def _others(name: str, others: Iterable[str | None]) -> tuple[str, ...]:
    """Return the other names, each once."""
    known = folded(name)
    return tuple({folded(other): other for other in others if other and folded(other) != known}.values())
