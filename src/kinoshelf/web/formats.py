"""Sizes, speeds and times in the visitor's language. `static/js/format.js` says the same in the browser."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

from kinoshelf.web.languages import current, gettext

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
UNKNOWN = "\N{EN DASH}"
MINUTE, HOUR, DAY = 60, 3600, 86400
# An estimate beyond this says only that nobody knows.
LONGEST_ESTIMATE_SECONDS = 100 * DAY


def number(value: float, digits: int = 0) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return str(format_decimal(value, pattern, locale=current().locale))


def size(size_bytes: int | None) -> str:
    """Three digits and a binary unit; a dash for what is not known."""
    if size_bytes is None:
        return UNKNOWN
    value, unit = float(size_bytes), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{number(value, digits)} {UNITS[unit]}"


def size_unit(size_bytes: int) -> int:
    """Return the largest unit in which a form shows the size exactly with at most three decimals; MiB for nothing."""
    if not size_bytes:
        return 1024**2
    fitting = (unit for unit in (1024**3, 1024**2, 1024) if size_bytes >= unit and size_bytes * 1000 % unit == 0)
    return next(fitting, 1)


def speed(bytes_per_second: int) -> str:
    return f"{size(bytes_per_second)}/s"


def percent(value: float) -> str:
    """Round down, so that 100 % means all of it."""
    tenths = int(value * 10) / 10
    return f"{number(tenths, 0 if tenths in (0, 100) else 1)} %"


def duration(seconds: float | None) -> str:
    """The two largest units; a dash for what is not known."""
    if seconds is None or seconds > LONGEST_ESTIMATE_SECONDS:
        return UNKNOWN
    whole = round(seconds)
    if whole < MINUTE:
        return gettext("%(seconds)s s") % {"seconds": whole}
    if whole < HOUR:
        return gettext("%(minutes)s min %(seconds)s s") % {"minutes": whole // MINUTE, "seconds": whole % MINUTE}
    if whole < DAY:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}
    return gettext("%(days)s d %(hours)s h") % {"days": whole // DAY, "hours": whole % DAY // HOUR}


def moment(at: datetime, zone: ZoneInfo | None) -> str:
    local = at.astimezone(zone)
    return str(format_datetime(local, "medium", tzinfo=local.tzinfo, locale=current().locale))


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
