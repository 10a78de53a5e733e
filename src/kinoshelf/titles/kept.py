"""Answers that are kept, and questions that are asked once however many want to know."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database, wait_turn
from kinoshelf.core.http.errors import UpstreamUnavailable
from kinoshelf.core.jobs.queue import rows_changed
from kinoshelf.titles.models import KeptAnswer

log = structlog.get_logger()

# An answer that is too old is still better than none, while nobody can be asked.
KEEP_OLD = timedelta(days=30)

Fetch = Callable[[], Awaitable[bytes]]


def question(upstream: str, path: str, parameters: Mapping[str, object]) -> str:
    """Return the key of a question: the same for the same, whatever the order of its parameters."""
    text = json.dumps([upstream, path, sorted((name, str(value)) for name, value in parameters.items())])
    return hashlib.sha256(text.encode()).hexdigest()


class KeptAnswers:
    """Holds answers in the database, for all processes of the hub."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._asking: dict[str, Future[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, key: str, lifetime: timedelta, fetch: Fetch, *, fresh: bool = False) -> bytes:
        """Return the kept answer, or ask and keep what comes; `fresh` asks in any case.

        While the upstream cannot be reached an old answer is given, but not to who wants a fresh one.
        """
        kept = None if fresh else await self._database.reading(lambda session: _find(session, key))
        if kept is not None and self._clock.now() < kept.expires_at:
            return kept.body
        try:
            return await self._asked_once(key, lifetime, fetch)
        except UpstreamUnavailable as error:
            if kept is None:
                raise
            log.info("titles.old_answer_used", error=error.message)
            return kept.body

    async def _asked_once(self, key: str, lifetime: timedelta, fetch: Fetch) -> bytes:
        with self._lock:
            shared = self._asking.get(key)
            if shared is None:
                shared = self._asking[key] = Future()
                # A task of its own: who asked first may go away, the others still wait.
                task = asyncio.get_running_loop().create_task(self._ask(key, lifetime, fetch, shared))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        waiting = asyncio.wrap_future(shared)
        waiting.add_done_callback(_look_at)
        return await asyncio.shield(waiting)

    async def _ask(self, key: str, lifetime: timedelta, fetch: Fetch, shared: Future[bytes]) -> None:
        try:
            body = await fetch()
            now = self._clock.now()
            await self._database.writing(lambda session: _keep(session, key, body, now, now + lifetime))
        except Exception as error:
            self._end(key)
            shared.set_exception(error)
        except BaseException:
            # The loop ends. Callers on other loops must not wait for ever.
            self._end(key)
            shared.set_exception(UpstreamUnavailable("the question was broken off; ask again"))
            raise
        else:
            self._end(key)
            shared.set_result(body)

    def _end(self, key: str) -> None:
        with self._lock:
            del self._asking[key]


def _look_at(waiting: asyncio.Future[bytes]) -> None:
    """Whoever waited may be gone: a failure nobody looks at would be reported as a defect."""
    if not waiting.cancelled():
        waiting.exception()


def remove_old_answers(session: Session, now: datetime) -> int:
    """Remove what is too old even for bad times; return how many went."""
    return rows_changed(session, delete(KeptAnswer).where(KeptAnswer.expires_at < now - KEEP_OLD))


def _find(session: Session, key: str) -> KeptAnswer | None:
    return session.get(KeptAnswer, key)


def _keep(session: Session, key: str, body: bytes, now: datetime, expires_at: datetime) -> None:
    # Another process may keep the answer to the same question at this moment.
    wait_turn(session, f"kept_answers.{key}")
    row = session.get(KeptAnswer, key)
    if row is None:
        session.add(KeptAnswer(key=key, body=body, fetched_at=now, expires_at=expires_at))
    else:
        row.body, row.fetched_at, row.expires_at = body, now, expires_at
