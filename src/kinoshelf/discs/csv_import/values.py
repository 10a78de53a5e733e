"""What stands in the cells of other programs, as values of ours. Pure; a ValueError says in words what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

DayOrder = Literal["dmy", "mdy"]

YEAR = re.compile(r"(?<!\d)(18[7-9]\d|19\d\d|20\d\d|2100)(?!\d)")
IMDB = re.compile(r"tt(\d{5,10})", re.IGNORECASE)
TMDB = re.compile(r"(?:themoviedb\.org/movie/)?(\d{1,10})(?:\D.*)?(?:\.0)?", re.DOTALL)
NUMBERS = re.compile(r"(\d{1,4})\D+(\d{1,4})\D+(\d{1,4})")
CLOCK = re.compile(r"[ T]+\d{1,2}:\d{2}(:\d{2})?(\.\d+)?\s*([AaPp][Mm])?\s*(Z|[+-]\d{2}:?\d{2})?$")
HOURS = re.compile(r"(?:(\d+)\s*(?:h|hr|hrs|hour|hours|std)\w*\.?)\s*(?:(\d+)\s*(?:m|min)?\w*\.?)?", re.IGNORECASE)
COLONS = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?")
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "jän", "ene"),
            ("feb", "fév"),
            ("mar", "mär", "mrt"),
            ("apr", "avr", "abr"),
            ("may", "mai", "mei", "maj"),
            ("jun", "juin"),
            ("jul", "juil"),
            ("aug", "aoû", "ago"),
            ("sep",),
            ("oct", "okt"),
            ("nov",),
            ("dec", "dez", "déc", "dic"),
        ),
        start=1,
    )
    for name in names
}
MONTH = re.compile(r"([^\W\d_]{3,})")
SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
CODE = re.compile(r"\b([A-Z]{3})\b")
AMOUNT = re.compile(r"\d[\d.,'\s\u00a0\u202f]*")
EXPONENT = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
YES = frozenset({"yes", "y", "true", "1", "x", "✓", "ja", "oui", "si", "sí", "seen", "watched", "on"})
NO = frozenset({"no", "n", "false", "0", "nein", "non", "not seen", "unwatched", "unseen", "off", "-"})

STATUSES = {
    "kept": "kept",
    "keep": "kept",
    "owned": "kept",
    "in collection": "kept",
    "for sale": "kept",
    "disposed": "disposed",
    "sold": "disposed",
    "given away": "disposed",
    "unboxed": "unboxed",
}
NOT_OWNED = frozenset({"wish list", "wishlist", "on order", "ordered", "not in collection", "wanted"})
MEDIA = {
    "physical": "physical",
    "disc": "physical",
    "download": "download",
    "digital": "download",
    "digital copy": "download",
    "rip": "rip",
    "ripped": "rip",
}
# The first that fits decides: a box with a 4K and a Blu-ray disc is a 4K edition.
FORMATS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b4k\b|uhd|ultra ?hd", re.IGNORECASE), "UHD"),
    (re.compile(r"blu-?e?[ -]?ray[ -]*(disc)?[ -]*3d|3d[ -]*blu", re.IGNORECASE), "BluRay3D"),
    (re.compile(r"blu-?e?[ -]?ray|\bbd\b", re.IGNORECASE), "BluRay"),
    (re.compile(r"hd[ -]?dvd", re.IGNORECASE), "HDDVD"),
    (re.compile(r"laser ?disc", re.IGNORECASE), "LaserDisc"),
    (re.compile(r"\bs?vcd\b|video ?cd", re.IGNORECASE), "VCD"),
    (re.compile(r"vhs|video ?cassette", re.IGNORECASE), "VHS"),
    (re.compile(r"dvd", re.IGNORECASE), "DVD"),
)
DIGITAL = re.compile(r"digital|download|itunes|movies anywhere|vudu|streaming|file", re.IGNORECASE)
CONDITIONS = {
    "sealed": "sealed",
    "still sealed": "sealed",
    "new": "mint",
    "mint": "mint",
    "near mint": "mint",
    "as new": "mint",
    "like new": "mint",
    "very good": "good",
    "good": "good",
    "used": "good",
    "fair": "fair",
    "acceptable": "fair",
    "poor": "poor",
    "bad": "poor",
}


def year(cell: str) -> int:
    """Find the year in «1999», «1999-03-31», «31.03.1999» or «1999.0»."""
    found = YEAR.search(cell)
    if found is None:
        raise ValueError(f"«{_short(cell)}» holds no year")
    return int(found[1])


def day_order(cells: Iterable[str], *, usual: DayOrder) -> DayOrder:
    """Tell by all dates of a column whether the day or the month comes first; `usual` where none of them tells."""
    for cell in cells:
        found = NUMBERS.match(cell.strip())
        if found is None or len(found[1]) > 2:
            continue
        if int(found[1]) > 12:
            return "dmy"
        if int(found[2]) > 12:
            return "mdy"
        if "." in cell:
            return "dmy"
    return usual


def day(cell: str, order: DayOrder) -> str:
    """Return the ISO date of «2020-01-31», «31.01.2020», «1/31/2020», «Jan 31, 2020» or «31 January 2020»."""
    text = CLOCK.sub("", cell.strip())
    named = MONTH.search(text)
    try:
        if named is not None and (month := _month(named[1])):
            numbers = [int(one) for one in re.findall(r"\d+", text)]
            long = [one for one in numbers if one > 31]
            short = [one for one in numbers if one <= 31]
            if len(long) == 1 and len(short) <= 1:
                return date(long[0], month, short[0] if short else 1).isoformat()
        elif found := NUMBERS.fullmatch(text.strip().rstrip(".")):
            first, second, third = (int(one) for one in found.groups())
            if len(found[1]) == 4:
                return date(first, second, third).isoformat()
            if third < 100:
                third += 2000 if third < 70 else 1900
            return (date(third, second, first) if order == "dmy" else date(third, first, second)).isoformat()
    except ValueError:
        pass
    raise ValueError(f"«{_short(cell)}» is no date")


def _month(word: str) -> int | None:
    return MONTHS.get(word.casefold()[:4]) or MONTHS.get(word.casefold()[:3])


def price(cell: str) -> tuple[str, str]:
    """Return the amount and the currency («» where none is named) of «$14.99», «14,99 €» or «1.234,56 SEK»."""
    found = AMOUNT.search(cell)
    if found is None:
        raise ValueError(f"«{_short(cell)}» is no price")
    digits = re.sub(r"[\s\u00a0\u202f']", "", found[0]).rstrip(".,")
    point = max(digits.rfind("."), digits.rfind(","))
    if point >= 0 and (len(digits) - point - 1 != 3 or digits[:point] in {"0", "00"}):
        digits = re.sub("[.,]", "", digits[:point]) + "." + digits[point + 1 :]
    else:
        # Three digits behind the only mark: it parts the thousands.
        digits = re.sub("[.,]", "", digits)
    try:
        amount = round(Decimal(digits), 2)
    except InvalidOperation:
        raise ValueError(f"«{_short(cell)}» is no price") from None
    sign = next((code for sign, code in SIGNS.items() if sign in cell), "")
    code = CODE.search(cell)
    return str(amount), code[1] if code else sign


def runtime(cell: str) -> int:
    """Return the minutes of «136», «136 minutes», «2h 16m», «2:16:00»; 0 where nobody knows."""
    text = cell.strip()
    hours = COLONS.fullmatch(text) or HOURS.fullmatch(text)
    if hours:
        return int(hours[1]) * 60 + int(hours[2] or 0)
    found = re.match(r"(\d{1,5})(?:[.,]0+)?\s*(?:[^\W\d_].*)?$", text)
    if found is None:
        raise ValueError(f"«{_short(cell)}» is no running time")
    return int(found[1])


def flag(cell: str) -> bool:
    word = cell.strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    # Some programs write the day something was seen instead of a yes.
    if YEAR.search(word):
        return True
    raise ValueError(f"«{_short(cell)}» is neither yes nor no")


def disk_type(cell: str) -> str | None:
    """Return the kind of disc; None where it is a file. Raises ValueError for other words."""
    for pattern, kind in FORMATS:
        if pattern.search(cell):
            return kind
    if DIGITAL.search(cell):
        return None
    raise ValueError(f"«{_short(cell)}» is no kind of disc we know")


def imdb(cell: str) -> str:
    """Find the id in an id or an address."""
    found = IMDB.search(cell)
    if found is None:
        bare = re.fullmatch(r"0*(\d{1,10})(?:\.0)?", cell.strip())
        if bare is None:
            raise ValueError(f"«{_short(cell)}» is no IMDb id")
        return f"tt{bare[1].zfill(7)}"
    return f"tt{found[1].zfill(7)}"


def tmdb(cell: str) -> int:
    found = TMDB.fullmatch(re.sub(r"^https?://(www\.)?", "", cell.strip()))
    if found is None:
        raise ValueError(f"«{_short(cell)}» is no TMDB number")
    return int(found[1])


def barcode(cell: str) -> str:
    """Return the digits. Spreadsheets leave «85392118823.0» of them, or «8.01E+12», which is lost."""
    text = cell.strip().strip("'=\"")
    if EXPONENT.fullmatch(text):
        raise ValueError(f"«{text}» is what a spreadsheet left of the barcode")
    digits = re.sub(r"[\s-]", "", re.sub(r"\.0+$", "", text))
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"«{_short(cell)}» is no barcode")
    # A spreadsheet takes the leading zeros away.
    return digits.zfill(12) if 9 <= len(digits) < 12 else digits


def whole(cell: str) -> int:
    found = re.fullmatch(r"(\d{1,18})(?:[.,]0+)?", cell.strip())
    if found is None:
        raise ValueError(f"«{_short(cell)}» is no whole number")
    return int(found[1])


def one_of(words: dict[str, str], what: str) -> Any:
    def read(cell: str) -> str:
        found = words.get(" ".join(cell.casefold().split()))
        if found is None:
            raise ValueError(f"«{_short(cell)}» is no {what} we know")
        return found

    return read


def words(cell: str) -> list[str]:
    """Part a list at commas, semicolons, bars or line breaks."""
    return [word for word in (part.strip() for part in re.split(r"[,;|\n]", cell)) if word]


def moment(cell: str) -> str:
    """Check an ISO time and return it with its zone."""
    try:
        at = datetime.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError(f"«{_short(cell)}» is no time") from None
    if at.tzinfo is None:
        raise ValueError(f"«{_short(cell)}» names no time zone")
    return at.isoformat()


def _short(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= 40 else f"{text[:39]}…"
