"""Sizes, speeds and times, in two languages."""

from __future__ import annotations

import pytest

from kinoshelf.web import formats
from kinoshelf.web.languages import language, language_now

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4

SIZES = [
    (0, "0 B"),
    (1, "1 B"),
    (999, "999 B"),
    (1000, "0.98 KiB"),
    (KIB, "1.00 KiB"),
    (1536, "1.50 KiB"),
    (10 * KIB, "10.0 KiB"),
    (100 * KIB, "100 KiB"),
    (999 * KIB + 600, "0.98 MiB"),
    (1.15 * GIB, "1.15 GiB"),
    (50_000 * GIB, "48.8 TiB"),
    (None, "\N{EN DASH}"),
]
DURATIONS = [
    (0, "0 s"),
    (59.4, "59 s"),
    (60, "1 min 0 s"),
    (3599, "59 min 59 s"),
    (3600, "1 h 0 min"),
    (86_399, "23 h 59 min"),
    (90_000, "1 d 1 h"),
    (101 * 86_400, "\N{EN DASH}"),
    (None, "\N{EN DASH}"),
]
PERCENTS = [(0, "0 %"), (0.04, "0 %"), (45.55, "45.5 %"), (99.99, "99.9 %"), (100, "100 %")]


@pytest.mark.parametrize(("size_bytes", "said"), SIZES)
def test_sizes(size_bytes: int | None, said: str) -> None:
    assert formats.size(size_bytes) == said


@pytest.mark.parametrize(("seconds", "said"), DURATIONS)
def test_durations(seconds: float | None, said: str) -> None:
    assert formats.duration(seconds) == said


@pytest.mark.parametrize(("value", "said"), PERCENTS)
def test_shares_reach_a_hundred_only_when_all_is_there(value: float, said: str) -> None:
    assert formats.percent(value) == said


def test_numbers_follow_the_language() -> None:
    token = language_now.set(language("de"))
    try:
        assert formats.size(round(1.5 * GIB)) == "1,50 GiB"
        assert formats.number(50_000) == "50.000"
    finally:
        language_now.reset(token)


@pytest.mark.parametrize(
    ("size_bytes", "unit"),
    [(0, MIB), (256 * MIB, MIB), (round(1.5 * MIB), MIB), (2 * GIB, GIB), (100 * KIB, KIB), (MIB + 1, 1), (500, 1)],
)
def test_forms_show_sizes_exactly(size_bytes: int, unit: int) -> None:
    assert formats.size_unit(size_bytes) == unit
    assert round(round(size_bytes / unit, 3) * unit) == size_bytes
