"""From a file to the shelf and back: plans, outcomes, what happens to discs that are there, undoing, killing."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.discs import adding, editing
from kinoshelf.discs.csv_export import export_csv
from kinoshelf.discs.csv_import import imports
from kinoshelf.discs.csv_import.errors import FileUnreadable, ImportNotFound, ImportNotReady
from kinoshelf.discs.csv_import.imports import ImportDiscs
from kinoshelf.discs.csv_import.options import ImportOptions
from kinoshelf.discs.models import Disc, DiscImport, DiscLoan
from kinoshelf.discs.queries import DiscFilter, page

# What a field of a disc takes, and spreadsheets trip over.
TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("=+-@'\",;|\uff1d"), max_size=40
)


class Bench:
    """The shelf and the imports of one test."""

    def __init__(self, hub):
        self.hub, self.database = hub, hub.database
        self.imports = ImportDiscs(database=hub.database, clock=hub.clock)

    def add(self, name, **values):
        with self.database.write() as session:
            return adding.add(session, {"name": name, **values}, self.hub.clock.now()).id

    def edit(self, disc_id, **values):
        with self.database.write() as session:
            editing.edit(session, disc_id, values, self.hub.clock.now())

    def disc(self, disc_id):
        with self.database.read() as session:
            return session.get(Disc, disc_id)

    def discs(self):
        with self.database.read() as session:
            return list(session.scalars(select(Disc).order_by(Disc.id)))

    def start(self, content, name="list.csv", **options):
        text = content.encode() if isinstance(content, str) else content
        return self.imports.start(name, text, ImportOptions.read(options))

    def load(self, content, **options):
        return self.imports.run_here(self.start(content, **options))

    def rows(self, import_id, **filters):
        with self.database.read() as session:
            return imports.list_rows(session, import_id, **filters)

    def summary(self, import_id):
        with self.database.read() as session:
            return imports.summary(session, import_id)

    def export(self, kind="complete"):
        return b"".join(export_csv(self.database, kind))


@pytest.fixture
def bench(hub):
    return Bench(hub)


class TestPreview:
    def test_says_what_would_become_of_each_row_and_changes_nothing(self, bench):
        bench.add("Alien", release_year=1979)
        bench.add("Heat", release_year=1995, storage_box="A")
        import_id = bench.start(
            "Name,Year,Storage Box\nHeat,1995,A\nAlien,1979,B\nBrazil,1985,\n,1990,\nBrazil,1985,\n"
        )
        rows = [(row.line, row.plan, row.outcome, row.reason) for row in bench.rows(import_id)]
        assert rows == [
            (2, "same", "waiting", ""),
            (3, "update", "waiting", "\u00abAlien\u00bb (1979): the storage box"),
            (4, "add", "waiting", ""),
            (5, "", "invalid", "there is no name"),
            (6, "", "skipped", "line 4 says the same"),
        ]
        found = bench.summary(import_id)
        assert (found.state, found.format, found.row_count, found.separator) == ("preview", "csv", 5, ",")
        assert found.plans == {"same": 1, "update": 1, "add": 1}
        assert found.outcomes == {"waiting": 3, "invalid": 1, "skipped": 1}
        assert [disc.storage_box for disc in bench.discs()] == ["", "A"]

    def test_can_be_looked_at_with_other_options(self, bench):
        bench.add("Heat", release_year=1995)
        import_id = bench.start("Name,Year,Tags\nHeat,1995,x\n")
        for options, plan in (({"on_match": "skip"}, "skip"), ({"on_match": "copy"}, "add"), ({}, "update")):
            bench.imports.plan_again(import_id, ImportOptions.read(options))
            assert [row.plan for row in bench.rows(import_id)] == [plan]

    def test_rows_can_be_left_out(self, bench):
        import_id = bench.start("Name\nHeat\nAlien\n")
        with bench.database.write() as session:
            assert imports.set_skipped(session, import_id, 2, skip=True)
            assert not imports.set_skipped(session, import_id, 2, skip=True)
        bench.imports.run_here(import_id)
        assert [disc.name for disc in bench.discs()] == ["Alien"]

    def test_a_file_that_cannot_be_read_leaves_nothing(self, bench):
        with pytest.raises(FileUnreadable):
            bench.start('Name\n"Alien\n')
        with bench.database.read() as session:
            assert imports.list_imports(session) == []

    @pytest.mark.parametrize(
        "options",
        [
            {"on_match": "burn"},
            {"format": "xml"},
            {"day_order": "ymd"},
            {"defaults": {"name": "x"}},
            {"defaults": {"colour": "red"}},
            {"defaults": {"status": "eaten"}},
            {"defaults": ["kept"]},
        ],
    )
    def test_refuses_options_that_make_no_sense(self, options):
        with pytest.raises(InvalidInput):
            ImportOptions.read(options)


class TestRun:
    def test_adds_with_the_defaults_and_what_the_row_says(self, bench):
        found = bench.load(
            "Title,Format,Loaned To,Due Date\nHeat,Blu-ray,Bob,2026-03-01\nAlien,,,\n",
            defaults={"disk_type": "UHD", "tags": ["new"]},
        )
        assert (found.state, found.outcomes) == ("done", {"added": 2})
        heat, alien = bench.discs()
        assert (heat.disk_type, alien.disk_type, heat.tags) == ("BluRay", "UHD", ["new"])
        with bench.database.read() as session:
            (loan,) = session.scalars(select(DiscLoan))
        assert (loan.disc_id, loan.borrower, loan.due_on) == (heat.id, "Bob", date(2026, 3, 1))

    def test_the_same_file_again_changes_nothing(self, bench):
        content = (
            "Title,Release Year,Barcode,Format,IMDb Url,Seen It,Location\n"
            "Heat,1995,5051892003278,Blu-ray,,Yes,A\nHeat,1995,,DVD,,Yes,A\nHeat,1995,,DVD,,Yes,A\n"
            "Alien,1979,,DVD,https://www.imdb.com/title/tt0078748/,No,B\n"
        )
        assert bench.load(content).outcomes == {"added": 4}
        before = bench.export()
        assert bench.load(content).outcomes == {"same": 4}
        assert bench.export() == before
        assert [disc.copy_number for disc in bench.discs()] == [1, 2, 3, 1]

    def test_finds_discs_by_barcode_by_ids_and_by_name(self, bench):
        by_barcode = bench.add("Heat (Director's Cut)", barcode="5051892003278")
        by_tmdb = bench.add("Das Boot", tmdb_id=387)
        by_imdb = bench.add("Alien", imdb_id="tt0078748")
        by_name = bench.add("Le Samoura\u00ef", release_year=1967, original_language="fr")
        found = bench.load(
            "Name,Year,Barcode,TMDB ID,IMDB ID,Storage Box\n"
            "Heat,1995,5051892003278,,,1\nThe Boat,,,387,,2\nAlien 1,,,,tt0078748,3\nle samourai,1967,,,,4\n"
        )
        assert found.outcomes == {"updated": 4}
        boxes = {disc.id: disc.storage_box for disc in bench.discs()}
        assert boxes == {by_barcode: "1", by_tmdb: "2", by_imdb: "3", by_name: "4"}
        # The shelf's own names stand.
        assert bench.disc(by_tmdb).name == "Das Boot"

    def test_another_edition_is_another_copy(self, bench):
        bench.add("Heat", release_year=1995, disk_type="DVD", barcode="5051892003278")
        found = bench.load("Title,Year,Format,Barcode\nHeat,1995,Blu-ray,\nHeat,1995,DVD,5051888062289\n")
        assert found.outcomes == {"added": 2}
        assert [(disc.disk_type, disc.copy_number) for disc in bench.discs()] == [("DVD", 1), ("BluRay", 2), ("DVD", 3)]

    def test_the_rows_of_several_copies_find_their_own(self, bench):
        with_barcode = bench.add("Heat", release_year=1995, barcode="5051892003278")
        without = bench.add("Heat", release_year=1995)
        bench.load("Title,Year,Barcode,Storage Box,Box Set Name\nHeat,1995,,A,\nHeat,1995,5051892003278,B,Mann\n")
        assert (bench.disc(without).storage_box, bench.disc(with_barcode).storage_box) == ("A", "B")
        assert bench.disc(with_barcode).is_box_set

    def test_facts_are_only_filled_and_tags_joined(self, bench):
        disc_id = bench.add("Heat", release_year=1995, overview="Mine", tags=["crime"])
        bench.edit(disc_id, director="M. Mann")
        bench.load("Title,Year,Plot,Director,Genre,Tags\nHeat,1995,Theirs,Michael Mann,Crime,LA; Crime\n")
        disc = bench.disc(disc_id)
        assert (disc.overview, disc.director, disc.genres, disc.tags) == ("Mine", "M. Mann", "Crime", ["crime", "LA"])
        assert disc.edited_fields == ["director"]

    def test_a_row_the_shelf_refuses_is_invalid_with_the_reason(self, bench):
        bench.add("Heat", status="unboxed", location="7")
        found = bench.load("Name,Status,Location\nAlien,unboxed,7\nBrazil,unboxed,8\n")
        assert found.outcomes == {"added": 1, "invalid": 1}
        (row,) = bench.rows(found.id, outcome="invalid")
        assert row.reason.startswith("location 7 holds \u00abHeat\u00bb")

    def test_goes_on_where_it_was_cancelled(self, bench):
        import_id = bench.start("Name\n" + "".join(f"Film {number}\n" for number in range(200)))

        def stop(done, _total):
            if done:
                bench.imports.cancel(import_id)

        found = bench.imports.run_here(import_id, stop)
        assert found.state == "cancelled"
        assert 0 < found.outcomes["waiting"] < 200
        found = bench.imports.run_here(import_id)
        assert (found.state, found.outcomes) == ("done", {"added": 200})
        assert len(bench.discs()) == 200

    def test_runs_once_in_the_background(self, bench):
        import_id = bench.start("Name\nHeat\n")
        job_id = bench.imports.run(import_id)
        assert bench.imports.run(import_id) == job_id
        assert bench.summary(import_id).state == "running"
        context = JobContext(job_id, imports.IMPORT_ROWS, {"import_id": import_id})
        assert bench.imports._import_job(context) == {"added": 1}
        assert bench.imports._import_job(context) == {"added": 1}
        assert len(bench.discs()) == 1
        with pytest.raises(ImportNotReady):
            bench.imports.run(import_id)
        with pytest.raises(ImportNotFound):
            bench.imports.run("nothing")


class TestRoundTrip:
    def test_every_field_comes_back(self, bench, make_hub, hub):
        first = bench.add(
            '=Heat, "the" film',
            release_year=1995, status="unboxed", location="12", disk_type="UHD", tmdb_id=949, imdb_id="tt0113277",
            overview="A\n\nB", genres="Crime, Drama", runtime=170, rating="8.3", tmdb_user_score="7.92",
            box_set_name="Mann", is_tartan_dvd=True, is_unopened=True, is_unwatched=True, storage_box="-1",
            duplicate_notes="'=x", uk_certification="15", original_language="en", tagline="@home", director="M. Mann",
            production_companies="Warner", budget=60_000_000, revenue=187_436_818, barcode="5051892003278",
            edition="10th", region="B", condition="mint", purchased_on="2020-01-31", purchase_place="Shop",
            purchase_price="14.90", purchase_currency="EUR", notes="\u6620\u753b; a\tb", tags=["x y", "\u00e4"],
        )  # fmt: skip
        bench.edit(first, director="Michael Mann")
        bench.add("Alien", copy_number=3)
        with bench.database.write() as session:
            disc = session.get(Disc, first)
            disc.yts_data, disc.has_cached_torrents = [{"quality": "720p", "hash": "A" * 40}], True
            disc.yts_last_updated = disc.facts_refreshed_at = hub.clock.now()
            session.add(DiscLoan(disc_id=first, borrower="=Bob", lent_on=date(2026, 1, 1), notes="n"))
        exported = bench.export()
        before = _comparable(exported)
        assert bench.load(exported).outcomes == {"same": 2}
        with bench.database.write() as session:
            editing.remove(session, [disc.id for disc in session.scalars(select(Disc))])
        hub.clock.advance(timedelta(days=400))
        found = bench.load(exported)
        assert (found.format, found.outcomes) == ("complete", {"added": 2})
        assert _comparable(bench.export()) == before

    def test_a_changed_cell_changes_the_disc_and_an_emptied_one_empties_it(self, bench):
        disc_id = bench.add("Heat", release_year=1995, storage_box="A", notes="old", tags=["x"])
        text = bench.export().decode("utf-8-sig")
        table = list(csv.DictReader(io.StringIO(text, newline="")))
        table[0] |= {"Movie Name": "Heat 2", "Notes": "", "Tags": "", "Storage Box": "B", "Status": "Disposed"}
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, table[0], delimiter=";")
        writer.writeheader()
        writer.writerows(table)
        assert bench.load(out.getvalue().encode("cp1252")).outcomes == {"updated": 1}
        disc = bench.disc(disc_id)
        assert (disc.name, disc.notes, disc.tags, disc.storage_box) == ("Heat 2", "", [], "B")
        assert (disc.status, disc.edited_fields) == ("disposed", ["name"])

    def test_numbers_of_another_hub_mean_other_discs(self, bench):
        exported_from = bench.add("Alien", release_year=1979)
        exported = bench.export()
        with bench.database.write() as session:
            editing.remove(session, [exported_from])
            other = adding.add(session, {"name": "Heat"}, bench.hub.clock.now() + timedelta(hours=1))
            other_id = other.id
        text = exported.decode().replace(f",{exported_from},", f",{other_id},")
        assert bench.load(text).outcomes == {"added": 1}
        assert [disc.name for disc in bench.discs()] == ["Heat", "Alien"]

    @pytest.mark.parametrize(("kind", "status"), [("not-kept", "unboxed"), ("disposed", "disposed")])
    def test_the_documented_lists_are_read_back(self, bench, kind, status):
        disc_id = bench.add("=Heat", release_year=1995, status=status)
        exported = bench.export(kind)
        assert bench.load(exported).outcomes == {"same": 1}
        bench.edit(disc_id, status="kept")
        assert bench.load(exported).outcomes == {"updated": 1}
        assert bench.disc(disc_id).status == status


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": TEXT.filter(str.strip)},
            optional={
                "release_year": st.integers(1870, 2100),
                "notes": TEXT,
                "edition": TEXT,
                "duplicate_notes": TEXT,
                "tags": st.lists(TEXT.map(lambda text: text.replace(",", "")), max_size=3),
                "disk_type": st.sampled_from(["DVD", "UHD"]),
                "purchase_price": st.decimals(0, 9999, places=2).map(str),
                "is_tartan_dvd": st.booleans(),
            },
        ),
        min_size=1,
        max_size=5,
    )
)
def test_texts_of_any_kind_come_back(bench, discs):
    with bench.database.write() as session:
        editing.remove(session, list(session.scalars(select(Disc.id))))
    for values in discs:
        bench.add(**values)
    exported = bench.export()
    ids = [disc.id for disc in bench.discs()]
    assert bench.load(exported).outcomes == {"same": len(ids)}
    with bench.database.write() as session:
        editing.remove(session, ids)
    assert bench.load(exported).outcomes == {"added": len(ids)}
    assert _comparable(bench.export()) == _comparable(exported)


def _comparable(exported):
    rows = list(csv.DictReader(io.StringIO(exported.decode("utf-8-sig"), newline="")))
    return [{name: cell for name, cell in row.items() if name not in {"ID", "Date Updated"}} for row in rows]


class TestUndo:
    def test_takes_everything_back(self, bench):
        bench.add("Heat", release_year=1995, storage_box="A", tags=["x"])
        bench.add("Alien", status="unboxed", location="4")
        before = bench.export()
        found = bench.load(
            "Name,Year,Storage Box,Tags,Status,Runtime,Loaned To\n"
            "Heat,1995,B,y,disposed,170,Bob\nAlien,,C,,kept,,\nBrazil,1985,,,,,Ann\n"
        )
        assert found.outcomes == {"updated": 2, "added": 1}
        found = bench.imports.undo_here(found.id)
        assert (found.state, found.outcomes) == ("undone", {"undone": 3})
        assert bench.export() == before
        with bench.database.read() as session:
            assert session.scalar(select(func.count()).select_from(DiscLoan)) == 0

    def test_leaves_what_a_person_changed_since_and_says_so(self, bench):
        bench.add("Heat", storage_box="A", notes="")
        found = bench.load("Name,Storage Box,Notes\nHeat,B,new\nAlien,,\nBrazil,,\nGone,,\n")
        heat, alien, brazil, gone = bench.discs()
        bench.edit(heat.id, storage_box="C")
        bench.edit(alien.id, tags=["mine"])
        with bench.database.write() as session:
            editing.remove(session, [gone.id])
            # A refresh is nobody's edit.
            editing.edit(session, brazil.id, {"runtime": 132}, bench.hub.clock.now(), by_person=False)
        found = bench.imports.undo_here(found.id)
        rows = {row.line: (row.outcome, row.reason) for row in bench.rows(found.id)}
        assert rows == {
            2: ("left", "this was changed since and stays as it is: the storage box"),
            3: ("left", "it stays, for this was changed since: the tags"),
            4: ("undone", ""),
            5: ("undone", "it was removed meanwhile"),
        }
        heat = bench.disc(heat.id)
        assert (heat.storage_box, heat.notes) == ("C", "")
        assert [disc.name for disc in bench.discs()] == ["Heat", "Alien"]

    def test_only_what_was_run_can_be_undone(self, bench):
        import_id = bench.start("Name\nHeat\n")
        with pytest.raises(ImportNotReady):
            bench.imports.undo(import_id)


def test_previews_nobody_started_are_forgotten(bench, hub):
    bench.start("Name\nHeat\n")
    done = bench.load("Name\nAlien\n").id
    hub.clock.advance(timedelta(days=8))
    with bench.database.write() as session:
        assert imports.tidy_imports(session, hub.clock.now()) == 1
    with bench.database.read() as session:
        assert [found.id for found in session.scalars(select(DiscImport))] == [done]
        assert page(session, DiscFilter()).total == 1
