"""What every command promises, through the real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.timeout(300)]

COMMAND_SECONDS = 120
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


class TestExitStatus:
    @pytest.mark.parametrize(
        ("words", "status", "code"),
        [
            (("download", "list"), 0, None),
            (("version",), 0, None),
            (("--version",), 0, None),
            (("download", "add", "not a link"), 1, "INVALID"),
            (("nonsense",), 2, "USAGE"),
            (("download",), 2, "USAGE"),
            (("download", "nonsense"), 2, "USAGE"),
            (("download", "list", "--nonsense"), 2, "USAGE"),
            (("download", "list", "--limit", "many"), 2, "USAGE"),
            (("download", "list", "--page", "0"), 2, "USAGE"),
            (("download", "list", "too", "many"), 2, "USAGE"),
            (("download", "list", "--data-dir"), 2, "USAGE"),
            (("download", "pause"), 2, "USAGE"),
            (("download", "show", UNKNOWN_ID), 4, "NOT_FOUND"),
        ],
    )
    def test_is_the_same_with_json_and_without(self, cli, words, status, code):
        plain, with_json = cli(*words), cli(*words, "--json")
        assert (plain.status, with_json.status) == (status, status)
        document = with_json.document
        assert with_json.err == ""
        if code is not None:
            assert document["error"] == code
            assert document["message"]
            assert plain.out == ""
            assert plain.err.splitlines()[-1].startswith("kinoshelf: ")

    def test_reaches_the_shell(self, command):
        ended = command("download", "show", UNKNOWN_ID, "--json")
        assert (ended.status, ended.document["error"], ended.err) == (4, "NOT_FOUND", "")
        ended = command("nonsense")
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith('kinoshelf: Unknown command "nonsense".')

    @pytest.mark.parametrize(
        ("variable", "value", "status", "code"),
        [
            ("KINOSHELF_DATABASE_URL", "mysql://host/name", 3, "NOT_CONFIGURED"),
            ("KINOSHELF_DATABASE_URL", "postgresql://127.0.0.1:1/none", 1, "FAILED"),
            ("KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS", "many", 1, "INVALID"),
        ],
    )
    def test_settings_that_do_not_work_are_a_sentence(self, cli, monkeypatch, variable, value, status, code):
        monkeypatch.setenv(variable, value)
        ended = cli("download", "list", "--json")
        assert (ended.status, ended.document["error"], ended.err) == (status, code, "")

    def test_a_folder_that_cannot_be_made_is_a_sentence(self, cli, tmp_path):
        (tmp_path / "file").write_text("")
        ended = cli("download", "list", "--json", "--data-dir", str(tmp_path / "file" / "below"))
        assert (ended.status, ended.document["error"]) == (1, "FAILED")
        assert str(tmp_path / "file") in ended.document["message"]


class TestOutput:
    def test_json_stands_anywhere(self, cli):
        for words in (("download", "--json", "list"), ("--json", "download", "list"), ("download", "list", "--json")):
            assert cli(*words).document == {"items": [], "total": 0}

    def test_what_looks_like_an_option_after_two_dashes_is_a_word(self, cli):
        ended = cli("download", "add", "--json", "--", "--json")
        assert ended.document["invalid"][0]["url"] == "--json"
        assert cli("download", "add", "--", "--json").out == ""

    def test_help_with_json_is_one_document_too(self, cli):
        ended = cli("download", "add", "--help", "--json")
        assert (ended.status, ended.err) == (0, "")
        assert "--priority" in ended.document["help"]

    def test_a_library_that_prints_does_not_spoil_the_document(self, cli, monkeypatch):
        def chatty(*_arguments, **_keywords):
            sys.stdout.write("hello from a library\n")
            return 0

        monkeypatch.setattr("kinoshelf.downloads.queries.count_downloads", chatty)
        ended = cli("download", "list", "--json")
        assert ended.document == {"items": [], "total": 0}
        assert "hello" in ended.err

    def test_has_no_colours_where_no_terminal_is(self, cli):
        for words in (("--help",), ("download", "--help"), ("settings", "list")):
            ended = cli(*words)
            assert ended.status == 0
            assert "\x1b" not in ended.out + ended.err

    def test_what_would_steer_the_terminal_is_shown_instead(self, cli):
        cli("download", "add", "https://files.example/a", "--batch", "red \x1b[31m")
        assert "\x1b" not in cli("batch", "list").out

    def test_completion_is_written_where_it_is_wanted(self, cli, tmp_path):
        target = tmp_path / "completion"
        ended = cli("--install-completion", "--shell", "bash", "--output", str(target), "--json")
        assert (ended.status, ended.document) == (0, {})
        assert "kinoshelf" in target.read_text()

    def test_asks_nothing_where_nobody_can_answer(self, cli):
        ended = cli("password", "set", stdin="")
        assert (ended.status, ended.out) == (2, "")

    def test_a_reader_that_leaves_is_no_failure(self, start_command):
        process = start_command("settings", "list", "--json")
        process.stdout.close()
        assert process.wait(timeout=COMMAND_SECONDS) == 0
        assert process.stderr.read() == ""
        process.stdout = None

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_a_full_disk_behind_the_answer_is_a_sentence(self, command):
        with Path("/dev/full").open("w") as full:
            ended = command("version", stdout=full)
        assert ended.status == 1
        assert ended.err.strip() == "kinoshelf: No space left on device"

    def test_works_where_standard_output_is_closed(self, environ):
        ended = subprocess.run(
            ["sh", "-c", f"exec {sys.executable} -m kinoshelf version >&-"],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_names_no_terminal_can_show_are_no_failure(self, command):
        ended = command("download", "add", "https://files.example/\u6620\u753b.mkv", env={"PYTHONIOENCODING": "ascii"})
        assert ended.status == 0
        assert "\\u6620\\u753b.mkv" in ended.out

    def test_bytes_that_are_no_text_are_wrong_usage(self, environ):
        ended = subprocess.run(
            [sys.executable, "-m", "kinoshelf", "download", "add", b"https://files.example/\xff", "--json"],
            env={**os.environ, **environ, "PYTHONUTF8": "1"},
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert ended.returncode == 2
        assert json.loads(ended.stdout)["error"] == "USAGE"


class TestDefects:
    @pytest.fixture(autouse=True)
    def _expect(self, expected_logs):
        expected_logs.allow("cli.defect")

    def test_one_sentence_and_the_rest_in_the_log(self, cli, data_dir, monkeypatch):
        self._break(monkeypatch)
        ended = cli("download", "list")
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.count("\n") == 1
        assert "Traceback" not in ended.err
        log = data_dir / "logs" / "kinoshelf.log"
        assert str(log) in ended.err
        assert "ZeroDivisionError" in log.read_text()
        assert log.stat().st_mode & 0o077 == 0

    def test_as_json(self, cli, monkeypatch):
        self._break(monkeypatch)
        ended = cli("download", "list", "--json")
        assert (ended.status, ended.document["error"], ended.err) == (1, "FAILED", "")

    def test_are_shown_to_who_asks(self, cli, monkeypatch):
        self._break(monkeypatch)
        monkeypatch.setenv("KINOSHELF_DEBUG", "1")
        assert "ZeroDivisionError: division by zero" in cli("download", "list").err

    @staticmethod
    def _break(monkeypatch):
        def broken(*_arguments, **_keywords):
            raise ZeroDivisionError("division by zero")

        monkeypatch.setattr("kinoshelf.downloads.queries.list_downloads", broken)


class TestInterruption:
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_ends_quietly(self, start_command, tmp_path, number, status):
        pipe = tmp_path / "links"
        os.mkfifo(pipe)
        process = start_command("download", "add", "--file", str(pipe), "--json")
        # Opening waits until the command reads from the other end, which then waits for us.
        with pipe.open("w"):
            process.send_signal(number)
        # The pipe is closed by now: a signal that came just before the command began to read would be seen only after.
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        assert process.returncode == status
        assert json.loads(out) == {"error": "FAILED", "message": "the command was interrupted"}
        assert err == ""
