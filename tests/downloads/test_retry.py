"""What a failure means, and how often it is tried again."""

from __future__ import annotations

import pytest

from kinoshelf.downloads.retry import RULES, Cause, Failure, failure_of_status, retry_delay


class TestFailureOfStatus:
    @pytest.mark.parametrize(
        ("status", "cause"),
        [
            (400, Cause.REJECTED),
            (401, Cause.ACCOUNT),
            (402, Cause.ACCOUNT),
            (403, Cause.LINK_EXPIRED),
            (404, Cause.LINK_EXPIRED),
            (408, Cause.REQUEST_TIMEOUT),
            (410, Cause.LINK_EXPIRED),
            (416, Cause.RANGES),
            (429, Cause.RATE_LIMITED),
            (451, Cause.GONE),
            (500, Cause.SERVER),
            (503, Cause.SERVER),
        ],
    )
    def test_the_table(self, status, cause):
        assert failure_of_status(status, None).cause is cause


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
    def test_each_cause_has_its_tries_and_its_delay(self, cause, retries, seconds):
        failure = Failure(cause, "x")
        assert retry_delay(failure, {}, None) == seconds
        assert retry_delay(failure, {cause: retries - 1}, None) == seconds
        assert retry_delay(failure, {cause: retries}, None) is None

    @pytest.mark.parametrize(
        "cause", [Cause.ACCOUNT, Cause.GONE, Cause.DISK_FULL, Cause.STORAGE, Cause.BLOCKED, Cause.REJECTED]
    )
    def test_what_no_second_try_mends(self, cause):
        assert retry_delay(Failure(cause, "x"), {}, None) is None

    def test_causes_do_not_use_up_each_others_tries(self):
        assert retry_delay(Failure(Cause.REFUSED, "x"), {Cause.TIMEOUT: 20}, None) is not None

    def test_the_users_limit_counts_all_causes(self):
        assert retry_delay(Failure(Cause.REFUSED, "x"), {Cause.TIMEOUT: 2}, 2) is None

    def test_the_host_is_obeyed_within_reason(self):
        assert retry_delay(Failure(Cause.RATE_LIMITED, "x", retry_after_seconds=7), {}, None) == 7
        assert retry_delay(Failure(Cause.RATE_LIMITED, "x", retry_after_seconds=10**9), {}, None) == 3600

    def test_every_cause_has_a_rule(self):
        assert set(RULES) == set(Cause)
