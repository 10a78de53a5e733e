"""kinoshelf password: the master password."""

from __future__ import annotations

from kinoshelf.cli.failures import UsageProblem
from kinoshelf.cli.frame import Answer, Here


def set_password(*, at: Here) -> Answer:
    """Set or change the master password: asked on a terminal, read from standard input elsewhere.

    A change ends every sign-in. API keys stay valid.
    """
    from kinoshelf.core.access.passwords import set_password as write_password

    password = at.ask_secret("New password: ", confirm="The same again: ")
    if not password:
        raise UsageProblem("no password was given; write it to standard input")
    with at.hub() as hub:
        write_password(hub.database, hub.clock, password)
    return Answer({"password": "set"}, text="The password is set. Everybody has to sign in again.")
