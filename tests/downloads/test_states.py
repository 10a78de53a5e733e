"""States of a download."""

from __future__ import annotations

import pytest

from kinoshelf.downloads.states import (
    ACTIVE,
    CANCELLABLE,
    FINAL,
    GROUPS,
    OPEN,
    PAUSABLE,
    RESUMABLE,
    RETRYABLE,
    TRANSITIONS,
    State,
    batch_state,
    group_of,
)

S = State


class TestTransitions:
    @pytest.mark.parametrize(
        ("action", "states", "target"),
        [
            ("pause", PAUSABLE, S.PAUSED),
            ("resume", RESUMABLE, S.QUEUED),
            ("retry", RETRYABLE, S.QUEUED),
            ("cancel", CANCELLABLE, S.CANCELLED),
        ],
    )
    def test_allow_what_users_may_do(self, action: str, states: frozenset[State], target: State) -> None:
        for state in states:
            assert target in TRANSITIONS[state], f"{action} of {state}"

    def test_lead_from_everywhere_to_an_end(self) -> None:
        assert TRANSITIONS.keys() == set(State)
        for state in State:
            reached, edge = {state}, [state]
            while edge:
                found = TRANSITIONS[edge.pop()] - reached
                reached |= found
                edge.extend(found)
            assert S.COMPLETED in reached

    def test_from_a_final_state_go_to_the_queue_only(self) -> None:
        for state in FINAL:
            assert TRANSITIONS[state] <= {S.QUEUED, S.CANCELLED}


class TestGroups:
    def test_hold_every_state_once(self) -> None:
        assert sorted(state for states in GROUPS.values() for state in states) == sorted(State)
        assert {group_of(state) for state in ACTIVE} == {"downloading"}
        assert set(State) == OPEN | FINAL
        assert not OPEN & FINAL


class TestBatchState:
    @pytest.mark.parametrize(
        ("counts", "state"),
        [
            ({S.DOWNLOADING: 1, S.FAILED: 5}, S.DOWNLOADING),
            ({S.EXTRACTING: 1, S.QUEUED: 5}, S.DOWNLOADING),
            ({S.WAITING: 1, S.FAILED: 1}, S.QUEUED),
            ({S.PAUSED: 1, S.FAILED: 1}, S.PAUSED),
            ({S.FAILED: 1, S.COMPLETED: 9}, S.FAILED),
            ({S.COMPLETED: 1, S.CANCELLED: 1}, S.COMPLETED),
            ({S.CANCELLED: 1}, S.CANCELLED),
            ({S.DOWNLOADING: 0, S.COMPLETED: 1}, S.COMPLETED),
            ({}, S.CANCELLED),
        ],
    )
    def test_follows_what_still_moves(self, counts: dict[State, int], state: State) -> None:
        assert batch_state(counts) is state
