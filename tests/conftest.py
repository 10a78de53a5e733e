"""What every test stands on. Read CONTRIBUTING.md, «Tests», for how to choose among the fixtures.

No test reaches the network beyond this machine, warnings are errors, a logged warning or error fails the test unless
it expects it. `hub`, `store` and everything above them run once on SQLite and once on PostgreSQL; tests that start the
whole server run on SQLite unless marked `databases("sqlite", "postgres")`.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
import uvicorn

from kinoshelf.app import Hub, Role, create_app, open_hub
from kinoshelf.core.clock import Clock, FrozenClock, SystemClock
from kinoshelf.core.database import Database
from kinoshelf.core.database import database_url as address_of
from kinoshelf.core.migrate import migrate
from kinoshelf.core.settings import SettingsStore, leaves
from tests import services
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import Nginx
from tests.simulators.postgresql import TEMPLATE, Cluster, locked, shared_cluster

# Told to the workers by the environment; the settings of the hub know no such name.
SESSION_DIR = "KINOSHELF_TEST_SESSION_DIR"
MAIN_PROCESS = "KINOSHELF_TEST_MAIN_PROCESS"
SERVER_SECONDS = 20
WHOLE_SERVER = frozenset({"server", "server_process", "page", "phone_page"})


def pytest_configure(config: pytest.Config) -> None:
    # What the developer has set for their own hub, and the proxy of the network, have no say here.
    ours = {variable for leaf in leaves() for name in leaf.variables for variable in (name, f"{name}_FILE")}
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    for name in list(os.environ):
        if name in ours or name.lower() in proxies:
            del os.environ[name]
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="kinoshelf-tests-"))
        # PostgreSQL runs as another user where the tests run as root.
        folder.chmod(0o755)
        os.environ[SESSION_DIR], os.environ[MAIN_PROCESS] = str(folder), str(os.getpid())
        for variable, name in (("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
            os.environ[variable] = str(folder / name)
            (folder / name).mkdir()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and SESSION_DIR in os.environ:
        shutil.rmtree(os.environ[SESSION_DIR], ignore_errors=True)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return max(1, min(os.cpu_count() or 1, 8))


@pytest.fixture(scope="session")
def session_dir() -> Path:
    """A folder all workers of this run share."""
    return Path(os.environ[SESSION_DIR])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("databases")
    if mark:
        kinds = mark.args
    elif WHOLE_SERVER.intersection(metafunc.fixturenames):
        kinds = ("sqlite",)
    else:
        kinds = ("sqlite", "postgres")
    metafunc.parametrize("database_kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in kinds])


@pytest.fixture(scope="session")
def cluster(session_dir: Path) -> Cluster:
    """The PostgreSQL server of this run."""
    binaries = services.find_postgresql()
    if binaries is None:
        pytest.skip("PostgreSQL is not here and could not be brought")
    return shared_cluster(session_dir, binaries, int(os.environ[MAIN_PROCESS]))


@pytest.fixture(scope="session")
def sqlite_template(session_dir: Path) -> Path:
    """A migrated, empty database file to copy."""
    folder = session_dir / "sqlite"
    with locked(session_dir / "sqlite.lock"):
        if not folder.exists():
            beside = session_dir / "sqlite.new"
            _migrated(address_of(beside, ""), beside)
            beside.rename(folder)
    return folder / "kinoshelf.db"


@pytest.fixture(scope="session")
def postgres_template(session_dir: Path, cluster: Cluster) -> str:
    """The name of a migrated, empty database to copy."""
    done = session_dir / "postgres-template"
    with locked(session_dir / "postgres-template.lock"):
        if not done.exists():
            name = cluster.create()
            _migrated(address_of(session_dir, cluster.url(name)), session_dir)
            cluster.rename(name, TEMPLATE)
            done.touch()
    return TEMPLATE


def _migrated(url: Any, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    database = Database(url)
    try:
        migrate(database, folder)
    finally:
        database.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Configured address of a database without tables; empty for SQLite in `data_dir`."""
    yield from _database(database_kind, request, template=None)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Configured address of a migrated, empty database; empty for SQLite in `data_dir`."""
    yield from _database(database_kind, request, template="migrated")


def _database(kind: str, request: pytest.FixtureRequest, template: str | None) -> Iterator[str]:
    if kind == "sqlite":
        if template:
            source: Path = request.getfixturevalue("sqlite_template")
            shutil.copyfile(source, request.getfixturevalue("data_dir") / source.name)
        yield ""
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create(template=request.getfixturevalue("postgres_template") if template else "template0")
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Clock:
    """A frozen clock; that of the system where a server runs. Marks `frozen_clock`, `system_clock` choose."""
    if request.node.get_closest_marker("frozen_clock"):
        return FrozenClock()
    if request.node.get_closest_marker("system_clock") or WHOLE_SERVER.intersection(request.fixturenames):
        return SystemClock()
    return FrozenClock()


@pytest.fixture
def environ(data_dir: Path, tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment the hub is opened with; a mark `environ(KINOSHELF_X="…")` adds to it."""
    found = {
        "KINOSHELF_DATA_DIR": str(data_dir),
        "KINOSHELF_CONFIG_DIR": str(tmp_path / "config"),
        "KINOSHELF_DOWNLOAD_DIR": str(tmp_path / "downloads"),
        "KINOSHELF_DATABASE_URL": database_url,
        "KINOSHELF_TIMEZONE": "UTC",
        "KINOSHELF_PORT": "0",
    }
    for mark in reversed(list(request.node.iter_markers("environ"))):
        found.update(mark.kwargs)
    return found


