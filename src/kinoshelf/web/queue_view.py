"""What the queue page shows: what its address asks for, and one page of the list read for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, cast, get_args

from sqlalchemy.orm import Session

from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import (
    Filter,
    Sort,
    count_by_group,
    count_by_state,
    list_active_in,
    list_batches,
)
from kinoshelf.downloads.states import GROUPS, State
from kinoshelf.web import formats
from kinoshelf.web.languages import gettext, mark, ngettext
from kinoshelf.web.pages import data_block, url
from kinoshelf.web.queries import Listing, list_flat, list_grouped
from kinoshelf.web.rows import batch_views, running_view, task_view

PAGE_SIZE = 50
MAX_SEARCH = 200
LAST_PAGE = 1_000_000

TAB_LABELS = {
    "all": mark("All"),
    "downloading": mark("Downloading"),
    "queued": mark("Queued"),
    "paused": mark("Paused"),
    "completed": mark("Completed"),
    "failed": mark("Failed"),
    "cancelled": mark("Cancelled"),
}
SORT_LABELS: dict[Sort, str] = {
    "status": mark("What runs first"),
    "queue": mark("Queue order"),
    "added": mark("Added"),
    "filename": mark("Name"),
    "size": mark("Size"),
    "progress": mark("Progress"),
}


class Shown(NamedTuple):
    """What the address of the page asks for. Wrong values fall back instead of failing: people edit addresses."""

    group: str = "all"
    search: str = ""
    sort: Sort = "status"
    is_descending: bool = False
    page: int = 1
    batch_id: str | None = None
    is_grouped: bool = True

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        group = query.get("status", "").lower()
        group = group if group in GROUPS else "all"
        batch_id = query.get("batch") or None
        asked = query.get("sort", "")
        default, is_descending = default_order(group)
        sort = cast("Sort", asked) if asked in get_args(Sort) else default
        if sort != default:
            is_descending = sort in ("added", "size", "progress")
        if query.get("direction") in ("asc", "desc"):
            is_descending = query["direction"] == "desc"
        page = query.get("page", "1")
        return cls(
            group,
            query.get("search", "").strip()[:MAX_SEARCH],
            sort,
            is_descending,
            min(max(int(page), 1), LAST_PAGE) if page.isascii() and page.isdigit() and len(page) < 12 else 1,
            batch_id[:64] if batch_id else None,
            batch_id is None and query.get("view") != "flat",
        )

    @property
    def wanted(self) -> Filter:
        states = GROUPS.get(self.group, frozenset[State]())
        return Filter(states=states, batch_id=self.batch_id, search=self.search)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.batch_id) or self.group != "all"

    def href(self, **changes: object) -> str:
        """Return the address of this view with some of it changed; what is the default is left out."""
        shown = self._replace(**changes)  # type: ignore[arg-type]
        default, is_descending = default_order(shown.group)
        is_default_order = (shown.sort, shown.is_descending) == (default, is_descending)
        return url(
            "/queue",
            status=shown.group if shown.group != "all" else None,
            search=shown.search,
            sort=None if is_default_order else shown.sort,
            direction=None if is_default_order else "desc" if shown.is_descending else "asc",
            batch=shown.batch_id,
            view=None if shown.is_grouped or shown.batch_id else "flat",
            page=shown.page if shown.page > 1 else None,
        )


def default_order(group: str) -> tuple[Sort, bool]:
    """Return how a tab is ordered unless asked otherwise, and whether that descends."""
    if group == "all":
        return "status", False
    return ("queue", False) if group in ("downloading", "queued", "paused") else ("added", True)


@dataclass(frozen=True)
class Tab:
    group: str
    label: str
    count: int
    href: str
    is_current: bool


@dataclass(frozen=True)
class QueueView:
    """Everything the template of the queue knows."""

    shown: Shown
    tasks: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    order: tuple[str, ...]
    batch: dict[str, Any] | None
    running: list[dict[str, Any]]
    total: int
    counts: dict[str, int]
    limit: int

    @property
    def total_speed(self) -> int:
        return sum(one["speed"] for one in self.running)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.limit))

    @property
    def items(self) -> list[dict[str, Any]]:
        """Batches and downloads in the order of the page."""
        found = {batch["batch_id"]: batch for batch in self.batches} | {task["id"]: task for task in self.tasks}
        return [found[key] for key in self.order if key in found]

    @property
    def tabs(self) -> list[Tab]:
        def href(group: str) -> str:
            sort, is_descending = default_order(group)
            return self.shown.href(group=group, page=1, sort=sort, is_descending=is_descending)

        return [
            Tab(group, gettext(label), self.counts[group], href(group), group == self.shown.group)
            for group, label in TAB_LABELS.items()
        ]

    @property
    def sorts(self) -> list[tuple[str, str]]:
        return [(sort, gettext(label)) for sort, label in SORT_LABELS.items()]

    @property
    def summary(self) -> str:
        active, waiting = self.counts["downloading"], self.counts["queued"]
        if not self.counts["all"]:
            return gettext("No downloads")
        parts = []
        if active:
            parts.append(ngettext("%(n)s running", "%(n)s running", active) % {"n": formats.number(active)})
        if waiting:
            parts.append(ngettext("%(n)s waiting", "%(n)s waiting", waiting) % {"n": formats.number(waiting)})
        if self.counts["failed"]:
            failed = self.counts["failed"]
            parts.append(ngettext("%(n)s failed", "%(n)s failed", failed) % {"n": formats.number(failed)})
        return " · ".join(parts) or gettext("Everything is done")

    def page_href(self, page: int) -> str:
        return self.shown.href(page=max(1, min(page, self.pages)))

    def as_json(self) -> dict[str, Any]:
        """The answer of `/queue/items`."""
        return {
            "tasks": self.tasks,
            "batches": self.batches,
            "order": self.order,
            "batch": self.batch,
            "total": self.total,
            "page": self.shown.page,
            "pages": self.pages,
            "status_counts": self.counts,
            "running": self.running,
        }

    @property
    def start_json(self) -> str:
        return data_block(self.as_json())


def read_view(session: Session, shown: Shown, board: ProgressBoard, limit: int = PAGE_SIZE) -> QueueView:
    """Read one page of the queue."""
    lives = board.everything()
    read = list_grouped if shown.is_grouped else list_flat
    listing: Listing = read(
        session,
        shown.wanted,
        page=shown.page,
        limit=limit,
        sort=shown.sort,
        descending=shown.is_descending,
    )
    batch = list_batches(session, ids=[shown.batch_id]) if shown.batch_id else []
    summaries = [*listing.batches, *batch]
    active = list_active_in(session, [summary.id for summary in summaries]) if lives and summaries else []
    views = batch_views(summaries, active, lives)
    batch_of = {row.id: row.batch_id for row in active}
    return QueueView(
        shown=shown,
        tasks=[task_view(row, lives) for row in listing.downloads],
        batches=views[: len(listing.batches)],
        order=listing.order,
        batch=views[-1] if batch else None,
        running=[running_view(live, batch_of.get(live.id)) for live in lives.values()],
        total=listing.total,
        counts=count_by_group(count_by_state(session)),
        limit=limit,
    )
