from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from kinoshelf.app import Hub, Role
from kinoshelf.core.clock import FrozenClock, SystemClock
from kinoshelf.core.errors import InvalidInput, NotConfigured
from kinoshelf.core.http.errors import UpstreamRejected, UpstreamUnavailable
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.queries import get_job
from kinoshelf.core.settings import YTSSettings
from kinoshelf.discs.errors import DiscNotFound
from kinoshelf.discs.models import Disc
from kinoshelf.discs.queries import get
from kinoshelf.discs.shape import as_json, torrent_state
from kinoshelf.discs.torrents import DiscWithoutIMDbId, Torrents, best_torrent, magnet_links, torrents_of
from kinoshelf.upstreams.yts import FakeYTS, YTSClient, YTSMovie
from tests.factories.discs import add_disc
from tests.simulators.yts import YTSSimulator

MATRIX, HERO = "tt0133093", "tt2245084"


@pytest.fixture
def yts() -> Iterator[YTSSimulator]:
    with YTSSimulator() as running:
        running.add(MATRIX, "The Matrix", 1999, ("720p", 40), ("1080p", 90), ("1080p.x265", 95))
        running.add(HERO, "Big Hero 6", 2014)
        yield running


@pytest.fixture
def environ(environ: dict[str, str], yts: YTSSimulator) -> dict[str, str]:
    return {**environ, **yts.environ}


@pytest.fixture
async def torrents(hub: Hub, clock: FrozenClock) -> AsyncIterator[Torrents]:
    """Torrents that ask the local YTS; the pauses between questions move the clock and take no time."""

    async def nap(seconds: float) -> None:
        clock.advance(seconds)

    def make(settings: YTSSettings) -> YTSClient:
        return YTSClient(settings.base_url, clock=clock, sleep=nap)

    found = Torrents(store=hub.store, database=hub.database, clock=clock, make_client=make)
    yield found
    await found.aclose()


@pytest.fixture
def fake(hub: Hub) -> FakeYTS:
    return FakeYTS({}, clock=hub.clock)


@pytest.fixture
def remembered(hub: Hub, fake: FakeYTS) -> Torrents:
    """Torrents that ask `fake`."""
    return Torrents(store=hub.store, database=hub.database, clock=hub.clock, make_client=lambda _settings: fake)


def disc(hub: Hub, **fields: Any) -> int:
    with hub.database.write() as session:
        return add_disc(session, **fields).id


def stored(hub: Hub, disc_id: int) -> Disc:
    with hub.database.read() as session:
        return get(session, disc_id)


class TestTorrentsOf:
    def test_another_film_has_none_of_ours(self) -> None:
        movie = YTSMovie.model_validate(
            {"id": 1, "imdb_code": "TT0133093 ", "title": "x", "torrents": [{"hash": "ab" * 20, "quality": "720p"}]}
        )
        assert [one["hash"] for one in torrents_of(movie, MATRIX)] == ["AB" * 20]
        assert torrents_of(movie, "tt0133094") == []

    def test_what_is_no_hash_and_what_comes_twice_is_left_out(self) -> None:
        rows = [{"hash": "ab" * 20}, {"hash": "AB" * 20}, {"hash": "x"}]
        movie = YTSMovie.model_validate({"id": 1, "imdb_code": MATRIX, "title": "x", "torrents": rows})
        assert len(torrents_of(movie, MATRIX)) == 1

    def test_the_best_of_a_quality_has_most_seeds(self) -> None:
        rows = [{"quality": "720p", "seeds": 1, "hash": "a"}, {"quality": "720p", "seeds": 2, "hash": "b"}]
        found = best_torrent(rows, "720p")
        assert found is not None
        assert found["hash"] == "b"
        assert best_torrent(rows, "1080p") is None
        assert best_torrent(None, "720p") is None


