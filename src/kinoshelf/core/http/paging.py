"""How an upstream cuts long lists into pages. Pure: which parameters come first, and which come next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kinoshelf.core.http.errors import UpstreamChanged

Parameters = dict[str, str | int]


class Paging(Protocol):
    @property
    def rows(self) -> str | None:
        """The key the rows stand under; None where the body is the list."""

    def first(self) -> Parameters:
        """Return the parameters of the first page."""

    def after(
        self, sent: Mapping[str, str | int], headers: Mapping[str, str], body: Any, row_count: int
    ) -> Parameters | None:
        """Return the parameters of the next page; None when this was the last."""


@dataclass(frozen=True, slots=True)
class HeaderPages:
    """Page numbers, with the number of pages in a header of the answer."""

    count_header: str = "X-Pagination-Page-Count"
    page: str = "page"
    size: str = "limit"
    page_size: int = 100
    rows: str | None = None

    def first(self) -> Parameters:
        return {self.page: 1, self.size: self.page_size}

    def after(
        self, sent: Mapping[str, str | int], headers: Mapping[str, str], _body: Any, _row_count: int
    ) -> Parameters | None:
        count = headers.get(self.count_header, "")
        at = int(sent[self.page])
        # Without the header the list is not paged at all.
        if not count.isdigit() or at >= int(count):
            return None
        return {**sent, self.page: at + 1}


@dataclass(frozen=True, slots=True)
class NumberPages:
    """Page numbers in the body, or none at all: then a page that is not full is the last."""

    page: str = "page"
    size: str | None = "limit"
    page_size: int = 50
    rows: str | None = "results"
    total_pages: str | None = "total_pages"
    start: int = 1

    def first(self) -> Parameters:
        page: Parameters = {self.page: self.start}
        return {**page, self.size: self.page_size} if self.size else page

    def after(
        self, sent: Mapping[str, str | int], _headers: Mapping[str, str], body: Any, row_count: int
    ) -> Parameters | None:
        at = int(sent[self.page])
        total = body.get(self.total_pages) if self.total_pages and isinstance(body, dict) else None
        if isinstance(total, int):
            is_last = at - self.start + 1 >= total or row_count == 0
        else:
            is_last = row_count < self.page_size
        return None if is_last else {**sent, self.page: at + 1}


@dataclass(frozen=True, slots=True)
class CursorPages:
    """A mark in the body says where the next page begins; without one it was the last."""

    cursor: str = "cursor"
    next_cursor: str = "next_cursor"
    rows: str | None = "items"
    size: str | None = None
    page_size: int = 100

    def first(self) -> Parameters:
        return {self.size: self.page_size} if self.size else {}

    def after(
        self, sent: Mapping[str, str | int], _headers: Mapping[str, str], body: Any, _row_count: int
    ) -> Parameters | None:
        mark = body.get(self.next_cursor) if isinstance(body, dict) else None
        if not isinstance(mark, str | int) or mark == "":
            return None
        if sent.get(self.cursor) == mark:
            raise UpstreamChanged("the next page is said to be the same page again")
        return {**sent, self.cursor: mark}
