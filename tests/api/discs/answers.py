"""Looks at the envelope of this surface."""

from __future__ import annotations

from typing import Any


def good(answer: Any, status: int = 200) -> dict[str, Any]:
    """Return the body of a success."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert body["success"] is True
    assert body["errors"] == []
    assert isinstance(body["message"], str)
    assert "data" in body
    return body


def told(answer: Any) -> tuple[int, list[str]]:
    """Return status and fields of a failure, after a look at its form."""
    body = answer.json()
    assert body["success"] is False, body
    assert body["message"]
    assert isinstance(body["message"], str)
    assert body["errors"]
    assert all(set(one) == {"field", "message"} for one in body["errors"])
    return answer.status_code, [one["field"] for one in body["errors"]]
