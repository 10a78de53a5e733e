"""Who may enter: pure decisions over the facts of one request. docs/access.md shows them as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kinoshelf.core.access.addresses import is_loopback, is_loopback_place, is_same_host, is_same_origin

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Need(StrEnum):
    """What a surface asks of its callers."""

    NOTHING = "nothing"
    LOCAL_OR_SIGN_IN = "local_or_sign_in"
    SIGN_IN = "sign_in"


class Verdict(StrEnum):
    ENTER = "enter"
    SIGN_IN_FIRST = "sign_in_first"
    FOREIGN_SITE = "foreign_site"


@dataclass(frozen=True, slots=True)
class Approach:
    """The facts of one request, or of one socket's handshake, that decisions rest on.

    `client` is the peer, or whom a trusted proxy names. `scheme` is http or https. `host` is None where the request
    names none or several.
    """

    client: str
    scheme: str
    method: str
    host: str | None
    origin: str | None
    fetch_site: str | None
    is_forwarded: bool
    is_socket: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller has shown. A cookie and a place on this machine come along by themselves, a token or key does not."""

    is_trusted_local: bool = False
    has_cookie: bool = False
    has_token_or_key: bool = False


def is_local(approach: Approach) -> bool:
    """Tell whether a program of this machine speaks for itself.

    Not so: other machines; what a proxy forwards; another web site in the user's browser (its Origin); a name that
    was bent to this machine by DNS (its Host).
    """
    return (
        is_loopback(approach.client)
        and not approach.is_forwarded
        and is_loopback_place(approach.host)
        and (approach.origin is None or is_same_origin(approach.origin, approach.scheme, approach.host))
    )


def is_foreign_origin(approach: Approach) -> bool:
    """Tell whether a page of another server asks.

    Behind a proxy that hides scheme and name only the browser knows, and says so where it speaks https.
    """
    if approach.origin is None or approach.fetch_site == "same-origin":
        return False
    return not is_same_host(approach.origin, approach.host)


def can_change_something(approach: Approach) -> bool:
    """Tell whether another site must not do this in the user's name. A socket counts: its answers can be read."""
    return approach.is_socket or approach.method not in SAFE_METHODS


def decide(need: Need, standing: Standing, *, is_forged: bool) -> Verdict:
    """Decide on one request; `is_forged` as `csrf.is_forged` tells.

    The password does not appear here: before it is set nobody can have a token or a cookie, so that what needs a
    sign-in is closed by itself. An API key the owner made before counts.
    """
    if need is Need.NOTHING or standing.has_token_or_key:
        return Verdict.ENTER
    comes_along = standing.has_cookie or (standing.is_trusted_local and need is Need.LOCAL_OR_SIGN_IN)
    if not comes_along:
        return Verdict.SIGN_IN_FIRST
    return Verdict.FOREIGN_SITE if is_forged else Verdict.ENTER
