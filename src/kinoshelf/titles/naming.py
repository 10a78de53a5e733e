"""How names are compared and put in order. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# A letter of its own, which no decomposition takes apart.
LETTERS = str.maketrans(
    {
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
        "ŋ": "n",
        "&": " and ",
        "+": " and ",
    }
)
# Marks over Latin, Greek and Cyrillic letters; those of other scripts make another letter.
ACCENTS = re.compile(r"[\u0300-\u036f]")
SUPERSCRIPT = re.compile(r"[\u00b2\u00b3\u00b9\u2070-\u2079]")
# Nothing is read between these two: don't, WALL·E stays two words.
APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc\u00b4`\u02b9]")
NO_WORD = re.compile(r"[^\w]+|_+")
SUBTITLE = re.compile(r"\s*[:\u2013\u2014]\s+|\s+-\s+|:\s*")
BRACKETED_YEAR = re.compile(r"\s*[(\[](1[89]\d\d|20\d\d)[)\]]\s*$")

ARTICLES = {
    "en": ("the", "a", "an"),
    "de": ("der", "die", "das", "ein", "eine"),
    "fr": ("le", "la", "les", "un", "une"),
    "es": ("el", "la", "los", "las", "un", "una"),
    "it": ("il", "lo", "la", "i", "gli", "le", "un", "una"),
    "pt": ("o", "a", "os", "as", "um", "uma"),
    "nl": ("de", "het", "een"),
    "sv": ("en", "ett"),
    "da": ("en", "et"),
    "no": ("en", "et"),
}
ELIDED = re.compile(r"^[ld]['\u2019]", re.IGNORECASE)

ROMAN = {
    roman: str(number)
    for number, roman in enumerate(
        [
            "i",
            "ii",
            "iii",
            "iv",
            "v",
            "vi",
            "vii",
            "viii",
            "ix",
            "x",
            "xi",
            "xii",
            "xiii",
            "xiv",
            "xv",
            "xvi",
            "xvii",
            "xviii",
            "xix",
            "xx",
        ],
        start=1,
    )
}
ARABIC = {number: roman for roman, number in ROMAN.items()}
COUNTED = {"part", "chapter", "episode", "volume", "book", "teil", "partie"}
SHORT = {"vol": "volume", "pt": "part", "ep": "episode", "chap": "chapter"}
LONG = {word: short for short, word in SHORT.items()}
NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=1
    )
}


def words_of(name: str) -> list[str]:
    """Return the words of `name`, folded; its articles are among them."""
    text = APOSTROPHES.sub("", SUPERSCRIPT.sub(r" \g<0>", name))
    text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFC", ACCENTS.sub("", text)).translate(LETTERS)
    return NO_WORD.sub(" ", text).split()


def _as_it_is(name: str) -> str:
    """Return a name of nothing but signs in its one form."""
    text = unicodedata.normalize("NFC", name.replace("\0", " ")).casefold()
    return " ".join(unicodedata.normalize("NFC", text).split())


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """Return `name` as people may write it alike: no case, accents, punctuation or leading English article.

    Idempotent. A name of nothing but punctuation stays as it is, so that it remains a name.
    """
    words = words_of(name)
    # «The A-Team» has two, and is looked for under either.
    while len(words) > 1 and words[0] in ARTICLES["en"]:
        del words[0]
    return " ".join(words) or _as_it_is(name)


def sort_name(name: str, language: str = "en") -> str:
    """Return what `name` is put in order by: its article is left out, accents and case do not count.

    `language` (`de`, `de-DE`) is that of the name; English articles count in every language.
    """
    text = name.strip()
    if language[:2] in {"fr", "it"}:
        text = ELIDED.sub("", text) or text
    words = words_of(text)
    if len(words) > 1 and words[0] in {*ARTICLES["en"], *ARTICLES.get(language[:2], ())}:
        del words[0]
    return " ".join(words) or _as_it_is(name)


def without_year(name: str) -> tuple[str, int | None]:
    """Part «Solaris (1972)» into the name and its year."""
    found = BRACKETED_YEAR.search(name)
    if found is None or not name[: found.start()].strip():
        return name.strip(), None
    return name[: found.start()].strip(), int(found[1])


def main_parts(name: str) -> list[str]:
    """Return what stands before each possible subtitle, the longest first: «Star Wars: Episode V - The Empire» has two."""
    ends = [found.start() for found in SUBTITLE.finditer(name.strip()) if name.strip()[found.end() :]]
    return [part for end in reversed(ends) if (part := name.strip()[:end].strip())]


@lru_cache(maxsize=8192)
def counted(name: str) -> str:
    """Return the folded name with its numbers written one way: «Rocky II», «Part Two» and «Vol. 2» all have a 2."""
    words = [SHORT.get(word, word) for word in folded(name).split()]
    for at, word in enumerate(words):
        # «I, Robot» and «V for Vendetta» do not begin with a number.
        if at > 0:
            number = ROMAN.get(word) or (NUMBER_WORDS.get(word) if words[at - 1] in COUNTED else None)
            words[at] = number or word
    return " ".join(words)


def spellings(name: str) -> list[str]:
    """Return the folded forms under which the same name may have been kept, the plainest first."""
    plain, even = folded(name), counted(name)
    words = even.split()
    roman = " ".join(ARABIC.get(word, word) if at else word for at, word in enumerate(words))
    short = " ".join(LONG.get(word, word) for word in words)
    return list(dict.fromkeys((plain, even, roman, short)))
