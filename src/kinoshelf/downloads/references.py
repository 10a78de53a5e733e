"""Finding downloads and batches by what a person types: an id, the beginning of one, or the name of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from kinoshelf.downloads.models import Batch, Download
from kinoshelf.downloads.states import OPEN, State

CHUNK = 500
SHORTEST_PREFIX = 4
# Enough candidates to name in a sentence.
MOST_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class Found:
    """The ids that typed words mean, and the words that mean nothing or too much."""

    ids: tuple[str, ...]
    not_found: tuple[str, ...]
    ambiguous: dict[str, list[str]]


def find_downloads(session: Session, words: Sequence[str]) -> Found:
    """Find each word as an id, else as the beginning of exactly one; in the order of `words`, each id once."""
    wanted = list(dict.fromkeys(words))
    exact: set[str] = set()
    for begin in range(0, len(wanted), CHUNK):
        exact.update(session.scalars(select(Download.id).where(Download.id.in_(wanted[begin : begin + CHUNK]))))
    ids: list[str] = []
    not_found: list[str] = []
    ambiguous: dict[str, list[str]] = {}
    for word in wanted:
        candidates = [word] if word in exact else _beginning_with(session, word)
        if len(candidates) == 1:
            ids.append(candidates[0])
        elif candidates:
            ambiguous[word] = candidates
        else:
            not_found.append(word)
    return Found(tuple(dict.fromkeys(ids)), tuple(not_found), ambiguous)


def _beginning_with(session: Session, word: str) -> list[str]:
    if len(word) < SHORTEST_PREFIX:
        return []
    matching = Download.id.startswith(word.lower(), autoescape=True)
    return list(session.scalars(select(Download.id).where(matching).order_by(Download.id).limit(MOST_CANDIDATES)))


def find_batches(session: Session, word: str) -> list[str]:
    """Return the ids of the batches `word` can mean: by id, else by name, else by the beginning of the id."""
    exact = list(session.scalars(select(Batch.id).where(Batch.id == word)))
    if exact:
        return exact
    newest_first = select(Batch.id).order_by(Batch.created_at.desc(), Batch.id).limit(MOST_CANDIDATES)
    named = list(session.scalars(newest_first.where(Batch.name == word)))
    if named or len(word) < SHORTEST_PREFIX:
        return named
    return list(session.scalars(newest_first.where(Batch.id.startswith(word, autoescape=True))))


def states_of(session: Session, ids: Sequence[str]) -> dict[str, State]:
    found: dict[str, State] = {}
    for begin in range(0, len(ids), CHUNK):
        query = select(Download.id, Download.state).where(Download.id.in_(ids[begin : begin + CHUNK]))
        found.update({row.id: State(row.state) for row in session.execute(query)})
    return found


FOLLOWED = (
    Download.id,
    Download.state,
    Download.filename,
    Download.size_bytes,
    Download.downloaded_bytes,
    Download.error_message,
    Download.wait_until,
)


QUEUE_ORDER = (Download.priority.desc(), Download.position)


def followed_open(session: Session) -> list[Row[Any]]:
    """Return what a watcher shows of every download that is not final, in queue order."""
    is_open = Download.state.in_(sorted(OPEN))
    return list(session.execute(select(*FOLLOWED).where(is_open).order_by(*QUEUE_ORDER)))


def followed(session: Session, ids: Sequence[str]) -> list[Row[Any]]:
    """Return the same of the downloads of `ids` that exist."""
    rows: list[Row[Any]] = []
    for begin in range(0, len(ids), CHUNK):
        chunk = Download.id.in_(ids[begin : begin + CHUNK])
        rows.extend(session.execute(select(*FOLLOWED).where(chunk).order_by(*QUEUE_ORDER)))
    return rows
