"""The use cases of the sign-in: set up, sign in, sign out. The documented endpoints and the pages call them alike."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from kinoshelf.core.access.limits import AccessLimits
from kinoshelf.core.access.passwords import (
    PasswordAlreadySet,
    PasswordHashing,
    PasswordTooWeak,
    find_password,
    has_password,
    missing_from_password,
    set_first_password,
)
from kinoshelf.core.access.sessions import OpenedSession, open_session, revoke_session
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NeedsSignIn
from kinoshelf.core.events import publish
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.settings_events import SettingsChanged

log = structlog.get_logger()


class WrongPassword(NeedsSignIn):
    def __init__(self) -> None:
        super().__init__("the password is wrong")


class NoPasswordYet(NeedsSignIn):
    def __init__(self) -> None:
        super().__init__("no master password is set yet: set one on the page /setup first")


class SetUp:
    """Set the master password of a hub that has none, and the library's folder where one is named."""

    def __init__(self, database: Database, clock: Clock, store: SettingsStore, hashing: PasswordHashing) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._hashing = hashing

    async def __call__(self, password: str, library_dir: str | None = None) -> None:
        """Raise PasswordAlreadySet, PasswordTooWeak, or InvalidInput for the folder; then nothing was changed."""
        if await self._database.reading(has_password):
            raise PasswordAlreadySet
        missing = missing_from_password(password)
        if missing:
            raise PasswordTooWeak(missing)
        if library_dir:
            folder = await asyncio.to_thread(prepared_folder, library_dir)
            await asyncio.to_thread(self._store.update, {"library_dir": str(folder)})
        password_hash = await self._hashing.hash(password)

        def write(session: Session) -> None:
            set_first_password(session, self._clock, password_hash)
            if library_dir:
                publish(session, SettingsChanged())

        await self._database.writing(write)
        log.info("access.password_set")


def prepared_folder(text: str) -> Path:
    """Return the folder `text` names, made where it was missing. Raises InvalidInput in words."""
    try:
        folder = Path(text.strip()).expanduser()
        if not folder.is_absolute():
            raise InvalidInput(f"the folder {text} must be named in full, from the root on")
        folder.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(folder, os.W_OK | os.X_OK)
    except FileExistsError as error:
        raise InvalidInput(f"{text} is a file, not a folder") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a usable name"
        raise InvalidInput(f"the folder {text!r} cannot be made: {reason}") from error
    if not is_writable:
        raise InvalidInput(f"the folder {folder} cannot be written to")
    return folder


class SignIn:
    """Trade the master password for a session."""

    def __init__(
        self, database: Database, clock: Clock, store: SettingsStore, hashing: PasswordHashing, limits: AccessLimits
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._hashing = hashing
        self._limits = limits

    async def __call__(self, password: str, *, remember: bool, client: str, user_agent: str = "") -> OpenedSession:
        """Raise WrongPassword, NoPasswordYet or LockedOut."""
        row = await self._database.reading(find_password)
        if row is None:
            raise NoPasswordYet
        await self._limits.begin_attempt(client)
        does_match, renewed_hash = await self._hashing.compare(password, row.password_hash)
        if not does_match:
            log.warning("access.wrong_password", client=client)
            raise WrongPassword
        lasts = self.lasts(remember=remember)

        def write(session: Session) -> OpenedSession:
            current = find_password(session)
            if current is None or current.signing_key != row.signing_key:
                # It was changed while this one was being compared.
                raise WrongPassword
            if renewed_hash is not None:
                current.password_hash = renewed_hash
            self._limits.forgive(session, client)
            return open_session(
                session,
                self._clock.now(),
                lasts,
                client=client,
                user_agent=user_agent,
                signing_key=current.signing_key,
            )

        return await self._database.writing(write)

    def lasts(self, *, remember: bool) -> timedelta:
        security = self._store.current.security
        return timedelta(days=security.remember_days) if remember else timedelta(hours=security.session_hours)


class SignOut:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, session_id: str) -> None:
        await self._database.writing(lambda session: revoke_session(session, self._clock.now(), session_id))
