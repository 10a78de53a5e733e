"""The one error tree.

KinoshelfError                 status, code; every surface renders it in its own documented form
├── InvalidInput        400    the caller's request makes no sense
├── NeedsSignIn         401    credentials are missing or wrong
├── Forbidden           403    known, but not allowed
├── NotFound            404    no such thing
├── Conflict            409    it exists, or the transition makes no sense
├── LimitReached        429    too many; `retry_after_seconds`
├── NotConfigured       503    a key, a folder or a switch is missing
├── StorageProblem      507    a folder cannot be written, the disk is full
└── UpstreamError       502    a third party (see `core.http.errors` for the kinds)
"""

from __future__ import annotations

from typing import Any, ClassVar


class KinoshelfError(Exception):
    """A failure a person can read. `code` is the wire name in surfaces that have one, `details` extra facts."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "FAILED"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(KinoshelfError):
    status = 400
    code = "INVALID"


class NeedsSignIn(KinoshelfError):
    status = 401
    code = "NOT_SIGNED_IN"


class Forbidden(KinoshelfError):
    status = 403
    code = "FORBIDDEN"


class NotFound(KinoshelfError):
    status = 404
    code = "NOT_FOUND"


class Conflict(KinoshelfError):
    status = 409
    code = "CONFLICT"


class LimitReached(KinoshelfError):
    status = 429
    code = "LIMIT"

    def __init__(self, message: str, *, retry_after_seconds: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_seconds = retry_after_seconds


class NotConfigured(KinoshelfError):
    status = 503
    code = "NOT_CONFIGURED"


class StorageProblem(KinoshelfError):
    status = 507
    code = "FAILED"


class UpstreamError(KinoshelfError):
    status = 502
    code = "UPSTREAM"
