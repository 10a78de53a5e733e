"""How many discs each choice of a filter would show, beside all its other choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from kinoshelf.discs.fields import CONDITIONS, DISK_TYPES, MEDIA_TYPES, STATUSES, split_words
from kinoshelf.discs.filters import CHOICES, DiscFilter, conditions, narrowed
from kinoshelf.discs.models import Disc, DiscTag

MOST_WORDS = 50
FLAG_COLUMNS: Mapping[str, Any] = {
    "is_tartan_dvd": Disc.is_tartan_dvd,
    "is_box_set": Disc.is_box_set,
    "is_unopened": Disc.is_unopened,
    "is_unwatched": Disc.is_unwatched,
    "is_downloaded": Disc.is_downloaded,
    "has_torrents": Disc.has_cached_torrents,
}


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts by choice. Statuses, media, disc types, conditions, flags and decades leave their own filter aside."""

    status: dict[str, int]
    media_type: dict[str, int]
    disk_type: dict[str, int]
    condition: dict[str, int]
    flags: dict[str, dict[bool, int]]
    decades: dict[int, int]
    genres: dict[str, int]
    tags: dict[str, int]
    storage_boxes: dict[str, int]
    box_sets: dict[str, int]


def facets(session: Session, wanted: DiscFilter | None = None) -> Facets:
    """Count the choices of a list in a handful of grouped queries."""
    wanted = wanted or DiscFilter()
    aside: dict[str, Any] = dict.fromkeys((*CHOICES, "not_status"), ())
    base = narrowed(session, wanted.but(**aside, **dict.fromkeys(FLAG_COLUMNS), decade=None)).where
    decade = Disc.release_year - Disc.release_year % literal_column("10")
    names = (*CHOICES, *FLAG_COLUMNS, "decade")
    columns = [*(getattr(Disc, name) for name in CHOICES), *FLAG_COLUMNS.values(), decade]
    query = select(*columns, func.count()).where(*base).group_by(*columns)
    groups = [(dict(zip(names, row[:-1], strict=True)), row[-1]) for row in session.execute(query)]
    tests = _tests(wanted)

    def counted(name: str) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for group, number in groups:
            if all(test(group) for of, test in tests.items() if of != name):
                found[group[name]] += number
        return found

    where = [*base, *conditions(_chosen(wanted))]
    genres: Counter[str] = Counter()
    for text, number in session.execute(select(Disc.genres, func.count()).where(*where).group_by(Disc.genres)):
        for word in split_words(text):
            genres[word] += number
    tagged = select(DiscTag.tag, func.count()).join(Disc, Disc.id == DiscTag.disc_id).where(*where)
    counts = {name: counted(name) for name in names}
    return Facets(
        status={choice: counts["status"][choice] for choice in STATUSES},
        media_type={choice: counts["media_type"][choice] for choice in MEDIA_TYPES},
        disk_type={choice: counts["disk_type"][choice] for choice in DISK_TYPES if counts["disk_type"][choice]},
        condition={choice: counts["condition"][choice] for choice in CONDITIONS if counts["condition"][choice]},
        flags={name: {True: counts[name][True], False: counts[name][False]} for name in FLAG_COLUMNS},
        decades={year: counts["decade"][year] for year in sorted(filter(None, counts["decade"]), reverse=True)},
        genres=dict(genres.most_common(MOST_WORDS)),
        tags=dict(_most(session.execute(tagged.group_by(DiscTag.tag)))),
        storage_boxes=_by_name(session, Disc.storage_box, where),
        box_sets=_by_name(session, Disc.box_set_name, where),
    )


def _chosen(wanted: DiscFilter) -> DiscFilter:
    """Return the part of a filter that facets leave aside one by one."""
    names = (*CHOICES, "not_status", *FLAG_COLUMNS, "decade")
    return DiscFilter(**{name: getattr(wanted, name) for name in names})


def _tests(wanted: DiscFilter) -> dict[str, Callable[[dict[str, Any]], bool]]:
    tests: dict[str, Callable[[dict[str, Any]], bool]] = {}
    for name in CHOICES:
        chosen = getattr(wanted, name)
        hidden = wanted.not_status if name == "status" else ()
        if chosen or hidden:
            tests[name] = lambda group, name=name, chosen=chosen, hidden=hidden: (  # type: ignore[misc]
                (not chosen or group[name] in chosen) and group[name] not in hidden
            )
    for name in FLAG_COLUMNS:
        flag = getattr(wanted, name)
        if flag is not None:
            tests[name] = lambda group, name=name, flag=flag: group[name] == flag  # type: ignore[misc]
    if wanted.decade is not None:
        tests["decade"] = lambda group: group["decade"] == wanted.decade
    return tests


def _most(rows: Any) -> list[tuple[str, int]]:
    return sorted(((row[0], row[1]) for row in rows), key=lambda found: (-found[1], found[0].casefold()))[:MOST_WORDS]


def _by_name(session: Session, column: Any, where: Any) -> dict[str, int]:
    query = select(column, func.count()).where(column != "", *where).group_by(column)
    return dict(_most(session.execute(query)))
