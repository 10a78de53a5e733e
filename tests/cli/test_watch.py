"""kinoshelf download watch and add --wait: alone, beside a server, and when that server goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from kinoshelf.cli.following import live_progress
from kinoshelf.cli.server_record import somebody_works
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.states import State
from tests.simulators.nginx import pseudo_random

pytestmark = [
    pytest.mark.databases("sqlite"),
    pytest.mark.timeout(300),
    pytest.mark.environ(KINOSHELF_ALLOW_PRIVATE_HOSTS="127.0.0.1", KINOSHELF_ENGINE_RETRY_DELAY_FACTOR="0.01"),
]

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def film(faulty):
    return faulty.add("film.mkv", pseudo_random(200_000))


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


class TestAlone:
    def test_add_and_wait_brings_the_file(self, cli, film, downloads):
        ended = cli("download", "add", film.url, "--wait", "--json")
        found = ended.document
        assert (ended.status, found["state"], found["total"], found["added"]) == (0, "completed", 1, 1)
        assert (downloads / "film.mkv").read_bytes() == film.content
        assert "completed: film.mkv" in ended.err

    def test_waiting_for_what_is_there_already_is_done_at_once(self, cli, film):
        cli("download", "add", film.url, "--wait")
        again = cli("download", "add", film.url, "--wait", "--json")
        assert (again.status, again.document["state"], again.document["added"]) == (0, "completed", 0)
        assert len(film.requests) == 1

    def test_watches_whatever_is_open(self, cli, faulty, film, put):
        other = faulty.add("other.mkv", pseudo_random(1000))
        cli("download", "add", film.url, other.url)
        done = put(state=State.COMPLETED)
        found = cli("download", "watch", "--json").document
        assert {item["filename"]: item["state"] for item in found["items"]} == {
            "film.mkv": "completed",
            "other.mkv": "completed",
        }
        assert done not in [item["id"] for item in found["items"]]

    def test_says_each_change_in_a_line(self, cli, film):
        ended = cli("download", "add", film.url, "--wait")
        assert ended.status == 0
        assert ended.out.splitlines()[0] == "No server works on this queue; downloading here."
        assert ended.out.splitlines()[-2:] == ["completed: film.mkv (195 KiB)", "1 completed."]
        assert ended.err == ""

    def test_one_that_fails_makes_it_1_and_is_named(self, cli, faulty, film):
        gone = faulty.add("gone.mkv", b"").always(status=451)
        cli("download", "add", film.url, gone.url)
        ended = cli("download", "watch", "--json")
        found = ended.document
        assert (ended.status, found["error"], found["total"]) == (1, "FAILED", 2)
        assert found["message"] == "1 download failed"
        assert {item["filename"]: item["state"] for item in found["items"]} == {
            "film.mkv": "completed",
            "gone.mkv": "failed",
        }
        assert "failed: gone.mkv: " in ended.err

    def test_paused_ones_are_not_waited_for(self, cli, put):
        one = put(state=State.PAUSED)
        ended = cli("download", "watch", one, "--json")
        assert (ended.status, ended.document["state"]) == (6, "paused")
        assert "download resume" in ended.err

    def test_nothing_to_watch_is_done(self, cli):
        ended = cli("download", "watch", "--json")
        assert (ended.status, ended.document["items"], ended.document["total"]) == (0, [], 0)

    def test_unknown_ids_are_named(self, cli, put):
        done = put(state=State.COMPLETED)
        assert cli("download", "watch", UNKNOWN_ID).status == 4
        ended = cli("download", "watch", done, UNKNOWN_ID, "--json")
        assert (ended.status, ended.document["not_found"], ended.document["total"]) == (6, [UNKNOWN_ID], 1)

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_interrupted_it_leaves_the_download_to_go_on(self, start_command, cli, film, data_dir, number, status):
        film.always(stall_after=100_000)
        process = start_command("download", "add", film.url, "--wait", "--json")
        assert film.stalled.wait(timeout=120)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, json.loads(out)["error"]) == (status, "FAILED")
        assert "Traceback" not in err
        assert not somebody_works(data_dir)
        film.release()
        film.always()
        found = cli("download", "watch", "--json").document
        assert found["items"][0]["state"] == "completed"


class TestBesideAServer:
    def test_follows_it_to_the_end(self, serve, start_command, cli, film, data_dir, environ, wait_until):
        serve()
        film.always(stall_after=150_000)
        made = cli("download", "add", film.url, "--json").document
        assert film.stalled.wait(timeout=120)
        watching = start_command("download", "watch", made["id"][:8], "--json")
        assert watching.stderr.readline() == "started: film.mkv\n"

        # What the server sees move, and the database does not know yet.
        def moves():
            return cli("download", "show", made["id"], "--json").document["downloaded_bytes"] == 150_000

        wait_until(moves, "show tells what the server knows", seconds=60)
        assert made["id"] in live_progress(SettingsStore.load(environ).current)
        film.release()
        film.always()
        cli("download", "pause", made["id"])
        cli("download", "resume", made["id"])
        out, err = watching.communicate(timeout=120)
        assert (watching.returncode, json.loads(out)["state"]) == (0, "completed")
        assert "downloading here" not in err

    def test_hears_of_what_is_taken_out_of_the_list(self, serve, start_command, cli, film):
        serve()
        film.always(stall_after=1000)
        made = cli("download", "add", film.url, "--json").document
        assert film.stalled.wait(timeout=120)
        watching = start_command("download", "watch", "--json", made["id"])
        assert watching.stderr.readline() == "started: film.mkv\n"
        assert cli("download", "delete", made["id"]).status == 0
        out, _err = watching.communicate(timeout=120)
        assert watching.returncode == 6
        assert json.loads(out) == {"items": [], "total": 0, "not_found": [made["id"]]}

    def test_takes_over_when_the_server_is_gone(self, serve, start_command, cli, film, downloads, monkeypatch):
        running, _said = serve()
        film.always(stall_after=1000)
        made = cli("download", "add", film.url, "--json").document
        assert film.stalled.wait(timeout=120)
        running.kill()
        running.wait(timeout=120)
        film.release()
        film.always()
        ended = cli("download", "watch", made["id"], "--json")
        assert (ended.status, ended.document["state"]) == (0, "completed")
        assert (downloads / "film.mkv").read_bytes() == film.content

    def test_what_a_killed_server_left_is_cleared_away_without_it(self, serve, cli, film, downloads, wait_until):
        running, _said = serve()
        film.always(stall_after=1000)
        made = cli("download", "add", film.url, "--json").document

        def is_recorded():
            return cli("download", "show", made["id"], "--json").document["part_path"] is not None

        wait_until(is_recorded, "the row says that bytes arrive", seconds=60)
        running.kill()
        running.wait(timeout=120)
        assert [path for path in downloads.iterdir() if path.suffix == ".part"]
        assert cli("download", "cancel", made["id"], "--json").document["state"] == "cancelled"
        assert list(downloads.iterdir()) == []

    def test_works_where_the_socket_is_closed_to_it(self, serve, start_command, cli, film):
        serve(env={"KINOSHELF_TRUST_LOCAL": "false"})
        ended = cli("download", "add", film.url, "--wait", "--json")
        assert (ended.status, ended.document["state"]) == (0, "completed")
        assert "downloading here" not in ended.err


class TestOnATerminal:
    def test_shows_bars_and_leaves_the_end(self, environ, film):
        pty = pytest.importorskip("pty")
        film.always(stall_after=100_000)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "kinoshelf", "download", "add", film.url, "--wait"],
            env={**os.environ, **environ, "TERM": "xterm-256color", "COLUMNS": "100"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = ""
        try:
            while piece := os.read(ours, 65536):
                shown += piece.decode()
                if "50.0 %" in shown:
                    film.release()
        except OSError:
            # Linux says so when the other side is gone.
            pass
        assert process.wait(timeout=120) == 0
        os.close(ours)
        assert "film.mkv" in shown
        assert "50.0 %" in shown
        assert "1 completed." in shown.splitlines()[-1]
