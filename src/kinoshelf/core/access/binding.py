"""Whether the hub may listen where it is asked to."""

from __future__ import annotations

from kinoshelf.core.access.addresses import is_loopback
from kinoshelf.core.errors import NotConfigured


class OpenBindRefused(NotConfigured):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"Kinoshelf will not listen on {host or 'every address'}: other machines could reach it there, and no "
            "master password is set. Set one with `kinoshelf password set`, or start it on 127.0.0.1 and open /setup "
            "on this machine first."
        )


def refuse_open_bind(host: str, has_password: bool) -> None:
    """Raise OpenBindRefused for any address but loopback while no password is set."""
    if not has_password and not is_loopback(host.strip("[]")):
        raise OpenBindRefused(host)
