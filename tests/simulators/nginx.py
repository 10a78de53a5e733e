"""A real nginx over a folder of its own, on HTTP and HTTPS."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from tests.simulators.processes import die_with_parent

USER, PASSWORD = "anna", "open sesame"
LIMITED_BYTES_PER_SECOND = 20 * 1024 * 1024
START_SECONDS = 10

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/octet-stream;
    types {{ text/html html; text/plain txt; video/x-matroska mkv; application/zip zip; }}
    sendfile on;
    keepalive_requests 100000;
    client_body_temp_path {home}/temp; proxy_temp_path {home}/temp; fastcgi_temp_path {home}/temp;
    uwsgi_temp_path {home}/temp; scgi_temp_path {home}/temp;
    ssl_certificate {home}/server.pem;
    ssl_certificate_key {home}/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen 127.0.0.1:{http_port};
        listen 127.0.0.1:{https_port} ssl http2;
        root {root};
        location /limited/ {{ alias {root}/; limit_rate {limit}; }}
        location /slow/ {{ alias {root}/; limit_rate 256k; }}
        location /without-ranges/ {{ alias {root}/; max_ranges 0; }}
        location /private/ {{ alias {root}/; auth_basic "private"; auth_basic_user_file {home}/passwords; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
        location /moved-for-good/ {{ rewrite ^/moved-for-good/(.*)$ /$1 permanent; }}
    }}
}}
"""


def pseudo_random(size_bytes: int, seed: int = 0) -> bytes:
    """Return the same bytes for the same size and seed; they do not compress."""
    return random.Random(seed).randbytes(size_bytes)


def sha256(content: bytes | Path) -> str:
    """Return the SHA-256 of bytes or of a file, in hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_pseudo_random(path: Path, size_bytes: int, seed: int = 0) -> str:
    """Write a file of the same bytes as `pseudo_random` would give a piece at a time; return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source, found, left = random.Random(seed), hashlib.sha256(), size_bytes
    with path.open("wb") as file:
        while left:
            # A multiple of four keeps the stream of the generator the same whatever the piece size.
            piece = source.randbytes(min(left, 1 << 20))
            file.write(piece)
            found.update(piece)
            left -= len(piece)
    return found.hexdigest()


@dataclass(frozen=True)
class Served:
    """A file nginx serves, under every one of its locations."""

    path: Path
    name: str
    size_bytes: int
    sha256: str


class Nginx:
    """Serves `root`. Locations: / limited slow without-ranges private moved moved-for-good (see the configuration)."""

    def __init__(self, program: Path, home: Path) -> None:
        self.root = home / "served"
        self.ca_file = home / "ca.pem"
        self.http_port, self.https_port = _free_ports()
        self._program, self._home = program, home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def https_url(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def host(self) -> str:
        """Return host:port of the plain side, as allow_private_hosts wants it."""
        return f"127.0.0.1:{self.http_port}"

    def add(self, name: str, size_bytes: int, seed: int = 0) -> Served:
        """Put a deterministic file under the root."""
        path = self.root / name
        digest = write_pseudo_random(path, size_bytes, seed)
        path.chmod(0o644)
        return Served(path, name, size_bytes, digest)

    def url(self, name: str, location: str = "", *, https: bool = False) -> str:
        base = self.https_url if https else self.http_url
        return "/".join(part for part in (base, location, name) if part)

    def start(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        (self._home / "temp").mkdir(exist_ok=True)
        for folder in (self._home, self.root):
            folder.chmod(0o755)
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.private_key_pem.write_to_path(self._home / "server.key")
        for number, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(self._home / "server.pem", append=number > 0)
        (self._home / "passwords").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        configuration = self._home / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                # As root the workers would turn to another user, who cannot read a private temporary folder.
                user="user root;" if os.geteuid() == 0 else "",
                home=self._home,
                root=self.root,
                http_port=self.http_port,
                https_port=self.https_port,
                limit=LIMITED_BYTES_PER_SECOND,
            )
        )
        with (self._home / "error.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "-e", "stderr", "-p", self._home, "-c", configuration],
                stdin=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call
            )
        give_up = time.monotonic() + START_SECONDS
        while not _listens(self.https_port):
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"nginx did not start:\n{(self._home / 'error.log').read_text()}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
