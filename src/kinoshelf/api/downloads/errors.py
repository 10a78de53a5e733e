"""Errors as seed 004 shows them: a sentence and a code."""

from __future__ import annotations

from typing import Any

from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    KinoshelfError,
    LimitReached,
    NeedsSignIn,
    NotFound,
)
from kinoshelf.core.web import BadRequest, Rendered, status_of
from kinoshelf.downloads.errors import DownloadAlreadyQueued

INVALID_REQUEST = "INVALID_REQUEST"
NOTHING_HERE = "there is nothing at this path; /api/docs lists what there is"
WRONG_METHOD = "this path does not take that method"


class DatabaseFailed(KinoshelfError):
    """The database answered with a failure that waiting does not cure."""

    status = 500
    code = "DATABASE_ERROR"

    def __init__(self) -> None:
        super().__init__("the database refused to do this; the log has the details")


CODES: tuple[tuple[type[KinoshelfError], str], ...] = (
    (DatabaseUnavailable, "DATABASE_ERROR"),
    (DatabaseFailed, "DATABASE_ERROR"),
    (NotFound, "NOT_FOUND"),
    (Conflict, "CONFLICT"),
    (NeedsSignIn, NeedsSignIn.code),
    (Forbidden, Forbidden.code),
    (LimitReached, LimitReached.code),
    (InvalidInput, INVALID_REQUEST),
    (BadRequest, INVALID_REQUEST),
)


def render_error(error: KinoshelfError) -> Rendered:
    # Seed 004 knows no 422: what is malformed is 400.
    status = 400 if isinstance(error, BadRequest) else status_of(error)
    body: dict[str, Any] = {"error": _sentence(error, status), "code": _code(error, status)}
    if isinstance(error, DownloadAlreadyQueued):
        body["id"] = error.download_id
    return Rendered(status, body)


def _code(error: KinoshelfError, status: int) -> str:
    for kind, code in CODES:
        if isinstance(error, kind):
            return code
    if status == 404:
        return "NOT_FOUND"
    return INVALID_REQUEST if status < 500 else "DOWNLOAD_ERROR"


def _sentence(error: KinoshelfError, status: int) -> str:
    # The framework says «Not Found» and «Method Not Allowed».
    if status == 404 and not isinstance(error, NotFound):
        return NOTHING_HERE
    return WRONG_METHOD if status == 405 else error.message
