"""When a failure is tried again."""

from __future__ import annotations

import pytest

from kinoshelf.downloads.retry import MAX_RETRY_AFTER_SECONDS, RULES, Cause, Failure, failure_of_status, retry_delay


class TestFailureOfStatus:
    @pytest.mark.parametrize(
        ("statuses", "cause"),
        [
            ((401, 402, 407), Cause.ACCOUNT),
            ((403, 404, 410), Cause.LINK_EXPIRED),
            ((408,), Cause.REQUEST_TIMEOUT),
            ((416,), Cause.RANGES),
            ((420, 425, 429), Cause.RATE_LIMITED),
            ((451,), Cause.GONE),
            ((500, 502, 503, 504, 520, 599, 999), Cause.SERVER),
            ((400, 405, 406, 418, 0, 100, 204, 304), Cause.REJECTED),
        ],
    )
    def test_names_the_cause(self, statuses: tuple[int, ...], cause: Cause) -> None:
        for status in statuses:
            failure = failure_of_status(status, 7, "Reason")
            assert failure.cause is cause
            assert f"{status} Reason" in failure.sentence
            assert failure.must_restart is (cause is Cause.RANGES)


class TestRetryDelay:
    @pytest.mark.parametrize(
        ("cause", "retries", "seconds"),
        [
            (Cause.TIMEOUT, 20, 5),
            (Cause.BROKEN, 10, 3),
            (Cause.REFUSED, 5, 10),
            (Cause.DNS, 5, 10),
            (Cause.NO_ROUTE, 10, 10),
            (Cause.TLS, 3, 10),
            (Cause.LINK_EXPIRED, 3, 5),
            (Cause.RATE_LIMITED, 10, 30),
            (Cause.UNKNOWN, 3, 5),
        ],
    )
    def test_is_what_users_were_promised(self, cause: Cause, retries: int, seconds: int) -> None:
        assert (RULES[cause].retries, RULES[cause].delay_seconds) == (retries, seconds)

    @pytest.mark.parametrize("cause", Cause)
    def test_ends_after_the_tries_of_the_cause(self, cause: Cause) -> None:
        rule, failure = RULES[cause], Failure(cause, "")
        for number in range(rule.retries):
            assert retry_delay(failure, {cause: number}, None) == rule.delay_seconds
        assert retry_delay(failure, {cause: rule.retries}, None) is None

    def test_counts_each_cause_for_itself(self) -> None:
        assert retry_delay(Failure(Cause.REFUSED, ""), {Cause.TIMEOUT: 20, Cause.STALLED: 20}, None) == 10

    def test_keeps_to_the_limit_of_the_user(self) -> None:
        assert retry_delay(Failure(Cause.REFUSED, ""), {Cause.TIMEOUT: 1}, 2) is not None
        assert retry_delay(Failure(Cause.REFUSED, ""), {Cause.TIMEOUT: 1, Cause.DNS: 1}, 2) is None
        assert retry_delay(Failure(Cause.REFUSED, ""), {}, 0) is None

    @pytest.mark.parametrize(("asked", "waited"), [(0, 0), (7, 7), (-5, 0), (1e12, MAX_RETRY_AFTER_SECONDS)])
    def test_does_as_the_host_asks(self, asked: float, waited: float) -> None:
        assert retry_delay(Failure(Cause.SERVER, "", retry_after_seconds=asked), {}, None) == waited

    def test_asks_nobody_twice_who_cannot_help(self) -> None:
        for cause in (Cause.ACCOUNT, Cause.GONE, Cause.DISK_FULL, Cause.STORAGE, Cause.BLOCKED, Cause.REDIRECT):
            assert retry_delay(Failure(cause, "", retry_after_seconds=1), {}, None) is None
