"""libcurl's multi interface on an asyncio loop, with as little Python as possible for each event of a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pycurl

Ended = Callable[[pycurl.error | None], None]
# libcurl rounds its own times; to come a moment early would only mean to come again.
EARLY_SECONDS = 0.0005


class Multi:
    """Runs many transfers on the running loop. Whoever adds a handle is called once it has ended."""

    def __init__(self, kept_connections: int) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._ended: dict[Any, Ended] = {}
        self._watched: dict[int, int] = {}
        self._due: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._soon: asyncio.Handle | None = None
        self._is_closed = False
        self._loop = asyncio.get_running_loop()

    def add(self, handle: Any, ended: Ended) -> None:
        """Begin a transfer. `ended` hears None for a whole one."""
        self._ended[handle] = ended
        try:
            self._multi.add_handle(handle)
        except BaseException:
            del self._ended[handle]
            raise

    def remove(self, handle: Any) -> None:
        """End a transfer that may still run; nobody is called. Not from inside a callback of libcurl."""
        if self._ended.pop(handle, None) is not None:
            with suppress(pycurl.error):
                self._multi.remove_handle(handle)

    def close(self) -> None:
        """End all transfers and connections; those who wait hear that theirs was aborted."""
        if self._is_closed:
            return
        self._is_closed = True
        for timer in (self._alarm, self._soon):
            if timer is not None:
                timer.cancel()
        self._fail_all(pycurl.error(pycurl.E_ABORTED_BY_CALLBACK, "the engine has stopped"))
        for number, watched in list(self._watched.items()):
            self._watch(number, watched, 0)
        self._multi.close()

    # Called by libcurl.

    def _on_socket(self, what: int, number: int, _multi: Any, _attached: Any) -> None:
        wanted = 0 if what == pycurl.POLL_REMOVE else what
        watched = self._watched.get(number, 0)
        if wanted != watched and not (self._is_closed and wanted):
            self._watch(number, watched, wanted)

    def _watch(self, number: int, watched: int, wanted: int) -> None:
        loop, changed = self._loop, watched ^ wanted
        if changed & pycurl.POLL_IN:
            if wanted & pycurl.POLL_IN:
                loop.add_reader(number, self._act, number, pycurl.CSELECT_IN)
            else:
                loop.remove_reader(number)
        if changed & pycurl.POLL_OUT:
            if wanted & pycurl.POLL_OUT:
                loop.add_writer(number, self._act, number, pycurl.CSELECT_OUT)
            else:
                loop.remove_writer(number)
        if wanted:
            self._watched[number] = wanted
        else:
            self._watched.pop(number, None)

    def _on_timer(self, milliseconds: int) -> None:
        if self._is_closed:
            return
        if milliseconds < 0:
            self._due = None
            return
        if milliseconds == 0:
            # Several transfers that begin in one turn of the loop share one call.
            self._due = 0.0
            if self._soon is None:
                self._soon = self._loop.call_soon(self._now)
            return
        self._due = self._loop.time() + milliseconds / 1000
        # An alarm that rings before looks again, which is cheaper than to set a new one each time.
        if self._alarm is None or self._due < self._alarm.when():
            self._set_alarm(self._due)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(at, self._ring)

    # Called by the loop.

    def _now(self) -> None:
        self._soon = None
        if self._due is not None:
            self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _ring(self) -> None:
        self._alarm = None
        if self._due is None or self._soon is not None:
            return
        if self._due > self._loop.time() + EARLY_SECONDS:
            self._set_alarm(self._due)
        else:
            self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, number: int, events: int) -> None:
        if self._is_closed:
            return
        if number == pycurl.SOCKET_TIMEOUT:
            # libcurl sets the next one while it works.
            self._due = None
        try:
            _code, running = self._multi.socket_action(number, events)
        except pycurl.error as error:
            self._fail_all(error)
            return
        if running < len(self._ended):
            self._tell()

    def _tell(self) -> None:
        _left, whole, failed = self._multi.info_read()
        for handle in whole:
            self._end(handle, None)
        for handle, code, text in failed:
            self._end(handle, pycurl.error(code, text))

    def _end(self, handle: Any, error: pycurl.error | None) -> None:
        ended = self._ended.get(handle)
        if ended is not None:
            self.remove(handle)
            ended(error)

    def _fail_all(self, error: pycurl.error) -> None:
        for handle in list(self._ended):
            self._end(handle, error)
