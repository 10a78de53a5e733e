from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kinoshelf.core.http.retry import pause_before_retry, retry_after_seconds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            (None, None),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("²", None),
            ("0", 0),
            (" 120 ", 120),
            ("99999999999", 7 * 86400),
            ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
            ("Fri, 02 Jan 2026 03:04:35 -0000", 30),
            ("Fri, 02 Jan 2026 04:04:35 +0100", 30),
            ("Thu, 01 Jan 2026 03:04:35 GMT", 0),
            ("Fri, 99 Jan 2026 03:04:35 GMT", None),
        ],
    )
    def test_reads_seconds_and_dates(self, header: str | None, seconds: float | None) -> None:
        assert retry_after_seconds(header, NOW) == seconds


class TestPause:
    @pytest.mark.parametrize(
        ("attempt", "asked", "left", "chance", "expected"),
        [
            (1, None, 60, 1.0, 0.5),
            (1, None, 60, 0.0, 0.25),
            (3, None, 60, 1.0, 2.0),
            (4, None, 60, 1.0, None),
            (1, 12.0, 60, 0.0, 12.0),
            (1, 61.0, 60, 0.0, None),
            (1, None, 0.1, 1.0, None),
            (1, 0.0, 60, 1.0, 0.0),
        ],
    )
    def test_grows_obeys_and_ends(
        self, attempt: int, asked: float | None, left: float, chance: float, expected: float | None
    ) -> None:
        assert pause_before_retry(attempt, asked, left, 4, chance) == expected
