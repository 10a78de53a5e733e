"""What a script stands on that uses `kinoshelf.services` and `kinoshelf.models`: one hub, opened when it is first needed.

A script has no `app.py` that builds its things and no event loop that runs them; here it borrows both. The hub takes
its settings from the environment and the configuration file as every command does, and works beside a running server.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from kinoshelf.app import Hub, Role, open_hub
from kinoshelf.core.logging import redact
from kinoshelf.core.settings import SettingsStore

T = TypeVar("T")
Close = Callable[[], Awaitable[None]]

STOP_SECONDS = 10.0


class _Script:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._hub: Hub | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closes: list[Close] = []

    def hub(self) -> Hub:
        with self._lock:
            if self._hub is None:
                _log_as_the_script_does()
                self._hub = open_hub(SettingsStore.load(), Role.COMMAND)
                atexit.register(self.close)
            return self._hub

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._running_loop()).result()

    def at_end(self, close: Close) -> None:
        with self._lock:
            self._closes.append(close)

    def close(self) -> None:
        with self._lock:
            hub, loop, thread, closes = self._hub, self._loop, self._thread, self._closes
            self._hub = self._loop = self._thread = None
            self._closes = []
        atexit.unregister(self.close)
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(_all_of(closes), loop).result(STOP_SECONDS)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STOP_SECONDS)
            loop.close()
        if hub is not None:
            hub.close()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # Of its own, so that a script which runs in an event loop can wait for it.
                self._thread = threading.Thread(target=self._loop.run_forever, name="kinoshelf-script", daemon=True)
                self._thread.start()
            return self._loop


# One a process: a script names no place where it could be handed around.
_SCRIPT = _Script()


def open_script() -> Hub:
    """Return the hub of this script; the first call opens it. Raises NotConfigured or InvalidInput in words."""
    return _SCRIPT.hub()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return what it returns, also where an event loop runs already."""
    return _SCRIPT.run(work)


def at_end(close: Close) -> None:
    """Call `close` on the loop of `run` before the hub is closed."""
    _SCRIPT.at_end(close)


def close_script() -> None:
    """Close the hub. The end of the process does it too; the next use opens another."""
    _SCRIPT.close()


async def _all_of(closes: list[Close]) -> None:
    for close in closes:
        await close()


def _log_as_the_script_does() -> None:
    """Let the script's own logging decide; without any, warnings go to standard error and nothing to its output."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            redact,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
