"""The three exports: their documented columns byte for byte, and nothing lost in the complete one."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from kinoshelf.discs import adding
from kinoshelf.discs.csv_export import KINDS, PAGE, count_rows, export_csv, file_name
from kinoshelf.discs.models import Disc

HASH = "A" * 40
TORRENTS = [{"quality": "720p", "hash": HASH}, {"quality": "1080p", "hash": "B" * 40}]
SEED_HEADER = "Movie Name,Release Year,Status,Media Type,720p Download Link,1080p Download Link"


@pytest.fixture
def put(hub):
    """Put a disc on the shelf: `put("Alien", status="disposed", columns={"yts_data": …})`."""

    def put(name, *, columns=None, **values):
        with hub.database.write() as session:
            disc = adding.add(session, {"name": name, **values}, hub.clock.now())
            for column, value in (columns or {}).items():
                setattr(disc, column, value)
            session.flush()
            return disc.id

    return put


@pytest.fixture
def exported(hub):
    """The text of an export, its byte order mark included."""
    return lambda kind, **options: b"".join(export_csv(hub.database, kind, **options)).decode()


def read(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


class TestNotKept:
    def test_follows_the_document_byte_for_byte(self, put, exported):
        put("The Matrix", status="disposed", release_year=1999, columns={"yts_data": TORRENTS})
        put("Alien", status="kept")
        head, line, rest = exported("not-kept").split("\r\n")
        assert head == SEED_HEADER
        assert line.startswith('"The Matrix",1999,"Disposed","Physical","magnet:?xt=urn:btih:AAAA')
        assert line.count('","magnet:?xt=urn:btih:BBBB') == 1
        assert rest == ""

    def test_shows_empty_cells_where_nothing_is_known(self, put, exported):
        put("Alien", status="unboxed", media_type="rip")
        assert exported("not-kept").split("\r\n")[1] == '"Alien",,"Unboxed","Rip","",""'

    def test_has_no_mark_in_front_unless_asked(self, exported):
        assert exported("not-kept") == SEED_HEADER + "\r\n"
        assert exported("not-kept", byte_order_mark=True) == "\ufeff" + SEED_HEADER + "\r\n"


def test_the_disposed_come_by_name_without_what_is_downloaded(put, exported):
    put("The Thing", status="disposed", columns={"yts_data": TORRENTS, "has_cached_torrents": True})
    put("Alien", status="disposed")
    put("Heat", status="disposed", is_downloaded=True)
    put("Brazil", status="kept")
    rows = read(exported("disposed"))
    assert list(rows[0]) == [
        "Movie Name", "Status", "Torrent Available", "720p Torrent Link", "1080p Torrent Link",
    ]  # fmt: skip
    assert [(row["Movie Name"], row["Torrent Available"]) for row in rows] == [
        ("Alien", "False"),
        ("The Thing", "True"),
    ]


class TestComplete:
    def test_begins_with_the_documented_columns(self, put, exported):
        put(
            "The Thing",
            release_year=1982,
            runtime=109,
            is_tartan_dvd=True,
            box_set_name="Carpenter",
            tmdb_id=1091,
            imdb_id="tt0084787",
            director="John Carpenter",
        )
        text = exported("complete")
        assert text.startswith("\ufeffMovie Name,Status,Release Year,Runtime,")
        (row,) = read(text)
        assert list(row)[:19] == [
            "Movie Name", "Status", "Release Year", "Runtime", "Tartan Release", "Media Type", "Box Set", "Storage Box",
            "Location", "Box Set Name", "Date Added", "Date Updated", "Has torrents", "Torrent File Links", "Director",
            "IMDB ID", "TMDB ID", "Copy Number", "Duplicate Notes",
        ]  # fmt: skip
        assert (row["Runtime"], row["Tartan Release"], row["Box Set"]) == ("109 minutes", "Yes", "Yes")
        assert (row["Has torrents"], row["Date Added"]) == ("False", "2026-01-02 03:04:05")
        assert (row["TMDB ID"], row["Copy Number"]) == ("1091", "1")

    def test_names_every_column_of_the_table(self, put, exported):
        """A new column of a disc has to be decided on here, or an export would lose it."""
        follows = {"sort_name", "search_text", "copy_key", "title_id", "yts_error", "has_cached_torrents", "updated_at"}
        named = {
            "name": "Movie Name", "status": "Status", "media_type": "Media Type", "disk_type": "Format",
            "tmdb_id": "TMDB ID", "imdb_id": "IMDB ID", "poster_id": "Poster", "release_year": "Release Year",
            "tmdb_user_score": "TMDB Score", "is_tartan_dvd": "Tartan Release", "is_box_set": "Box Set",
            "is_unopened": "Unopened", "is_unwatched": "Unwatched", "is_downloaded": "Downloaded",
            "purchased_on": "Purchase Date", "yts_data": "Torrents", "yts_last_updated": "Torrents Checked At",
            "created_at": "Added At", "id": "ID",
        }  # fmt: skip
        headers = set(exported("complete").removeprefix("\ufeff").strip().split(","))
        for column in Disc.__table__.c:
            assert column.name in follows or named.get(column.name, _header(column.name)) in headers, column.name

    def test_defuses_what_a_spreadsheet_would_run(self, put, exported):
        put("=HYPERLINK(1)", notes="@SUM(1)", edition="-1", tags=["+x"])
        (row,) = read(exported("complete"))
        assert (row["Movie Name"], row["Notes"]) == ("'=HYPERLINK(1)", "'@SUM(1)")
        assert (row["Edition"], row["Tags"]) == ("'-1", "'+x")


def _header(column):
    words = column.replace("_", " ").title()
    return words.replace("Uk ", "UK ")


@pytest.mark.parametrize("kind", KINDS)
def test_goes_through_pages_without_losing_or_doubling(hub, exported, kind):
    count = 2 * PAGE + 3
    with hub.database.write() as session:
        for number in range(count):
            # Few names and one moment for all: the keys of the pages are full of ties.
            adding.add(session, {"name": f"Film {number % 7}", "status": "disposed", "copy_number": 1}, hub.clock.now())
    text = exported(kind)
    assert text.count("\r\n") == count + 1
    with hub.database.read() as session:
        assert count_rows(session, kind) == count
    if kind == "complete":
        assert len({row["ID"] for row in read(text)}) == count


def test_file_names_carry_the_day():
    assert file_name("not-kept", date(2026, 11, 21)) == "Non-Kept_MovieExport_2026-11-21.csv"
    assert file_name("disposed", date(2026, 11, 21)) == "DisposedDVDsExport_2026-11-21.csv"
    assert file_name("complete", date(2026, 11, 21)) == "CompleteCollectionExport_2026-11-21.csv"
