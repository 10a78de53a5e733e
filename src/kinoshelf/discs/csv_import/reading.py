"""A file as rows of disc fields, with what is wrong in each. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kinoshelf.discs.csv_import import formats, values
from kinoshelf.discs.csv_import.errors import MOST_ROWS, FileUnreadable, ImportTooLarge
from kinoshelf.discs.csv_import.formats import Header
from kinoshelf.discs.csv_import.guard import unguarded
from kinoshelf.discs.csv_import.text import LOOKED_AT, Row, Sheet, likely_separators, opened, plain_lines, records
from kinoshelf.discs.csv_import.titles import read_title, with_article, without_numbers
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.fields import MOST_COPIES, clean
from kinoshelf.titles.naming import without_year

BESIDE = "beside"
"""The key of what belongs to a disc and is no field of it: its number, its loan, its torrents."""
DATES = frozenset({"purchased_on", formats.LENT_ON, formats.DUE_ON, formats.ADDED_ON})
BESIDE_TARGETS = {
    formats.DISC_ID: values.whole,
    formats.ADDED_AT: values.moment,
    formats.FACTS_AT: values.moment,
    formats.TORRENTS_AT: values.moment,
}
LOAN = (formats.BORROWER, formats.LENT_ON, formats.DUE_ON, formats.LOAN_NOTES)
# An empty cell leaves these as they are.
NEVER_EMPTY = ("status", "media_type", "disk_type", "copy_number", "location")
NOT_FILMS = frozenset({"book", "music", "videogame", "video game", "boardgame", "board game", "game"})


@dataclass(slots=True)
class ReadRow:
    """One disc of the file. `problem` says why it cannot be read, `skip` why it is no disc; `notes` what was left out."""

    line: int
    copy: int = 1
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    skip: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        return (self.problem or self.skip or "; ".join(self.notes))[:500]


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that can be read. It was gone through once, so that `rows` meets nothing broken."""

    format: str
    encoding: str
    separator: str
    columns: tuple[tuple[str, str], ...]
    """Each header with what it was taken for, empty where it was left out."""
    row_count: int
    rows: Callable[[], Iterator[ReadRow]]


def read_file(content: bytes, *, format_: str | None = None, day_order: values.DayOrder | None = None) -> Reading:
    """Recognise a file. Raises FileUnreadable with the line where that is known, and ImportTooLarge."""
    sheet = opened(content)
    if format_ == formats.TITLES:
        return _titles(sheet)
    found = _find_table(sheet, format_)
    if found is None:
        return _titles(sheet)
    return _table(sheet, found, day_order)


@dataclass(frozen=True, slots=True)
class _Found:
    separator: str
    header: Header
    line: int


def _find_table(sheet: Sheet, format_: str | None) -> _Found | None:
    best: tuple[int, _Found] | None = None
    broken: FileUnreadable | None = None
    widest: tuple[int, Sequence[str]] = (0, ())
    has_preamble = bool(formats.PREAMBLE.match(sheet.text[:200]))
    for separator in likely_separators(sheet):
        beginning, problem = _beginning(sheet, separator)
        broken = broken or problem
        for place, row in enumerate(beginning):
            if has_preamble and "position" not in (formats.folded_header(cell) for cell in row.cells):
                continue
            count = formats.known(row.cells)
            if count and (place == 0 or count > 1) and (best is None or count > best[0]):
                header = formats.read_header(row.cells, has_preamble=has_preamble, format_=format_)
                best = (count, _Found(separator, header, row.line))
        width = 0 if problem else _common_width(beginning)
        if width > widest[0]:
            widest = (width, beginning[0].cells)
    if best is not None:
        return best[1]
    if broken is not None and _has_quotes_at_seams(sheet):
        raise broken
    if widest[0] >= 3 or format_ is not None:
        names = ", ".join(f"«{cell.strip()}»" for cell in widest[1][: formats.MOST_NAMED] if cell.strip())
        raise FileUnreadable(f"none of the columns holds names; one has to be called Name or Title. Found: {names}")
    return None


