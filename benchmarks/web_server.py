"""The nginx downloads come from: plain and TLS 1.3, one worker, files in memory."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from benchmarks.machine import Unavailable, program
from benchmarks.processes import end, spawn

START_SECONDS = 10
PIECE_BYTES = 1 << 20
ADDRESS = "127.0.0.1"

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
    sendfile on;
    keepalive_requests 10000000;
    keepalive_timeout 300;
    client_body_temp_path {home}/temp; proxy_temp_path {home}/temp; fastcgi_temp_path {home}/temp;
    uwsgi_temp_path {home}/temp; scgi_temp_path {home}/temp;
    ssl_certificate {home}/server.pem;
    ssl_certificate_key {home}/server.key;
    ssl_protocols TLSv1.3;
    root {root};
    server {{ listen {address}:{ports[0]}; listen {address}:{ports[1]} ssl; }}
    server {{ listen {address}:{ports[2]}; listen {address}:{ports[3]} ssl; limit_rate {limit}; }}
    server {{ listen {address}:{ports[4]}; limit_rate 256k; }}
}}
"""


@dataclass(frozen=True)
class Served:
    """A file of random bytes."""

    name: str
    size_bytes: int
    sha256: str


class WebServer:
    """Serves `home/served`. As a host that limits each connection it has ports of its own, and another for a trickle."""

    def __init__(self, home: Path, cores: frozenset[int] | None, *, limit_mib_per_second: int = 20) -> None:
        found = program("nginx", "nginx-light")
        if found is None:
            raise Unavailable("without nginx there is nothing to download from")
        self.ca_file = home / "ca.pem"
        self._program, self._home, self._cores = found, home, cores
        self._root = home / "served"
        self._ports = _free_ports(5)
        self._limit = f"{limit_mib_per_second}m"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str, *, https: bool = False, is_limited: bool = False) -> str:
        port = self._ports[int(https) + 2 * int(is_limited)]
        return f"{'https' if https else 'http'}://{ADDRESS}:{port}/{name}"

    def trickle_url(self, name: str) -> str:
        return f"http://{ADDRESS}:{self._ports[4]}/{name}"

    def add(self, name: str, size_bytes: int) -> Served:
        """Put a file of random bytes under the root."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        found, left = hashlib.sha256(), size_bytes
        with path.open("wb") as file:
            while left:
                piece = os.urandom(min(left, PIECE_BYTES))
                file.write(piece)
                found.update(piece)
                left -= len(piece)
        path.chmod(0o644)
        return Served(name, size_bytes, found.hexdigest())

    def __enter__(self) -> Self:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._home / "temp").mkdir(exist_ok=True)
        authority = trustme.CA()
        certificate = authority.issue_cert(ADDRESS, "localhost")
        authority.cert_pem.write_to_path(str(self.ca_file))
        certificate.private_key_pem.write_to_path(str(self._home / "server.key"))
        for number, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(self._home / "server.pem"), append=number > 0)
        configuration = self._home / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                # As root the worker would turn to another user, who may not read here.
                user="user root;" if os.geteuid() == 0 else "",
                home=self._home,
                root=self._root,
                address=ADDRESS,
                ports=self._ports,
                limit=self._limit,
            ),
            encoding="utf-8",
        )
        log = self._home / "nginx.log"
        with log.open("wb") as file:
            words = [self._program, "-e", "stderr", "-p", self._home, "-c", configuration]
            self._process = spawn(words, self._cores, stdout=file, stderr=file)
        try:
            self._wait(log)
        except BaseException:
            end(self._process)
            raise
        return self

    def _wait(self, log: Path) -> None:
        assert self._process is not None
        give_up = time.monotonic() + START_SECONDS
        while not _listens(self._ports[0]):
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise Unavailable(f"nginx did not start: {log.read_text(encoding='utf-8', errors='replace')}")
            time.sleep(0.01)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            end(self._process)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind((ADDRESS, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=1).close()
    except OSError:
        return False
    return True
