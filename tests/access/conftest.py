"""Callers of every kind, and a route for every guard."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select

from kinoshelf.app import Hub, Role, create_app
from kinoshelf.core.access.guards import Anyone, LocalOrSignedIn, PageVisitor, SignedIn
from kinoshelf.core.access.keys import APIKeys
from kinoshelf.core.access.passwords import set_first_password
from tests.running import wait

PASSWORD = "Correct-horse-7"
OTHER_MACHINE = "10.0.0.5"
NEED_ROUTES = {"public": "/probe/public", "local": "/probe/local", "signed": "/probe/signed", "page": "/probe/page"}

Call = Callable[..., httpx2.AsyncClient]


def add_probes(app: FastAPI) -> FastAPI:
    """Add a route behind each guard that tells whom it saw."""

    @app.api_route("/probe/public", methods=["GET", "POST"], include_in_schema=False)
    async def probe_public(caller: Anyone) -> dict[str, Any]:
        return told(caller)

    @app.api_route("/probe/local", methods=["GET", "POST"], include_in_schema=False)
    async def probe_local(caller: LocalOrSignedIn) -> dict[str, Any]:
        return told(caller)

    @app.api_route("/probe/signed", methods=["GET", "POST"], include_in_schema=False)
    async def probe_signed(caller: SignedIn) -> dict[str, Any]:
        return told(caller)

    @app.api_route("/probe/page", methods=["GET", "POST"], include_in_schema=False)
    async def probe_page(caller: PageVisitor) -> dict[str, Any]:
        return told(caller)

    @app.post("/probe/echo")
    async def probe_echo(body: dict[str, Any], caller: Anyone) -> dict[str, Any]:
        return body

    @app.get("/probe/defect")
    async def probe_defect(caller: Anyone) -> None:
        raise ZeroDivisionError

    @app.websocket("/probe/socket")
    async def probe_socket(websocket: WebSocket, caller: LocalOrSignedIn) -> None:
        await websocket.accept()
        await websocket.send_json(told(caller))
        await websocket.close()

    def told(caller: Any) -> dict[str, Any]:
        return {
            "client": caller.client,
            "is_local": caller.is_local,
            "session": caller.session_id,
            "key": caller.key_id,
        }

    return app


@pytest.fixture
def app(hub: Hub) -> FastAPI:
    return add_probes(create_app(hub))


@pytest.fixture
async def call(app: FastAPI) -> AsyncIterator[Call]:
    """Make a client: `call()` is a program on this machine, `call(OTHER_MACHINE)` one on another."""
    async with AsyncExitStack() as stack:
        made: list[httpx2.AsyncClient] = []

        def make(
            peer: str = "127.0.0.1", *, url: str = "http://localhost:8484", to: FastAPI = app, **headers: str
        ) -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app=to, client=(peer, 50000))
            client = httpx2.AsyncClient(
                transport=transport,
                base_url=url,
                headers={name.replace("_", "-"): value for name, value in headers.items()},
            )
            made.append(client)
            return client

        async def close() -> None:
            for client in made:
                await client.aclose()

        stack.push_async_callback(close)
        yield make


def give_password(hub: Hub) -> None:
    """Set a password whose hash is cheap: the real cost is what these tests do not test."""
    password_hash = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)
    hub.database.run_write(lambda session: set_first_password(session, hub.clock, password_hash))


@pytest.fixture
def with_password(hub: Hub) -> str:
    give_password(hub)
    return PASSWORD


@pytest.fixture
def key(hub: Hub) -> str:
    return hub.container.get(APIKeys).create("sonarr").key


@pytest.fixture
def count_rows(hub: Hub) -> Callable[[type], int]:
    def count(table: type) -> int:
        with hub.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return count


@pytest.fixture
def listening_hub(make_hub: Callable[..., Hub]) -> Hub:
    """Another process of the same hub, as far as facts go: it hears, and works nothing."""
    other = make_hub(Role.SERVER)
    other.seat.take()
    other.bus.start()
    return other


async def until_refused(client: httpx2.AsyncClient, path: str, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        # The fact arrives in another process, which tells nobody.
        while (await client.get(path)).status_code != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def signed_in_with(client: httpx2.AsyncClient, *, remember: bool = False) -> str:
    """Sign in as `client`, which keeps its cookie; return the token."""
    answer = await client.post("/api/auth/login", json={"password": PASSWORD, "remember": remember})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


@contextmanager
def listening_on(app: FastAPI, address: str) -> Iterator[str]:
    """Serve `app` for real on a free port of `address`; yield host:port as a URL writes them."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", proxy_headers=False))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait(lambda: running.started, "the server starts")
            host = f"[{address}]" if ":" in address else address
            yield f"{host}:{listening.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(timeout=20)