def _beginning(sheet: Sheet, separator: str) -> tuple[list[Row], FileUnreadable | None]:
    """Return the first rows, and what is wrong with the one after them."""
    rows: list[Row] = []
    try:
        for row in records(sheet, separator):
            rows.append(row)
            if len(rows) == LOOKED_AT:
                break
    except FileUnreadable as problem:
        return rows, problem
    return rows, None


def _common_width(rows: Sequence[Row]) -> int:
    """Return the number of cells most rows have; 0 where they differ, as lines of text do."""
    widths = [len(row.cells) for row in rows]
    if len(widths) < 2:
        return widths[0] if widths else 0
    width = max(set(widths), key=widths.count)
    return width if widths.count(width) * 2 > len(widths) else 0


def _has_quotes_at_seams(sheet: Sheet) -> bool:
    beginning = sheet.text[:20_000]
    return any(mark in beginning for mark in ('",', '";', ',"', ';"', '"\t'))


def _titles(sheet: Sheet) -> Reading:
    lines = list(plain_lines(sheet))
    if not lines:
        raise FileUnreadable("the file holds no rows")
    if len(lines) > MOST_ROWS:
        raise ImportTooLarge(f"the file has more than {MOST_ROWS:,} rows; split it")
    if lines[0].cells[0].startswith(("<", "{")):
        raise FileUnreadable("this is a web page or another format for programs, no list of titles")
    texts = without_numbers([row.cells[0] for row in lines])

    def rows() -> Iterator[ReadRow]:
        for row, text in zip(lines, texts, strict=True):
            yield title_row(row.line, text)

    return Reading(formats.TITLES, sheet.encoding, "", (), len(lines), rows)


def title_row(line: int, text: str) -> ReadRow:
    """Read one line of a list."""
    title = read_title(text)
    read = ReadRow(line, values={"name": title.name})
    if title.year is not None:
        read.values["release_year"] = title.year
    return _checked(read, is_whole=False)


def _table(sheet: Sheet, found: _Found, day_order: values.DayOrder | None) -> Reading:
    header = found.header
    dates = [place for place in header.order if header.targets[place] in DATES]
    usual: values.DayOrder = day_order or ("dmy" if found.separator == ";" else "mdy")
    samples: dict[int, list[str]] = {place: [] for place in dates}
    count = 0
    for row in _body(sheet, found):
        count += 1
        for place in dates:
            if place < len(row.cells) and row.cells[place]:
                samples[place].append(row.cells[place])
    if not count:
        raise FileUnreadable("there are no rows below the header")
    if count > MOST_ROWS:
        raise ImportTooLarge(f"the file has more than {MOST_ROWS:,} rows; split it")
    orders = {place: day_order or values.day_order(cells, usual=usual) for place, cells in samples.items()}

    def rows() -> Iterator[ReadRow]:
        for row in _body(sheet, found):
            yield from _Reader(header, orders).read(row)

    columns = tuple(zip(header.names, header.targets, strict=True))
    return Reading(header.format, sheet.encoding, found.separator, columns, count, rows)


