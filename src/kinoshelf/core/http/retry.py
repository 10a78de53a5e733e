"""When a failed request is sent again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# What a server asks for is believed up to here; a longer wait is not a retry any more.
LONGEST_BELIEVED_SECONDS = 7 * 86400.0


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date. None when there is none that makes sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_BELIEVED_SECONDS)
    try:
        at = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(0.0, (at - now).total_seconds()), LONGEST_BELIEVED_SECONDS)


def pause_before_retry(
    attempt: int, asked_seconds: float | None, left_seconds: float, most_attempts: int, chance: float
) -> float | None:
    """Return the seconds until the next attempt; None when there is none.

    `attempt` counts from 1, `asked_seconds` is what the server asked for, `left_seconds` what is left of the budget,
    `chance` (0 to 1) keeps many callers from coming back at the same moment.
    """
    if attempt >= most_attempts:
        return None
    pause = asked_seconds
    if pause is None:
        step = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        pause = step * (0.5 + chance / 2)
    return pause if pause < left_seconds else None
