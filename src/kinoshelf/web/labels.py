"""Sheets of labels for storage boxes: which forms there are, and the code on each label that leads to its box. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from kinoshelf.web.languages import mark

MOST_LABELS = 500


@dataclass(frozen=True, slots=True)
class Form:
    """Labels of one kind of sheet; `labels.css` has the measures under the same id."""

    id: str
    name: str
    across: int
    down: int

    @property
    def count(self) -> int:
        return self.across * self.down


FORMS = (
    Form("a4-21", mark("A4, 21 labels of 63.5 by 38.1 mm (Avery L7160)"), 3, 7),
    Form("a4-24", mark("A4, 24 labels of 70 by 37 mm (Avery 3474)"), 3, 8),
    Form("a4-8", mark("A4, 8 labels of 99.1 by 67.7 mm (Avery L7165)"), 2, 4),
    Form("letter-30", mark("Letter, 30 labels of 2⅝ by 1 inch (Avery 5160)"), 3, 10),
    Form("roll-62", mark("Roll, one label of 62 by 29 mm each"), 1, 1),
)


@dataclass(frozen=True, slots=True)
class Label:
    """An empty name leaves a place free: a sheet that was begun can be used up."""

    name: str
    count: int
    code: str


def form_named(name: str) -> Form:
    return next((form for form in FORMS if form.id == name), FORMS[0])


def box_address(hub: str, name: str) -> str:
    return f"{hub.rstrip('/')}/storage-boxes?{urlencode({'name': name})}"


def make_label(hub: str, name: str, count: int) -> Label:
    import segno

    code = segno.make(box_address(hub, name), error="m", micro=False)
    return Label(name, count, code.svg_data_uri(border=0, scale=4, dark="#000"))


def sheets(labels: Sequence[Label], form: Form, skipped: int = 0) -> list[list[Label]]:
    """Lay labels out on sheets, after as many places as the first sheet lacks."""
    places = [Label("", 0, "")] * min(max(skipped, 0), form.count - 1) + list(labels)
    return [places[begin : begin + form.count] for begin in range(0, len(places), form.count)]
