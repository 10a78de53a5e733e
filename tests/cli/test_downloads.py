"""kinoshelf download and batch, in this process on both databases, beside what is in the list already."""

from __future__ import annotations

import pytest

from kinoshelf.downloads.models import Batch, Download
from kinoshelf.downloads.states import State
from tests.factories.downloads import add_batch, add_download, make_error

FILM = "https://files.example/film.mkv"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def states(database):
    def states():
        with database.read() as session:
            return {row.id: row.state for row in session.query(Download)}

    return states


class TestAdd:
    def test_answers_the_download_it_made(self, cli):
        ended = cli(
            *("download", "add", FILM, "--name", "Film.mkv", "--folder", "films/old", "--category", "movies"),
            *("--priority", "-7", "--checksum", "md5:" + "0" * 32, "--batch", "Saturday", "--limit", "1.5M", "--json"),
        )
        found = ended.document
        assert ended.status == 0
        wanted = {
            "state": "queued",
            "original_url": FILM,
            "filename": "Film.mkv",
            "folder": "films/old",
            "category": "movies",
            "priority": -7,
            "checksum": "md5:" + "0" * 32,
            "batch_name": "Saturday",
            "speed_limit_bytes_per_second": 1536 * 1024,
            "total": 1,
            "added": 1,
        }
        assert {key: found[key] for key in wanted} == wanted
        assert found["items"][0]["id"] == found["id"]
        assert cli("download", "show", found["id"], "--json").document["id"] == found["id"]

    def test_takes_a_list_from_a_file_and_from_standard_input(self, cli, tmp_path):
        links = f"# Saturday\n\n{FILM}\r\n  https://files.example/other.mkv  \n"
        (tmp_path / "list.txt").write_text("\ufeff" + links, encoding="utf-8")
        assert cli("download", "add", "--file", str(tmp_path / "list.txt"), "--json").document["added"] == 2
        again = cli("download", "add", "https://files.example/third.mkv", "--file", "-", "--json", stdin=links).document
        assert (again["added"], len(again["duplicate"]), again["total"]) == (1, 2, 3)

    def test_a_link_that_is_there_already_is_no_failure(self, cli):
        first = cli("download", "add", FILM, "--json").document
        again = cli("download", "add", FILM, "--json")
        assert (again.status, again.document["id"], again.document["added"]) == (0, first["id"], 0)
        assert again.document["duplicate"] == [{"url": FILM, "id": first["id"], "state": "queued"}]

    def test_some_links_that_cannot_be_fetched_make_it_6(self, cli):
        ended = cli("download", "add", FILM, "ftp://files.example/a", "--json")
        assert (ended.status, ended.document["added"], ended.document["total"]) == (6, 1, 1)
        assert [one["url"] for one in ended.document["invalid"]] == ["ftp://files.example/a"]

    def test_only_links_that_cannot_be_fetched_are_a_failure(self, cli):
        ended = cli("download", "add", "ftp://files.example/a", "--json")
        assert (ended.status, ended.document["error"], ended.document["total"]) == (1, "INVALID", 0)

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("--file", "-"),
            (FILM, "https://files.example/b", "--name", "one.mkv"),
            (FILM, "https://files.example/b", "--checksum", "md5:" + "0" * 32),
            (FILM, "--limit", "fast"),
            (FILM, "--priority", "high"),
        ],
    )
    def test_wrong_usage_adds_nothing(self, cli, words, states):
        assert cli("download", "add", *words).status == 2
        assert states() == {}

    def test_a_list_that_is_not_there_is_a_sentence(self, cli, tmp_path):
        ended = cli("download", "add", "--file", str(tmp_path / "none"))
        assert (ended.status, ended.err) == (1, f"kinoshelf: {tmp_path}/none: No such file or directory\n")

    def test_says_it_in_words(self, cli):
        ended = cli("download", "add", FILM, "ftp://files.example/a")
        assert ended.out.startswith("Added ")
        assert ended.out.endswith(": film.mkv\n")
        assert ended.err.startswith("kinoshelf: ftp://files.example/a: ")


