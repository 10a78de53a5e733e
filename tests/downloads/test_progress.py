"""Speed, time left, and the board of what runs."""

from __future__ import annotations

import time

import pytest

from kinoshelf.downloads.progress import (
    REMEMBERED_SECONDS,
    STALE_SECONDS,
    Live,
    ProgressBoard,
    SpeedMeter,
    eta,
    percent_of,
)
from kinoshelf.downloads.states import State


def live(download_id: str, downloaded_bytes: int = 0) -> Live:
    return Live(download_id, State.DOWNLOADING, downloaded_bytes, 1000, 100, 10, 1, "film.mkv")


class TestSpeedMeter:
    def test_slides(self) -> None:
        meter = SpeedMeter()
        assert meter.bytes_per_second == 0
        total = 0
        for tick in range(40):
            total += 250
            meter.add(tick * 0.25, total)
        assert meter.bytes_per_second == 1000
        for tick in range(40, 80):
            meter.add(tick * 0.25, total)
        assert meter.bytes_per_second == 0

    def test_begins_anew_where_the_total_shrank(self) -> None:
        meter = SpeedMeter()
        for at, total in ((0, 0), (1, 10_000), (2, 500), (3, 1500)):
            meter.add(at, total)
        assert meter.bytes_per_second == 1000

    def test_knows_nothing_after_one_look(self) -> None:
        meter = SpeedMeter()
        meter.add(5, 1000)
        meter.add(5, 2000)
        assert meter.bytes_per_second == 0


class TestTimeLeft:
    @pytest.mark.parametrize(
        ("downloaded", "size", "speed", "left"),
        [
            (0, 1000, 100, 10),
            (1, 1000, 100, 10),
            (1000, 1000, 100, 0),
            (2000, 1000, 100, 0),
            (0, None, 100, None),
            (0, 0, 100, None),
            (0, 1000, 0, None),
        ],
    )
    def test_is_rounded_up_or_unknown(self, downloaded, size, speed, left) -> None:
        assert eta(downloaded, size, speed) == left

    def test_percent_is_never_more_than_all(self) -> None:
        assert [percent_of(*pair) for pair in ((0, None), (5, 0), (1, 3), (999, 1000), (5, 4))] == [
            0,
            0,
            33.3,
            99.9,
            100,
        ]


class TestBoard:
    def test_shows_what_each_worker_runs(self) -> None:
        board = ProgressBoard()
        board.put("one", [live("a"), live("b")])
        board.put("two", [live("c")])
        assert board.everything().keys() == {"a", "b", "c"}
        assert board.total_speed_bytes_per_second == 300
        board.put("one", [live("b")])
        assert board.get("a") is None
        board.put("two", [])
        assert board.everything().keys() == {"b"}

    def test_believes_the_later_word(self) -> None:
        board = ProgressBoard()
        board.put("new", [live("a", 1)])
        board.put("old", [live("a", 2)])
        board.put("new", [live("a", 3)])
        assert board.get("a") == board.everything()["a"] == live("a", 3)

    def test_forgets_who_fell_silent(self, monkeypatch) -> None:
        board = ProgressBoard()
        board.put("one", [live("a")])
        later = time.monotonic() + STALE_SECONDS + 1
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert board.get("a") is None
        assert board.everything() == {}

    def test_remembers_the_speed_of_the_last_minutes(self, monkeypatch) -> None:
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        board = ProgressBoard()
        board.put("one", [])
        assert board.speeds() == []
        for step in range(8):
            # Four times a second, as the engine does; a point a second is kept.
            board.put("one", [live("a"), live("b")])
            now += 0.25
            assert len(board.speeds()) == step // 4 + 1
        board.put("one", [])
        now += 10
        board.put("one", [])
        assert board.speeds() == [(12.0, 200), (11.0, 200), (10.0, 0)]
        now += REMEMBERED_SECONDS
        assert board.speeds() == []
