"""The states of a download and who may move it where. Pure."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    DOWNLOADING = "downloading"
    PAUSED = "paused"
    WAITING = "waiting"
    EXTRACTING = "extracting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


S = State

TRANSITIONS: dict[State, frozenset[State]] = {
    S.QUEUED: frozenset({S.STARTING, S.PAUSED, S.CANCELLED}),
    S.STARTING: frozenset({S.DOWNLOADING, S.PAUSED, S.FAILED, S.CANCELLED, S.WAITING, S.QUEUED}),
    S.DOWNLOADING: frozenset({S.PAUSED, S.COMPLETED, S.FAILED, S.CANCELLED, S.WAITING, S.EXTRACTING, S.QUEUED}),
    S.PAUSED: frozenset({S.QUEUED, S.CANCELLED}),
    S.WAITING: frozenset({S.QUEUED, S.STARTING, S.PAUSED, S.FAILED, S.CANCELLED}),
    S.EXTRACTING: frozenset({S.COMPLETED, S.FAILED, S.CANCELLED, S.QUEUED}),
    S.COMPLETED: frozenset({S.QUEUED}),
    S.FAILED: frozenset({S.QUEUED, S.CANCELLED}),
    S.CANCELLED: frozenset({S.QUEUED}),
    S.SKIPPED: frozenset({S.QUEUED}),
}

ACTIVE = frozenset({S.STARTING, S.DOWNLOADING, S.EXTRACTING})
FINAL = frozenset({S.COMPLETED, S.FAILED, S.CANCELLED, S.SKIPPED})
OPEN = frozenset(S) - FINAL

# What the user may do, by the state the download is in.
PAUSABLE = frozenset({S.QUEUED, S.STARTING, S.DOWNLOADING, S.WAITING})
RESUMABLE = frozenset({S.PAUSED, S.WAITING, S.SKIPPED})
RETRYABLE = frozenset({S.WAITING, S.COMPLETED, S.FAILED, S.CANCELLED, S.SKIPPED})
CANCELLABLE = frozenset({S.QUEUED, S.STARTING, S.DOWNLOADING, S.PAUSED, S.WAITING, S.EXTRACTING, S.FAILED})

# The groups a person filters by; their counts and their filters agree.
GROUPS: dict[str, frozenset[State]] = {
    "downloading": ACTIVE,
    "queued": frozenset({S.QUEUED, S.WAITING}),
    "paused": frozenset({S.PAUSED}),
    "completed": frozenset({S.COMPLETED}),
    "failed": frozenset({S.FAILED}),
    "cancelled": frozenset({S.CANCELLED, S.SKIPPED}),
}


def group_of(state: State) -> str:
    return next(name for name, states in GROUPS.items() if state in states)


def batch_state(counts: dict[State, int]) -> State:
    """Return the state of a batch: what still moves decides before what failed."""
    if any(counts.get(state) for state in ACTIVE):
        return S.DOWNLOADING
    if counts.get(S.QUEUED) or counts.get(S.WAITING):
        return S.QUEUED
    if counts.get(S.PAUSED):
        return S.PAUSED
    if counts.get(S.FAILED):
        return S.FAILED
    if counts.get(S.COMPLETED):
        return S.COMPLETED
    return S.CANCELLED
