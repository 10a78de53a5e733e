"""`kinoshelf disc`: the documents and exit codes other programs rely on."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.timeout(120)]

SEED_FIELDS = (
    "id", "name", "status", "media_type", "tmdb_id", "imdb_id", "poster", "overview", "release_year", "genres",
    "runtime", "rating", "is_tartan_dvd", "is_box_set", "box_set_name", "is_unopened", "is_unwatched", "storage_box",
    "created_at", "updated_at",
)  # fmt: skip


@pytest.fixture
def disc(cli):
    """Run a command with --json that has to succeed; return its document."""

    def call(*words, status=0, **options):
        ended = cli("disc", *words, "--json", **options)
        assert ended.status == status, ended
        return ended.document

    return call


class TestAdd:
    def test_answers_the_disc_with_every_field_of_the_documents(self, disc):
        found = disc(
            "add", "--name", "The Matrix", "--status", "disposed", "--media-type", "rip", "--storage-box", "Box 1",
            "--box-set-name", "Matrix", "--is-tartan-dvd", "--is-unopened", "--is-unwatched=false",
            "--release-year", "1999", "--imdb-id", "tt0133093", "--tags", "a, b",
        )  # fmt: skip
        assert set(SEED_FIELDS) <= set(found)
        assert (found["status"], found["media_type"], found["release_year"]) == ("disposed", "rip", 1999)
        assert (found["is_tartan_dvd"], found["is_unopened"], found["is_unwatched"]) == (True, True, False)
        assert (found["is_box_set"], found["tags"]) == (True, ["a", "b"])
        assert disc("show", str(found["id"])) == found

    def test_looks_a_number_up(self, disc, tmdb):
        found = disc("add", "--tmdb-id", "603", "--edition", "10th")
        assert (found["name"], found["release_year"], found["edition"]) == ("The Matrix", 1999, "10th")

    @pytest.mark.parametrize(
        ("words", "status", "code"),
        [
            ((), 2, "USAGE"),
            (("--status", "kept"), 2, "USAGE"),
            (("--name", "x", "--colour", "red"), 2, "USAGE"),
            (("x",), 2, "USAGE"),
            (("--name", "x", "--status", "eaten"), 1, "INVALID"),
            (("--name", "x", "--release-year", "soon"), 1, "INVALID"),
            (("--tmdb-id", "603"), 3, "NOT_CONFIGURED"),
        ],
    )
    def test_failures(self, disc, words, status, code):
        found = disc("add", *words, status=status)
        assert found["error"] == code
        assert found["message"]


class TestShow:
    def test_lists_by_filter_newest_first(self, disc):
        for name, status in (("Alien", "kept"), ("Heat", "disposed"), ("Heathers", "kept")):
            disc("add", "--name", name, "--status", status)
        found = disc("list")
        assert [one["name"] for one in found["items"]] == ["Heathers", "Heat", "Alien"]
        assert found["total"] == 3
        assert [one["name"] for one in disc("list", "--status", "kept", "--search", "heat")["items"]] == ["Heathers"]
        found = disc("list", "--limit", "1", "--sort", "name")
        assert ([one["name"] for one in found["items"]], found["total"]) == (["Alien"], 3)

    def test_shows_people_words_instead(self, cli, disc):
        disc("add", "--name", "Heat", "--release-year", "1995", "--storage-box", "Box 7")
        listed = cli("disc", "list").out
        assert "Heat" in listed
        assert "Box 7" in listed
        assert "Storage box: Box 7" in cli("disc", "show", "1").out
        assert cli("disc", "list", "--search", "nothing").out == "Nothing here.\n"


class TestChange:
    def test_edits_only_what_is_given(self, disc):
        disc("add", "--name", "Heat", "--notes", "mine")
        found = disc("edit", "1", "--storage-box", "B", "--is-unwatched")
        assert (found["storage_box"], found["is_unwatched"], found["notes"]) == ("B", True, "mine")
        assert disc("edit", "1", "--notes", "")["notes"] == ""
        assert disc("edit", "1", status=2)["error"] == "USAGE"
        assert disc("edit", "9", "--notes", "x", status=4)["error"] == "NOT_FOUND"

    def test_deletes_once(self, disc):
        disc("add", "--name", "Heat")
        assert disc("delete", "1")["deleted"] == 1
        assert disc("delete", "1", status=4)["error"] == "NOT_FOUND"
        assert disc("show", "1", status=4)["error"] == "NOT_FOUND"
        assert disc("delete", "one", status=2)["error"] == "USAGE"

    def test_lends_and_takes_back(self, disc):
        disc("add", "--name", "Heat")
        found = disc("loan", "1", "Bob", "--due", "2099-12-24")
        assert (found["borrower"], found["due_on"], found["returned_on"]) == ("Bob", "2099-12-24", None)
        assert disc("loan", "1", "Ann", status=1)["error"] == "CONFLICT"
        assert disc("return", "1")["returned_on"] is not None
        assert disc("return", "1", status=1)["error"] == "INVALID"

    def test_refreshes_one_and_all(self, disc, tmdb, monkeypatch):
        disc("add", "--tmdb-id", "603")
        disc("edit", "1", "--tagline", "Mine")
        monkeypatch.setenv("KINOSHELF_TMDB_API_KEY", "")
        disc("add", "--name", "Alien", "--tmdb-id", "348")
        assert disc("refresh", status=3)["error"] == "NOT_CONFIGURED"
        monkeypatch.setenv("KINOSHELF_TMDB_API_KEY", tmdb.key)
        found = disc("refresh", "1")
        assert (found["tagline"], found["changed"]) == ("Mine", [])
        found = disc("refresh", "--missing")
        assert (found["updated"], found["failed"]) == (1, 0)
        assert disc("show", "2")["runtime"] == 117


class TestFiles:
    def test_exports_to_a_file_or_standard_output(self, cli, disc, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        disc("add", "--name", "Heat", "--status", "disposed", "--notes", "two\r\nlines")
        shown = cli("disc", "export", "-")
        assert (shown.status, shown.err) == (0, "")
        assert shown.out.splitlines()[1] == '"Heat",,"Disposed","Physical","",""'
        found = disc("export")
        assert found["rows"] == 1
        assert (tmp_path / found["file"]).read_bytes() == shown.out.encode().replace(b"\r\n", b"\n").replace(
            b"\n", b"\r\n"
        )
        assert found["file"].startswith("Non-Kept_MovieExport_")
        found = disc("export", "all.csv", "--kind", "complete")
        assert (found["file"], found["rows"]) == ("all.csv", 1)
        assert (tmp_path / "all.csv").read_bytes().startswith(b"\xef\xbb\xbfMovie Name,")
        assert disc("export", "-", status=2)["error"] == "USAGE"
        assert disc("export", "--kind", "everything", status=2)["error"] == "USAGE"
        assert disc("export", "no/such/folder.csv", status=1)["error"] == "FAILED"

    def test_reads_back_what_it_wrote(self, disc, tmp_path):
        path = str(tmp_path / "all.csv")
        disc("add", "--name", "=Heat", "--tags", "x")
        disc("export", path, "--kind", "complete")
        disc("delete", "1")
        found = disc("import", path)
        assert (found["rows"], found["added"], found["updated"], found["invalid"]) == (1, 1, 0, [])
        assert disc("import", path)["added"] == 0
        assert [one["name"] for one in disc("list")["items"]] == ["=Heat"]

    def test_a_dry_run_changes_nothing(self, disc, tmp_path):
        path = tmp_path / "list.csv"
        path.write_text("Name,Year\nHeat,1995\n,1990\n")
        found = disc("import", str(path), "--dry-run", status=6)
        assert (found["rows"], found["added"]) == (2, 1)
        assert found["invalid"] == [{"line": 3, "reason": "there is no name"}]
        assert disc("list")["total"] == 0

    def test_takes_titles_from_standard_input(self, disc):
        assert disc("import", "-", stdin="Heat (1995)\nAlien\n")["added"] == 2

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b'Name\n"Alien\n', "line 2: a quotation mark is opened here and never closed"),
            (b"Name,Year\n,1990\n", "no row can be read; line 2: there is no name"),
            (b"", "the file holds no rows"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, disc, tmp_path, content, sentence):
        path = tmp_path / "broken.csv"
        path.write_bytes(content)
        found = disc("import", str(path), status=1)
        assert (found["error"], found["message"]) == ("INVALID", sentence)
        assert disc("list")["total"] == 0

    def test_a_file_that_is_not_there(self, disc):
        found = disc("import", "nowhere.csv", status=1)
        assert (found["error"], "nowhere.csv" in found["message"]) == ("FAILED", True)


def test_works_beside_a_running_server(command, serve, tmp_path):
    _process, served = serve()
    assert served["url"]
    (tmp_path / "list.txt").write_text("Heat (1995)\n")
    ended = command("disc", "import", str(tmp_path / "list.txt"), "--json")
    assert (ended.status, json.loads(ended.out)["added"]) == (0, 1)
    assert json.loads(command("disc", "list", "--json").out)["total"] == 1
