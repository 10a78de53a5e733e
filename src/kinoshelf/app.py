"""Composition root: settings → core → domains → ways in. Only the command line and the tests start from here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import structlog
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from kinoshelf import __version__
from kinoshelf.core.access.install import add_access, install_access
from kinoshelf.core.bus import ProcessBus
from kinoshelf.core.clock import Clock, SystemClock
from kinoshelf.core.container import Container
from kinoshelf.core.database import Database, database_url
from kinoshelf.core.events import EventBus
from kinoshelf.core.health import HealthChecks, add_own_checks, alive_check
from kinoshelf.core.http.status import UpstreamStatuses
from kinoshelf.core.jobs.queries import count_jobs_by_state
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.jobs.runner import JobRunner
from kinoshelf.core.jobs.tidy import Tidy
from kinoshelf.core.metrics import Metrics, RequestWatch
from kinoshelf.core.migrate import migrate
from kinoshelf.core.processes import ProcessSeat
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.settings_events import follow_settings
from kinoshelf.discs.csv_import.imports import ImportDiscs, tidy_imports
from kinoshelf.discs.looking_up import LookUp
from kinoshelf.discs.pasting import PasteTitles
from kinoshelf.discs.queries import count_by_status as count_discs_by_status
from kinoshelf.discs.refresh import RefreshDiscs
from kinoshelf.discs.refresh import remove_old as remove_old_refreshes
from kinoshelf.discs.torrents import Torrents
from kinoshelf.downloads.adding import AddDownloads
from kinoshelf.downloads.jobs import ClearHistory
from kinoshelf.downloads.progress import ProgressBoard
from kinoshelf.downloads.queries import count_by_state
from kinoshelf.images.folder import ImageFolder
from kinoshelf.images.index import ArtworkIndex
from kinoshelf.images.queries import count_artwork_by_state, originals_bytes
from kinoshelf.images.sizes import TMDB
from kinoshelf.images.store import ArtworkStore
from kinoshelf.images.tidying import TidyArtwork
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.titles.jobs import RefreshFacts
from kinoshelf.titles.kept import remove_old_answers
from kinoshelf.titles.models import Title

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kinoshelf.downloads.engine import Engine

log = structlog.get_logger()
S = TypeVar("S", bound=str)


class Role(StrEnum):
    SERVER = "server"
    WORKER = "worker"
    COMMAND = "command"


@dataclass
class Hub:
    """Everything one process is made of. `open_hub` builds it, `start` sets it in motion, `close` ends it."""

    role: Role
    store: SettingsStore
    clock: Clock
    database: Database
    events: EventBus
    seat: ProcessSeat
    bus: ProcessBus
    jobs: JobRunner
    health: HealthChecks
    container: Container = field(default_factory=Container)
    engine: Engine | None = None
    artwork: ArtworkStore | None = None
    started_at: datetime | None = None

    def start(self) -> None:
        """Listen to the other processes and begin to work, as the role asks."""
        self.started_at = self.clock.now()
        if self.role is not Role.COMMAND:
            self.seat.take()
            self.bus.start()
            self.jobs.start()
            if self.engine is not None:
                self.engine.start()
            if self.artwork is not None:
                self.artwork.start()
        self.health.started(self.started_at)

    def close(self) -> None:
        self.health.stopping()
        self.jobs.stop()
        if self.engine is not None:
            self.engine.stop()
        if self.artwork is not None:
            self.artwork.stop()
        self.bus.stop()
        self.seat.leave()
        self.database.close()


def open_hub(store: SettingsStore, role: Role, clock: Clock | None = None) -> Hub:
    """Build the process: open the database, bring it to this version, wire the domains.

    Raises NotConfigured or InvalidInput with a sentence a person understands.
    """
    settings = store.current
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = clock or SystemClock()
    events = EventBus()
    database = Database(database_url(settings.data_dir, settings.database_url.get_secret_value()), events)
    database.warn_of_old_sqlite()
    migrate(database, settings.data_dir)
    seat = ProcessSeat(settings.data_dir, role.value)
    registry = JobRegistry()
    jobs = JobRunner(database, clock, seat.name, registry, data_dir=settings.data_dir, zone=lambda: store.current.zone)
    bus = ProcessBus(database, settings.data_dir, seat.name)
    hub = Hub(role, store, clock, database, events, seat, bus, jobs, HealthChecks(clock))
    for thing in (store, database, events, bus, registry, jobs, hub.health, Metrics()):
        hub.container.add(thing)
    hub.container.add(clock, as_type=Clock)
    follow_settings(store, events)
    add_access(hub.container)
    add_work(hub)
    add_downloads(hub)
    add_artwork(hub)
    add_titles(hub)
    add_discs(hub)
    add_disc_csv(hub)
    return hub


def add_work(hub: Hub) -> None:
    """Wire the hub's own jobs and checks; jobs run in servers and workers only."""
    hub.container.add(Tidy(hub.database, hub.clock)).register(hub.container.get(JobRegistry))
    hub.store.on_change(lambda _settings: hub.jobs.follow_time_zone())
    hub.bus.on_gap(hub.jobs.wake)
    add_own_checks(hub.health, hub.database, hub.store.current.data_dir)
    _add_counts(hub, "jobs", "Background jobs by state.", count_jobs_by_state)
    if hub.role is not Role.COMMAND:
        hub.health.add(
            "jobs",
            alive_check("the background work", lambda: hub.jobs.is_alive, lambda: {"running": hub.jobs.running_count}),
        )
        hub.health.add(
            "engine", alive_check("the download engine", lambda: hub.engine is not None and hub.engine.is_alive)
        )


