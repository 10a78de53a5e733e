"""How sure a film or series is the one somebody named, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kinoshelf.titles.naming import counted, folded, main_parts

Kind = Literal["film", "series"]

SURE = 90
"""From here on a machine may decide."""
MARGIN = 8
"""Who is no further behind the best is as likely."""
UNSURE = 79
"""What is left of a match that has a rival."""
WORTH_SHOWING = 40

SAME_NAME, SAME_LETTERS, SAME_NUMBERS, SAME_MAIN_PART = 95, 93, 93, 82
MOST_FOR_NEAR = 84
LEAST_LIKENESS = 80
SHORTEST_FOR_NEAR = 5
OTHER_NAME = -2
SAME_YEAR, NEXT_YEAR, OTHER_YEAR, NO_YEAR_GIVEN, NO_YEAR_KNOWN, HARDLY_KNOWN = 5, -3, -35, -5, -8, -12
KNOWN_VOTES, HARDLY_KNOWN_SHARE = 1000, 0.01


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody named. `ids` are numbers of other systems (`{"tmdb.movie": "603"}`), `subject` who asks (`disc:17`)."""

    kind: Kind
    name: str
    year: int | None = None
    ids: Mapping[str, str | int] = field(default_factory=dict)
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film or series that may be meant: `source` is `title` for one of ours, else whose number `id` is."""

    source: str
    id: int
    name: str
    year: int | None = None
    other_names: tuple[str, ...] = ()
    vote_count: int | None = None
    poster_path: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    candidate: Candidate
    confidence: int
    reasons: tuple[str, ...]

    def packed(self) -> dict[str, Any]:
        """Return it as it is kept for a person to decide."""
        one = self.candidate
        return {
            "source": one.source,
            "id": one.id,
            "name": one.name,
            "year": one.year,
            "poster_path": one.poster_path,
            "confidence": self.confidence,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """The best of the candidates, best first. `is_certain`: a machine may take it without asking."""

    candidates: tuple[Judged, ...] = ()

    @property
    def best(self) -> Judged | None:
        return self.candidates[0] if self.candidates else None

    @property
    def title_id(self) -> int | None:
        """The best, where it is a title of ours."""
        return self.best.candidate.id if self.best and self.best.candidate.source == "title" else None

    @property
    def candidate(self) -> Candidate | None:
        return self.best.candidate if self.best else None

    @property
    def confidence(self) -> int:
        return self.best.confidence if self.best else 0

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.best.reasons if self.best else ("nothing of this name was found",)

    @property
    def is_certain(self) -> bool:
        return self.confidence >= SURE


def judge(wanted: Wanted, candidate: Candidate) -> Judged:
    """Judge one candidate for itself, by name and year."""
    points, reason = max(
        (
            _named(wanted.name, candidate.name, 0),
            *(_named(wanted.name, name, OTHER_NAME) for name in candidate.other_names),
        ),
        key=lambda found: found[0],
    )
    if points == 0:
        return Judged(candidate, 0, (reason,))
    change, words = _dated(wanted.year, candidate.year)
    return Judged(candidate, max(0, min(100, points + change)), (reason, words))


def rank(judged: Iterable[Judged]) -> Match:
    """Order the candidates; the best of two that are close is not certain, and says so."""
    ordered = sorted(judged, key=lambda one: (-one.confidence, -(one.candidate.vote_count or 0), one.candidate.id))
    ordered = [one for one in ordered if one.confidence >= WORTH_SHOWING]
    ordered = _without_hardly_known(ordered)
    if len(ordered) > 1 and ordered[0].confidence - ordered[1].confidence < MARGIN:
        best, rival = ordered[0], ordered[1]
        words = f"{_shown(rival.candidate)} fits as well"
        ordered = [
            replace(best, confidence=min(best.confidence, UNSURE), reasons=(*best.reasons, words)),
            *(replace(one, confidence=min(one.confidence, UNSURE)) for one in ordered[1:]),
        ]
    return Match(tuple(ordered))


def _without_hardly_known(ordered: list[Judged]) -> list[Judged]:
    """Put back those nobody has heard of, where a famous one fits about as well."""
    famous = [one for one in ordered if (one.candidate.vote_count or 0) >= KNOWN_VOTES]

    def is_hardly_known(one: Judged) -> bool:
        votes = one.candidate.vote_count
        return votes is not None and any(
            votes < (other.candidate.vote_count or 0) * HARDLY_KNOWN_SHARE
            and other.confidence > one.confidence - MARGIN
            for other in famous
        )

    found = [
        replace(
            one, confidence=max(0, one.confidence + HARDLY_KNOWN), reasons=(*one.reasons, "hardly anybody knows it")
        )
        if is_hardly_known(one)
        else one
        for one in ordered
    ]
    return sorted(found, key=lambda one: -one.confidence)


def _named(wanted: str, name: str, change: int) -> tuple[int, str]:
    """Return the points for the name, and why; 0 where it is another name."""
    mine, theirs = folded(wanted), folded(name)
    also = f", as which it is known too («{name}»)" if change else ""
    if not mine or not theirs:
        return 0, "it has another name"
    if mine == theirs:
        return SAME_NAME + change, f"the same name{also}"
    if mine.replace(" ", "") == theirs.replace(" ", ""):
        return SAME_LETTERS + change, f"the same letters, spaced otherwise{also}"
    mine, theirs = counted(wanted), counted(name)
    if mine == theirs:
        return SAME_NUMBERS + change, f"the same name, its number written otherwise{also}"
    if mine in map(counted, main_parts(name)) or theirs in map(counted, main_parts(wanted)):
        return SAME_MAIN_PART + change, f"the same name but for the subtitle{also}"
    if _numbers(mine) != _numbers(theirs) or min(len(mine), len(theirs)) < SHORTEST_FOR_NEAR:
        return 0, "it has another name"
    # Loaded by the first near miss: it takes memory, and most processes compare nothing.
    from rapidfuzz import fuzz

    likeness = max(fuzz.ratio(mine, theirs), fuzz.token_sort_ratio(mine, theirs))
    if likeness < LEAST_LIKENESS:
        return 0, "it has another name"
    return round(likeness / 100 * MOST_FOR_NEAR) + change, f"nearly the same name{also or f' («{name}»)'}"


def _numbers(name: str) -> list[str]:
    return sorted(word for word in name.split() if word.isdigit())


def _dated(wanted: int | None, year: int | None) -> tuple[int, str]:
    if wanted is None:
        return NO_YEAR_GIVEN, "no year was given"
    if year is None:
        return NO_YEAR_KNOWN, "its year is not known"
    if wanted == year:
        return SAME_YEAR, "the same year"
    if abs(wanted - year) == 1:
        return NEXT_YEAR, f"the year is one off ({year})"
    return OTHER_YEAR, f"it is from another year ({year})"


def _shown(candidate: Candidate) -> str:
    return f"«{candidate.name}»" + (f" ({candidate.year})" if candidate.year else "")


def contradicts(wanted: Wanted, candidate: Candidate) -> bool:
    """Tell whether name and year both speak against a candidate a number led to."""
    if not wanted.name.strip() or wanted.year is None or candidate.year is None:
        return False
    names: Sequence[str] = (candidate.name, *candidate.other_names)
    has_name = any(_named(wanted.name, name, 0)[0] for name in names)
    return not has_name and abs(wanted.year - candidate.year) > 1
