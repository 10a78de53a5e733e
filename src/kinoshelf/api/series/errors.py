"""Errors as seed 002 shows them (its section 11); also the form of every path that belongs to no surface."""

from __future__ import annotations

from typing import Any

from kinoshelf.core.errors import KinoshelfError, LimitReached
from kinoshelf.core.request_ids import request_id_now
from kinoshelf.core.web import BadRequest, Rendered, status_of

CODES = {
    400: "BAD_REQUEST_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORIZATION_ERROR",
    404: "NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED_ERROR",
    409: "CONFLICT_ERROR",
    413: "PAYLOAD_TOO_LARGE_ERROR",
    415: "UNSUPPORTED_MEDIA_TYPE_ERROR",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_ERROR",
    502: "UPSTREAM_ERROR",
    503: "SERVICE_UNAVAILABLE_ERROR",
    507: "STORAGE_ERROR",
}
DEFECT_CODE = "INTERNAL_SERVER_ERROR"
REQUEST_PARTS = frozenset({"body", "query", "path", "header", "cookie"})


def render_error(error: KinoshelfError) -> Rendered:
    status = status_of(error)
    if isinstance(error, LimitReached):
        return Rendered(status, {"detail": error.message})
    return Rendered(
        status,
        {
            "success": False,
            "error": CODES.get(status, DEFECT_CODE if status >= 500 else CODES[400]),
            "message": error.message,
            "details": _by_field(error) if isinstance(error, BadRequest) else error.details,
            "request_id": request_id_now.get(),
        },
    )


def _by_field(error: BadRequest) -> dict[str, Any]:
    """Name what is wrong under the field it is wrong in, as the seed does."""
    found: dict[str, Any] = {}
    for problem in error.details.get("problems", ()):
        place = [str(part) for part in problem["loc"]]
        inner = place[1:] if place and place[0] in REQUEST_PARTS else place
        found[".".join(inner) or "body"] = problem["msg"]
    return found
