"""What every test stands on. Read CONTRIBUTING.md, «Tests», for how to choose among the fixtures.

No test reaches the network beyond this machine, warnings are errors, a logged warning or error fails the test unless
it expects it. `hub`, `store` and everything above them run once on SQLite and once on PostgreSQL; tests that start the
whole server run on SQLite unless marked `databases("sqlite", "postgres")`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest

from kinoshelf.app import Hub, Role, open_hub
from kinoshelf.core.clock import Clock, FrozenClock, SystemClock
from kinoshelf.core.database import Database
from kinoshelf.core.database import database_url as address_of
from kinoshelf.core.migrate import migrate
from kinoshelf.core.settings import SettingsStore, leaves
from tests import services
from tests.logs import ExpectedLogs, collected
from tests.running import Server, ServerProcess, served, wait
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import Nginx
from tests.simulators.postgresql import TEMPLATE, Cluster, locked, shared_cluster
from tests.simulators.tmdb import TMDBSimulator

# Told to the workers by the environment; the settings of the hub know no such name.
SESSION_DIR = "KINOSHELF_TEST_SESSION_DIR"
MAIN_PROCESS = "KINOSHELF_TEST_MAIN_PROCESS"
# A busy machine is no finding.
hypothesis.settings.register_profile("kinoshelf", deadline=None)
hypothesis.settings.load_profile("kinoshelf")
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
def cluster(session_dir: Path) -> Iterator[Cluster]:
    """The PostgreSQL server of this run."""
    binaries = services.find_postgresql()
    if binaries is None:
        pytest.skip("PostgreSQL is not here and could not be brought")
    with closing(shared_cluster(session_dir, binaries, int(os.environ[MAIN_PROCESS]))) as running:
        yield running


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
    if template:
        name = cluster.lend(request.getfixturevalue("postgres_template"))
        yield cluster.url(name)
        cluster.take_back(name)
    else:
        name = cluster.create()
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
    if "tmdb" in request.fixturenames:
        found.update(request.getfixturevalue("tmdb").environ)
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


@pytest.fixture
def server(store: SettingsStore, clock: Clock) -> Iterator[Server]:
    """The application served by uvicorn on a free port of 127.0.0.1; its hub is started."""
    with served(open_hub(store, Role.SERVER, clock)) as running:
        yield running


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition instead of sleeping: `wait_until(lambda: …, "what is awaited", seconds=5)`."""
    return wait


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """An HTTP client of `server`, on this machine and without credentials."""
    with httpx2.Client(base_url=server.base_url, timeout=20) as client:
        yield client


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
def tmdb() -> Iterator[TMDBSimulator]:
    """A local TMDB; the hub of the test asks it."""
    with TMDBSimulator() as running:
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


@pytest.fixture(autouse=True)
def expected_logs() -> Iterator[ExpectedLogs]:
    """Collect what is logged as WARNING or worse; fail on what the test did not expect."""
    with collected() as expected:
        yield expected
    expected.judge()
