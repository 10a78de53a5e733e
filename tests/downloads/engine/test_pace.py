"""Limits by the hour, in the user's time."""

from __future__ import annotations

from datetime import datetime

import pytest

from kinoshelf.core.settings import EngineSettings, SpeedWindow
from kinoshelf.downloads.engine.pace import limit_at

EVENING = SpeedWindow(days=("fri",), start="22:00", end="06:00", limit_bytes_per_second=0)
OFFICE = SpeedWindow(days=("mon", "tue", "wed", "thu", "fri"), start="08:00", end="17:30", limit_bytes_per_second=500)
SETTINGS = EngineSettings(speed_limit_bytes_per_second=1000, speed_schedule=(EVENING, OFFICE))


class TestLimitAt:
    @pytest.mark.parametrize(
        ("moment", "limit"),
        [
            ("2026-11-20T07:59", 1000),
            ("2026-11-20T08:00", 500),
            ("2026-11-20T17:29", 500),
            ("2026-11-20T17:30", 1000),
            ("2026-11-20T22:00", 0),
            ("2026-11-21T05:59", 0),
            ("2026-11-21T06:00", 1000),
            ("2026-11-21T23:00", 1000),
            ("2026-11-20T05:00", 1000),
        ],
    )
    def test_windows_end_and_pass_midnight(self, moment, limit):
        assert limit_at(SETTINGS, datetime.fromisoformat(moment)) == limit

    def test_without_windows_the_plain_limit_holds(self):
        assert limit_at(EngineSettings(speed_limit_bytes_per_second=7), datetime.fromisoformat("2026-01-01T12:00")) == 7
