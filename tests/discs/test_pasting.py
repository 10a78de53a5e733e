"""Pasted lists: looked up, reviewed and added, or marked as downloaded."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.models import Job, JobState
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.discs import adding
from kinoshelf.discs.csv_import import imports
from kinoshelf.discs.csv_import.errors import ImportNotReady
from kinoshelf.discs.csv_import.titles import read_title
from kinoshelf.discs.models import Disc
from kinoshelf.discs.pasting import MOST_LINES, PasteTitles, group_counts, mark_downloaded, ranked, results

pytestmark = pytest.mark.timeout(120)


class Review:
    """A pasted list and its jobs."""

    def __init__(self, hub):
        self.hub, self.database = hub, hub.database
        self.pasting = hub.container.get(PasteTitles)
        self.import_id = ""

    async def start(self, text, **options):
        self.import_id = self.pasting.start(text, **options)
        await self.work()
        return self

    async def add(self):
        self.pasting.add(self.import_id)
        await self.work()
        return self.summary

    async def work(self):
        """Do the job that waits."""
        with self.database.write() as session:
            job = session.scalars(select(Job).where(Job.state == JobState.QUEUED)).one()
            job.state = JobState.DONE
        run = self.hub.container.get(JobRegistry).get(job.name).run
        return await run(JobContext(job.id, job.name, job.arguments))

    @property
    def summary(self):
        with self.database.read() as session:
            return imports.summary(session, self.import_id)

    @property
    def rows(self):
        with self.database.read() as session:
            return {row.line: row for row in imports.list_rows(session, self.import_id)}

    def results(self, group):
        with self.database.read() as session:
            return [(row.line, row.reason) for row in results(session, self.import_id, group)]

    def discs(self):
        with self.database.read() as session:
            return list(session.scalars(select(Disc).order_by(Disc.id)))


@pytest.fixture
def review(hub):
    return Review(hub)


@pytest.fixture
def put(hub):
    def put(name, **values):
        with hub.database.write() as session:
            return adding.add(session, {"name": name, **values}, hub.clock.now()).id

    return put


class TestReview:
    async def test_marks_the_best_guess_and_keeps_what_was_not_found(self, review, tmdb):
        await review.start("The Matrix (1999)\nSolaris, 2002\nXyzzy Plugh\n")
        matrix, solaris, unknown = review.rows.values()
        assert (matrix.candidates[0]["tmdb_id"], matrix.candidates[0]["confidence"]) == (603, "sure")
        assert [one["tmdb_id"] for one in solaris.candidates][:2] == [2103, 593]
        assert matrix.values["tmdb_id"] == 603
        assert (unknown.candidates, unknown.reason, unknown.values["name"]) == ([], "not found", "Xyzzy Plugh")
        assert review.summary.plans == {"add": 3}

    async def test_goes_on_where_tmdb_went_away(self, review, tmdb):
        tmdb.next(status=503, times=20)
        with pytest.raises(UpstreamUnavailable):
            await review.start("Alien (1979)\n")
        assert review.rows[1].candidates is None
        tmdb.recover()
        run = review.hub.container.get(JobRegistry).get("discs.look_up_list").run
        await run(JobContext("1", "discs.look_up_list", {"import_id": review.import_id}))
        assert review.rows[1].values["tmdb_id"] == 348

    async def test_without_a_key_the_titles_stand_for_themselves(self, review):
        await review.start("Alien (1979)\n")
        assert review.rows[1].reason == "not found"
        found = await review.add()
        assert group_counts(found) == {"added": 1, "skipped": 0, "errors": 0}
        assert [(disc.name, disc.release_year) for disc in review.discs()] == [("Alien", 1979)]

    def test_has_limits(self, review):
        for text in ("", "\n \n", "x\n" * (MOST_LINES + 1)):
            with pytest.raises(InvalidInput):
                review.pasting.start(text)


class TestAdd:
    async def test_adds_with_facts_and_defaults_and_skips_what_is_owned(self, review, tmdb, put):
        put("Fight Club", tmdb_id=550, disk_type="BluRay")
        await review.start(
            "matrix\nfight club\nAlien (1979)\nSolaris (1972)\nHeart of Nowhere\n",
            defaults={"storage_box": "Box 9", "is_unwatched": True, "disk_type": "DVD"},
        )
        assert review.rows[2].plan == "skip"
        review.pasting.choose(review.import_id, 4, 2103)
        review.pasting.choose(review.import_id, 3, None)
        with review.database.write() as session:
            assert imports.set_skipped(session, review.import_id, 5, skip=True)
        found = await review.add()
        assert group_counts(found) == {"added": 3, "skipped": 2, "errors": 0}
        matrix, alien, solaris = review.discs()[1:]
        assert (matrix.name, matrix.director, matrix.runtime) == ("The Matrix", "Lana Wachowski, Lilly Wachowski", 136)
        assert matrix.poster_id is not None
        assert (matrix.storage_box, matrix.is_unwatched, matrix.edited_fields) == ("Box 9", True, [])
        assert (alien.name, alien.release_year, alien.tmdb_id) == ("Alien", 1979, None)
        assert (solaris.tmdb_id, solaris.release_year) == (2103, 2002)
        assert review.results("skipped") == [
            (2, "on the shelf already: \u00abFight Club\u00bb"),
            (5, "left out"),
        ]

    async def test_a_copy_of_what_is_owned_where_that_is_wished(self, review, tmdb, put):
        put("Alien", tmdb_id=348)
        await review.start("Alien (1979)\n", skip_existing=False)
        found = await review.add()
        assert group_counts(found)["added"] == 1
        assert [disc.copy_number for disc in review.discs()] == [1, 2]

    async def test_a_chosen_film_that_was_searched_for(self, review, tmdb):
        await review.start("Heart of Nowhere\n")
        review.pasting.choose(review.import_id, 1, 348, name="Alien", year=1979)
        await review.add()
        assert review.discs()[0].imdb_id == "tt0078748"
        with pytest.raises(ImportNotReady):
            review.pasting.choose(review.import_id, 1, None)
        with pytest.raises(ImportNotReady):
            review.pasting.add(review.import_id)

    async def test_is_undone_like_any_import(self, review, tmdb):
        await review.start("Alien (1979)\nDune (2021)\n")
        await review.add()
        review.hub.container.get(imports.ImportDiscs).undo_here(review.import_id)
        assert review.discs() == []


class TestRanked:
    CANDIDATES = (
        {"tmdb_id": 1, "name": "Solaris", "original_name": "\u0421\u043e\u043b\u044f\u0440\u0438\u0441", "year": 1972},
        {"tmdb_id": 2, "name": "Solaris", "original_name": "Solaris", "year": 2002},
        {"tmdb_id": 3, "name": "Return to Solaris", "original_name": "", "year": 2003},
    )

    @pytest.mark.parametrize(
        ("text", "ids", "confidence"),
        [
            ("Solaris (2002)", [2, 1, 3], "sure"),
            ("Solaris (2003)", [2, 1, 3], "likely"),
            ("Solaris", [1, 2, 3], "likely"),
            ("Sol (1972)", [1, 2, 3], "guess"),
        ],
    )
    def test_puts_the_likeliest_first(self, text, ids, confidence):
        found = ranked(read_title(text), self.CANDIDATES)
        assert ([one["tmdb_id"] for one in found], found[0]["confidence"]) == (ids, confidence)


class TestMarkDownloaded:
    def test_sorts_a_list_into_four_groups(self, hub, put):
        heat = put("Heat", release_year=1995)
        put("The Heat", release_year=2013)
        alien = put("Alien")
        put("Aliens")
        put("Brazil", media_type="download", is_downloaded=True)
        old, new = put("Solaris", release_year=1972), put("Solaris", release_year=2002)
        metropolis = put("\u00c9cole M\u00c9TROPOLE")
        with hub.database.write() as session:
            marked = mark_downloaded(
                session,
                "HEAT\nalien (1979)\nBrazil\nsolaris\nSolaris (2002)\nm\u00e9tro\nNowhere\nheat\nlie\n",
                hub.clock.now(),
            )
        assert [(one.line, one.discs[0][0]) for one in marked.found] == [
            ("HEAT", heat),
            ("alien (1979)", alien),
            ("Solaris (2002)", new),
            ("m\u00e9tro", metropolis),
        ]
        assert [one.line for one in marked.already] == ["Brazil", "heat"]
        assert marked.not_found == ["Nowhere"]
        assert [(one.line, len(one.discs)) for one in marked.multiple] == [("solaris", 2), ("lie", 2)]
        with hub.database.read() as session:
            downloaded = set(session.scalars(select(Disc.id).where(Disc.is_downloaded)))
            kinds = set(session.scalars(select(Disc.media_type).where(Disc.is_downloaded)))
        assert {heat, alien, new, metropolis} < downloaded
        assert (old in downloaded, kinds) == (False, {"download"})
