"""What the endpoints share: the things they use, their parameters, the clearing away of files."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from kinoshelf.api.downloads.answers import ErrorRead
from kinoshelf.api.downloads.requests import without_nul
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.web import use
from kinoshelf.downloads.control import Removed
from kinoshelf.downloads.leftovers import clear_away
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import Filter
from kinoshelf.downloads.states import GROUPS, State

# Any status an endpoint does not name has this form; it also keeps the framework's own 422 out of the documentation.
ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorRead, "description": "Why not, in words."}}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorRead, "description": "There is no such thing."}}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "It is there already, or its state does not allow this."}
}

MOST_A_PAGE = 100
STATES = {state.value: state for state in State}

DatabaseDep = Annotated[Database, Depends(use(Database))]
BoardDep = Annotated[ProgressBoard, Depends(use(ProgressBoard))]
StoreDep = Annotated[SettingsStore, Depends(use(SettingsStore))]
ClockDep = Annotated[Clock, Depends(use(Clock))]

PageNumber = Annotated[int, Query(ge=1, le=1_000_000_000)]
PageLimit = Annotated[int, Query(ge=1, le=MOST_A_PAGE)]
DownloadId = Annotated[str, Path(max_length=200, description="Id of the download."), AfterValidator(without_nul)]
BatchId = Annotated[str, Path(max_length=200, description="Id of the batch."), AfterValidator(without_nul)]
DeleteFiles = Annotated[bool, Query(description="Delete the finished files too, inside the download directory.")]
Direction = Literal["asc", "desc"]


def wanted_states(text: str) -> frozenset[State]:
    """Read `status`: groups or exact states between commas, in either case. Empty means all."""
    found: set[State] = set()
    for word in (part.strip().lower() for part in text.split(",")):
        if word == "all":
            return frozenset()
        # A name that is both means the group: the counts shown beside the filter are those of groups.
        if word in GROUPS:
            found |= GROUPS[word]
        elif word in STATES:
            found.add(STATES[word])
        elif word:
            raise InvalidInput(f"status: there is no state {word[:50]}; there are all, {', '.join(STATES)}")
    return frozenset(found)


async def wanted_downloads(
    status: Annotated[
        str,
        Query(max_length=500, description="A group or a state, several between commas, in either case; all = every."),
        AfterValidator(without_nul),
    ] = "",
    search: Annotated[
        str, Query(max_length=500, description="In file names and links."), AfterValidator(without_nul)
    ] = "",
    batch_id: Annotated[str, Query(max_length=200), AfterValidator(without_nul)] = "",
) -> Filter:
    return Filter(wanted_states(status), batch_id or None, search=search.strip())


FilterDep = Annotated[Filter, Depends(wanted_downloads)]


async def cleared(store: SettingsStore, gone: Removed, *, delete_files: bool = False) -> dict[str, Any]:
    """Clear away the files of rows that are gone, and tell how it went with the finished ones."""
    if not gone.part_paths and not (delete_files and gone.finished_paths):
        return {"files_deleted": 0, "files_kept": []}
    root = store.current.download_dir
    done = await asyncio.to_thread(clear_away, root, gone, with_finished=delete_files)
    finished = set(gone.finished_paths)
    return {
        "files_deleted": sum(path in finished for path in done.removed),
        "files_kept": [f"{path}: {reason}" for path, reason in done.kept if path in finished],
    }


def paging(total: int, page: int, limit: int) -> dict[str, int]:
    pages = max(1, -(-total // limit))
    return {"total": total, "page": page, "pages": pages, "total_pages": pages, "limit": limit}
