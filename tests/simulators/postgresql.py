"""One PostgreSQL cluster per test session, shared by the workers; one database per test, copied from a template.

The cluster is owned by a guardian process (this file, run as a program): it starts the server and ends it when the
session's main process is gone, however that ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

READY = "ready"
START_SECONDS = 40
TEMPLATE = "template_kinoshelf"
# Without the triggers of foreign keys, rows go in any order. Tables that grew are cut, so that none stays bloated.
EMPTY = b"""
DO $$
DECLARE found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    LOOP
        IF found.size > 65536 THEN EXECUTE 'TRUNCATE ' || found.name || ' CASCADE';
        ELSIF found.size > 0 THEN EXECUTE 'DELETE FROM ' || found.name;
        END IF;
    END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class
    WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
END $$
"""
OPTIONS = (
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_connections=200",
    "deadlock_timeout=100ms",
    "shared_buffers=64MB",
    "log_min_messages=error",
)


class Cluster:
    """A running server. Everybody on this machine may connect, without a password."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._clean: list[str] = []
        self._open = contextlib.ExitStack()

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, *, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"t_{uuid.uuid4().hex}"
        # The other way, through the log, takes four times as long for a database of this size.
        strategy = "STRATEGY FILE_COPY" if self._administrator.info.server_version >= 150000 else ""
        self._administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}".encode())
        return name

    def drop(self, name: str) -> None:
        self._administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def rename(self, name: str, wanted: str) -> None:
        self._administrator.execute(f"ALTER DATABASE {name} RENAME TO {wanted}".encode())

    def lend(self, template: str) -> str:
        """Return a copy of `template` without rows: one that was given back, or a new one."""
        return self._clean.pop() if self._clean else self.create(template=template)

    def take_back(self, name: str) -> None:
        """Empty a lent database, which is many times as fast as a new copy."""
        import psycopg

        self._administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(EMPTY)
        self._clean.append(name)

    @functools.cached_property
    def _administrator(self) -> psycopg.Connection[Any]:
        # Not above: the guardian runs this file and needs no driver.
        import psycopg

        return self._open.enter_context(psycopg.connect(self.url("postgres"), autocommit=True))

    def close(self) -> None:
        self._open.close()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between the processes of a session."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared_cluster(session_dir: Path, binaries: Path, main_process: int) -> Cluster:
    """Return the cluster of this session; whoever asks first starts it."""
    home = session_dir / "postgresql"
    ready = home / READY
    with locked(session_dir / "postgresql.lock"):
        if not ready.exists():
            home.mkdir()
            with (session_dir / "postgresql.log").open("w") as log:
                guardian = subprocess.Popen(
                    [sys.executable, __file__, str(home), str(binaries), str(main_process)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            give_up = time.monotonic() + START_SECONDS
            while not ready.exists():
                if guardian.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"PostgreSQL did not start:\n{(session_dir / 'postgresql.log').read_text()}")
                time.sleep(0.02)
            # The guardian outlives this process; it is not a child to wait for.
            guardian.returncode = 0
    return Cluster(int(ready.read_text()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _guard(home: Path, binaries: Path, main_process: int) -> None:
    # initdb and postgres refuse to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
        binaries = _reachable(binaries, home, user)
    data_dir, port = home / "cluster", _free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data_dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=user,
    )
    settings = [word for option in OPTIONS for word in ("-c", option)]
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data_dir, "-p", str(port), "-k", str(home), *settings], cwd="/", user=user
    )
    try:
        while server.poll() is None and not _answers(port):
            time.sleep(0.02)
        beside = home / f"{READY}.new"
        beside.write_text(str(port))
        beside.rename(home / READY)
        while server.poll() is None and _is_alive(main_process):
            time.sleep(0.2)
    finally:
        # Nothing in it is worth a checkpoint.
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=20)
        # The main process clears its folder away too, but cannot while the server still writes into it.
        shutil.rmtree(home if _is_alive(main_process) else home.parent, ignore_errors=True)


def _reachable(binaries: Path, home: Path, user: str) -> Path:
    """Copy the programs where the other user can reach them, if need be."""
    with contextlib.suppress(PermissionError):
        subprocess.run([binaries / "initdb", "--version"], check=True, stdout=subprocess.DEVNULL, cwd="/", user=user)
        return binaries
    return shutil.copytree(binaries.parent, home / "programs", symlinks=True) / "bin"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            # An SSL request; a server that is ready to talk answers one letter.
            connection.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
            return connection.recv(1) in {b"S", b"N"}
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _guard(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