def _body(sheet: Sheet, found: _Found) -> Iterator[Row]:
    for row in records(sheet, found.separator):
        if row.line > found.line:
            yield row


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, header: Header, orders: Mapping[int, values.DayOrder]) -> None:
        self._header = header
        self._orders = orders
        self._is_own = header.format in formats.OWN
        self._is_complete = header.format == formats.COMPLETE

    def read(self, row: Row) -> Iterator[ReadRow]:
        read = ReadRow(row.line)
        if any(cell.strip() for cell in row.cells[len(self._header.targets) :]):
            read.problem = f"there are {len(row.cells)} cells under {len(self._header.targets)} columns"
            yield read
            return
        found: dict[str, Any] = {}
        for place in self._header.order:
            cell = row.cells[place] if place < len(row.cells) else ""
            cell = unguarded(cell) if self._is_own else cell.strip()
            target = self._header.targets[place]
            if found.get(target, "") != "":
                continue
            if not cell.strip():
                found.setdefault(target, "")
                continue
            try:
                found[target] = self._value(target, cell, place)
            except ValueError as problem:
                if self._is_own:
                    read.problem = f"{self._header.names[place]}: {problem}"
                    yield read
                    return
                read.notes.append(f"{self._header.names[place]} was left out: {problem}")
        yield from self._composed(read, found)

    def _value(self, target: str, cell: str, place: int) -> Any:
        """Read one cell that is not empty. Raises ValueError."""
        if target in DATES and not (self._is_own and target == formats.ADDED_ON):
            return values.day(cell, self._orders[place])
        if target in BESIDE_TARGETS:
            return BESIDE_TARGETS[target](cell)
        if target in READERS:
            return READERS[target](cell)
        return cell if self._is_own else OTHERS[target](cell) if target in OTHERS else cell

    def _composed(self, read: ReadRow, found: dict[str, Any]) -> Iterator[ReadRow]:
        copies = found.pop(formats.COPIES, "") or 1
        beside = self._beside(found)
        if self._is_complete:
            for name in NEVER_EMPTY:
                if found.get(name) == "":
                    del found[name]
        else:
            self._interpret(read, found)
            # An empty cell of another program says nothing.
            found = {name: value for name, value in found.items() if value != ""}
        read.values = found
        _checked(read, is_whole=self._is_complete)
        if beside and not read.problem:
            read.values[BESIDE] = beside
        yield read
        if copies > 1 and not read.problem and not read.skip:
            for number in range(2, min(copies, MOST_COPIES) + 1):
                yield ReadRow(read.line, number, dict(read.values), notes=read.notes)

    def _beside(self, found: dict[str, Any]) -> dict[str, Any]:
        beside: dict[str, Any] = {}
        for target in (*BESIDE_TARGETS, formats.POSTER, formats.EDITED, formats.TORRENTS):
            value = found.pop(target, "")
            if value != "":
                beside[target] = value
        added_on = found.pop(formats.ADDED_ON, "")
        if added_on and formats.ADDED_AT not in beside:
            beside[formats.ADDED_AT] = _midnight(added_on)
        loan = {target: found.pop(target, "") for target in LOAN}
        if loan[formats.BORROWER]:
            beside["loan"] = loan
        elif self._is_complete and formats.BORROWER in self._header.targets:
            beside["loan"] = None
        return beside

    def _interpret(self, read: ReadRow, found: dict[str, Any]) -> None:
        """Turn what other programs say in their own ways into fields of ours."""
        kind = str(found.pop(formats.ITEM_TYPE, "") or "").casefold()
        if kind in NOT_FILMS:
            read.skip = f"this is a {kind}, not a film"
        if not self._is_own:
            found["name"] = with_article(str(found.get("name") or ""))
            if not found.get("release_year"):
                name, year = without_year(found["name"])
                if year is not None:
                    found["name"], found["release_year"] = name, year
        status = found.get("status")
        if status == "not owned":
            del found["status"]
            read.skip = "it is wanted or on order, not owned"
        self._interpret_media(found)
        self._interpret_place(found)
        seen, seen_on = found.pop(formats.SEEN, ""), found.pop(formats.SEEN_ON, "")
        if seen != "" or seen_on:
            found["is_unwatched"] = not (seen or seen_on)
        number = found.pop(formats.NUMBER, "")
        if number:
            notes = found.get("notes") or ""
            found["notes"] = f"{notes}\n\nCollection number {number}".strip()

    @staticmethod
    def _interpret_media(found: dict[str, Any]) -> None:
        media = found.pop(formats.MEDIA, "")
        for name, value in media.items() if media else ():
            if not found.get(name):
                found[name] = value
        kind = found.get("disk_type")
        if isinstance(kind, dict):
            found.pop("disk_type")
            found.update({name: value for name, value in kind.items() if not found.get(name)})
        price = found.get("purchase_price")
        if isinstance(price, tuple):
            found["purchase_price"], currency = price
            if currency and not found.get("purchase_currency"):
                found["purchase_currency"] = currency

    @staticmethod
    def _interpret_place(found: dict[str, Any]) -> None:
        box = found.pop(formats.BOX_SET, "")
        if isinstance(box, bool):
            found["is_box_set"] = box
        elif box and not found.get("box_set_name"):
            found["box_set_name"] = box
        place = found.pop(formats.PLACE, "")
        if place and found.get("status") == "unboxed" and place.isdigit():
            found["location"] = place
        elif place and not found.get("storage_box"):
            found["storage_box"] = place


