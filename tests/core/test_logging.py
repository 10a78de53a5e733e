from __future__ import annotations

import io
import json
import logging
import multiprocessing
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from kinoshelf.core.log_file import SharedLogFile
from kinoshelf.core.logging import HIDDEN, configure, redacted
from kinoshelf.core.request_ids import request_id_now
from kinoshelf.core.settings import LoggingSettings

SECRET = "s3cr3t-Wörd+="


class TestRedacted:
    @pytest.mark.parametrize(
        "text",
        [
            "GET /films?api_key={} HTTP/1.1",
            "GET /films?x=1&apikey={}&y=2",
            "/oauth?code={}&state=1",
            "https://user:{}@films.example/",
            "https://{}@films.example/",
            "postgresql://kinoshelf:{}@db/kinoshelf",
            "Authorization: Bearer {}",
            "authorization: custom {}",
            "Cookie: kinoshelf_session={}",
            "Set-Cookie: a=b; session={}; Path=/",
            '{{"access_token": "{}", "expires_in": 7}}',
            "{{'refresh_token': '{}'}}",
            "{{'client_secret': b'{}'}}",
            '{{"password":"{} with spaces, and commas"}}',
            "client_secret={}",
            "X-Plex-Token={}",
            "x-api-key: {}",
            "trakt-api-key={}",
            "app_key%3D{}",
            "wrong password: {}",
        ],
    )
    def test_hides_what_opens_doors(self, text: str) -> None:
        said = redacted(text.format(SECRET))
        assert SECRET not in said
        assert "spaces" not in said
        assert HIDDEN in said

    @pytest.mark.parametrize(
        "text",
        [
            "library.scan_finished",
            "error code: 404, status=200",
            "the token is not valid any more",
            "GET /films?page=2&limit=10",
            "a basic rule",
            "https://films.example/a@b",
            "12:30 the tokens were counted",
        ],
    )
    def test_leaves_the_rest(self, text: str) -> None:
        assert redacted(text) == text


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Configure the logs for JSON and return what was written."""
    stream = io.StringIO()
    # Here warnings are what is tested, not a sign of trouble.
    watching = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    loggers = [logging.getLogger(name) for name in ("httpx2", "httpcore2", "hishel", "alembic", "pyrate_limiter")]
    levels = [one.level for one in loggers]

    def start(level: str = "INFO", folder: Path | None = None) -> Callable[[], list[dict[str, Any]]]:
        monkeypatch.setattr(sys, "stderr", stream)
        configure(LoggingSettings.model_validate({"level": level, "format": "json"}), folder)
        return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    yield start
    logging.setLogRecordFactory(watching)
    for handler in logging.getLogger().handlers:
        handler.close()
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False


class TestConfigure:
    def test_our_events_carry_facts_level_time_and_request(self, written) -> None:
        lines = written()
        token = request_id_now.set("r-1")
        structlog.get_logger().info("library.scan_finished", series=3)
        request_id_now.reset(token)
        (line,) = lines()
        assert line["event"] == "library.scan_finished"
        assert (line["series"], line["level"], line["request_id"]) == (3, "info", "r-1")
        assert line["timestamp"].endswith("Z")

    def test_no_secret_gets_through_however_it_is_packed(self, written) -> None:
        lines = written("DEBUG")
        log = structlog.get_logger()
        log.info(
            "x",
            url=f"https://films.example/?api_key={SECRET}",
            headers={"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Accept": "x"},
            nested=[{"tokens": [SECRET, SECRET]}, ({"password": SECRET},)],
            cookie=SECRET.encode(),
            body=f'{{"password": "{SECRET}"}}'.encode(),
            setting=SecretStr(SECRET),
            error=ValueError(f"bad address https://u:{SECRET}@films.example"),
            deep={"a": {"b": {"c": {"d": {"e": {"f": {"g": {"password": SECRET}}}}}}}},
        )
        try:
            raise RuntimeError(f"GET https://films.example/?token={SECRET} failed")
        except RuntimeError:
            log.exception("y")
        logging.getLogger("elsewhere").warning("asked for %s", f"/x?apikey={SECRET}", extra={"password": SECRET})
        try:
            raise RuntimeError(f"password={SECRET}")
        except RuntimeError:
            logging.getLogger("elsewhere").exception("broke")
        text = json.dumps(lines(), ensure_ascii=False)
        assert len(lines()) == 4
        assert SECRET not in text
        assert '"Accept": "x"' in text
        assert "RuntimeError" in text

    def test_less_than_the_level_is_not_written(self, written) -> None:
        lines = written("WARNING")
        structlog.get_logger().info("x")
        logging.getLogger("elsewhere").info("x")
        logging.getLogger("httpx2").info("HTTP Request: GET https://films.example/")
        assert lines() == []
        lines = written("INFO")
        structlog.get_logger().info("y")
        assert [line["event"] for line in lines()] == ["y"]

    def test_a_person_gets_text(self, monkeypatch: pytest.MonkeyPatch, written) -> None:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        configure(LoggingSettings(format="text"))
        structlog.get_logger().info("library.scan_finished", series=3, password=SECRET)
        assert "library.scan_finished" in stream.getvalue()
        assert "series=3" in stream.getvalue()
        assert SECRET not in stream.getvalue()

    def test_the_file_has_the_same_and_is_private(self, written, tmp_path: Path) -> None:
        folder = tmp_path / "logs"
        written(folder=folder)
        assert not folder.exists()
        structlog.get_logger().info("x", password=SECRET)
        file = folder / "kinoshelf.log"
        assert json.loads(file.read_text())["password"] == HIDDEN
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        written()
        structlog.get_logger().info("y")
        assert len(file.read_text().splitlines()) == 1


def _write(path: str, writer: int) -> None:
    handler = SharedLogFile(Path(path), most_bytes=4000, keep_files=50)
    for number in range(100):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, f"{writer} {number} {'.' * 50}", None, None))
    handler.close()


class TestSharedLogFile:
    @staticmethod
    def line(handler: SharedLogFile, text: str) -> None:
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, text, None, None))

    def test_is_bounded(self, tmp_path: Path) -> None:
        handler = SharedLogFile(tmp_path / "x.log", most_bytes=100, keep_files=2)
        for number in range(50):
            self.line(handler, f"line {number:04}")
        handler.close()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2"]
        assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
        assert (tmp_path / "x.log").read_text().endswith("line 0049\n")

    def test_is_made_again_when_it_was_taken_away(self, tmp_path: Path) -> None:
        handler = SharedLogFile(tmp_path / "x.log")
        self.line(handler, "one")
        (tmp_path / "x.log").unlink()
        self.line(handler, "two")
        handler.close()
        assert (tmp_path / "x.log").read_text() == "two\n"

    def test_processes_share_it_and_lose_no_line(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write, args=(str(tmp_path / "x.log"), number)) for number in range(3)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=30)
        lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
        assert len(lines) == len(set(lines)) == 300
