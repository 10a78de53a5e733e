"""Which transport this machine has."""

from __future__ import annotations

from collections.abc import Callable

from kinoshelf.downloads.engine.transport import Transport
from kinoshelf.downloads.engine.trust import Trust


def default_transport() -> Callable[[Trust], Transport]:
    """Return what makes the transport: libcurl where its wheel exists, threads elsewhere."""
    try:
        from kinoshelf.downloads.engine.curl import CurlTransport
    except ImportError:
        from kinoshelf.downloads.engine.threads import ThreadTransport

        return lambda trust: ThreadTransport(trust.is_allowed)
    return lambda trust: CurlTransport(trust.is_allowed)
