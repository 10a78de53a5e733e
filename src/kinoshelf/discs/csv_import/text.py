"""From the bytes of a file to rows of cells: encoding, separator, quotation marks. Pure."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kinoshelf.discs.csv_import.errors import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, FileUnreadable, ImportTooLarge

SEPARATORS = (",", ";", "\t", "|")
# Enough to tell one separator from another, and to pass over the words some products write above their table.
LOOKED_AT = 20
NAMED_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip file; save the table as CSV first, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the table as CSV first",
    b"%PDF": "a PDF file",
    b"\x1f\x8b": "a compressed file; unpack it first",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file. `line` is where it begins; a cell may hold line breaks."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as text. `separator` is what Excel's own first line names, else None."""

    text: str
    encoding: str
    separator: str | None
    first_line: int


def opened(content: bytes) -> Sheet:
    """Decode a file. Raises FileUnreadable and ImportTooLarge."""
    if len(content) > MOST_BYTES:
        raise ImportTooLarge(f"the file is larger than {MOST_BYTES // 2**20} MB; split it")
    for signature, words in NAMED_SIGNATURES.items():
        if content.startswith(signature):
            raise FileUnreadable(f"this is {words}")
    text, encoding = _decoded(content)
    at = text.find("\0")
    if at >= 0:
        raise FileUnreadable("there is a NUL byte, which no text has", _line_of(text, at))
    first, _, rest = text.partition("\n")
    words = first.strip().strip('"')
    if words[:4].casefold() == "sep=" and len(words) == 5:
        return Sheet(rest, encoding, words[4], 2)
    if first.rstrip("\r").strip('"') == "sep=\t":
        return Sheet(rest, encoding, "\t", 2)
    return Sheet(text, encoding, None, 1)


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _strict(content[len(mark) :], encoding), encoding
    encoding = _utf16_without_mark(content)
    if encoding:
        return _strict(content, encoding), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        loose = content.decode("utf-8", errors="replace")
        broken = loose.count("\N{REPLACEMENT CHARACTER}")
        if sum(letter > "\x7f" for letter in loose) - broken > broken:
            line = content.count(b"\n", 0, error.start) + 1
            raise FileUnreadable("the text is UTF-8 in part only; save the file as UTF-8 again", line) from error
    return _strict(content, "cp1252"), "cp1252"


def _utf16_without_mark(content: bytes) -> str:
    """Tell UTF-16 by the NUL bytes beside every plain letter."""
    sample = content[:4000]
    if len(sample) < 4:
        return ""
    half = len(sample) // 2
    if sample[1::2].count(0) > half * 0.4 and sample[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if sample[::2].count(0) > half * 0.4 and sample[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return ""


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, errors="replace")
        raise FileUnreadable("this is no text in UTF-8, UTF-16 or Windows-1252", before.count("\n") + 1) from error


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def records(sheet: Sheet, separator: str) -> Iterator[Row]:
    """Yield the records that are not empty. Raises FileUnreadable with the line, and ImportTooLarge."""
    lines = _Lines(sheet.text, sheet.first_line)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    count = 0
    while True:
        lines.begin = lines.line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileUnreadable(_in_words(str(error)), lines.begin) from error
        if not any(cell and not cell.isspace() for cell in cells):
            continue
        count += 1
        if count > MOST_ROWS + LOOKED_AT:
            raise ImportTooLarge(f"the file has more than {MOST_ROWS:,} rows; split it")
        if len(cells) > MOST_COLUMNS:
            raise ImportTooLarge(f"line {lines.begin}: there are more than {MOST_COLUMNS} columns")
        yield Row(lines.begin, cells)


class _Lines:
    """The lines of a text for the reader, counted; `begin` is where the present record began."""

    def __init__(self, text: str, first: int) -> None:
        self._lines = io.StringIO(text, newline="")
        self.line = first - 1
        self.begin = first

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.line += 1
        return line


def _in_words(problem: str) -> str:
    if "unexpected end of data" in problem:
        return "a quotation mark is opened here and never closed"
    if "expected after" in problem:
        return "text follows a closing quotation mark; a mark inside of quoted text is written twice"
    if "field larger" in problem:
        return "a cell is longer than 128 KB; a quotation mark is missing, probably"
    return f"the row cannot be read ({problem})"


def plain_lines(sheet: Sheet) -> Iterator[Row]:
    """Yield the lines that are not empty, each as one cell."""
    lines = _Lines(sheet.text, sheet.first_line)
    for line in lines:
        if line.strip():
            yield Row(lines.line, [line.strip()])


def likely_separators(sheet: Sheet) -> Sequence[str]:
    """Return the separators worth trying, the likeliest first."""
    if sheet.separator is not None:
        return (sheet.separator,)
    beginning = sheet.text[:20_000]
    return sorted(SEPARATORS, key=lambda one: -beginning.count(one))
