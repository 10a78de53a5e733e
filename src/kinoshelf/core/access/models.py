"""Tables of sign-in. Nothing here can be used to sign in by whoever reads it: passwords and tokens are hashes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kinoshelf.core.database import Base


class MasterPassword(Base):
    """The one optional password; at most one row, with id 1."""

    __tablename__ = "master_password"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    password_hash: Mapped[str] = mapped_column(Text)
    signing_key: Mapped[str] = mapped_column(Text)
    """Key of the JWT signatures, shared by all processes. A token also needs its session row, so it alone opens nothing."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AccessSession(Base):
    """One sign-in. A bearer token carries its id; a browser's cookie carries a random token whose hash stands here."""

    __tablename__ = "access_sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    client: Mapped[str] = mapped_column(String(100))
    user_agent: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class APIKey(Base):
    """A key for another program. It is shown once, when it is made."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class AccessLimit(Base):
    """Requests or failures of one client in the current window; survives a restart."""

    __tablename__ = "access_limits"

    bucket: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    window_ends_at: Mapped[datetime] = mapped_column(index=True)
