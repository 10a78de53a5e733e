"""Facts of sign-in. Every process drops what it remembers of a credential when it hears of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event


@dataclass(frozen=True, slots=True)
class SessionRevoked(Event):
    """Somebody signed out."""

    name: ClassVar[str] = "access.session_revoked"
    session_id: str


@dataclass(frozen=True, slots=True)
class KeyRevoked(Event):
    """An API key was withdrawn."""

    name: ClassVar[str] = "access.key_revoked"
    key_id: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """The master password was set or changed; a change ends every session."""

    name: ClassVar[str] = "access.password_changed"
