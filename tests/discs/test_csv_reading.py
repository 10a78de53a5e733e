"""Files of other programs as rows of disc fields: encodings, separators, products, and what is wrong with a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.discs.csv_import import values
from kinoshelf.discs.csv_import.errors import MOST_BYTES, FileUnreadable, ImportTooLarge
from kinoshelf.discs.csv_import.guard import DANGEROUS, guarded, unguarded
from kinoshelf.discs.csv_import.reading import read_file
from kinoshelf.discs.csv_import.titles import read_title


def rows_of(content, **options):
    reading = read_file(content.encode() if isinstance(content, str) else content, **options)
    return reading, list(reading.rows())


def only(content, **options):
    _reading, (row,) = rows_of(content, **options)
    assert not row.problem, row.problem
    return row


class TestText:
    TABLE = "Name,Year\r\nAm\u00e9lie,2001\r\nDas Boot,1981\r\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
    def test_reads_every_encoding_separator_and_line_end(self, encoding, separator, line_end):
        text = self.TABLE.replace(",", separator).replace("\r\n", line_end)
        _reading, rows = rows_of(text.encode(encoding))
        assert [row.values for row in rows] == [
            {"name": "Am\u00e9lie", "release_year": 2001},
            {"name": "Das Boot", "release_year": 1981},
        ]

    def test_follows_the_first_line_of_excel(self):
        reading, rows = rows_of("sep=;\r\nName;Notes\r\nAlien;a, b\r\n")
        assert (reading.separator, rows[0].line) == (";", 3)
        assert rows[0].values == {"name": "Alien", "notes": "a, b"}

    def test_counts_lines_through_cells_with_line_breaks(self):
        _reading, rows = rows_of('Name,Notes\n"Alien","one\ntwo\nthree"\n\nHeat,\n')
        assert [(row.line, row.values["name"]) for row in rows] == [(2, "Alien"), (6, "Heat")]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "the file holds no rows"),
            (b"\n \n", "the file holds no rows"),
            (b"Name,Year\n", "there are no rows below the header"),
            (b"Name\nA\0B\n", "line 2: there is a NUL byte, which no text has"),
            (b'Name,Year\nHeat,1995\n"Alien,1979\n', "line 3: a quotation mark is opened here and never closed"),
            (b'Name,Year\n"Al"ien,1979\n', "line 2: text follows a closing quotation mark"),
            (b"PK\x03\x04....", "this is an Excel workbook"),
            (b"Name\n\xc3\xa4\xc3\xb6\n\xff\n", "line 3: the text is UTF-8 in part only"),
            (b"a,b,c\n1,2,3\n4,5,6\n", "none of the columns holds names"),
            (b"<html>\n<p>Heat</p>\n", "this is a web page"),
            (b'{"name": "Heat"}', "this is a web page or another format for programs"),
            (b"Name\n\x81\n", "line 2: this is no text"),
            (b"Name,Year\n" + b'"' + b"x" * 200_000 + b'",1\n', "line 2: a cell is longer than 128 KB"),
        ],
    )
    def test_says_in_words_what_is_wrong(self, content, sentence):
        with pytest.raises(FileUnreadable) as error:
            list(read_file(content).rows())
        assert error.value.message.startswith(sentence)

    @pytest.mark.parametrize(
        "content",
        [b"x" * (MOST_BYTES + 1), b"Name\n" + b"a\n" * 100_001, b"Name" + b",a" * 201 + b"\n" + b"x" + b",1" * 201],
        ids=["bytes", "rows", "columns"],
    )
    def test_has_limits(self, content):
        with pytest.raises(ImportTooLarge):
            read_file(content)

    @given(st.binary(max_size=300))
    def test_no_bytes_make_it_fail_otherwise(self, content):
        for prefix in (b"", b"Name,Year,Barcode,Price,Purchase Date\n"):
            try:
                rows = list(read_file(prefix + content).rows())
            except (FileUnreadable, ImportTooLarge):
                continue
            assert rows


class TestOwnColumns:
    def test_a_cell_too_many_is_no_guess(self):
        _reading, (row,) = rows_of("Name,Year\nCrouching Tiger, Hidden Dragon,2000\n")
        assert row.problem == "there are 3 cells under 2 columns"

    def test_field_names_of_ours_are_columns(self):
        row = only("name;is_tartan_dvd;storage_box;purchased_on\nOldboy;yes;Box 3;31.12.2019\n")
        assert row.values == {
            "name": "Oldboy",
            "is_tartan_dvd": True,
            "storage_box": "Box 3",
            "purchased_on": "2019-12-31",
        }

    def test_what_cannot_be_understood_is_left_out_and_said(self):
        row = only("Name,Year,Barcode\nAlien,soon,8.01E+12\n")
        assert row.values == {"name": "Alien"}
        assert row.reason == (
            "Barcode was left out: «8.01E+12» is what a spreadsheet left of the barcode; "
            "Year was left out: «soon» holds no year"
        )

    def test_a_year_in_the_name_counts_where_no_column_has_it(self):
        assert only("Title\nSolaris (1972)\n").values == {"name": "Solaris", "release_year": 1972}
        assert only("Title,Year\n2012 (2009),2009\n").values == {"name": "2012 (2009)", "release_year": 2009}


class TestProducts:
    def test_clz_movies(self):
        reading, rows = rows_of(
            "Title,Release Year,IMDb Url,Barcode,Format,Edition,Index,Purchase Date,Purchase Price,Purchase Store,"
            "Location,Loaned To,Loan Date,Seen It,Collection Status,Quantity,Tags\r\n"
            '"Matrix, The",1999,https://www.imdb.com/title/tt0133093/,85391163626.0,"Blu-ray, DVD",10th Anniversary,1,'
            '"Jan 31, 2020",$14.99,Amazon,Shelf 2,Bob,2/15/2021,Yes,In Collection,1,"sci-fi;action"\r\n'
            "Dune,2021,,,4K Ultra HD,,2,,,,,,,No,Wish List,1,\r\n"
        )
        assert reading.format == "clz"
        matrix, dune = rows
        assert matrix.values == {
            "name": "The Matrix",
            "release_year": 1999,
            "imdb_id": "tt0133093",
            "barcode": "085391163626",
            "disk_type": "BluRay",
            "edition": "10th Anniversary",
            "purchased_on": "2020-01-31",
            "purchase_price": "14.99",
            "purchase_currency": "USD",
            "purchase_place": "Amazon",
            "storage_box": "Shelf 2",
            "is_unwatched": False,
            "status": "kept",
            "tags": ["sci-fi", "action"],
            "beside": {"loan": {"borrower": "Bob", "lent_on": "2021-02-15", "due_on": "", "loan_notes": ""}},
        }
        assert dune.skip == "it is wanted or on order, not owned"

    def test_libib(self):
        reading, rows = rows_of(
            "item_type,title,creators,first_name,last_name,collection,ean_isbn13,upc_isbn10,description,publisher,"
            "publish_date,group,tags,notes,price,length,number_of_discs,status,began,completed,added,copies\n"
            'movie,Heat,Michael Mann,,,Movies,5051892003278,,A robbery,Warner,1995-12-15,,"crime, la",signed,9.99,'
            "170 minutes,1,,,2020-01-01,2019-05-05,2\n"
            "book,Dune,,,,,,,,,,,,,,,,,,,,1\n"
        )  # fmt: skip
        assert reading.format == "libib"
        first, second, book = rows
        assert first.values | {"beside": None} == {
            "name": "Heat",
            "director": "Michael Mann",
            "barcode": "5051892003278",
            "overview": "A robbery",
            "release_year": 1995,
            "tags": ["crime", "la"],
            "notes": "signed",
            "purchase_price": "9.99",
            "runtime": 170,
            "is_unwatched": False,
            "beside": None,
        }
        assert first.values["beside"] == {"added_at": "2019-05-05T00:00:00+00:00"}
        assert (second.line, second.copy, second.values["name"]) == (2, 2, "Heat")
        assert book.skip == "this is a book, not a film"

    def test_my_movies(self):
        reading, (row,) = rows_of(
            "Collection Number;Type;Title;Barcode;Media Type;Production Year;IMDB Id;Running Time;Director;Cast\r\n"
            "125;Disc Title;Deadpool;8010312120428;Blu-ray;2016;tt1431045;108;Tim Miller;Ryan Reynolds\r\n"
        )
        assert reading.format == "my-movies"
        assert row.values == {
            "name": "Deadpool",
            "barcode": "8010312120428",
            "disk_type": "BluRay",
            "release_year": 2016,
            "imdb_id": "tt1431045",
            "runtime": 108,
            "director": "Tim Miller",
            "notes": "Collection number 125",
        }
        assert row.notes == []

    def test_letterboxd_list_with_its_preamble(self):
        reading, rows = rows_of(
            "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n"
            '2021-11-06,Shelf,,https://boxd.it/a,"two\nlines"\n\nPosition,Name,Year,URL,Description\n'
            "1,Heat,1995,https://boxd.it/b,all timer\n2,Am\u00e9lie,2001,https://boxd.it/c,\n"
        )
        assert reading.format == "letterboxd"
        assert [row.values for row in rows] == [
            {"name": "Heat", "release_year": 1995, "notes": "all timer"},
            {"name": "Am\u00e9lie", "release_year": 2001},
        ]

    def test_letterboxd_watchlist(self):
        reading, (row,) = rows_of("Date,Name,Year,Letterboxd URI\n2024-05-01,Alien,1979,https://boxd.it/x\n")
        assert (reading.format, row.values) == ("letterboxd", {"name": "Alien", "release_year": 1979})

    def test_titles_one_a_line(self):
        reading, rows = rows_of("The Matrix (1999)\n\n- Alien, 1979\nMatrix, The\nThe Good, the Bad and the Ugly\n")
        assert reading.format == "titles"
        assert [(row.line, row.values) for row in rows] == [
            (1, {"name": "The Matrix", "release_year": 1999}),
            (3, {"name": "Alien", "release_year": 1979}),
            (4, {"name": "The Matrix"}),
            (5, {"name": "The Good, the Bad and the Ugly"}),
        ]


class TestTitles:
    @pytest.mark.parametrize(
        ("text", "name", "year"),
        [
            ("The Matrix (1999)", "The Matrix", 1999),
            ("Alien, 1979", "Alien", 1979),
            ("Alien [1979]", "Alien", 1979),
            ('"Alien" (1979)', "Alien", 1979),
            ("Blade Runner 2049", "Blade Runner 2049", None),
            ("2012", "2012", None),
            ("1917 (2019)", "1917", 2019),
            ("Boot, Das", "Das Boot", None),
            ("* Heat", "Heat", None),
            ("(500) Days of Summer", "(500) Days of Summer", None),
        ],
    )
    def test_are_parted_from_their_year(self, text, name, year):
        found = read_title(text)
        assert (found.name, found.year) == (name, year)

    def test_numbers_go_where_every_line_has_one(self):
        assert [row.values["name"] for row in rows_of("1. Heat\n2. Alien\n")[1]] == ["Heat", "Alien"]
        assert [row.values["name"] for row in rows_of("10. Juli\nAlien\n")[1]] == ["10. Juli", "Alien"]


class TestValues:
    @pytest.mark.parametrize(
        ("cell", "order", "found"),
        [
            ("2020-01-31", "dmy", "2020-01-31"),
            ("2020/1/31 12:30", "mdy", "2020-01-31"),
            ("31.01.2020", "dmy", "2020-01-31"),
            ("1/2/2020", "mdy", "2020-01-02"),
            ("1/2/2020", "dmy", "2020-02-01"),
            ("Jan 31, 2020", "mdy", "2020-01-31"),
            ("31 January 2020", "dmy", "2020-01-31"),
            ("3. M\u00e4rz 2020", "dmy", "2020-03-03"),
            ("12/25/98", "mdy", "1998-12-25"),
        ],
    )
    def test_days(self, cell, order, found):
        assert values.day(cell, order) == found

    @pytest.mark.parametrize("cell", ["soon", "2020-13-01", "31/31/2020", "2020"])
    def test_what_is_no_day(self, cell):
        with pytest.raises(ValueError, match="is no date"):
            values.day(cell, "dmy")

    def test_a_column_tells_the_order_of_its_days(self):
        assert values.day_order(["1/2/2020", "1/31/2020"], usual="dmy") == "mdy"
        assert values.day_order(["1/2/2020", "31/1/2020"], usual="mdy") == "dmy"
        assert values.day_order(["1.2.2020"], usual="mdy") == "dmy"
        assert values.day_order(["1/2/2020"], usual="mdy") == "mdy"

    @pytest.mark.parametrize(
        ("cell", "found"),
        [
            ("$14.99", ("14.99", "USD")),
            ("14,99 \u20ac", ("14.99", "EUR")),
            ("1.234,56 SEK", ("1234.56", "SEK")),
            ("\u00a31,234", ("1234.00", "GBP")),
            ("9", ("9.00", "")),
            ("0,500", ("0.50", "")),
        ],
    )
    def test_prices(self, cell, found):
        assert values.price(cell)[1] == found[1]
        assert float(values.price(cell)[0]) == float(found[0])

    @pytest.mark.parametrize(
        ("cell", "minutes"), [("136", 136), ("136 minutes", 136), ("2h 16m", 136), ("2:16:00", 136), ("2 hrs", 120)]
    )
    def test_running_times(self, cell, minutes):
        assert values.runtime(cell) == minutes

    @pytest.mark.parametrize(
        ("cell", "kind"),
        [
            ("Blu-ray", "BluRay"),
            ("4K Ultra HD + Blu-ray", "UHD"),
            ("3D Blu-ray", "BluRay3D"),
            ("HD DVD", "HDDVD"),
            ("DVD Region 2", "DVD"),
            ("Digital Copy", None),
        ],
    )
    def test_kinds_of_disc(self, cell, kind):
        assert values.disk_type(cell) == kind


class TestGuard:
    @given(st.text(alphabet="'=+-@\t\r\n\uff1dax", max_size=8) | st.text(max_size=20))
    def test_taking_it_away_gives_the_text_back(self, text):
        assert unguarded(guarded(text)) == text
        assert not guarded(text) or guarded(text)[0] == "'" or not DANGEROUS.match(guarded(text))
