"""What all pages share: the templates, the addresses in them, and what every template knows."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from kinoshelf import __version__
from kinoshelf.images.sizes import address as artwork_address
from kinoshelf.web import disc_words, formats, rows
from kinoshelf.web.languages import current, gettext, ngettext
from kinoshelf.web.static import StaticTree
from kinoshelf.web.visitor import visitor_now

TEMPLATE_FOLDER = Path(__file__).with_name("templates")


def url(path: str, **query: object) -> str:
    """Return the address of a page or endpoint under the base path of this request. Empty query values are left out."""
    kept = {name: value for name, value in query.items() if value not in (None, "", False)}
    return visitor_now.get().base + path + (f"?{urlencode(kept)}" if kept else "")


def icon(name: str) -> Markup:
    """One drawing of the sprite that the build makes of the names in `hatch_build.py`."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>').format(f"{sprite()}#{name}")


def sprite() -> str:
    return url(static_tree().address("vendor/icons.svg"))


@cache
def static_tree() -> StaticTree:
    return StaticTree()


def module(name: str) -> Markup:
    """Load a script module, and what it imports beside it instead of one after the other."""
    addresses = [url(address) for address in static_tree().module(f"js/{name}")]
    ahead = Markup("").join(Markup('<link rel="modulepreload" href="{}">').format(one) for one in addresses[1:])
    return ahead + Markup('<script type="module" src="{}"></script>').format(addresses[0])


def data_block(value: Any) -> Markup:
    """Render JSON for a data block of a page. `<` is written so that no text can end the block."""
    rendered = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(rendered.replace("<", "\\u003c"))  # noqa: S704 -- escaped right here


def script_texts() -> Markup:
    return data_block(current().for_scripts)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        url=url,
        static=lambda name: url(static_tree().address(name)),
        icon=icon,
        module=module,
        sprite=sprite,
        script_texts=script_texts,
        version=__version__,
    )
    environment.filters.update(
        size=formats.size,
        size_unit=formats.size_unit,
        speed=formats.speed,
        percent=formats.percent,
        duration=formats.duration,
        number=formats.number,
        iso=formats.iso,
        state_label=rows.state_label,
        priority_label=rows.priority_label,
        task_amount=rows.task_amount,
        batch_amount=rows.batch_amount,
        items_label=rows.items_label,
        failed_label=rows.failed_label,
        artwork=lambda artwork_id, size: url(artwork_address(artwork_id, size)),
        badges=disc_words.badges,
        cell=disc_words.cell,
        said=lambda value, field: disc_words.said(field, value),
        discs_label=disc_words.discs_label,
        day=disc_words.day,
        running_time=disc_words.running_time,
        rating=disc_words.rating,
    )
    return environment


_ENVIRONMENT = _environment()


def render(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a page for the visitor of this request."""
    html = _ENVIRONMENT.get_template(template).render(visitor=visitor_now.get(), language=current(), **context)
    # Private, and asked for again each time: what is running has changed since.
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "private, no-cache"})
