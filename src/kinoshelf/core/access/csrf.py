"""Whether another web site uses the user's browser to act in the user's name."""

from __future__ import annotations

from kinoshelf.core.access.policy import Approach, can_change_something, is_foreign_origin

OWN_SITES = frozenset({"same-origin", "none"})


def is_forged(approach: Approach) -> bool:
    """Tell whether a change, or a socket, was asked for by another site.

    Browsers of today say so in Sec-Fetch-Site, which no page can write and no proxy spoils, but only towards https and
    this machine; elsewhere Origin says it. Programs send neither, and have no cookie that comes along by itself.
    """
    if not can_change_something(approach):
        return False
    if approach.fetch_site is not None:
        return approach.fetch_site not in OWN_SITES
    return is_foreign_origin(approach)
