"""Request bodies: not endless, and without characters that no database and no answer can hold."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MOST_BODY_BYTES = 8 * 1024 * 1024
TOO_LARGE = f"the request is larger than {MOST_BODY_BYTES // (1024 * 1024)} MiB"
UNWRITABLE = "the text holds half a character or a NUL, which cannot be stored"
# Escaped or raw halves of surrogate pairs, escaped NULs, and encodings other than UTF-8 (they are full of NULs).
SUSPICIOUS = re.compile(rb"\\u[dD][89a-fA-F]|\\u0000|\xed[\xa0-\xbf]|\x00")


def is_writable(text: str) -> bool:
    """Tell whether both databases and UTF-8 can hold `text`."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def has_unwritable_text(body: bytes) -> bool:
    """Tell whether JSON holds such text. What is no JSON has none: who reads it will say so better."""
    if not SUSPICIOUS.search(body):
        return False
    try:
        found: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return False
    while found:
        value = found.pop()
        if isinstance(value, str) and not is_writable(value):
            return True
        if isinstance(value, dict):
            found += [*value, *value.values()]
        elif isinstance(value, list):
            found += value
    return False


class BoundedBody:
    """Hands a body on, piece by piece. It raises the framework's error, the one that passes whoever reads the body."""

    def __init__(self, receive: Receive, *, is_json: bool) -> None:
        self._receive = receive
        self._is_json = is_json
        self._size = 0
        self._pieces: list[bytes] = []

    async def __call__(self) -> Message:
        message = await self._receive()
        piece = message.get("body", b"")
        self._size += len(piece)
        if self._size > MOST_BODY_BYTES:
            raise HTTPException(413, TOO_LARGE)
        if self._is_json and message["type"] == "http.request":
            self._pieces.append(piece)
            if not message.get("more_body", False):
                body, self._pieces = b"".join(self._pieces), []
                if has_unwritable_text(body):
                    raise HTTPException(400, UNWRITABLE)
        return message
