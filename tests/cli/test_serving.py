"""kinoshelf serve and worker as processes of their own."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from kinoshelf.cli.server_record import find_server, record_path, somebody_works

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.timeout(300)]

STOP_SECONDS = 60


class TestServe:
    def test_answers_when_it_says_so_and_leaves_nothing_behind(self, serve, data_dir):
        process, said = serve()
        assert httpx2.get(f"{said['url']}/health", timeout=30).status_code == 200
        found = find_server(data_dir)
        assert (found.pid, found.url) == (process.pid, said["url"]) == (said["pid"], said["url"])
        assert record_path(data_dir).stat().st_mode & 0o777 == 0o600
        process.terminate()
        assert process.wait(timeout=STOP_SECONDS) == 0
        assert not record_path(data_dir).exists()
        assert list((data_dir / "run").iterdir()) == []
        assert "Traceback" not in process.stderr.read()

    def test_says_it_to_people_in_one_line(self, start_command):
        process = start_command("serve", "--port", "0", env={"KINOSHELF_LOGGING_LEVEL": "WARNING"})
        assert process.stderr.readline().startswith("kinoshelf: ready at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=STOP_SECONDS)
        assert (process.returncode, out, err) == (130, "", "")

    def test_stops_in_seconds_with_open_sockets_and_half_a_request(self, serve):
        process, said = serve()
        address = said["url"].removeprefix("http://").split(":")
        with connect(said["url"].replace("http", "ws") + "/api/ws", compression=None) as live:
            assert json.loads(live.recv(timeout=30))["type"] == "SYNC_ALL"
            with socket.create_connection((address[0], int(address[1]))) as half:
                half.sendall(b"GET /health HTTP/1.1\r\nHost: ")
                begin = time.monotonic()
                process.terminate()
                assert process.wait(timeout=STOP_SECONDS) == 0
        # Nothing would ever end by itself here.
        assert time.monotonic() - begin < 20

    def test_a_taken_port_is_a_sentence(self, cli):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            ended = cli("serve", "--port", port, "--json")
        assert (ended.status, ended.document["error"]) == (1, "CONFLICT")
        assert port in ended.document["message"]

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
    def test_an_address_that_is_not_ours_is_a_sentence(self, cli, host):
        ended = cli("serve", "--host", host, "--port", "0", "--json")
        assert (ended.status, ended.document["error"]) == (1, "INVALID")

    def test_listens_to_other_machines_only_with_a_password(self, cli, serve):
        ended = cli("serve", "--host", "0.0.0.0", "--port", "0", "--json")
        assert (ended.status, ended.document["error"]) == (3, "NOT_CONFIGURED")
        assert "password set" in ended.document["message"]
        assert cli("password", "set", stdin="Correct-Horse-7").status == 0
        _process, said = serve("serve", "--host", "0.0.0.0", "--port", "0")
        assert said["url"].startswith("http://127.0.0.1:")
        assert httpx2.get(f"{said['url']}/health", timeout=30).status_code == 200

    def test_takes_the_first_password_from_the_environment(self, serve):
        _process, said = serve(
            "serve", "--host", "0.0.0.0", "--port", "0", env={"KINOSHELF_PASSWORD": "Correct-Horse-7"}
        )
        answer = httpx2.post(f"{said['url']}/api/auth/login", json={"password": "Correct-Horse-7"}, timeout=30)
        assert answer.status_code == 200

    def test_takes_no_endless_messages(self, serve):
        _process, said = serve()
        with connect(said["url"].replace("http", "ws") + "/api/ws", compression=None) as live:
            live.send("x" * 100_000)
            with pytest.raises(ConnectionClosed, match="1009"):
                self._read_on(live)

    @staticmethod
    def _read_on(live):
        while True:
            live.recv(timeout=30)

    def test_names_its_base_path(self, serve):
        _process, said = serve(env={"KINOSHELF_BASE_PATH": "/shelf"})
        assert said["url"].endswith("/shelf")
        assert httpx2.get(f"{said['url']}/health", timeout=30).status_code == 200

    def test_a_killed_one_is_not_taken_for_alive(self, serve, data_dir):
        process, _said = serve()
        assert somebody_works(data_dir)
        process.kill()
        process.wait(timeout=STOP_SECONDS)
        assert record_path(data_dir).exists()
        assert find_server(data_dir) is None
        assert not somebody_works(data_dir)
        _process, said = serve()
        assert find_server(data_dir).url == said["url"]


class TestWorker:
    def test_works_until_it_is_stopped(self, serve, data_dir):
        process, said = serve("worker")
        assert (said["pid"], said["url"]) == (process.pid, None)
        assert somebody_works(data_dir)
        assert find_server(data_dir) is None
        process.terminate()
        assert process.wait(timeout=STOP_SECONDS) == 0
        assert not somebody_works(data_dir)

    def test_answers_for_its_health_where_it_is_told_to(self, serve):
        process, said = serve("worker", "--port", "0")
        answer = httpx2.get(f"{said['url']}/health", timeout=30)
        assert (answer.status_code, "status" in answer.json()) == (200, True)
        assert httpx2.get(f"{said['url']}/queue", timeout=30).status_code == 404
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=STOP_SECONDS) == 130


class TestBesideAServer:
    def test_what_commands_do_reaches_its_socket(self, serve, cli):
        _process, said = serve()
        with connect(said["url"].replace("http", "ws") + "/api/ws", compression=None) as live:
            assert json.loads(live.recv(timeout=30))["type"] == "SYNC_ALL"
            made = cli("download", "add", "http://192.0.2.1/film.mkv", "--json").document
            told = self._until(live, "TASK_ADDED")
            assert told["task"]["id"] == made["id"]
            cli("download", "delete", made["id"])
            assert self._until(live, "TASK_REMOVED")["task_id"] == made["id"]

    def test_a_changed_setting_is_followed(self, serve, cli, wait_until):
        _process, said = serve()
        cli("settings", "set", "engine.max_active_downloads", "2")

        def follows():
            return httpx2.get(f"{said['url']}/api/settings", timeout=30).json()["max_concurrent_downloads"] == 2

        wait_until(follows, "the server follows the setting", seconds=60)

    @staticmethod
    def _until(live, kind):
        for _ in range(50):
            message = json.loads(live.recv(timeout=30))
            if message["type"] == kind:
                return message
        raise AssertionError(f"{kind} was not told")


def test_the_record_of_a_later_server_stays(tmp_path: Path):
    from kinoshelf.cli.server_record import remove_record, write_record

    write_record(tmp_path, "http://127.0.0.1:1", "server-one")
    write_record(tmp_path, "http://127.0.0.1:2", "server-two")
    remove_record(tmp_path, "server-one")
    assert json.loads(record_path(tmp_path).read_text())["url"] == "http://127.0.0.1:2"
    record_path(tmp_path).write_text("not json")
    remove_record(tmp_path, "server-two")
    assert find_server(tmp_path) is None
