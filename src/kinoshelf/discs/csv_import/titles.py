"""Lists of titles as people write them: «The Matrix (1999)», «Matrix, The», «Alien, 1979». Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kinoshelf.titles.naming import without_year

BULLET = re.compile(r"^\s*[-*\u2022\u2013\u00b7]\s+")
NUMBERED = re.compile(r"^\s*(\d{1,4})[.)]\s+(?=\S)")
TRAILING_YEAR = re.compile(r"^(.*\S)\s*[,;\t|\u2013]\s*(1[89]\d\d|20\d\d)\s*$")
MOVED_ARTICLE = re.compile(
    r"^(?P<rest>.+), (?P<article>the|a|an|der|die|das|le|la|les|il|el|los|las|de|het)$", re.IGNORECASE
)
QUOTED = re.compile(r'^["\u201c\u201e\u00ab](.+)["\u201d\u201c\u00bb]$')


@dataclass(frozen=True, slots=True)
class WrittenTitle:
    name: str
    year: int | None


def read_title(text: str) -> WrittenTitle:
    """Part one line into name and year."""
    text = " ".join(BULLET.sub("", text).split())
    quoted = QUOTED.match(text)
    if quoted:
        text = quoted[1].strip()
    name, year = without_year(text)
    if year is None:
        found = TRAILING_YEAR.match(text)
        if found:
            name, year = found[1].strip().rstrip(",;"), int(found[2])
    quoted = QUOTED.match(name)
    return WrittenTitle(with_article(quoted[1].strip() if quoted else name), year)


def with_article(name: str) -> str:
    """Put the article back in front: «Matrix, The» is «The Matrix»."""
    found = MOVED_ARTICLE.match(name.strip())
    return f"{found['article']} {found['rest']}" if found else name.strip()


def without_numbers(lines: Sequence[str]) -> list[str]:
    """Take «1.», «2.»… away where every line has one; a title that begins with a number keeps it."""
    numbers = [NUMBERED.match(line) for line in lines]
    if len(lines) > 1 and all(numbers):
        return [NUMBERED.sub("", line) for line in lines]
    return list(lines)