@pytest.fixture
def store(environ: dict[str, str]) -> SettingsStore:
    return SettingsStore.load(environ)


@pytest.fixture
def make_hub(environ: dict[str, str], clock: Clock) -> Iterator[Callable[..., Hub]]:
    """Open further hubs on the same state, as other processes would: `make_hub(Role.WORKER, KINOSHELF_X="…")`."""
    with ExitStack() as stack:

        def make(role: Role = Role.COMMAND, *, clock: Clock = clock, **changes: str) -> Hub:
            hub = open_hub(SettingsStore.load({**environ, **changes}), role, clock)
            stack.callback(hub.close)
            return hub

        yield make


@pytest.fixture
def hub(store: SettingsStore, clock: Clock) -> Iterator[Hub]:
    """An open hub that is not started: no thread of its own runs."""
    hub = open_hub(store, Role.COMMAND, clock)
    yield hub
    hub.close()


@pytest.fixture
def database(hub: Hub) -> Database:
    return hub.database


@dataclass(frozen=True)
class Server:
    """The real application on a thread of this process."""

    base_url: str
    hub: Hub

    @property
    def ws_url(self) -> str:
        return self.base_url.replace("http", "ws", 1)


@pytest.fixture
def server(store: SettingsStore, clock: Clock) -> Iterator[Server]:
    """The application served by uvicorn on a free port of 127.0.0.1; its hub is started."""
    hub = open_hub(store, Role.SERVER, clock)
    with _bound() as listening:
        running = uvicorn.Server(
            uvicorn.Config(create_app(hub), ws_per_message_deflate=False, log_config=None, timeout_graceful_shutdown=5)
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, name="server")
        thread.start()
        try:
            _wait(lambda: running.started or not thread.is_alive(), "the server starts")
            assert running.started, "the server ended while starting"
            yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", hub)
        finally:
            running.should_exit = True
            thread.join(timeout=SERVER_SECONDS)
        assert not thread.is_alive(), "the server did not end"


def _bound() -> Any:
    import socket

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


