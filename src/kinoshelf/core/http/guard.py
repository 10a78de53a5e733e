"""Connections for addresses that come from outside: only to where links may lead, and to the very address checked."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx2

from kinoshelf.core.http.addresses import AllowList, may_connect
from kinoshelf.core.http.errors import AddressRefused, UpstreamUnavailable


class AddressGuard:
    """Makes transports that refuse private targets, at every connection and so at every redirect too."""

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed

    def transport(self, **options: Any) -> httpx2.AsyncBaseTransport:
        """Return a transport; `options` are those of httpx2.AsyncHTTPTransport."""
        # A proxy would resolve the name itself, to an address nobody checked.
        transport = httpx2.AsyncHTTPTransport(**{**options, "trust_env": False})
        pool: Any = transport._pool  # noqa: SLF001 -- the only place where httpx2 lets a connection be watched
        pool._network_backend = _GuardedBackend(pool._network_backend, self)  # noqa: SLF001
        return transport

    async def addresses(self, host: str, port: int) -> list[str]:
        """Resolve `host` to the addresses a link may be followed to.

        Raises AddressRefused when there are only others, UpstreamUnavailable when there are none.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UpstreamUnavailable(f"the name {host} is not known", is_connection=True) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        usable = [address for address in addresses if may_connect(host, port, address, self._allowed)]
        if not usable:
            raise AddressRefused(
                f"{host} lies in the private network; allow it in the settings (allow_private_hosts) if that is meant"
            )
        return usable


class _GuardedBackend:
    """Stands before httpx2's own way of opening connections."""

    def __init__(self, inner: Any, guard: AddressGuard) -> None:
        self._inner = inner
        self._guard = guard

    async def connect_tcp(self, host: str, port: int, **options: Any) -> Any:
        *others, last = await self._guard.addresses(host, port)
        for address in others:
            try:
                return await self._inner.connect_tcp(address, port, **options)
            except Exception as error:
                # The next address may answer; what the last one says is what counts.
                if not _is_connection_failure(error):
                    raise
        return await self._inner.connect_tcp(last, port, **options)

    async def connect_unix_socket(self, path: str, **_options: Any) -> Any:
        raise AddressRefused(f"{path} is no address a link may lead to")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _is_connection_failure(error: Exception) -> bool:
    return type(error).__name__ in {"ConnectError", "ConnectTimeout"}
