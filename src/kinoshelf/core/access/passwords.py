"""The one master password: its rules, its hash, and setting it."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Mapping

import structlog
from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kinoshelf.core.access.events import PasswordChanged
from kinoshelf.core.access.models import AccessSession, MasterPassword
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.events import publish
from kinoshelf.core.settings import PREFIX, read_variable

log = structlog.get_logger()

PASSWORD_VARIABLE = f"{PREFIX}PASSWORD"
SHORTEST = 8
LONGEST = 1000
ONLY_ROW = 1
# Argon2 takes 64 MiB and a core for each hash: more at once would let strangers fill the memory.
HASHES_AT_ONCE = 2


class PasswordAlreadySet(InvalidInput):
    """Seed 002 answers a second set-up with 400, not with 409."""

    def __init__(self) -> None:
        super().__init__("a master password is already configured")


class PasswordTooWeak(InvalidInput):
    def __init__(self, missing: list[str]) -> None:
        *all_but_last, last = missing
        super().__init__(
            f"the password needs {' and '.join([', '.join(all_but_last), last] if all_but_last else [last])}"
        )


def missing_from_password(text: str) -> list[str]:
    """Return what the rules of seed 002 miss in a password, in words; nothing when it is good."""
    rules = [
        (len(text) >= SHORTEST, f"at least {SHORTEST} characters"),
        (len(text) <= LONGEST, f"at most {LONGEST} characters"),
        (any(letter.isupper() for letter in text), "an upper case letter"),
        (any(letter.islower() for letter in text), "a lower case letter"),
        (any(letter.isdigit() for letter in text), "a digit"),
        (any(not letter.isalnum() and not letter.isspace() for letter in text), "a special character"),
    ]
    return [words for holds, words in rules if not holds]


def find_password(session: Session) -> MasterPassword | None:
    return session.get(MasterPassword, ONLY_ROW)


def has_password(session: Session) -> bool:
    return session.scalar(select(MasterPassword.id)) is not None


def set_password(database: Database, clock: Clock, text: str) -> None:
    """Set or change the password from this process, which the file system already trusts.

    A change ends every session; API keys stay. Raises PasswordTooWeak.
    """
    password_hash = hash_password(text)
    now = clock.now()

    def write(session: Session) -> None:
        row = find_password(session)
        if row is None:
            _insert(session, clock, password_hash)
        else:
            row.password_hash, row.signing_key, row.changed_at = password_hash, _signing_key(), now
        session.execute(delete(AccessSession))
        publish(session, PasswordChanged())

    database.run_write(write)


def set_given_password(database: Database, clock: Clock, environ: Mapping[str, str]) -> bool:
    """Set the password that the environment or a secret file gives, where none is set yet; tell whether it was set.

    One that is set is never overwritten. Raises InvalidInput for a file that cannot be read and a password too weak.
    """
    if database.run_read(has_password):
        return False
    try:
        text = read_variable(environ, PASSWORD_VARIABLE)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the file {PASSWORD_VARIABLE}_FILE names cannot be read: {error}") from error
    if not text:
        return False
    try:
        password_hash = hash_password(text)
    except PasswordTooWeak as error:
        raise InvalidInput(f"{PASSWORD_VARIABLE}: {error.message}") from error
    try:
        database.run_write(lambda session: set_first_password(session, clock, password_hash))
    except PasswordAlreadySet:
        # Another server that started at the same moment was faster.
        return False
    log.info("access.password_set", given_by=PASSWORD_VARIABLE)
    return True


def set_first_password(session: Session, clock: Clock, password_hash: str) -> None:
    """Set the password of a hub that has none. Raises PasswordAlreadySet."""
    if find_password(session) is not None:
        raise PasswordAlreadySet
    _insert(session, clock, password_hash)
    try:
        session.flush()
    except IntegrityError as error:
        # PostgreSQL lets two callers come this far together.
        raise PasswordAlreadySet from error
    publish(session, PasswordChanged())


def _insert(session: Session, clock: Clock, password_hash: str) -> None:
    now = clock.now()
    session.add(
        MasterPassword(
            id=ONLY_ROW, password_hash=password_hash, signing_key=_signing_key(), created_at=now, changed_at=now
        )
    )


def _signing_key() -> str:
    return secrets.token_urlsafe(48)


def _plain(text: str) -> str:
    # The same password typed on a Mac and on a phone must be the same bytes.
    return unicodedata.normalize("NFC", text)


def hash_password(text: str) -> str:
    """Return the hash of a password that keeps the rules. Raises PasswordTooWeak. Takes tens of milliseconds."""
    missing = missing_from_password(text)
    if missing:
        raise PasswordTooWeak(missing)
    return PasswordHash.recommended().hash(_plain(text))


class PasswordHashing:
    """Hashes beside the event loop, few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(HASHES_AT_ONCE)

    async def hash(self, text: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(hash_password, text)

    async def compare(self, text: str, password_hash: str) -> tuple[bool, str | None]:
        """Tell whether they match, and the hash to keep instead where it was made with weaker parameters than today's."""
        if len(text) > LONGEST:
            return False, None
        async with self._turns:
            return await asyncio.to_thread(PasswordHash.recommended().verify_and_update, _plain(text), password_hash)
