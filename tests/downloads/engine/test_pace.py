"""Speed limits: which one is in force, and who may take how much when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kinoshelf.core.settings import EngineSettings
from kinoshelf.downloads.engine.pace import Bucket, Pace, limit_at

BERLIN = ZoneInfo("Europe/Berlin")


def settings(*windows: dict[str, object]) -> EngineSettings:
    return EngineSettings.model_validate({"speed_limit_bytes_per_second": 7, "speed_schedule": list(windows)})


def window(start: str, end: str, limit: int, **more: object) -> dict[str, object]:
    return {"start": start, "end": end, "limit_bytes_per_second": limit, **more}


class TestLimitOfTheHour:
    @pytest.mark.parametrize(
        ("at", "limit"),
        [
            # 2026-11-20 is a Friday.
            ("2026-11-20 07:59", 7),
            ("2026-11-20 08:00", 100),
            ("2026-11-20 11:59:59", 100),
            ("2026-11-20 12:00", 0),
            ("2026-11-20 17:59", 0),
            ("2026-11-20 18:00", 7),
            ("2026-11-20 21:59", 7),
            # Friday evening and the night that belongs to it.
            ("2026-11-20 22:00", 300),
            ("2026-11-21 00:00", 300),
            ("2026-11-21 05:59", 300),
            ("2026-11-21 06:00", 7),
            ("2026-11-21 22:00", 7),
            ("2026-11-22 02:00", 7),
            # Friday morning belongs to Thursday's evening.
            ("2026-11-20 02:00", 7),
            # All of Monday, and none of Tuesday's day.
            ("2026-11-23 00:00", 400),
            ("2026-11-23 23:59", 400),
        ],
    )
    def test_is_that_of_the_first_window_that_fits(self, at: str, limit: int) -> None:
        found = settings(
            window("08:00", "18:00", 100, days=["fri"]) | {"end": "12:00"},
            window("12:00", "18:00", 0, days=["fri"]),
            window("22:00", "06:00", 300, days=["fri"]),
            window("00:00", "00:00", 400, days=["mon"]),
            window("22:00", "06:00", 999, days=["fri"]),
        )
        assert limit_at(found, datetime.fromisoformat(at)) == limit

    def test_without_windows_is_the_plain_one(self) -> None:
        assert limit_at(settings(), datetime(2026, 11, 20, 12, 0)) == 7

    @pytest.mark.parametrize(
        ("utc", "limit"),
        [
            # Berlin goes from 02:00 to 03:00 on 2026-03-29: the hour from 02:30 begins with what there is of it.
            ("2026-03-29 00:59", 7),
            ("2026-03-29 01:00", 100),
            ("2026-03-29 01:29", 100),
            ("2026-03-29 01:30", 7),
            # It goes from 03:00 back to 02:00 on 2026-10-25: the hour from 02:00 comes twice.
            ("2026-10-25 00:29", 7),
            ("2026-10-25 00:30", 100),
            ("2026-10-25 00:59", 100),
            ("2026-10-25 01:00", 7),
            ("2026-10-25 01:30", 100),
            ("2026-10-25 02:29", 100),
            ("2026-10-25 02:30", 7),
        ],
    )
    def test_follows_the_clock_on_the_wall(self, utc: str, limit: int) -> None:
        local = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone(BERLIN)
        assert limit_at(settings(window("02:30", "03:30", 100)), local) == limit


class Taker:
    """Takes `chunk` bytes again and again, as a transfer on a fast line does."""

    def __init__(self, pace: Pace, chunk: int) -> None:
        self.pace, self.chunk, self.taken = pace, chunk, 0

    def go(self) -> None:
        while self.taken < 10**9:
            if not self.pace.may_take(self.chunk):
                self.pace.hold(self.go)
                return
            self.taken += self.chunk


def pass_time(shared: Bucket, takers: list[Taker], seconds: float, tick: float = 0.05) -> None:
    for _ in range(round(seconds / tick)):
        shared.refill(tick)
        for taker in takers:
            taker.pace.refill(tick)


class TestPace:
    @pytest.mark.parametrize("chunk", [1000, 16_000, 500_000])
    @pytest.mark.parametrize(("shared", "own"), [(100_000, 0), (0, 100_000), (100_000, 900_000), (900_000, 100_000)])
    def test_keeps_the_smaller_limit(self, shared: int, own: int, chunk: int) -> None:
        bucket = Bucket(shared)
        taker = Taker(Pace(bucket, own), chunk)
        taker.go()
        pass_time(bucket, [taker], 60)
        assert 60 * 100_000 * 0.9 < taker.taken < 60 * 100_000 * 1.1 + 2 * chunk
        assert taker.pace.is_limited
        assert taker.pace.is_holding

    def test_shares_fairly_whatever_the_order(self) -> None:
        bucket = Bucket(100_000)
        takers = [Taker(Pace(bucket, 0), 200_000) for _ in range(4)]
        for taker in takers:
            taker.go()
        pass_time(bucket, takers, 120)
        taken = [taker.taken for taker in takers]
        assert max(taken) - min(taken) <= 200_000
        assert sum(taken) == pytest.approx(12_000_000, rel=0.1)

    def test_of_one_that_is_held_back_leaves_its_share_to_the_others(self) -> None:
        bucket = Bucket(100_000)
        slow, quick = Taker(Pace(bucket, 10_000), 5_000), Taker(Pace(bucket, 0), 5_000)
        for taker in (slow, quick):
            taker.go()
        pass_time(bucket, [slow, quick], 60)
        assert slow.taken == pytest.approx(600_000, rel=0.15)
        assert quick.taken == pytest.approx(5_400_000, rel=0.15)

    def test_without_limit_takes_everything_at_once(self) -> None:
        taker = Taker(Pace(Bucket(), 0), 500_000)
        taker.go()
        assert taker.taken >= 10**9
        assert not taker.pace.is_limited
        assert taker.pace.buffer_bytes == 0

    def test_lets_go_when_the_limit_falls_away(self) -> None:
        bucket = Bucket(1000)
        taker = Taker(Pace(bucket, 0), 500_000)
        taker.go()
        bucket.limit = 0
        pass_time(bucket, [taker], 0.1)
        assert taker.taken >= 10**9

    def test_saves_nothing_up(self) -> None:
        bucket = Bucket(100_000)
        taker = Taker(Pace(bucket, 0), 1000)
        pass_time(bucket, [taker], 3600)
        taker.go()
        assert taker.taken <= 30_000

    def test_of_one_that_is_over_stands_in_no_line(self) -> None:
        bucket = Bucket(1000)
        gone, stays = Taker(Pace(bucket, 10), 1000), Taker(Pace(bucket, 0), 1000)
        for taker in (gone, stays):
            taker.go()
        gone.pace.leave()
        assert not gone.pace.is_holding
        pass_time(bucket, [stays], 10)
        assert gone.taken == 0
        assert stays.taken > 5000

    @pytest.mark.parametrize(("shared", "own", "most"), [(1_000_000, 0, 250_000), (0, 40_000, 10_000), (100, 0, 4096)])
    def test_asks_for_gulps_that_fit(self, shared: int, own: int, most: int) -> None:
        assert Pace(Bucket(shared), own).buffer_bytes == most
