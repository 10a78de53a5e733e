"""One listener of the live socket and the frames that wait for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from kinoshelf.core.access.gate import Caller

# What waits beyond this is thrown away, and the listener gets everything anew once it reads again.
MOST_FRAMES = 1_000
MOST_CHARACTERS = 4 * 1024 * 1024


class Step(Enum):
    """Where a listener stands on its way to the whole picture."""

    WANTS_ALL = auto()
    """It shall get everything; what changes until then is part of that."""
    AWAITS_ALL = auto()
    """Everything is being read for it; what changes meanwhile comes after."""
    FOLLOWS = auto()
    LAGS = auto()
    """It reads too slowly; nothing more is kept for it until it has read what is on its way."""


class Client:
    """A bounded queue of frames. All listeners share the frames: one that waits here costs a reference.

    `wish` is called when the listener wants everything anew.
    """

    def __init__(self, caller: Caller, *, is_page: bool, wish: Callable[[], None]) -> None:
        self.caller = caller
        self.is_page = is_page
        """It shows one page of the list and reads that itself: it is told when to, instead of everything."""
        self.step = Step.WANTS_ALL
        self.close_code: int | None = None
        self._wish = wish
        # Each with what it counts towards the limit; everything counts nothing, it would never fit.
        self._frames: deque[tuple[str, int]] = deque()
        self._later: deque[tuple[str, int]] = deque()
        self._waiting_characters = 0
        self._is_ready = asyncio.Event()

    def push(self, frame: str) -> None:
        """Let a frame wait. When too many do, all are thrown away, and everything comes anew later."""
        if self.step in {Step.WANTS_ALL, Step.LAGS}:
            return
        waiting = self._later if self.step is Step.AWAITS_ALL else self._frames
        self._waiting_characters += len(frame)
        if len(waiting) >= MOST_FRAMES or self._waiting_characters > MOST_CHARACTERS:
            self._throw_away(Step.WANTS_ALL if self.step is Step.AWAITS_ALL else Step.LAGS)
            return
        waiting.append((frame, len(frame)))
        self._is_ready.set()

    def want_all(self) -> None:
        """Everything shall come instead of what waits."""
        if self.step is not Step.LAGS:
            self._throw_away(Step.WANTS_ALL)

    def await_all(self) -> None:
        self.step = Step.AWAITS_ALL

    def give_all(self, *frames: str) -> None:
        """Hand over everything, and after it what has changed since it was begun."""
        if self.step is Step.AWAITS_ALL:
            self.step = Step.FOLLOWS
            self._frames.extend((frame, 0) for frame in frames)
            self._frames.extend(self._later)
            self._later.clear()
            self._is_ready.set()

    def answer(self, frame: str) -> None:
        """Answer a message of the listener. One that asks faster than it reads gets no answer."""
        if len(self._frames) < MOST_FRAMES:
            self._frames.append((frame, 0))
            self._is_ready.set()

    def close(self, code: int) -> None:
        self.close_code = code
        self._is_ready.set()

    async def next_frame(self) -> str | None:
        """Wait for the next frame to send; None when the connection is to be closed."""
        while True:
            if self.close_code is not None:
                return None
            if self._frames:
                frame, counted = self._frames.popleft()
                self._waiting_characters -= counted
                return frame
            if self.step is Step.LAGS:
                # Whoever sends is back, so the listener has taken what was on its way.
                self.step = Step.WANTS_ALL
                self._wish()
            self._is_ready.clear()
            await self._is_ready.wait()

    def _throw_away(self, step: Step) -> None:
        self.step = step
        self._frames.clear()
        self._later.clear()
        self._waiting_characters = 0
