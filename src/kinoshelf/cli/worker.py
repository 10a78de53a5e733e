"""kinoshelf worker."""

from __future__ import annotations

import os
import signal
from queue import SimpleQueue
from typing import TYPE_CHECKING

from kinoshelf.cli.failures import Exit
from kinoshelf.cli.frame import Answer, Here, Invocation, collect_garbage, log_folder
from kinoshelf.cli.serve import Host, Port

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kinoshelf.app import Hub


def worker(*, host: Host = None, port: Port = None, at: Here) -> Answer:
    """Work only: downloads and jobs, beside the server or on any machine that sees its database and folders.

    With --port it answers /health there, for whatever watches over it; without, it listens nowhere.
    """
    from kinoshelf.app import Role, open_hub
    from kinoshelf.core.logging import configure

    store = at.load(host=host)
    configure(store.current.logging, log_folder(store.current))
    hub = open_hub(store, Role.WORKER)
    collect_garbage()
    try:
        status = _work(at, hub) if port is None else _work_and_answer(at, hub, store.current.host, port)
    finally:
        hub.close()
    return Answer(None, exit_status=status)


def _ready(at: Invocation, hub: Hub, url: str | None) -> None:
    if at.is_json:
        at.show(Answer({"pid": os.getpid(), "name": hub.seat.name, "url": url}))
    at.note(f"working{f', /health answers at {url}' if url else ''} (Ctrl-C stops it)")


def _work(at: Invocation, hub: Hub) -> Exit:
    # Not an Event: a signal that comes while wait() takes its lock would find set() waiting for the same lock for ever.
    received: SimpleQueue[int] = SimpleQueue()
    before = {
        one: signal.signal(one, lambda number, _frame: received.put(number)) for one in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        hub.start()
        _ready(at, hub, None)
        stopped_by = received.get()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    return Exit.INTERRUPTED if stopped_by == signal.SIGINT else Exit.DONE


def _work_and_answer(at: Invocation, hub: Hub, host: str, port: int) -> Exit:
    from kinoshelf.cli.listening import Server, bound_socket, url_of
    from kinoshelf.core.access.binding import refuse_open_bind
    from kinoshelf.core.access.passwords import has_password

    refuse_open_bind(host, hub.database.run_read(has_password))
    with bound_socket(host, port) as listening:
        hub.start()
        server = Server(health_app(hub), lambda: _ready(at, hub, url_of(listening)))
        return server.serve_until_stopped(listening)


def health_app(hub: Hub) -> FastAPI:
    """Return an application that knows one thing: how well this worker is."""
    from fastapi import FastAPI

    from kinoshelf.api.health import router

    app = FastAPI(title="Kinoshelf worker", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.container = hub.container
    app.include_router(router)
    return app
