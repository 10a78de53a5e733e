"""What the head of an answer says of the body: which bytes it brings, of which file, and when to ask again. Pure."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC, datetime

from kinoshelf.downloads.engine.transport import Answer

REDIRECTS = frozenset({301, 302, 303, 307, 308})
CONTENT_RANGE = re.compile(r"^bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)$", re.IGNORECASE | re.ASCII)
NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def body_span(answer: Answer) -> tuple[int | None, int | None, int]:
    """Return the length of the whole file and where this body begins and ends, as far as the head tells."""
    if answer.status == 206:
        match = CONTENT_RANGE.match(answer.headers.get("content-range", "").strip())
        if not match or match[3] == "*":
            return None, None, 0
        return int(match[3]), int(match[1]), int(match[2]) + 1
    text = answer.headers.get("content-length", "")
    if "transfer-encoding" in answer.headers or not NUMBER.fullmatch(text):
        return None, 0, 0
    return int(text), 0, int(text)


def opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def retry_after_seconds(value: str) -> float | None:
    """Read Retry-After: seconds, or a date."""
    value = value.strip()
    if not value:
        return None
    if NUMBER.fullmatch(value):
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