class TestLook:
    async def test_found_none_unknown_and_failed_are_four_things(
        self, torrents: Torrents, hub: Hub, yts: YTSSimulator
    ) -> None:
        ids = {
            "found": disc(hub, imdb_id=MATRIX),
            "none": disc(hub, imdb_id=HERO),
            "unknown": disc(hub, imdb_id="tt0000001"),
        }
        await torrents.look(ids["found"])
        await torrents.look(ids["none"])
        assert {torrent_state(stored(hub, one)) for one in ids.values()} == ids.keys()
        matrix = stored(hub, ids["found"])
        assert matrix.has_cached_torrents
        assert matrix.yts_last_updated is not None
        assert [(one["quality"], one["seeds"]) for one in matrix.yts_data or ()] == [
            ("720p", 40),
            ("1080p", 90),
            ("1080p.x265", 95),
        ]
        assert all(one["url"].startswith("magnet:?xt=urn:btih:") for one in matrix.yts_data or ())
        assert {"text": "Torrent", "class": "bg-dark"} in as_json(matrix)["badges"]
        assert stored(hub, ids["none"]).yts_data == []
        assert stored(hub, ids["unknown"]).yts_data is None

    async def test_another_film_first_in_the_answer_is_not_taken(
        self, torrents: Torrents, hub: Hub, yts: YTSSimulator
    ) -> None:
        yts.answers_first_with_anything = True
        hero = disc(hub, imdb_id=HERO)
        assert (await torrents.look(hero)).yts_data == []

    async def test_a_failure_takes_nothing_away(self, remembered: Torrents, hub: Hub, fake: FakeYTS) -> None:
        fake.movies[MATRIX] = {"id": 1, "imdb_code": MATRIX, "title": "x", "torrents": [{"hash": "ab" * 20}]}
        known, other = disc(hub, imdb_id=MATRIX), disc(hub, imdb_id=HERO)
        await remembered.look(known)
        fake.failure = UpstreamUnavailable("YTS cannot be reached")
        for one in (known, other):
            with pytest.raises(UpstreamUnavailable):
                await remembered.look(one)
        assert (torrent_state(stored(hub, known)), stored(hub, known).yts_error) == ("found", "YTS cannot be reached")
        assert (torrent_state(stored(hub, other)), stored(hub, other).yts_data) == ("failed", None)
        fake.failure = None
        assert (await remembered.look(other)).yts_error == ""

    async def test_a_refusal_of_yts_is_a_failure(self, torrents: Torrents, hub: Hub, yts: YTSSimulator) -> None:
        yts.next(error="Query was refused")
        one = disc(hub, imdb_id=MATRIX)
        with pytest.raises(UpstreamRejected):
            await torrents.look(one)
        assert torrent_state(stored(hub, one)) == "failed"

    async def test_unasked_it_is_looked_for_once_a_day(
        self, remembered: Torrents, hub: Hub, fake: FakeYTS, clock: FrozenClock
    ) -> None:
        one = disc(hub, imdb_id=MATRIX)
        for _ in range(2):
            await remembered.look(one, is_forced=False)
        clock.advance(timedelta(hours=23))
        await remembered.look(one, is_forced=False)
        assert len(fake.asked) == 1
        clock.advance(timedelta(hours=1))
        await remembered.look(one, is_forced=False)
        await remembered.look(one)
        assert len(fake.asked) == 3

    async def test_unasked_trouble_is_kept_to_the_row(self, remembered: Torrents, hub: Hub, fake: FakeYTS) -> None:
        fake.failure = UpstreamUnavailable("YTS cannot be reached")
        one = disc(hub, imdb_id=MATRIX)
        assert (await remembered.look(one, is_forced=False)).yts_error == "YTS cannot be reached"
        without = disc(hub)
        assert (await remembered.look(without, is_forced=False)).yts_data is None
        assert fake.asked == [MATRIX]

    async def test_discs_nobody_can_ask_about(self, remembered: Torrents, hub: Hub) -> None:
        with pytest.raises(DiscNotFound):
            await remembered.look(4711)
        with pytest.raises(DiscWithoutIMDbId, match="has no IMDb id"):
            await remembered.look(disc(hub))


