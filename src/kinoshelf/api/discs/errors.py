"""Errors as seed 000 shows them: a sentence, and what is wrong field by field."""

from __future__ import annotations

from typing import Any

from kinoshelf.core.errors import Conflict, KinoshelfError, NotConfigured, NotFound, UpstreamError
from kinoshelf.core.http.errors import UpstreamNotFound
from kinoshelf.core.web import IN_WORDS, BadRequest, Rendered, status_of
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.looking_up import DiscNotMatched

REQUEST_PARTS = frozenset({"body", "query", "path", "header", "cookie"})


class SourceNotReady(Conflict):
    """A key is missing or a source is off: the user can change that, waiting cannot."""

    def __init__(self, error: NotConfigured) -> None:
        super().__init__(error.message)


class SourceRefused(UpstreamError):
    """The source does not take the key that is set."""

    def __init__(self, error: NotConfigured) -> None:
        super().__init__(error.message)


class FilmUnknown(NotFound):
    """The source answers that it has no such thing: a fact, no failure."""

    def __init__(self, error: UpstreamNotFound) -> None:
        super().__init__(error.message)


class FieldUnknown(KinoshelfError):
    """The body names what a disc does not have."""

    status = 400
    code = "INVALID"

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in errors))
        self.errors = errors


def as_this_surface(error: NotConfigured | UpstreamNotFound) -> KinoshelfError:
    """Return what this surface makes of a failure that is another one elsewhere."""
    if isinstance(error, UpstreamNotFound):
        return FilmUnknown(error)
    return SourceRefused(error) if isinstance(error.__cause__, UpstreamError) else SourceNotReady(error)


def render_error(error: KinoshelfError) -> Rendered:
    problems = problems_of(error)
    return Rendered(
        _status(error),
        {"success": False, "message": _sentence(error, problems), "errors": problems},
    )


def problems_of(error: KinoshelfError) -> list[dict[str, str]]:
    """Return one entry a field; a failure that belongs to no field is one entry without a name."""
    if isinstance(error, BadRequest):
        if _status(error) == 404:
            return [{"field": "", "message": IN_WORDS[404]}]
        return [{"field": _field(one["loc"]), "message": _words(one)} for one in error.details.get("problems", ())]
    named = getattr(error, "errors", None)
    if named:
        return [{"field": field, "message": message} for field, message in named]
    return [{"field": "", "message": error.message}]


def _status(error: KinoshelfError) -> int:
    if isinstance(error, DiscNotMatched):
        return 409
    if isinstance(error, DiscInvalid):
        return 422 if error.status == 400 else error.status
    if not isinstance(error, BadRequest):
        return status_of(error)
    problems = error.details.get("problems", ())
    if any(problem["loc"][0] == "path" for problem in problems):
        return 404
    return 400 if any(problem["type"] == "missing" or _is_whole_body(problem) for problem in problems) else 422


def _is_whole_body(problem: Any) -> bool:
    return list(problem["loc"]) == ["body"]


def _words(problem: Any) -> str:
    if problem["type"] == "missing":
        return "is missing"
    return "the body must be a JSON object" if _is_whole_body(problem) else str(problem["msg"])


def _sentence(error: KinoshelfError, problems: list[dict[str, str]]) -> str:
    if not isinstance(error, BadRequest):
        return error.message
    return "; ".join(f"{one['field']}: {one['message']}" if one["field"] else one["message"] for one in problems)[:2000]


def _field(place: Any) -> str:
    parts = [str(part) for part in place]
    inner = parts[1:] if parts and parts[0] in REQUEST_PARTS else parts
    return ".".join(inner)
