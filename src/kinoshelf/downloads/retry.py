"""What a failure means and whether to try again: one table, each cause with its own number of tries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_RETRY_AFTER_SECONDS = 3600


class Cause(StrEnum):
    """Kinds of failure, as they stand in a download's history."""

    TIMEOUT = "timeout"
    STALLED = "stalled"
    BROKEN = "connection_broken"
    REFUSED = "connection_refused"
    DNS = "dns"
    NO_ROUTE = "no_route"
    TLS = "tls"
    LINK_EXPIRED = "link_expired"
    ACCOUNT = "account"
    GONE = "not_available"
    REQUEST_TIMEOUT = "request_timeout"
    RATE_LIMITED = "rate_limited"
    SERVER = "server_error"
    CHANGED = "file_changed"
    RANGES = "ranges_refused"
    WRONG_LENGTH = "wrong_length"
    CHECKSUM = "checksum"
    DISK_FULL = "disk_full"
    STORAGE = "storage"
    BUSY = "in_use"
    BLOCKED = "address_blocked"
    REDIRECT = "redirect"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a cause is tried again, how long to wait before, and what a person can do about it."""

    retries: int
    delay_seconds: float
    advice: str = ""


RULES: dict[Cause, RetryRule] = {
    Cause.TIMEOUT: RetryRule(20, 5),
    Cause.STALLED: RetryRule(20, 5),
    Cause.BROKEN: RetryRule(10, 3),
    Cause.REFUSED: RetryRule(5, 10, "the host is there but does not take connections"),
    Cause.DNS: RetryRule(5, 10, "the host name is not known; check the link and this machine's DNS"),
    Cause.NO_ROUTE: RetryRule(10, 10, "the host cannot be reached; check this machine's network"),
    Cause.TLS: RetryRule(3, 10, "the secure connection failed; check this machine's clock and the host's certificate"),
    Cause.LINK_EXPIRED: RetryRule(3, 5, "the link may have expired; ask its source for a new one"),
    Cause.ACCOUNT: RetryRule(0, 0, "the host asks for an account or payment; check your account there"),
    Cause.GONE: RetryRule(0, 0, "the file is not offered any more"),
    Cause.REQUEST_TIMEOUT: RetryRule(10, 5),
    Cause.RATE_LIMITED: RetryRule(10, 30, "the host asks to slow down"),
    Cause.SERVER: RetryRule(8, 10, "the host has a problem of its own"),
    Cause.CHANGED: RetryRule(3, 1, "the file changed at its source while it arrived"),
    Cause.RANGES: RetryRule(3, 1, "it is fetched again from its beginning"),
    Cause.WRONG_LENGTH: RetryRule(5, 3, "the host sent another length than it announced"),
    Cause.CHECKSUM: RetryRule(1, 1, "the bytes are not the ones that were promised"),
    Cause.DISK_FULL: RetryRule(0, 0, "make room on the disk, then retry"),
    Cause.STORAGE: RetryRule(0, 0, "check the download folder and its permissions"),
    # Another worker that lost its claim still lets go of it, or dies; then the lock is free.
    Cause.BUSY: RetryRule(100, 3, "another worker has not let go of it yet"),
    Cause.BLOCKED: RetryRule(
        0, 0, "links into private networks are refused; KINOSHELF_ALLOW_PRIVATE_HOSTS allows chosen hosts"
    ),
    Cause.REDIRECT: RetryRule(0, 0),
    Cause.REJECTED: RetryRule(0, 0),
    Cause.UNKNOWN: RetryRule(3, 5),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transfer ended. `retry_after_seconds` is what the host asked for."""

    cause: Cause
    message: str
    retry_after_seconds: float | None = None
    must_restart: bool = False
    """What has arrived so far is worthless."""

    @property
    def sentence(self) -> str:
        advice = RULES[self.cause].advice
        return f"{self.message}: {advice}" if advice else self.message


def failure_of_status(status: int, retry_after_seconds: float | None, reason: str = "") -> Failure:
    """Read an HTTP status that is not success."""
    text = f"the host answered {status}" + (f" {reason}" if reason else "")
    if status in {401, 402, 407}:
        return Failure(Cause.ACCOUNT, text)
    if status in {403, 404, 410}:
        return Failure(Cause.LINK_EXPIRED, text)
    if status == 408:
        return Failure(Cause.REQUEST_TIMEOUT, text, retry_after_seconds)
    if status == 416:
        return Failure(Cause.RANGES, text, must_restart=True)
    if status in {420, 425, 429}:
        return Failure(Cause.RATE_LIMITED, text, retry_after_seconds)
    if status >= 500:
        return Failure(Cause.SERVER, text, retry_after_seconds)
    if status == 451:
        return Failure(Cause.GONE, text)
    return Failure(Cause.REJECTED, text)


def retry_delay(failure: Failure, retries_by_cause: dict[str, int], max_retries: int | None) -> float | None:
    """Return the seconds to wait before the next try; None when it is time to give up.

    Each cause counts for itself, so that twenty time-outs leave a refused connection its own tries. `max_retries` is
    the user's limit over all causes.
    """
    rule = RULES[failure.cause]
    if max_retries is not None and sum(retries_by_cause.values()) >= max_retries:
        return None
    if retries_by_cause.get(failure.cause, 0) >= rule.retries:
        return None
    if failure.retry_after_seconds is not None:
        return min(max(failure.retry_after_seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
    return rule.delay_seconds
