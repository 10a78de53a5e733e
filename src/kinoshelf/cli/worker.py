"""kinoshelf worker."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kinoshelf.cli.failures import Exit
from kinoshelf.cli.frame import Answer, Here, Invocation
from kinoshelf.cli.serve import Host, Port

if TYPE_CHECKING:
    from kinoshelf.app import Hub


def worker(*, host: Host = None, port: Port = None, at: Here) -> Answer:
    """Work only: downloads and jobs, beside the server or on any machine that sees its database and folders.

    With --port it answers /health there, for whatever watches over it; without, it listens nowhere.
    """
    from kinoshelf.app import Role, open_hub
    from kinoshelf.core.logging import configure

    store = at.load(host=host)
    configure(store.current.logging)
    hub = open_hub(store, Role.WORKER)
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
    stopping = threading.Event()
    received: list[int] = []

    def stop(number: int, _frame: object) -> None:
        received.append(number)
        stopping.set()

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        hub.start()
        _ready(at, hub, None)
        stopping.wait()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    return Exit.INTERRUPTED if received[:1] == [signal.SIGINT] else Exit.DONE


def _work_and_answer(at: Invocation, hub: Hub, host: str, port: int) -> Exit:
    from kinoshelf.cli.listening import Server, bound_socket, url_of
    from kinoshelf.core.access.binding import refuse_open_bind
    from kinoshelf.core.access.passwords import has_password

    refuse_open_bind(host, hub.database.run_read(has_password))
    with bound_socket(host, port) as listening:
        hub.start()
        server = Server(health_app(hub), lambda: _ready(at, hub, url_of(listening)))
        return server.serve_until_stopped(listening)


Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def health_app(hub: Hub) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """Return an application that knows one thing: whether this worker is well."""
    from kinoshelf.core.database import DatabaseUnavailable

    async def app(scope: dict[str, Any], _receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(_receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        status, document = 404, {"error": "there is only /health here"}
        if scope["path"] in {"/health", "/health/ready"}:
            try:
                await hub.database.reading(lambda session: session.connection().exec_driver_sql("SELECT 1"))
                status, document = 200, {"status": "healthy"}
            except DatabaseUnavailable:
                status, document = 503, {"status": "unhealthy"}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
