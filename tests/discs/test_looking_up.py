from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from kinoshelf.app import Hub
from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.http.errors import UpstreamNotFound, UpstreamUnavailable
from kinoshelf.discs.editing import edit
from kinoshelf.discs.errors import DiscInvalid, DiscNotFound
from kinoshelf.discs.looking_up import DiscNotMatched, LookUp, disc_values
from kinoshelf.discs.models import Disc
from kinoshelf.discs.queries import get
from kinoshelf.discs.wishes import AlreadyWished, add_wish, count_wishes, get_wish
from kinoshelf.images.models import Artwork
from kinoshelf.titles.facts import MovieFacts
from kinoshelf.titles.models import Title
from tests.factories.discs import MADE_AT, add_disc
from tests.simulators.tmdb import TMDBSimulator

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def look_up(hub: Hub) -> AsyncIterator[LookUp]:
    found = hub.container.get(LookUp)
    yield found
    await found.aclose()


class TestDiscValues:
    def test_are_cut_to_what_a_disc_can_hold(self) -> None:
        facts = MovieFacts(
            tmdb_id=5,
            name="x" * 500,
            imdb_id="no number",
            year=1700,
            tagline="y" * 300,
            runtime_minutes=0,
            genres=tuple(f"Genre {number}" for number in range(60)),
            directors=("A, Jr.", "B"),
            certificate="12A",
            score=7.25,
            budget=0,
            revenue=5,
        )
        found = disc_values(facts)
        assert (len(found["name"]), len(found["tagline"]), found["imdb_id"]) == (255, 255, None)
        assert (found["release_year"], found["runtime"], found["budget"], found["revenue"]) == (None, None, None, 5)
        assert len(found["genres"]) <= 255
        assert not found["genres"].endswith(",")
        assert found["director"] == "A  Jr., B"
        assert (found["uk_certification"], found["rating"], found["tmdb_user_score"]) == (
            "12a",
            Decimal("7.3"),
            Decimal("7.25"),
        )


