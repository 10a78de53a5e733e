"""Gettext catalogues of the pages. English is the source and needs none; others are `locale/<code>/kinoshelf.po`.

Catalogues are read as they are written: there is no compiled form to forget. `python -m kinoshelf.web.languages`
collects the texts of templates, Python, scripts and settings, and brings every catalogue up to date.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_FOLDER = Path(__file__).with_name("locale")
SOURCE = "en"
# Dates and tools in the head of a catalogue would differ after every run.
CHANGING_HEADERS = re.compile(
    rb'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Report-Msgid-Bugs-To|Generated-By):.*\n', re.MULTILINE
)

language_now: ContextVar[Language]


@dataclass(frozen=True)
class Language:
    code: str
    locale: Locale
    translations: NullTranslations
    for_scripts: dict[str, str | dict[str, str]]
    """What the scripts say: a text, or for a plural its forms by the category `Intl.PluralRules` names."""

    @property
    def name(self) -> str:
        return str(self.locale.get_display_name(self.locale)).capitalize()

    @property
    def direction(self) -> str:
        return str(self.locale.text_direction)


@cache
def codes() -> tuple[str, ...]:
    """Return the languages there are, the source first."""
    return (SOURCE, *sorted(path.parent.name for path in LOCALE_FOLDER.glob("*/kinoshelf.po")))


def catalogue_file(code: str) -> Path:
    return LOCALE_FOLDER / code / "kinoshelf.po"


def read_catalogue(code: str) -> Catalog:
    with catalogue_file(code).open("rb") as file:
        return read_po(file, locale=code, domain="kinoshelf")


@cache
def language(code: str) -> Language:
    """Return one of `codes()`."""
    locale = Locale.parse(code)
    if code == SOURCE:
        return Language(code, locale, NullTranslations(), {})
    catalogue = read_catalogue(code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    translations = GNUTranslations(compiled)
    return Language(code, locale, translations, dict(_script_texts(catalogue, locale, translations)))


def _script_texts(
    catalogue: Catalog, locale: Locale, translations: GNUTranslations
) -> Iterator[tuple[str, str | dict[str, str]]]:
    for message in catalogue:
        if not message.id or not any(str(place).endswith(".js") for place, _line in message.locations):
            continue
        if isinstance(message.id, str):
            yield message.id, translations.gettext(message.id)
            continue
        one, many = message.id[0], message.id[1]
        forms: dict[str, str] = {}
        for number in range(201):
            forms.setdefault(locale.plural_form(number), translations.ngettext(one, many, number))
        yield many, forms


def choose(wanted: str, accepted: str) -> Language:
    """Choose by what the visitor set, then by the browser's Accept-Language, then the source."""
    if wanted in codes():
        return language(wanted)
    found = negotiate_locale(_preferred(accepted), codes(), sep="-")
    return language(found or SOURCE)


def _preferred(header: str) -> Sequence[str]:
    weighted = []
    for part in header.split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=") or "1"
        try:
            weighted.append((float(weight), tag.strip()))
        except ValueError:
            continue
    ordered = sorted(weighted, key=lambda pair: -pair[0])
    return [tag for weight, tag in ordered if weight > 0 and _is_tag(tag)]


def _is_tag(tag: str) -> bool:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    return True


def current() -> Language:
    try:
        return language_now.get()
    except LookupError:
        return language(SOURCE)


def gettext(text: str) -> str:
    return current().translations.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    return current().translations.ngettext(one, many, number)


def mark(text: str) -> str:
    """Mark a text for the catalogue that is translated where it is shown."""
    return text


language_now = ContextVar("language_now")


def collect() -> Catalog:
    """Gather every text people see."""
    from babel.messages.extract import extract_from_dir

    from kinoshelf.web.setting_fields import texts

    folder = Path(__file__).parent
    found = Catalog(project="Kinoshelf", domain="kinoshelf", charset="utf-8")
    keywords: dict[str, Any] = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}
    methods = [
        ("static/js/**.js", "javascript"),
        ("templates/**.html", "jinja2"),
        ("**.py", "python"),
    ]
    options = {
        "static/js/**.js": {"parse_template_string": "true"},
        "templates/**.html": {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "newstyle_gettext": "true"},
    }
    for name, line, message, comments, _context in extract_from_dir(
        folder, method_map=methods, options_map=options, keywords=keywords, comment_tags=("Translators:",)
    ):
        # Line numbers would change every catalogue with every edit.
        del line
        found.add(message, locations=[(f"web/{name}", 0)], auto_comments=comments)
    for text in texts():
        found.add(text, locations=[("core/settings.py", 0)])
    return found


def update_catalogues() -> dict[str, int]:
    """Bring every catalogue up to date; return how many texts each still lacks."""
    from babel.messages.pofile import write_po

    template = collect()
    missing = {}
    for code in codes()[1:]:
        catalogue = read_catalogue(code)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        missing[code] = sum(1 for message in catalogue if message.id and not _is_translated(message.string))
        written = io.BytesIO()
        write_po(written, catalogue, width=120, include_lineno=False)
        catalogue_file(code).write_bytes(CHANGING_HEADERS.sub(b"", written.getvalue()))
    return missing


def _is_translated(text: Any) -> bool:
    return bool(text) and (isinstance(text, str) or all(text))


if __name__ == "__main__":
    for code, lacking in update_catalogues().items():
        print(f"{code}: {lacking} texts to translate")  # noqa: T201 -- a command's answer
