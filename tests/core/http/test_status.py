from __future__ import annotations

from datetime import timedelta

from kinoshelf.core.clock import FrozenClock
from kinoshelf.core.http.errors import UpstreamLimited, UpstreamNotFound, UpstreamUnavailable
from kinoshelf.core.http.status import GRACE, STEPS, UpstreamStatuses

TROUBLE = UpstreamUnavailable("it has trouble")


class TestUpstreamStatuses:
    def test_the_first_minutes_of_trouble_do_not_block(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        for _ in range(5):
            statuses.record_failure("films", TROUBLE)
            clock.advance(30)
        assert not statuses.is_blocked("films")
        assert statuses.get("films").message == "it has trouble"

    def test_then_every_failure_waits_longer(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        statuses.record_failure("films", TROUBLE)
        clock.advance(GRACE)
        for step in STEPS[2:]:
            statuses.record_failure("films", TROUBLE)
            assert statuses.get("films").blocked_until == clock.now() + step
            assert statuses.is_blocked("films")
            clock.advance(step)
            assert not statuses.is_blocked("films")
        statuses.record_failure("films", TROUBLE)
        assert statuses.get("films").blocked_until == clock.now() + timedelta(days=1)

    def test_a_connection_that_cannot_be_made_does_not_escalate(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        for _ in range(9):
            statuses.record_failure("films", UpstreamUnavailable("nobody there", is_connection=True))
            clock.advance(timedelta(hours=1))
        assert statuses.get("films").step == 1

    def test_what_it_asks_for_is_kept_even_at_first(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        statuses.record_failure("films", UpstreamLimited("too often", retry_after_seconds=90))
        assert statuses.get("films").blocked_until == clock.now() + timedelta(seconds=90)

    def test_success_leads_back_down(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        for _ in range(4):
            statuses.record_failure("films", TROUBLE)
            clock.advance(timedelta(hours=1))
        step = statuses.get("films").step
        assert step == 4
        statuses.record_success("films")
        assert statuses.get("films").step == step - 1
        assert not statuses.is_blocked("films")
        for _ in range(step):
            statuses.record_success("films")
        assert statuses.all() == {}

    def test_an_answer_we_do_not_like_is_a_sign_of_life(self, clock: FrozenClock) -> None:
        statuses = UpstreamStatuses(clock)
        statuses.record_failure("films", TROUBLE)
        statuses.record_failure("films", UpstreamNotFound("it does not have this"))
        assert statuses.all() == {}
