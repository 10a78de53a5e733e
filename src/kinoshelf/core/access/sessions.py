"""Sign-ins: one row each, carried as a signed token by programs and as a random cookie by browsers.

Both open the same row, so that signing out with either ends both.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from kinoshelf.core.access.events import SessionRevoked
from kinoshelf.core.access.models import AccessSession
from kinoshelf.core.access.passwords import find_password
from kinoshelf.core.events import publish

SUBJECT = "owner"


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A fresh sign-in. Neither token can be had a second time."""

    id: str
    access_token: str
    cookie_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundSession:
    id: str
    expires_at: datetime


def hash_of(token: str) -> str:
    """Return what is stored of a token. It is random, so a quick hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def open_session(
    session: Session, now: datetime, lasts: timedelta, *, client: str, user_agent: str, signing_key: str
) -> OpenedSession:
    session_id, cookie_token = str(uuid.uuid4()), secrets.token_urlsafe(32)
    # Whole seconds, as the token has them: both ends agree on the moment.
    now = now.replace(microsecond=0)
    expires_at = now + lasts
    session.execute(delete(AccessSession).where(AccessSession.expires_at <= now))
    session.add(
        AccessSession(
            id=session_id,
            token_hash=hash_of(cookie_token),
            client=client[:100],
            user_agent="".join(letter for letter in user_agent if letter.isprintable())[:300],
            created_at=now,
            expires_at=expires_at,
        )
    )
    from kinoshelf.core.access import tokens

    claims = {
        "sub": SUBJECT,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": session_id,
    }
    token = tokens.signed(claims, signing_key)
    return OpenedSession(session_id, token, cookie_token, expires_at)


def find_by_cookie(session: Session, now: datetime, token: str) -> FoundSession | None:
    return _live(session, now, AccessSession.token_hash == hash_of(token))


def find_by_bearer(session: Session, now: datetime, token: str) -> FoundSession | None:
    password = find_password(session)
    if password is None:
        return None
    from kinoshelf.core.access import tokens

    session_id = tokens.read(token, password.signing_key, SUBJECT, now)
    return None if session_id is None else _live(session, now, AccessSession.id == session_id)


def _live(session: Session, now: datetime, condition: object) -> FoundSession | None:
    row = session.execute(
        select(AccessSession.id, AccessSession.expires_at).where(
            condition,  # type: ignore[arg-type]  # a comparison of columns; its type says bool
            AccessSession.revoked_at.is_(None),
            AccessSession.expires_at > now,
        )
    ).first()
    return FoundSession(row.id, row.expires_at) if row else None


def revoke_session(session: Session, now: datetime, session_id: str) -> None:
    """End a sign-in; again is the same as once."""
    session.execute(
        update(AccessSession)
        .where(AccessSession.id == session_id, AccessSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    publish(session, SessionRevoked(session_id))
