"""When a cron line fires, in the user's time zone. Pure but for the machine's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from kinoshelf.core.errors import InvalidInput

FIELDS = 5
HOUR_FIELD = 1


def next_run(cron: str, after: datetime, zone: tzinfo) -> datetime:
    """Return the first time after `after`, in UTC.

    A fixed hour that the clock change skips fires right after the gap; one it repeats fires once, the first time.
    Raises InvalidInput for a line that cannot be read or never fires.
    """
    # Commands never need it, and it takes longer to load than most of them run.
    from croniter import CroniterError, croniter

    if len(cron.split()) != FIELDS:
        raise InvalidInput("a schedule is five words: minute, hour, day of month, month, day of week")
    has_fixed_hour = not cron.split()[HOUR_FIELD].startswith("*")
    try:
        times = croniter(cron, after.astimezone(zone))
        while True:
            found: datetime = times.get_next(datetime).astimezone(UTC)
            if not (has_fixed_hour and found.astimezone(zone).fold):
                return found
    except (CroniterError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"the schedule «{cron}» cannot be read: {error}") from error


def machine_zone() -> tzinfo:
    """Return the zone the machine keeps, with its rules where the system tells them."""
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return datetime.now().astimezone().tzinfo or UTC
