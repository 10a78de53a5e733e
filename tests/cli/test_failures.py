from __future__ import annotations

import pytest

from kinoshelf.cli.failures import UsageProblem, code_and_exit, document_of
from kinoshelf.core import errors
from kinoshelf.core.database import DatabaseUnavailable
from kinoshelf.downloads.errors import DownloadAlreadyQueued, DownloadNotFound, LinkNotUsable

PROMISED = {
    "USAGE": 2,
    "NOT_SIGNED_IN": 3,
    "NOT_CONFIGURED": 3,
    "NOT_FOUND": 4,
    "LIMIT": 5,
    "UPSTREAM": 1,
    "INVALID": 1,
    "CONFLICT": 1,
    "FAILED": 1,
}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageProblem("x"), "USAGE"),
        (errors.NeedsSignIn("x"), "NOT_SIGNED_IN"),
        (errors.NotConfigured("x"), "NOT_CONFIGURED"),
        (DownloadNotFound("x"), "NOT_FOUND"),
        (errors.LimitReached("x", retry_after_seconds=1), "LIMIT"),
        (errors.UpstreamError("x"), "UPSTREAM"),
        (LinkNotUsable("x"), "INVALID"),
        (DownloadAlreadyQueued("id", "queued"), "CONFLICT"),
        (errors.StorageProblem("x"), "FAILED"),
        (errors.Forbidden("x"), "FAILED"),
        (DatabaseUnavailable("x"), "FAILED"),
        (errors.KinoshelfError("x"), "FAILED"),
    ],
)
def test_every_kind_has_its_code_and_exit(error, code):
    assert code_and_exit(error) == (code, PROMISED[code])


def test_the_document_keeps_code_and_sentence_whatever_else_is_known():
    error = errors.NotFound("there is none", error="mine", authorize_url="https://tracker.example")
    assert document_of(error) == {
        "error": "NOT_FOUND",
        "message": "there is none",
        "authorize_url": "https://tracker.example",
    }
