"""Rows and live figures as the documented task object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from kinoshelf.core.clock import iso
from kinoshelf.core.settings import Settings
from kinoshelf.downloads.links import without_password
from kinoshelf.downloads.progress import Live, ProgressBoard, percent_of
from kinoshelf.downloads.states import ACTIVE, OPEN, State

# Thousands of links are added at one moment, which costs more to write than the rest of a task.
_moment = lru_cache(maxsize=4096)(iso)
NOT_RESOLVED = {"resolved_at": None, "expires_at": None}


@dataclass(frozen=True, slots=True)
class TaskView:
    """Renders tasks as they are at one moment."""

    root: str
    segments: int
    lives: Mapping[str, Live]

    @classmethod
    def now(cls, settings: Settings, board: ProgressBoard) -> TaskView:
        return cls(str(settings.download_dir), settings.engine.max_segments_per_download, board.everything())

    def task(self, row: Any, errors: Sequence[Any] = ()) -> dict[str, Any]:
        """Render a row with the columns of `queries.COLUMNS`, and the rows of its failures where they are asked for."""
        live = self.lives.get(row.id)
        state = row.state
        size, downloaded = row.size_bytes, row.downloaded_bytes
        filename, speed, eta, connections = row.filename, 0, None, 0
        if live is not None and state in ACTIVE:
            state, filename = live.state.value, live.filename
            size, downloaded = live.size_bytes, live.downloaded_bytes
            speed, eta, connections = live.speed_bytes_per_second, live.eta_seconds, live.connections
        elif live is not None and state in OPEN:
            # It was stopped a moment ago, and its worker has not written down yet how far it came.
            size, downloaded = live.size_bytes or size, max(live.downloaded_bytes, downloaded)
        return {
            "id": row.id,
            "url": without_password(row.url),
            "original_url": without_password(row.original_url),
            "filename": filename,
            "destination": row.destination or "/".join(part for part in (self.root, row.folder, filename) if part),
            "folder": row.folder,
            "state": state,
            "progress": 100.0 if state == State.COMPLETED else percent_of(downloaded, size),
            "size": size,
            "total_bytes": size,
            "downloaded": downloaded,
            "downloaded_bytes": downloaded,
            "speed": speed,
            "average_speed": row.average_speed_bytes_per_second,
            "eta": eta,
            "host": row.host,
            "category": row.category,
            "priority": row.priority,
            "position": row.position,
            "segments": row.max_segments or self.segments,
            "connections": connections,
            "speed_limit": row.speed_limit_bytes_per_second,
            "checksum": row.checksum,
            "verified": row.is_verified,
            "retry_count": row.retry_count,
            "created_at": _moment(row.created_at),
            "started_at": _moment(row.started_at),
            "completed_at": _moment(row.completed_at),
            "updated_at": _moment(row.updated_at),
            "wait_until": _moment(row.wait_until),
            "error_message": row.error_message,
            "error_category": row.error_category,
            "error_history": [_failure(one) for one in errors],
            "url_metadata": NOT_RESOLVED,
            "fshare_code": row.source_code,
            "batch_id": row.batch_id,
            "batch_name": row.batch_name,
            "media_type": row.media_type,
            "tmdb_id": row.tmdb_id,
            "tmdb_title": row.tmdb_title,
            "tmdb_year": row.tmdb_year,
            "tmdb_season": row.tmdb_season,
            "tmdb_episode": row.tmdb_episode,
            "quality": row.quality,
            "resolution": row.resolution,
            "arr_series_id": None,
            "arr_movie_id": None,
            "arr_announced": False,
            "arr_announce_error": None,
        }


def live_of(row: Any, lives: Mapping[str, Live]) -> Live | None:
    """Return the live figures of a row. A worker may report for a moment longer than the row says it runs."""
    return lives.get(row.id) if row.state in ACTIVE else None


def progress_of(live: Live) -> dict[str, Any]:
    """The part of a task that moves by itself."""
    return {
        "id": live.id,
        "state": live.state.value,
        "progress": live.percent,
        "speed": live.speed_bytes_per_second,
        "eta": live.eta_seconds,
        "downloaded": live.downloaded_bytes,
        "downloaded_bytes": live.downloaded_bytes,
        "size": live.size_bytes,
        "total_bytes": live.size_bytes,
        "connections": live.connections,
        "filename": live.filename,
    }


def _failure(row: Any) -> dict[str, Any]:
    at: datetime = row.at
    return {
        "timestamp": iso(at),
        "error_message": row.message,
        "error_category": row.category,
        "retry_attempt": row.retry_attempt,
    }