class TestAdd:
    async def test_fills_every_fact_and_the_title(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        added = await look_up.add({"tmdb_id": "603", "storage_box": "B 1"})
        disc = added.disc
        assert (added.note, disc.name, disc.release_year, disc.storage_box) == ("", "The Matrix", 1999, "B 1")
        assert (disc.imdb_id, disc.runtime, disc.uk_certification) == ("tt0133093", 136, "15")
        assert (disc.director, disc.rating) == ("Lana Wachowski, Lilly Wachowski", Decimal("8.2"))
        assert (disc.budget, disc.revenue, disc.edited_fields) == (63_000_000, 463_517_383, [])
        with hub.database.read() as session:
            poster = session.get_one(Artwork, disc.poster_id)
            assert poster.source_key.startswith("tmdb:/")
            assert session.get_one(Title, disc.title_id).directors == ["Lana Wachowski", "Lilly Wachowski"]

    async def test_locks_what_a_person_wrote_differently(self, look_up: LookUp, tmdb: TMDBSimulator) -> None:
        disc = (await look_up.add({"tmdb_id": 603, "name": "Matrix", "runtime": 136, "overview": ""})).disc
        assert (disc.name, disc.edited_fields) == ("Matrix", ["name"])
        assert disc.overview

    async def test_without_tmdb_a_disc_with_a_name_is_added_all_the_same(
        self, look_up: LookUp, tmdb: TMDBSimulator
    ) -> None:
        tmdb.next(status=404, times=9)
        added = await look_up.add({"tmdb_id": 603, "name": "The Matrix"})
        assert added.note == "added without the facts of TMDB: TMDB does not have this"
        assert (added.disc.tmdb_id, added.disc.runtime) == (603, None)

    async def test_an_unknown_number_without_a_name(self, look_up: LookUp, tmdb: TMDBSimulator) -> None:
        with pytest.raises(UpstreamNotFound):
            await look_up.add({"tmdb_id": 999_999})

    async def test_wrong_values_ask_nobody(self, look_up: LookUp, tmdb: TMDBSimulator) -> None:
        with pytest.raises(DiscInvalid):
            await look_up.add({"tmdb_id": 603, "rating": 11})
        assert tmdb.count() == 0

    async def test_without_a_key(self, look_up: LookUp) -> None:
        assert not look_up.is_configured
        assert (await look_up.add({"name": "By hand"})).note == ""
        assert "key" in (await look_up.add({"name": "x", "tmdb_id": 603})).note
        with pytest.raises(NotConfigured, match="key"):
            await look_up.add({"tmdb_id": 603})


class TestFill:
    async def test_only_what_is_missing(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        with hub.database.write() as session:
            disc = add_disc(session, name="matrix", tmdb_id=603, runtime=1)
        changed = await look_up.fill(disc.id)
        assert "runtime" not in changed
        assert {"director", "budget", "poster_id", "release_year"} <= changed
        with hub.database.read() as session:
            found = get(session, disc.id)
        assert (found.name, found.runtime, found.release_year) == ("matrix", 1, 1999)

    async def test_everything_but_what_is_locked(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        with hub.database.write() as session:
            disc = add_disc(session, name="matrix", tmdb_id=603, runtime=1, notes="mine", genres="Drama")
            edit(session, disc.id, {"runtime": 2, "genres": ""}, NOW)
        await look_up.fill(disc.id, only_missing=False)
        assert await look_up.fill(disc.id, only_missing=False) == frozenset()
        with hub.database.read() as session:
            found = get(session, disc.id)
        assert (found.name, found.runtime, found.genres, found.notes) == ("The Matrix", 2, "", "mine")
        assert found.edited_fields == ["genres", "runtime"]

    async def test_discs_nobody_can_ask_about(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        with hub.database.write() as session:
            disc = add_disc(session, name="By hand")
        with pytest.raises(DiscNotMatched, match="choose the film first"):
            await look_up.fill(disc.id)
        with pytest.raises(DiscNotFound):
            await look_up.fetch_imdb_id(4711)


class TestIMDbId:
    async def test_is_taken_from_tmdb_and_a_persons_own_is_kept(
        self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator
    ) -> None:
        with hub.database.write() as session:
            first, second = add_disc(session, tmdb_id=603), add_disc(session, tmdb_id=603)
            edit(session, second.id, {"imdb_id": "tt0000009"}, NOW)
        assert await look_up.fetch_imdb_id(first.id) == "tt0133093"
        assert await look_up.fetch_imdb_id(second.id) == "tt0000009"


class TestFixMatch:
    async def test_is_the_other_film_from_then_on(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        disc = (await look_up.add({"tmdb_id": 2103, "notes": "mine"})).disc
        wrong_poster, wrong_title = disc.poster_id, disc.title_id
        fixed = await look_up.fix_match(disc.id, 593)
        assert (fixed.release_year, fixed.director, fixed.budget) == (1972, "Andrei Tarkovsky", 1_000_000)
        assert (fixed.uk_certification, fixed.revenue, fixed.notes) == ("pg", None, "mine")
        assert fixed.poster_id != wrong_poster
        assert fixed.title_id != wrong_title

    async def test_an_unknown_film_changes_nothing(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        disc = (await look_up.add({"tmdb_id": 603})).disc
        with pytest.raises(UpstreamNotFound):
            await look_up.fix_match(disc.id, 999_999)
        with hub.database.read() as session:
            assert get(session, disc.id).name == "The Matrix"


class TestPoster:
    async def test_a_chosen_one_is_locked(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        disc = (await look_up.add({"tmdb_id": 603})).disc
        chosen = await look_up.choose_poster(disc.id, "/mine.jpg")
        assert chosen.edited_fields == ["poster_id"]
        await look_up.fill(disc.id, only_missing=False, fresh=True)
        with hub.database.read() as session:
            assert get(session, disc.id).poster_id == chosen.poster_id

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("path", ["mine.jpg", "/../x.jpg", "/a/b.jpg", "/x.svg", "", "//x.jpg"])
    async def test_only_pictures_of_tmdb(self, look_up: LookUp, hub: Hub, path: str) -> None:
        with hub.database.write() as session:
            disc = add_disc(session)
        with pytest.raises(DiscInvalid, match="no picture of TMDB"):
            await look_up.choose_poster(disc.id, path)


class TestWishes:
    async def test_from_tmdb_to_the_shelf(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        wish = await look_up.wish(603, {"disk_type": "UHD", "most_price": "20"})
        assert (wish.name, wish.release_year, wish.disk_type) == ("The Matrix", 1999, "UHD")
        with pytest.raises(AlreadyWished):
            await look_up.wish(603, {"disk_type": "UHD"})
        disc = (await look_up.fulfil(wish.id, {"purchase_price": "18.50", "purchase_currency": "EUR"})).disc
        assert (disc.name, disc.disk_type, disc.runtime, disc.purchase_price) == (
            "The Matrix",
            "UHD",
            136,
            Decimal("18.50"),
        )
        assert disc.title_id == wish.title_id
        with hub.database.read() as session:
            assert count_wishes(session) == 0

    async def test_a_wish_survives_a_disc_that_cannot_be_added(
        self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator
    ) -> None:
        with hub.database.write() as session:
            wish = add_wish(session, {"name": "Heat"}, MADE_AT)
        with pytest.raises(DiscInvalid):
            await look_up.fulfil(wish.id, {"rating": "x"})
        with hub.database.write() as session:
            assert get_wish(session, wish.id).name == "Heat"
            assert session.scalars(select(Disc)).all() == []


class TestTrouble:
    async def test_is_raised_as_it_is_and_writes_nothing(self, look_up: LookUp, hub: Hub, tmdb: TMDBSimulator) -> None:
        with hub.database.write() as session:
            disc = add_disc(session, tmdb_id=603)
        tmdb.always(status=503)
        with pytest.raises(UpstreamUnavailable):
            await look_up.fill(disc.id)
        tmdb.recover()
        tmdb.key = "another"
        with pytest.raises(NotConfigured):
            await look_up.fill(disc.id)
        with hub.database.read() as session:
            assert get(session, disc.id).runtime is None
