"""Filling discs with what TMDB knows: when one is added, when its match is put right, and when facts are missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import NotConfigured, UpstreamError
from kinoshelf.discs import editing
from kinoshelf.discs.adding import add
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.fields import FACT_FIELDS, FIRST_YEAR, LAST_YEAR, MOST_NUMBER, MOST_TEXT_CHARACTERS, clean, fitted
from kinoshelf.discs.models import Disc, DiscWish
from kinoshelf.discs.wishes import add_wish, fulfil
from kinoshelf.images import wanting
from kinoshelf.images.sizes import tmdb_key
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.facts import MovieFacts, movie_facts, store_movie

MOST_RUNTIME_MINUTES = 10_000
_POSTER_PATH = re.compile(r"/[A-Za-z0-9_-]{1,120}\.(?:jpg|jpeg|png|webp)")


class DiscNotMatched(DiscInvalid):
    def __init__(self, name: str) -> None:
        super().__init__([("tmdb_id", f"\u00ab{name}\u00bb has no TMDB number yet; choose the film first")])


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """A film as TMDB knows it: `values` are fields of a disc without the poster, which is wanted by `poster_path`."""

    values: dict[str, Any]
    poster_path: str | None
    movie: MovieFacts


@dataclass(frozen=True, slots=True)
class AddedDisc:
    """`note` says in words why facts are missing; empty where none are."""

    disc: Disc
    note: str = ""


def disc_values(facts: MovieFacts) -> dict[str, Any]:
    """Return the facts of a film as fields of a disc, cut to what they can hold. Pure."""
    score = None if facts.score is None else Decimal(str(facts.score))
    year = facts.year if facts.year is not None and FIRST_YEAR <= facts.year <= LAST_YEAR else None
    runtime = facts.runtime_minutes
    imdb_id = facts.imdb_id or ""
    return {
        "name": facts.name[:255],
        "tmdb_id": facts.tmdb_id,
        "imdb_id": imdb_id if imdb_id[:2] == "tt" and imdb_id[2:].isdigit() and len(imdb_id) <= 12 else None,
        "overview": facts.overview[:MOST_TEXT_CHARACTERS] if facts.overview else None,
        "release_year": year,
        "genres": fitted(facts.genres),
        "runtime": runtime if runtime and 0 < runtime <= MOST_RUNTIME_MINUTES else None,
        "rating": None if score is None else score.quantize(Decimal("0.1"), ROUND_HALF_UP),
        "tmdb_user_score": None if score is None else score.quantize(Decimal("0.01"), ROUND_HALF_UP),
        "uk_certification": (facts.certificate or "").lower()[:10],
        "original_language": (facts.original_language or "")[:10],
        "tagline": _shortened(facts.tagline or "", 255),
        "director": fitted(facts.directors),
        "production_companies": fitted(facts.companies, MOST_TEXT_CHARACTERS),
        "budget": _money(facts.budget),
        "revenue": _money(facts.revenue),
    }


def _money(amount: int | None) -> int | None:
    return amount if amount and 0 < amount <= MOST_NUMBER else None


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\u2026"


class LookUp:
    """Asks TMDB for films and writes what it says into discs. Raises NotConfigured without a key, UpstreamError."""

    def __init__(self, *, catalogue: Catalogue, database: Database, clock: Clock) -> None:
        self._catalogue = catalogue
        self._database = database
        self._clock = clock

    @property
    def is_configured(self) -> bool:
        return self._catalogue.is_configured

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the next question opens new ones."""
        await self._catalogue.aclose()

    async def values_for(self, tmdb_id: int, *, fresh: bool = False) -> FilmFacts:
        """Return what TMDB knows of a film. Raises UpstreamNotFound where it has none of this number."""
        details = await self._catalogue.movie(tmdb_id, fresh=fresh)
        facts = movie_facts(details, self._catalogue.region, self._catalogue.language)
        return FilmFacts(disc_values(facts), facts.poster_path, facts)

    def written(self, session: Session, found: FilmFacts) -> dict[str, Any]:
        """Keep the facts of the title in this transaction; return those of a disc, with its poster."""
        now = self._clock.now()
        store_movie(session, found.movie, now)
        values = dict(found.values)
        if found.poster_path:
            values["poster_id"] = wanting.want(session, tmdb_key(found.poster_path), None, now)
        return clean(values, is_partial=True)

    async def add(self, values: Mapping[str, Any], *, by_person: bool = True) -> AddedDisc:
        """Add a disc; with a TMDB number its facts are filled in, and what was given differently is locked.

        A disc that has a name is added also while TMDB cannot be asked; the note says so.
        """
        checked = clean({"name": "?", **values}, is_partial=True)
        found, note = await self._facts_or_note(checked.get("tmdb_id"), has_name="name" in values)

        def work(session: Session) -> Disc:
            facts = None if found is None else self.written(session, found)
            return add(session, values, self._clock.now(), by_person=by_person, facts=facts)

        return AddedDisc(await self._database.writing(work), note)

    async def fulfil(self, wish_id: int, values: Mapping[str, Any]) -> AddedDisc:
        """Turn a wish into a disc, with the facts of TMDB where it has a number. Raises WishNotFound."""
        tmdb_id = await self._database.reading(lambda session: _wished_film(session, wish_id))
        found, note = await self._facts_or_note(tmdb_id, has_name=True)

        def work(session: Session) -> Disc:
            facts = None if found is None else self.written(session, found)
            return fulfil(session, wish_id, values, self._clock.now(), facts=facts)

        return AddedDisc(await self._database.writing(work), note)

    async def wish(self, tmdb_id: int, values: Mapping[str, Any] | None = None) -> DiscWish:
        """Put a film of TMDB on the wish list. Raises AlreadyWished, UpstreamNotFound."""
        found = await self.values_for(tmdb_id)
        known = {name: found.values[name] for name in ("name", "release_year", "tmdb_id")}

        def work(session: Session) -> DiscWish:
            title_id = store_movie(session, found.movie, self._clock.now())
            wish = add_wish(session, {**known, **(values or {})}, self._clock.now())
            wish.title_id = title_id
            return wish

        return await self._database.writing(work)

    async def fill(self, disc_id: int, *, only_missing: bool = True, fresh: bool = False) -> frozenset[str]:
        """Write the facts of the disc's film; return the fields that changed. Locked fields stay.

        Raises DiscNotFound, DiscNotMatched, UpstreamNotFound.
        """
        tmdb_id = await self._database.reading(lambda session: _matched(session, disc_id))
        found = await self.values_for(tmdb_id, fresh=fresh)
        return await self._database.writing(
            lambda session: self.write_facts(session, disc_id, found, only_missing=only_missing)
        )

    def write_facts(self, session: Session, disc_id: int, found: FilmFacts, *, only_missing: bool) -> frozenset[str]:
        """Write facts into a disc in this transaction; what TMDB does not know leaves the disc as it is."""
        disc = session.get(Disc, disc_id, with_for_update=True)
        if disc is None:
            raise DiscNotFound(disc_id)
        if disc.tmdb_id != found.movie.tmdb_id:
            # Somebody chose another film while TMDB was asked.
            return frozenset()
        facts = self.written(session, found)
        wanted = {
            name: facts[name]
            for name in FACT_FIELDS & facts.keys()
            if facts[name] not in {None, ""}
            and name not in disc.edited_fields
            and not (only_missing and getattr(disc, name) not in {None, ""})
        }
        disc.facts_refreshed_at = self._clock.now()
        changed = editing.write(session, disc, wanted, self._clock.now(), locks=False)
        session.flush()
        return changed - {"location"}

    async def fetch_imdb_id(self, disc_id: int) -> str | None:
        """Take the IMDb id from TMDB and return it; None where TMDB has none. A person's own is kept.

        Raises DiscNotFound, DiscNotMatched, UpstreamNotFound.
        """
        tmdb_id = await self._database.reading(lambda session: _matched(session, disc_id))
        found = await self.values_for(tmdb_id)
        imdb_id: str | None = found.values["imdb_id"]
        if imdb_id is None:
            return None

        def work(session: Session) -> str | None:
            return editing.edit(session, disc_id, {"imdb_id": imdb_id}, self._clock.now(), by_person=False).imdb_id

        return await self._database.writing(work)

    async def choose_poster(self, disc_id: int, poster_path: str) -> Disc:
        """Let the disc have this picture of TMDB; no refresh replaces it. Raises DiscNotFound, DiscInvalid."""
        if not _POSTER_PATH.fullmatch(poster_path):
            raise DiscInvalid([("poster_path", "this is no picture of TMDB")])

        def work(session: Session) -> Disc:
            now = self._clock.now()
            poster_id = wanting.want(session, tmdb_key(poster_path), None, now)
            editing.edit(session, disc_id, {"poster_id": poster_id}, now)
            return editing.lock(session, disc_id, ["poster_id"], now)

        return await self._database.writing(work)

    async def fix_match(self, disc_id: int, tmdb_id: int) -> Disc:
        """Make the disc one of another film, with all its facts. Raises DiscNotFound, UpstreamNotFound."""
        await self._database.reading(lambda session: _known(session, disc_id))
        found = await self.values_for(tmdb_id)

        def work(session: Session) -> Disc:
            facts = self.written(session, found)
            return editing.fix_match(session, disc_id, facts, self._clock.now(), tmdb_id=tmdb_id)

        return await self._database.writing(work)

    async def _facts_or_note(self, tmdb_id: int | None, *, has_name: bool) -> tuple[FilmFacts | None, str]:
        if tmdb_id is None:
            return None, ""
        try:
            return await self.values_for(tmdb_id), ""
        except (NotConfigured, UpstreamError) as problem:
            if not has_name:
                raise
            return None, f"added without the facts of TMDB: {problem.message}"


def _known(session: Session, disc_id: int) -> Disc:
    disc = session.get(Disc, disc_id)
    if disc is None:
        raise DiscNotFound(disc_id)
    return disc


def _matched(session: Session, disc_id: int) -> int:
    disc = _known(session, disc_id)
    if disc.tmdb_id is None:
        raise DiscNotMatched(disc.name)
    return disc.tmdb_id


def _wished_film(session: Session, wish_id: int) -> int | None:
    wish = session.get(DiscWish, wish_id)
    return None if wish is None else wish.tmdb_id