class TestList:
    @pytest.fixture
    def three(self, put):
        return [
            put(filename="a.mkv", size_bytes=3_000_000, downloaded_bytes=1_500_000, state=State.PAUSED, priority=1),
            put(filename="b.mkv", size_bytes=1_000_000, state=State.WAITING),
            put(filename="c.mkv", size_bytes=None, state=State.COMPLETED, priority=2),
        ]

    @pytest.mark.parametrize(
        ("words", "names", "total"),
        [
            ((), "cba", 3),
            (("--reverse",), "abc", 3),
            (("--status", "queued"), "b", 1),
            (("--status", "waiting", "--status", "paused"), "ba", 2),
            (("--status", "failed"), "", 0),
            (("--search", "B.MK"), "b", 1),
            (("--search", "%"), "", 0),
            (("--sort", "filename"), "abc", 3),
            (("--sort", "size"), "abc", 3),
            (("--sort", "queue"), "cab", 3),
            (("--sort", "queue", "--limit", "1", "--page", "2"), "a", 3),
            (("--limit", "2"), "cb", 3),
            (("--limit", "0"), "cba", 3),
            (("--limit", "2", "--page", "9"), "", 3),
        ],
    )
    @pytest.mark.usefixtures("three")
    def test_filters_sorts_and_pages(self, cli, words, names, total):
        found = cli("download", "list", *words, "--json").document
        assert "".join(item["filename"][0] for item in found["items"]) == names
        assert found["total"] == total

    def test_of_a_batch(self, cli, database, put):
        put()
        with database.write() as session:
            batch = add_batch(session, downloads=2, name="The Wire")
        for word in (batch.id, "The Wire", batch.id[:8]):
            assert cli("download", "list", "--batch", word, "--json").document["total"] == 2
        assert cli("download", "list", "--batch", "nobody").status == 4

    @pytest.mark.usefixtures("three")
    def test_says_it_in_a_table(self, cli):
        lines = cli("download", "list").out.splitlines()
        assert lines[0].split() == ["ID", "State", "Progress", "Size", "Speed", "Left", "File"]
        assert lines[3].split()[1:] == ["paused", "50.0", "%", "2.86", "MiB", "a.mkv"]
        assert cli("download", "list", "--limit", "2").err == "kinoshelf: 1 more; --page 2 shows the next\n"
        assert cli("download", "list", "--status", "failed").out == "Nothing here.\n"

    def test_a_long_name_is_whole_where_no_terminal_cuts_it(self, cli, put):
        put(filename=f"{'long ' * 40}name.mkv")
        assert f"{'long ' * 40}name.mkv" in cli("download", "list").out


class TestShow:
    def test_tells_everything_and_the_errors(self, cli, database):
        with database.write() as session:
            row = add_download(session, url="https://anna:secret@files.example/a.mkv", state=State.FAILED)
            session.add(make_error(row, message="the host did not answer"))
            row.error_message = "the host did not answer"
        found = cli("download", "show", row.id[:8], "--json").document
        assert (found["id"], found["state"]) == (row.id, "failed")
        assert [error["message"] for error in found["errors"]] == ["the host did not answer"]
        assert "claimed_by" not in found
        text = cli("download", "show", row.id).out
        assert "Reason:" in text
        assert "Errors:" in text
        assert "secret" not in text + str(found)

    def test_an_id_that_can_mean_two_names_them(self, cli, put):
        ids = [put(id=f"abcd{number}000-0000-4000-8000-000000000000") for number in (1, 2)]
        ended = cli("download", "show", "abcd", "--json")
        assert (ended.status, ended.document["error"], ended.document["candidates"]) == (2, "USAGE", ids)
        assert all(one in ended.document["message"] for one in ids)


