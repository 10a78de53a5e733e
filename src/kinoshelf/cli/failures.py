"""How failures end a command: one code, one sentence, one exit status (see docs/cli.md)."""

from __future__ import annotations

import errno
import sys
from enum import IntEnum
from typing import Any

from kinoshelf.core.errors import (
    Conflict,
    InvalidInput,
    KinoshelfError,
    LimitReached,
    NeedsSignIn,
    NotConfigured,
    NotFound,
    UpstreamError,
)


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    NOT_FOUND = 4
    LIMIT = 5
    PARTLY = 6
    INTERRUPTED = 130
    TERMINATED = 143


class UsageProblem(KinoshelfError):
    """The command was called in a way it does not understand."""

    status = 400
    code = "USAGE"


class Interrupted(BaseException):
    """The user or the system asked this command to stop."""

    def __init__(self, exit_status: Exit) -> None:
        super().__init__()
        self.exit_status = exit_status


# From the particular to the general: the first class that fits decides. Whatever fits none is FAILED.
CODES: tuple[tuple[type[KinoshelfError], str, Exit], ...] = (
    (UsageProblem, "USAGE", Exit.USAGE),
    (NeedsSignIn, "NOT_SIGNED_IN", Exit.NOT_READY),
    (NotConfigured, "NOT_CONFIGURED", Exit.NOT_READY),
    (NotFound, "NOT_FOUND", Exit.NOT_FOUND),
    (LimitReached, "LIMIT", Exit.LIMIT),
    (UpstreamError, "UPSTREAM", Exit.FAILED),
    (InvalidInput, "INVALID", Exit.FAILED),
    (Conflict, "CONFLICT", Exit.FAILED),
    (KinoshelfError, "FAILED", Exit.FAILED),
)


def code_and_exit(error: KinoshelfError) -> tuple[str, Exit]:
    return next((code, status) for kind, code, status in CODES if isinstance(error, kind))


def document_of(error: KinoshelfError) -> dict[str, Any]:
    """Return what `--json` shows: the code, the sentence, and what else the error knows."""
    code, _status = code_and_exit(error)
    return {"error": code, "message": error.message} | {
        key: value for key, value in error.details.items() if key not in {"error", "message"}
    }


def in_words(error: Exception) -> KinoshelfError | None:
    """Return the failure a person understands; None for a defect of ours."""
    if isinstance(error, KinoshelfError):
        return error
    if isinstance(error, OSError) and error.errno is not None and error.errno != errno.EBADF:
        what = error.strerror or str(error)
        return KinoshelfError(f"{error.filename}: {what}" if error.filename else what)
    # Asked only where SQLAlchemy was loaded, so that light commands stay light.
    database_errors = sys.modules.get("sqlalchemy.exc")
    if database_errors is not None and isinstance(error, database_errors.OperationalError):
        lines = str(error.orig).strip().splitlines()
        return KinoshelfError(f"the database does not answer: {lines[0] if lines else type(error.orig).__name__}")
    return None
