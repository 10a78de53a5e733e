from __future__ import annotations

import pytest

from kinoshelf.cli import words
from kinoshelf.cli.failures import UsageProblem


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1536, "1.50 KiB"),
        (1023 * 1024, "1.00 MiB"),
        (123_456_789, "118 MiB"),
        (5 * 1024**3, "5.00 GiB"),
        (2**70, "1048576 PiB"),
    ],
)
def test_size(size_bytes, text):
    assert words.size(size_bytes) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 %"), (99.99, "99.9 %"), (100.0, "100 %"), (12.34, "12.3 %")])
def test_percent_is_full_only_at_the_end(value, text):
    assert words.percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (75, "1 min 15 s"), (7265, "2 h 1 min"), (200_000, "2 d 7 h"), (1e12, "-")],
)
def test_duration(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("0", 0),
        ("512", 512),
        ("500k", 512_000),
        ("1M", 1024**2),
        ("1.5m", 1_572_864),
        (" 2 MiB/s ", 2 * 1024**2),
        ("3MB", 3 * 1024**2),
        ("1G", 1024**3),
    ],
)
def test_parse_speed(text, bytes_per_second):
    assert words.parse_speed(text) == bytes_per_second


@pytest.mark.parametrize("text", ["", "fast", "-1", "1T", "1e3", "1.M", "M", "99999999999999G"])
def test_parse_speed_refuses_what_is_none(text):
    with pytest.raises(UsageProblem):
        words.parse_speed(text)


def test_plain_shows_what_would_steer_a_terminal():
    assert words.plain("a\x1b[31mb\x07\u202ec\td\n") == "a\ufffd[31mb\ufffd\ufffdc\td\n"
    assert words.one_line(" a\n\tb ") == "a b"
