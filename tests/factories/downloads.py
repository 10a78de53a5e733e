"""Rows of the download queue. A batch comes with its downloads; positions follow the order of making."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from kinoshelf.downloads.models import POSITION_STEP, Batch, Download, DownloadError
from kinoshelf.downloads.states import ACTIVE, State

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_numbers = itertools.count(1)


def make_download(**fields: Any) -> Download:
    """Make an unsaved download, queued unless told. What follows from other fields is derived from them."""
    number = next(_numbers)
    url = fields.setdefault("url", f"https://files.example/film-{number}.mkv")
    state = State(fields.setdefault("state", State.QUEUED))
    parts = urlsplit(url)
    derived: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "kind": "link",
        "original_url": url,
        "link_key": hashlib.sha256(url.encode()).hexdigest(),
        "host": parts.hostname or "",
        "filename": parts.path.rpartition("/")[2] or f"film-{number}.mkv",
        "position": number * POSITION_STEP,
        "size_bytes": 1_000_000,
        "downloaded_bytes": 1_000_000 if state is State.COMPLETED else 0,
        "created_at": MADE_AT,
        "started_at": MADE_AT if state in ACTIVE or state is State.COMPLETED else None,
        "completed_at": MADE_AT if state is State.COMPLETED else None,
        "updated_at": MADE_AT,
    }
    return Download(**{**derived, **fields})


def make_batch(**fields: Any) -> Batch:
    """Make an unsaved, empty batch."""
    number = next(_numbers)
    return Batch(**{"id": str(uuid.uuid4()), "name": f"Batch {number}", "created_at": MADE_AT, **fields})


def make_error(download: Download, **fields: Any) -> DownloadError:
    """Make an unsaved entry in the history of errors of `download`."""
    derived = {"message": "the host did not answer", "category": "timeout", "retry_attempt": 0, "at": MADE_AT}
    return DownloadError(download_id=download.id, **{**derived, **fields})


def add_download(session: Session, **fields: Any) -> Download:
    download = make_download(**fields)
    session.add(download)
    session.flush()
    return download


def add_batch(session: Session, downloads: int = 0, *, each: dict[str, Any] | None = None, **fields: Any) -> Batch:
    """Add a batch with so many downloads; `each` are fields of every one of them."""
    batch = make_batch(**fields)
    session.add(batch)
    session.flush()
    session.add_all([make_download(batch_id=batch.id, **(each or {})) for _ in range(downloads)])
    session.flush()
    return batch