def _midnight(text: str) -> str:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()


def _checked(read: ReadRow, *, is_whole: bool) -> ReadRow:
    """See whether the values are those of a disc; say so in the row where they are not."""
    if not read.problem and not str(read.values.get("name") or "").strip():
        read.problem = "there is no name"
    if read.problem or read.skip:
        return read
    try:
        clean(read.values, is_partial=True)
    except DiscInvalid as problem:
        if is_whole or any(name == "name" for name, _sentence in problem.errors):
            read.problem = problem.message
            return read
        for name, sentence in problem.errors:
            read.values.pop(name, None)
            read.notes.append(f"left out: {sentence}")
    return read


# Cells that other programs fill in their own words; those of ours are read by the fields themselves.


def _status(cell: str) -> str:
    word = " ".join(cell.casefold().split())
    if word in values.NOT_OWNED:
        return "not owned"
    return str(values.one_of(values.STATUSES, "status")(cell))


def _media(cell: str) -> dict[str, str]:
    word = " ".join(cell.casefold().split())
    if word in values.MEDIA:
        return {"media_type": values.MEDIA[word]}
    kind = _disk_type(cell)
    return kind if isinstance(kind, dict) else {"disk_type": kind}


def _disk_type(cell: str) -> str | dict[str, str]:
    kind = values.disk_type(cell)
    return {"media_type": "download"} if kind is None else kind


def _box_set(cell: str) -> bool | str:
    try:
        return values.flag(cell) if not values.YEAR.search(cell) else cell
    except ValueError:
        return cell


def _torrents(cell: str) -> list[Any]:
    try:
        found = json.loads(cell)
    except ValueError:
        raise ValueError("this is no JSON") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("this is no list of torrents")
    return found


def _seen_on(cell: str) -> bool:
    return bool(cell.strip())


READERS: Mapping[str, Callable[[str], Any]] = {
    "runtime": values.runtime,
    formats.COPIES: values.whole,
    formats.EDITED: values.words,
    formats.TORRENTS: _torrents,
    formats.ADDED_ON: lambda cell: datetime.fromisoformat(cell).replace(tzinfo=UTC).isoformat(),
}
OTHERS: Mapping[str, Callable[[str], Any]] = {
    "release_year": values.year,
    "barcode": values.barcode,
    "disk_type": _disk_type,
    formats.MEDIA: _media,
    "imdb_id": values.imdb,
    "tmdb_id": values.tmdb,
    "purchase_price": values.price,
    "status": _status,
    formats.SEEN: values.flag,
    formats.SEEN_ON: _seen_on,
    formats.BOX_SET: _box_set,
    "condition": values.one_of(values.CONDITIONS, "condition"),
    "tags": values.words,
    "genres": lambda cell: ", ".join(values.words(cell)),
    "director": lambda cell: ", ".join(values.words(cell)),
    "production_companies": lambda cell: ", ".join(values.words(cell)),
    "is_unopened": values.flag,
    "is_tartan_dvd": values.flag,
    "is_unwatched": values.flag,
    "is_downloaded": values.flag,
}
