"""Sizes, speeds and times as people read and write them. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from kinoshelf.cli.failures import UsageProblem

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
UNKNOWN = "-"
MINUTE, HOUR, DAY = 60, 3600, 86400
# An estimate beyond this says only that nobody knows.
LONGEST_ESTIMATE_SECONDS = 100 * DAY
SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# File names and answers of foreign servers must not be able to steer the terminal.
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return `text` without what a terminal would obey instead of show."""
    return STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def size(size_bytes: int | None) -> str:
    """Three digits and a binary unit; a dash for what is not known."""
    if size_bytes is None:
        return UNKNOWN
    value, unit = float(size_bytes), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {UNITS[unit]}"


def speed(bytes_per_second: int) -> str:
    return f"{size(bytes_per_second)}/s"


def percent(value: float) -> str:
    """Round down, so that 100 % means all of it."""
    tenths = int(value * 10) / 10
    return f"{tenths:.0f} %" if tenths in {0, 100} else f"{tenths:.1f} %"


def duration(seconds: float | None) -> str:
    """The two largest units; a dash for what is not known."""
    if seconds is None or seconds > LONGEST_ESTIMATE_SECONDS:
        return UNKNOWN
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def moment(at: datetime | None) -> str:
    """The time on this machine's clock; a dash for none."""
    return UNKNOWN if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def parse_speed(text: str) -> int:
    """Read «1M», «500k» or plain bytes per second, in steps of 1024; 0 means no limit."""
    match = SPEED.fullmatch(text.strip())
    if match is None:
        raise UsageProblem(f"{text} is not a speed; write 1M, 500k or bytes per second, 0 for no limit")
    value = round(float(match[1]) * FACTORS[match[2].lower()])
    if value >= 2**63:
        raise UsageProblem(f"{text} is faster than anything")
    return value
