"""/api/ws: the live socket."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic_core import from_json
from starlette.websockets import WebSocket, WebSocketDisconnect

from kinoshelf.api.downloads.clients import Client
from kinoshelf.api.downloads.feed import LiveFeed, frame
from kinoshelf.core.access.guards import LocalOrSignedIn
from kinoshelf.core.web import use

router = APIRouter(tags=["live"])

LONGEST_MESSAGE = 4096
MESSAGE_TOO_BIG = 1009
PONG = frame("PONG")


@router.websocket("/api/ws")
async def live(
    websocket: WebSocket,
    caller: LocalOrSignedIn,
    feed: Annotated[LiveFeed, Depends(use(LiveFeed))],
    sync: Annotated[str, Query()] = "",
) -> None:
    """Send what happens to downloads. With `?sync=page` the first message holds counts instead of every task."""
    await websocket.accept()
    client = feed.join(caller, is_page=sync == "page")
    work = [asyncio.create_task(_send(websocket, client)), asyncio.create_task(_listen(websocket, client))]
    try:
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.leave(client)
        for task in work:
            task.cancel()
        await asyncio.wait(work)
    if client.close_code is not None:
        await websocket.close(client.close_code)


async def _send(websocket: WebSocket, client: Client) -> None:
    try:
        while (told := await client.next_frame()) is not None:
            await websocket.send_text(told)
    except WebSocketDisconnect:
        return


async def _listen(websocket: WebSocket, client: Client) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        content = message.get("text") or message.get("bytes") or ""
        if len(content) > LONGEST_MESSAGE:
            client.close(MESSAGE_TOO_BIG)
            return
        if _is_ping(content):
            client.answer(PONG)


def _is_ping(content: str | bytes) -> bool:
    """Tell whether a message asks for an answer. All else listeners say is of no interest here."""
    try:
        message: Any = from_json(content)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("action") == "ping"
