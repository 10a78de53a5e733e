"""Which addresses links may lead to, and whose certificates are believed."""

from __future__ import annotations

import ssl
from pathlib import Path

from kinoshelf.core.files import write_atomic
from kinoshelf.core.http.addresses import AllowList, is_public
from kinoshelf.core.settings import SettingsStore

# Where systems keep their certificates when OpenSSL's own compile-time path does not exist here.
KNOWN_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)


class Trust:
    """Reads the settings in force at each question."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store
        self._allowed_from: tuple[str, ...] | None = None
        self._allowed = AllowList.parse(())
        self._merged: tuple[Path, Path] | None = None

    def is_allowed(self, host: str, port: int, address: str) -> bool:
        """Tell whether a link to `host:port` may connect to `address`: public ones always, private ones when listed."""
        if is_public(address):
            return True
        wanted = self._store.current.allow_private_hosts
        if wanted != self._allowed_from:
            self._allowed_from, self._allowed = wanted, AllowList.parse(wanted)
        return self._allowed.allows(host, port)

    def ca_file(self) -> Path | None:
        """Return the bundle to check hosts against: the system's, with the operator's own certificates added."""
        own = self._store.current.engine.ca_file
        system = system_bundle()
        if own is None or system is None:
            return own or system
        if self._merged is None or self._merged[0] != own:
            target = self._store.current.data_dir / "run" / "trusted.pem"
            write_atomic(target, system.read_bytes() + b"\n" + own.read_bytes(), mode=0o600, durable=False)
            self._merged = (own, target)
        return self._merged[1]


def system_bundle() -> Path | None:
    paths = ssl.get_default_verify_paths()
    for name in (paths.cafile, *KNOWN_BUNDLES):
        if name and Path(name).is_file():
            return Path(name)
    return None
