"""Text that a spreadsheet would run as a formula, made harmless and back. Pure.

Every such text gets an apostrophe in front, and so does what looks like the result of that: then taking one away again is
exact, whatever the text was.
"""

from __future__ import annotations

import re

# The wide forms count as their narrow ones where the spreadsheet speaks Japanese.
DANGEROUS = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
GUARDED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def guarded(text: str) -> str:
    return f"'{text}" if DANGEROUS.match(text) else text


def unguarded(text: str) -> str:
    return text[1:] if GUARDED.match(text) else text