class TestOff:
    async def test_asks_nobody_until_it_is_switched_on(self, make_hub, yts: YTSSimulator) -> None:
        hub = make_hub(KINOSHELF_SOURCES="")
        torrents = hub.container.get(Torrents)
        one = disc(hub, imdb_id=MATRIX)
        assert not torrents.is_on
        assert (await torrents.look(one, is_forced=False)).yts_data is None
        for ask in (torrents.look(one), torrents.find(MATRIX), torrents.check()):
            with pytest.raises(NotConfigured, match="YTS is switched off"):
                await ask
        with hub.database.write() as session, pytest.raises(NotConfigured):
            torrents.start(session)
        assert yts.asked == []


@pytest.mark.system_clock
class TestJob:
    @pytest.fixture
    def worker(self, make_hub: Callable[..., Hub]) -> Hub:
        return make_hub(Role.WORKER, clock=SystemClock())

    @pytest.mark.databases("sqlite")
    def test_asks_for_every_disc_that_is_due_at_the_pace_of_yts(
        self, worker: Hub, yts: YTSSimulator, wait_until
    ) -> None:
        ids = [disc(worker, imdb_id=MATRIX), disc(worker, imdb_id=HERO), disc(worker)]
        yts.pace_seconds = 2.4
        worker.start()
        torrents = worker.container.get(Torrents)
        first = worker.database.run_write(torrents.start)
        assert worker.database.run_write(torrents.start) == first
        job = lambda: worker.database.run_read(lambda session: get_job(session, first))  # noqa: E731
        wait_until(lambda: job().finished_at is not None, "the job ends", seconds=30)
        assert (job().state, job().result) == ("done", {"found": 1, "none": 1, "failed": 0})
        assert yts.asked == [MATRIX, HERO]
        assert [torrent_state(stored(worker, one)) for one in ids] == ["found", "none", "unknown"]

    async def test_leaves_fresh_answers_alone_and_gives_up_where_nobody_answers(
        self, remembered: Torrents, hub: Hub, fake: FakeYTS
    ) -> None:
        ids = [disc(hub, imdb_id=f"tt000000{number}") for number in range(1, 7)]
        await remembered.look(ids[0])
        context = JobContext("1", "discs.look_for_torrents", {"most_age_hours": 24})
        fake.failure = UpstreamUnavailable("away")
        with pytest.raises(UpstreamUnavailable):
            await remembered.run(context)
        assert len(fake.asked) == 4
        fake.failure = UpstreamRejected("not this one")
        assert await remembered.run(context) == {"found": 0, "none": 0, "failed": 5}
        fake.failure = None
        assert await remembered.run(context) == {"found": 0, "none": 5, "failed": 0}
        assert await remembered.run(context) == {"found": 0, "none": 0, "failed": 0}


class TestMagnetLinks:
    async def test_of_what_was_disposed_of_and_is_not_downloaded(
        self, torrents: Torrents, hub: Hub, yts: YTSSimulator
    ) -> None:
        gone = disc(hub, name="The Matrix", imdb_id=MATRIX, status="disposed")
        disc(hub, name="Alien", status="disposed")
        disc(hub, name="Heat", status="disposed", is_downloaded=True)
        disc(hub, name="Kept", imdb_id=MATRIX)
        disc(hub, name="Numbered", status="unboxed")
        await torrents.look(gone)
        with hub.database.read() as session:
            links = magnet_links(session)
            assert [(link.name, link.quality, bool(link.magnet)) for link in links] == [
                ("Alien", "", False),
                ("The Matrix", "1080p", True),
            ]
            assert magnet_links(session, quality="720p")[1].quality == "720p"
            # There is none of this quality: the one most people share.
            assert magnet_links(session, quality="2160p")[1].quality == "1080p.x265"
            assert len(magnet_links(session, status="not-kept")) == 3
            assert len(magnet_links(session, with_downloaded=True)) == 3
            with pytest.raises(InvalidInput):
                magnet_links(session, status="lost")
