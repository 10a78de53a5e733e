"""The note a running server leaves in the data directory, so that commands find it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server: its process, its address, and the name of its seat, by which its life is told."""

    pid: int
    url: str
    seat: str

    @property
    def socket_url(self) -> str:
        # A page is greeted with counts only: the rows of a long queue come from the database.
        return self.url.replace("http", "ws", 1) + "/api/ws?sync=page"


def record_path(data_dir: Path) -> Path:
    return data_dir / "run" / "server.json"


def write_record(data_dir: Path, url: str, seat: str) -> None:
    from kinoshelf.core.files import write_atomic

    content = {"pid": os.getpid(), "url": url, "seat": seat}
    write_atomic(record_path(data_dir), json.dumps(content).encode(), mode=FILE_MODE, durable=False)


def remove_record(data_dir: Path, seat: str) -> None:
    """Remove the note of this server; that of a later one stays."""
    found = _read(data_dir)
    if found is not None and found.seat == seat:
        record_path(data_dir).unlink(missing_ok=True)


def find_server(data_dir: Path) -> ServerRecord | None:
    """Return the running server of this data directory; None where none runs or it died."""
    from kinoshelf.core.processes import living

    found = _read(data_dir)
    return found if found is not None and found.seat in living(data_dir) else None


def somebody_works(data_dir: Path) -> bool:
    """Tell whether a server or a worker lives that empties the queue of this data directory."""
    from kinoshelf.core.processes import living

    return any(name.startswith(("server-", "worker-")) for name in living(data_dir))


def _read(data_dir: Path) -> ServerRecord | None:
    try:
        found = json.loads(record_path(data_dir).read_bytes())
        return ServerRecord(int(found["pid"]), str(found["url"]), str(found["seat"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