def _wait(condition: Callable[[], bool], what: str, seconds: float = SERVER_SECONDS) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition instead of sleeping: `wait_until(lambda: …, "what is awaited", seconds=5)`."""
    return _wait


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """An HTTP client of `server`, on this machine and without credentials."""
    with httpx2.Client(base_url=server.base_url, timeout=20) as client:
        yield client


@dataclass
class ServerProcess:
    """`python -m kinoshelf serve` as a process of its own. It keeps its port and its data when started again."""

    environ: dict[str, str]
    log_file: Path
    arguments: tuple[str, ...] = ("serve",)
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not self.port:
            with _bound() as probe:
                self.port = probe.getsockname()[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> ServerProcess:
        """Start it and wait until /health answers 200 (a worker: until it runs)."""
        assert not self.is_running
        env = {**os.environ, **self.environ, "KINOSHELF_PORT": str(self.port)}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kinoshelf", *self.arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if self.arguments[0] == "serve":
            _wait(lambda: not self.is_running or self._is_healthy(), "the server answers /health")
        assert self.is_running, f"the process ended:\n{self.log}"
        return self

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=SERVER_SECONDS)

    def stop(self) -> int:
        """End it politely; return its exit status."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.terminate()
        return self.process.wait(timeout=SERVER_SECONDS)

    def restart(self) -> ServerProcess:
        """Kill it and start it again on the same data."""
        self.kill()
        return self.start()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def _is_healthy(self) -> bool:
        try:
            return httpx2.get(f"{self.base_url}/health", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


@pytest.fixture
def server_process(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Start real processes on the same state: `server_process(KINOSHELF_X="…")`, `server_process("worker")`."""
    started: list[ServerProcess] = []

    def start(*arguments: str, **changes: str) -> ServerProcess:
        log_file = tmp_path / f"process-{len(started)}.log"
        one = ServerProcess({**environ, **changes}, log_file, arguments or ("serve",))
        started.append(one)
        return one.start()

    yield start
    for one in started:
        if one.is_running:
            one.kill()


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """A real nginx, shared by the tests of a worker: give files names of their own."""
    program = services.find_nginx()
    if program is None:
        pytest.skip("nginx is not here and could not be brought")
    with Nginx(program, tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    """A server that misbehaves as told."""
    with FaultyServer() as running:
        yield running


# A module holds the browser no longer than it runs: Playwright keeps an event loop in this thread, beside which
# pytest-asyncio cannot open one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = services.find_chromium()
    if program is None:
        pytest.skip("Chromium is not here and could not be brought")
    from tests.simulators.browser import open_browser

    with open_browser(program) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A page of a desktop browser, relative to `server`."""
    from tests.simulators.browser import DESKTOP, open_page

    with open_page(browser, server.base_url, **DESKTOP) as page:
        yield page


@pytest.fixture
def phone_page(browser: Any, server: Server) -> Iterator[Any]:
    """A page of a phone's browser, relative to `server`."""
    from tests.simulators.browser import PHONE, open_page

    with open_page(browser, server.base_url, **PHONE) as page:
        yield page


@dataclass
class ExpectedLogs:
    """Warnings and errors a test expects, by the event's name or by a pattern of it."""

    records: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Level, event and keywords of every warning and error so far."""
    _required: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def expect(self, *events: str) -> None:
        """These must be logged before the test ends."""
        self._required += events

    def allow(self, *events: str) -> None:
        """These may be logged."""
        self._allowed += events

    def judge(self) -> None:
        seen = [event for _, event, _ in self.records]
        unexpected = [
            record
            for record in self.records
            if not any(re.fullmatch(name, record[1]) for name in (*self._required, *self._allowed))
        ]
        missing = [name for name in self._required if not any(re.fullmatch(name, event) for event in seen)]
        assert not unexpected, f"unexpected warnings or errors in the log: {unexpected}"
        assert not missing, f"not logged: {missing}"


@pytest.fixture(autouse=True)
def expected_logs() -> Iterator[ExpectedLogs]:
    """Collect what is logged as WARNING or worse; fail on what the test did not expect."""
    expected = ExpectedLogs()
    make_record = logging.getLogRecordFactory()
    root = logging.getLogger()
    before = (list(root.handlers), root.level)

    def collecting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        if record.levelno >= logging.WARNING:
            if isinstance(record.msg, dict):
                words = {key: value for key, value in record.msg.items() if key not in {"event", "level", "timestamp"}}
                expected.records.append((record.levelname, str(record.msg.get("event")), words))
            else:
                expected.records.append((record.levelname, record.getMessage(), {"logger": record.name}))
        return record

    # A record factory sees every record whatever handlers a program under test installs.
    logging.setLogRecordFactory(collecting)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    try:
        yield expected
    finally:
        logging.setLogRecordFactory(make_record)
        root.handlers[:], _ = before[0], root.setLevel(before[1])
    expected.judge()
