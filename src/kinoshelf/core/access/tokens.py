"""Signed bearer tokens. In a module of its own because its library takes 7 MiB, which a hub without a password saves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

ALGORITHM = "HS256"


def signed(claims: dict[str, Any], key: str) -> str:
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(key), algorithms=[ALGORITHM])


def read(token: str, key: str, subject: str, now: datetime) -> str | None:
    """Return the session id of a valid token; None for a forged, expired or foreign one."""
    try:
        claims = jwt.decode(token, OctKey.import_key(key), algorithms=[ALGORITHM]).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()), exp={"essential": True}, jti={"essential": True}, sub={"value": subject}
        ).validate(claims)
    except (JoseError, ValueError):
        # joserfc raises ValueError for what is no token at all.
        return None
    return str(claims["jti"])
