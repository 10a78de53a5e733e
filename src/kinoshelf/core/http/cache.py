"""A cache that keeps what upstreams say may be kept (RFC 9111). All use of hishel is here."""

from __future__ import annotations

from pathlib import Path

import httpx2
from hishel import AsyncSqliteStorage, CacheOptions
from hishel.httpx2 import AsyncCacheTransport

MIB = 1024 * 1024


class HTTPCache:
    """Answers kept in a file of their own. They may be lost at any time; deleting the file is safe.

    It acts as a shared cache: what was fetched with a sign-in is kept only where the upstream says it is for everyone.
    """

    def __init__(self, path: Path, *, max_size_bytes: int = 256 * MIB) -> None:
        self._path = path
        self._max_size_bytes = max_size_bytes

    def over(self, transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        """Return `transport` with the cache before it. Each event loop needs one of its own."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.touch(mode=0o600)
        storage = AsyncSqliteStorage(database_path=self._path, max_size=self._max_size_bytes)
        return AsyncCacheTransport(transport, storage=storage, rfc=CacheOptions(shared=True))