class TestActions:
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("pause", State.QUEUED, "paused"),
            ("resume", State.PAUSED, "queued"),
            ("retry", State.FAILED, "queued"),
            ("retry", State.COMPLETED, "queued"),
            ("cancel", State.PAUSED, "cancelled"),
        ],
    )
    def test_answers_the_download_it_changed(self, cli, put, action, before, after):
        one = put(state=before)
        ended = cli("download", action, one[:8], "--json")
        assert ended.status == 0
        assert (ended.document["id"], ended.document["state"], ended.document["changed"]) == (one, after, 1)
        assert [item["id"] for item in ended.document["items"]] == [one]

    @pytest.mark.parametrize(
        ("action", "state"),
        [("pause", State.PAUSED), ("resume", State.QUEUED), ("retry", State.QUEUED), ("cancel", State.CANCELLED)],
    )
    def test_nothing_to_do_is_done(self, cli, put, action, state):
        ended = cli("download", action, put(state=state), "--json")
        assert (ended.status, ended.document["changed"], ended.document["state"]) == (0, 0, state)

    @pytest.mark.parametrize(
        ("action", "state"), [("pause", State.COMPLETED), ("resume", State.FAILED), ("cancel", State.COMPLETED)]
    )
    def test_what_makes_no_sense_is_a_conflict(self, cli, put, action, state):
        one = put(state=state)
        ended = cli("download", action, one, "--json")
        assert (ended.status, ended.document["error"]) == (1, "CONFLICT")
        assert [refused["id"] for refused in ended.document["refused"]] == [one]

    def test_in_part_is_6_and_names_the_rest(self, cli, put):
        good, bad = put(), put(state=State.COMPLETED)
        ended = cli("download", "pause", good, bad, UNKNOWN_ID, "--json")
        assert ended.status == 6
        assert [item["id"] for item in ended.document["items"]] == [good]
        assert (ended.document["total"], ended.document["changed"]) == (1, 1)
        assert ended.document["not_found"] == [UNKNOWN_ID]
        assert ended.document["refused"][0]["state"] == "completed"
        in_words = cli("download", "pause", good, bad, UNKNOWN_ID)
        assert in_words.status == 6
        assert f"there is no download {UNKNOWN_ID}" in in_words.err
        assert "cannot be paused" in in_words.err

    def test_an_ambiguous_id_changes_nothing(self, cli, put, states):
        ids = [put(id=f"abcd{number}000-0000-4000-8000-000000000000") for number in (1, 2)]
        other = put()
        assert cli("download", "pause", other, "abcd").status == 2
        assert states() == dict.fromkeys([*ids, other], "queued")

    def test_all_of_a_batch(self, cli, database, put, states):
        alone = put()
        with database.write() as session:
            batch = add_batch(session, downloads=3, name="The Wire")
        ended = cli("download", "pause", "--batch", "The Wire", "--json")
        assert (ended.status, ended.document["changed"]) == (0, 3)
        assert states()[alone] == "queued"
        assert cli("batch", "show", batch.id, "--json").document["state"] == "paused"

    def test_all(self, cli, put, states):
        ids = [put(), put(state=State.WAITING), put(state=State.COMPLETED)]
        ended = cli("download", "pause", "--all")
        assert ended.status == 0
        assert [states()[one] for one in ids] == ["paused", "paused", "completed"]
        assert cli("download", "resume", "--all", "--json").document["changed"] == 2

    def test_retry_of_all_leaves_alone_what_is_finished_or_was_cancelled(self, cli, put, states):
        ids = [put(state=state) for state in (State.FAILED, State.COMPLETED, State.CANCELLED)]
        cli("download", "retry", "--all")
        assert [states()[one] for one in ids] == ["queued", "completed", "cancelled"]

    @pytest.mark.parametrize("words", [(), ("--all", "--batch", "b"), ("abcd", "--all"), ("abcd", "--batch", "b")])
    def test_says_which_in_exactly_one_way(self, cli, words):
        assert cli("download", "pause", *words).status == 2

    def test_an_unknown_batch_is_not_found(self, cli):
        assert cli("download", "pause", "--batch", "nobody", "--json").document["error"] == "NOT_FOUND"