def add_downloads(hub: Hub) -> None:
    """Wire the download queue; the engine itself works in servers and workers only."""
    board = hub.container.add(ProgressBoard())
    hub.container.add(AddDownloads(database=hub.database, clock=hub.clock))
    ClearHistory(store=hub.store, database=hub.database, clock=hub.clock).register(hub.container.get(JobRegistry))
    _add_counts(hub, "downloads", "Downloads by state.", count_by_state)
    if hub.role is not Role.COMMAND:
        from kinoshelf.downloads.engine import Engine, take_sample

        hub.bus.on_sample(lambda sample: take_sample(board, sample))
        hub.engine = hub.container.add(
            Engine(
                store=hub.store,
                database=hub.database,
                clock=hub.clock,
                worker=hub.seat.name,
                board=board,
                bus=hub.bus,
            )
        )


def add_artwork(hub: Hub) -> None:
    """Wire the artwork store; what is looked at is fetched where pages are served or jobs run."""
    index = hub.container.add(ArtworkIndex(hub.database, hub.events))
    hub.bus.on_gap(index.forget_all)
    folder = ImageFolder(hub.store.current.data_dir / "images")
    tidy = hub.container.add(TidyArtwork(database=hub.database, clock=hub.clock, folder=folder))
    tidy.refer(select(literal(TMDB) + Title.poster_path).where(Title.poster_path.is_not(None)))
    tidy.refer(select(literal(TMDB) + Title.backdrop_path).where(Title.backdrop_path.is_not(None)))
    tidy.register(hub.container.get(JobRegistry))
    hub.artwork = hub.container.add(
        ArtworkStore(
            store=hub.store,
            database=hub.database,
            clock=hub.clock,
            index=index,
            folder=folder,
        )
    )
    _add_counts(hub, "artwork", "Pictures by state.", count_artwork_by_state)
    hub.container.get(Metrics).add_gauge(
        "artwork_bytes",
        "Bytes of the originals of pictures.",
        (),
        lambda: {(): hub.database.run_read(originals_bytes)},
    )


def add_disc_csv(hub: Hub) -> None:
    """Wire the reading of collections; large ones are read in by a job."""
    registry = hub.container.get(JobRegistry)
    imports = hub.container.add(ImportDiscs(database=hub.database, clock=hub.clock))
    imports.register(registry)
    hub.container.add(
        PasteTitles(
            database=hub.database,
            clock=hub.clock,
            catalogue=hub.container.get(Catalogue),
            look_up=hub.container.get(LookUp),
            imports=imports,
        )
    ).register(registry)
    hub.container.get(Tidy).add("disc_imports", tidy_imports)


def _add_counts(hub: Hub, name: str, description: str, count: Callable[[Session], Mapping[S, int]]) -> None:
    hub.container.get(Metrics).add_gauge(
        name,
        description,
        ("state",),
        lambda: {(state,): number for state, number in hub.database.run_read(count).items()},
    )


def add_titles(hub: Hub) -> None:
    """Wire what is known of films and series, and who is asked for it."""
    statuses = hub.container.add(UpstreamStatuses(hub.clock))
    catalogue = hub.container.add(Catalogue(store=hub.store, database=hub.database, clock=hub.clock, statuses=statuses))
    RefreshFacts(catalogue=catalogue, database=hub.database, clock=hub.clock).register(hub.container.get(JobRegistry))
    hub.container.get(Tidy).add("kept_answers", remove_old_answers)


def add_discs(hub: Hub) -> None:
    """Wire the collection: what fills it from TMDB and YTS, and its jobs."""
    container, registry = hub.container, hub.container.get(JobRegistry)
    look_up = container.add(
        LookUp(catalogue=container.get(Catalogue), database=hub.database, clock=hub.clock),
    )
    container.add(RefreshDiscs(look_up=look_up, database=hub.database, clock=hub.clock)).register(registry)
    container.add(
        Torrents(
            store=hub.store,
            database=hub.database,
            clock=hub.clock,
            statuses=container.get(UpstreamStatuses),
        )
    ).register(registry)
    container.get(Tidy).add("disc_refreshes", remove_old_refreshes)
    _add_counts(hub, "discs", "Discs by status.", count_discs_by_status)


def create_app(hub: Hub) -> FastAPI:
    """Build the ASGI application over an open hub; its lifespan starts and closes the hub."""
    # What only a server needs is loaded here: it is half of all there is, and workers and commands do without.
    from fastapi import FastAPI

    from kinoshelf.api import artwork, discs, downloads, health, series
    from kinoshelf.api.bridges.metrics import SURFACES, metrics_router
    from kinoshelf.api.docs_pages import install_docs
    from kinoshelf.core.routing import index_routes
    from kinoshelf.core.web import Surfaces
    from kinoshelf.web.errors import page_or
    from kinoshelf.web.install import install_pages

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        try:
            yield
        finally:
            # Their connections belong to this loop.
            await hub.container.get(Catalogue).aclose()
            await hub.container.get(Torrents).aclose()
            hub.close()

    app = FastAPI(
        title="Kinoshelf",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.container = hub.container
    surfaces = Surfaces(page_or(series.render_error))
    app.include_router(artwork.router)
    for router in series.ROUTERS:
        app.include_router(router)
    downloads.install_downloads_api(app, surfaces, hub.container)
    # Before the pages: they take what of /dvd asks for no JSON.
    discs.install_discs_api(app, surfaces, page_or)
    app.include_router(health.router)
    app.include_router(metrics_router())
    install_docs(app)
    install_pages(app)
    # Last: the middleware added last stands outermost.
    install_access(app, hub.container, surfaces, limited=series.PREFIXES, shared=downloads.PREFIXES)
    app.add_middleware(RequestWatch, metrics=hub.container.get(Metrics), surfaces=SURFACES)
    index_routes(app)
    return app
