"""Tells who a caller is, and remembers for some seconds what the database said of a credential."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session
from starlette.types import Scope

from kinoshelf.core.access.approach import Presented, approach_of, presented_by
from kinoshelf.core.access.csrf import is_forged
from kinoshelf.core.access.events import KeyRevoked, PasswordChanged, SessionRevoked
from kinoshelf.core.access.keys import FoundKey, find_key, note_use
from kinoshelf.core.access.passwords import has_password
from kinoshelf.core.access.policy import Approach, Need, Standing, Verdict, decide, is_local
from kinoshelf.core.access.sessions import FoundSession, find_by_bearer, find_by_cookie
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import Forbidden, NeedsSignIn
from kinoshelf.core.events import Event, EventBus
from kinoshelf.core.settings import SettingsStore

# Facts of other processes clear what is remembered; this bounds it where such a fact is lost.
REMEMBER_SECONDS = 10.0
MOST_REMEMBERED = 2_000


class OtherSite(Forbidden):
    def __init__(self) -> None:
        super().__init__("this request was made by another web site and is refused")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `is_local` is the trusted-local rule; `session_id` or `key_id` names the credential that was found."""

    client: str
    is_local: bool = False
    session_id: str | None = None
    key_id: str | None = None

    @property
    def is_signed_in(self) -> bool:
        return self.session_id is not None or self.key_id is not None


class _Remembered(NamedTuple):
    session_id: str | None
    key_id: str | None
    expires_at: datetime | None
    forget_at: float


class Gate:
    """One a process. `admit` guards a request or a socket; `identify` only tells who it is."""

    def __init__(self, database: Database, clock: Clock, store: SettingsStore, events: EventBus) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._remembered: dict[bytes, _Remembered] = {}
        self._forgotten = 0
        self._has_password = False
        for kind in (SessionRevoked, KeyRevoked, PasswordChanged):
            events.subscribe(kind, self._forget)

    async def has_password(self) -> bool:
        if not self._has_password:
            self._has_password = await self._database.reading(has_password)
        return self._has_password

    def is_trusted_local(self, approach: Approach) -> bool:
        return self._store.current.trust_local and is_local(approach)

    async def admit(self, scope: Scope, need: Need, *, bearer: str = "") -> Caller:
        """Let the caller in. Raises NeedsSignIn or OtherSite. `bearer` is a token that came another way.

        Where nothing is needed, credentials are not looked at: `identify` does.
        """
        approach = approach_of(scope)
        caller = Caller(approach.client, is_local=self.is_trusted_local(approach))
        if need is Need.NOTHING:
            return caller
        presented = presented_by(scope, bearer)
        by_cookie = False
        if any(presented):
            # Of a local caller too: some pages show more to whoever signed in.
            caller, by_cookie = await self._who(caller, presented)
        standing = Standing(
            is_trusted_local=caller.is_local,
            has_cookie=by_cookie,
            has_token_or_key=caller.is_signed_in and not by_cookie,
        )
        verdict = decide(need, standing, is_forged=is_forged(approach))
        if verdict is Verdict.ENTER:
            return caller
        if verdict is Verdict.FOREIGN_SITE:
            raise OtherSite
        raise NeedsSignIn(await self._refusal(any(presented)))

    async def identify(self, scope: Scope, *, bearer: str = "") -> Caller:
        """Tell who asks, of whatever standing. A cookie that another site sends along counts for nothing."""
        approach = approach_of(scope)
        caller = Caller(approach.client, is_local=self.is_trusted_local(approach))
        presented = presented_by(scope, bearer)
        if is_forged(approach):
            presented = presented._replace(cookie="")
        return (await self._who(caller, presented))[0] if any(presented) else caller

    async def _who(self, caller: Caller, presented: Presented) -> tuple[Caller, bool]:
        """Return the caller with the first credential that is worth something, and whether it is the cookie."""
        for kind, token in zip(Presented._fields, presented, strict=True):
            if token and (found := await self._find(kind, token)):
                return Caller(caller.client, caller.is_local, found.session_id, found.key_id), kind == "cookie"
        return caller, False

    async def _find(self, kind: str, token: str) -> _Remembered | None:
        name = hashlib.sha256(f"{kind}:{token}".encode("utf-8", "surrogatepass")).digest()
        now, tick = self._clock.now(), self._clock.monotonic()
        known = self._remembered.get(name)
        if known is not None and tick < known.forget_at:
            return known if known.expires_at is None or now < known.expires_at else None
        generation = self._forgotten
        if kind == "key":
            found = await self._find_key(now, token)
        else:
            finding: Callable[[Session, datetime, str], FoundSession | None] = (
                find_by_bearer if kind == "bearer" else find_by_cookie
            )
            sign_in = await self._database.reading(lambda session: finding(session, now, token))
            found = _Remembered(sign_in.id, None, sign_in.expires_at, tick + REMEMBER_SECONDS) if sign_in else None
        if found is not None and generation == self._forgotten:
            # Otherwise something was revoked while the database was asked, perhaps this.
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[name] = found
        return found

    async def _find_key(self, now: datetime, token: str) -> _Remembered | None:
        key: FoundKey | None = await self._database.reading(lambda session: find_key(session, now, token))
        if key is None:
            return None
        key_id = key.id
        if key.should_note_use:
            await self._database.writing(lambda session: note_use(session, now, key_id))
        return _Remembered(None, key_id, None, self._clock.monotonic() + REMEMBER_SECONDS)

    async def _refusal(self, has_presented: bool) -> str:
        if has_presented:
            return "the token, the key or the session is not valid, or not any more: sign in again"
        if not await self.has_password():
            return "no master password is set yet: set one on the page /setup of this machine"
        return "sign in to use this"

    def _forget(self, event: Event) -> None:
        self._forgotten += 1
        self._remembered.clear()
        if isinstance(event, PasswordChanged):
            self._has_password = False