class TestFiles:
    @pytest.fixture
    def downloads(self, environ, tmp_path):
        folder = tmp_path / "downloads"
        folder.mkdir(exist_ok=True)
        return folder

    def test_cancel_throws_away_what_has_arrived(self, cli, put, downloads):
        part = downloads / "film.mkv.part"
        part.write_bytes(b"some")
        one = put(state=State.PAUSED, part_path=str(part))
        assert cli("download", "cancel", one).status == 0
        assert not part.exists()

    def test_delete_keeps_the_finished_file(self, cli, put, downloads, states):
        film = downloads / "film.mkv"
        film.write_bytes(b"film")
        one = put(state=State.COMPLETED, destination=str(film))
        ended = cli("download", "delete", one, "--json")
        assert (ended.status, ended.document["deleted"], ended.document["deleted_files"]) == (0, [one], [])
        assert film.exists()
        assert states() == {}

    def test_delete_removes_it_when_asked(self, cli, put, downloads):
        film = downloads / "films" / "film.mkv"
        film.parent.mkdir()
        film.write_bytes(b"film")
        one = put(state=State.COMPLETED, destination=str(film))
        ended = cli("download", "delete", one, "--delete-files", "--json")
        assert (ended.status, ended.document["deleted_files"]) == (0, [str(film)])
        assert list(downloads.iterdir()) == []

    def test_a_file_outside_stays_and_is_named(self, cli, put, tmp_path, downloads, expected_logs):
        expected_logs.expect("downloads.file_kept")
        film = tmp_path / "film.mkv"
        film.write_bytes(b"film")
        ended = cli("download", "delete", put(state=State.COMPLETED, destination=str(film)), "--delete-files", "--json")
        assert (ended.status, film.exists()) == (6, True)
        assert ended.document["kept_files"][0]["path"] == str(film)

    def test_delete_of_nobody_is_not_found(self, cli):
        ended = cli("download", "delete", UNKNOWN_ID, "--json")
        assert (ended.status, ended.document["not_found"]) == (4, [UNKNOWN_ID])

    def test_clear_takes_the_named_states_out_of_the_list(self, cli, put, states):
        kept = [put(), put(state=State.FAILED)]
        gone = [put(state=State.COMPLETED), put(state=State.CANCELLED), put(state=State.SKIPPED)]
        ended = cli("download", "clear", "completed", "cancelled", "--json")
        assert (ended.status, set(ended.document["deleted"])) == (0, set(gone))
        assert set(states()) == set(kept)
        assert cli("download", "clear", "completed").status == 0
        assert cli("download", "clear", "queued").status == 2
        assert cli("download", "clear").status == 2


class TestMove:
    @pytest.fixture
    def abc(self, put):
        return {name: put(filename=name) for name in "abc"}

    @pytest.mark.parametrize(
        ("words", "order"),
        [
            (("c", "--first"), "cab"),
            (("a", "--last"), "bca"),
            (("c", "--before", "b"), "acb"),
            (("a", "--after", "b"), "bac"),
        ],
    )
    def test_changes_the_order_of_the_queue(self, cli, abc, words, order):
        ended = cli("download", "move", *(abc.get(word, word)[:13] for word in words), "--json")
        assert (ended.status, ended.document["id"]) == (0, abc[words[0]])
        listed = cli("download", "list", "--sort", "queue", "--json").document["items"]
        assert "".join(item["filename"] for item in listed) == order

    def test_says_where_to_in_exactly_one_way(self, cli, abc):
        assert cli("download", "move", abc["a"]).status == 2
        assert cli("download", "move", abc["a"], "--first", "--last").status == 2
        assert cli("download", "move", abc["a"], "--before", abc["a"]).status == 2
        assert cli("download", "move", abc["a"], "--before", UNKNOWN_ID).status == 4


class TestBatches:
    def test_lists_and_shows_them(self, cli, database):
        with database.write() as session:
            wire = add_batch(session, downloads=2, name="The Wire", each={"state": State.COMPLETED})
            add_batch(session, downloads=1, name="Empty sizes", each={"size_bytes": None})
        listed = cli("batch", "list", "--json").document
        assert (listed["total"], {item["name"] for item in listed["items"]}) == (2, {"The Wire", "Empty sizes"})
        shown = cli("batch", "show", "The Wire", "--json").document
        assert (shown["id"], shown["state"], shown["progress"]) == (wire.id, "completed", 100.0)
        assert (shown["total_items"], shown["completed_items"], shown["size_bytes"]) == (2, 2, 2_000_000)
        assert [item["batch_id"] for item in shown["items"]] == [wire.id, wire.id]
        assert "2 of 2 completed" in cli("batch", "show", wire.id).out
        assert "The Wire" in cli("batch", "list").out

    def test_two_of_one_name_are_told_apart_by_id(self, cli, database):
        with database.write() as session:
            ids = {add_batch(session, downloads=1, name="Same").id for _ in range(2)}
        ended = cli("batch", "show", "Same", "--json")
        assert (ended.status, set(ended.document["candidates"])) == (2, ids)

    def test_go_with_their_last_download(self, cli, database):
        with database.write() as session:
            add_batch(session, downloads=2, name="Gone")
        cli("download", "delete", "--batch", "Gone")
        with database.read() as session:
            assert session.query(Batch).count() == 0
