"""What can go wrong with a third party, by what the hub should do about it.

UpstreamError                       502
├── UpstreamUnavailable   retry later      timeout, connection, 5xx; `retry_after_seconds` where it said so
│   └── UpstreamLimited   retry later      429 and its kin: asked too often
├── UpstreamNeedsLogin    stop, ask user   401 after a refresh, a revoked token
├── UpstreamForbidden     stop this call   403, limits of a plan
├── UpstreamNotFound      a fact           404, 410
├── UpstreamRejected      our mistake      other 4xx
├── UpstreamChanged       their change     the answer does not fit the schema; keeps a trimmed `sample`
└── AddressRefused        stop this call   the link leads into the private network
"""

from __future__ import annotations

from typing import Any

from kinoshelf.core.errors import UpstreamError


class UpstreamUnavailable(UpstreamError):
    """`is_connection`: nobody was reached at all, which tells little about the upstream itself."""

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, is_connection: bool = False, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.retry_after_seconds = retry_after_seconds
        self.is_connection = is_connection


class UpstreamLimited(UpstreamUnavailable):
    code = "LIMIT"


class UpstreamNeedsLogin(UpstreamError):
    code = "NOT_SIGNED_IN"


class UpstreamForbidden(UpstreamError):
    pass


class UpstreamNotFound(UpstreamError):
    code = "NOT_FOUND"


class UpstreamRejected(UpstreamError):
    pass


class UpstreamChanged(UpstreamError):
    def __init__(self, message: str, *, sample: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.sample = sample


class AddressRefused(UpstreamError):
    pass
