"""The id a request is told apart by, in its answer and in the log. Beside `web.py`, so that the log needs no framework."""

from __future__ import annotations

import uuid
from contextvars import ContextVar

request_id_now: ContextVar[str] = ContextVar("request_id", default="")


def new_request_id(given: str | None) -> str:
    """Keep a caller's request id when it is harmless, else make one."""
    if given and len(given) <= 100 and all(letter.isalnum() or letter in "-_." for letter in given):
        return given
    return str(uuid.uuid4())
