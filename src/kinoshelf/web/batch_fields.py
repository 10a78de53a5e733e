"""The fields many new discs get alike: of a pasted list, of a file."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from kinoshelf.discs.fields import clean
from kinoshelf.web.disc_view import FormField, form_groups

BATCH = (
    "status",
    "media_type",
    "disk_type",
    "storage_box",
    "box_set_name",
    "tags",
    "is_tartan_dvd",
    "is_unopened",
    "is_unwatched",
    "is_downloaded",
    "condition",
    "region",
    "purchased_on",
    "purchase_place",
)


def batch_fields(defaults: Mapping[str, Any]) -> list[FormField]:
    """Return the fields with what was chosen for them."""
    known = {name: value for name, value in defaults.items() if name in BATCH}
    values = {**clean({"name": "?"}, is_partial=False), **clean(known, is_partial=True)}
    found = {
        field.name: field
        for _title, fields in form_groups(SimpleNamespace(**values, edited_fields=()))
        for field in fields
    }
    return [found[name] for name in BATCH]
