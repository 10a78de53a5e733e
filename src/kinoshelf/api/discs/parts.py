"""What the endpoints share: the things they use, their parameters, and reading one disc."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from kinoshelf.api.discs.answers import ErrorRead
from kinoshelf.api.discs.errors import FieldUnknown
from kinoshelf.api.discs.requests import MOST, without_nul
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.web import use
from kinoshelf.discs.fields import FIELDS
from kinoshelf.discs.looking_up import LookUp
from kinoshelf.titles.catalogue import Catalogue

# Any status an endpoint does not name has this form; it also keeps the framework's own 422 out of the documentation.
ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorRead, "description": "Why not, in words."}}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorRead, "description": "There is no such thing."}}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "It does not go together with what is there."}
}
UPSTREAM: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "A key is missing, or the source is off."},
    502: {"model": ErrorRead, "description": "The source failed, or does not take the key."},
}

# Pictures are chosen by endpoints of their own, which know whether they are there.
WRITABLE = frozenset(FIELDS) - {"poster_id"}

DatabaseDep = Annotated[Database, Depends(use(Database))]
StoreDep = Annotated[SettingsStore, Depends(use(SettingsStore))]
CatalogueDep = Annotated[Catalogue, Depends(use(Catalogue))]
LookUpDep = Annotated[LookUp, Depends(use(LookUp))]
ClockDep = Annotated[Clock, Depends(use(Clock))]


# What can be no id is a path that leads nowhere; see `errors.py`.
DiscNumber = Annotated[int, Path(ge=1, le=MOST, description="Id of the disc.")]
RowNumber = Annotated[int, Path(ge=1, le=MOST)]
Words = Annotated[str, Query(max_length=500), AfterValidator(without_nul)]


async def user_today(clock: ClockDep, store: StoreDep) -> date:
    return clock.now().astimezone(store.current.zone).date()


Today = Annotated[date, Depends(user_today)]


def writable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values; raises FieldUnknown when one is no field, or none that can be written."""
    unknown = [name for name in values if name not in WRITABLE]
    if unknown:
        raise FieldUnknown(
            [(name[:100], f"{name[:100]} is no field of a disc that can be written") for name in unknown[:20]]
        )
    return dict(values)
