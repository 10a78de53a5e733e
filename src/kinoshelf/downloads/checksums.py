"""Checksums a user gives or a host announces. Pure but for the hashing itself."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, NamedTuple

from kinoshelf.core.errors import InvalidInput

HEX_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
STRONGEST_FIRST = ("sha512", "sha256", "sha1", "md5")
# Names in Digest (RFC 3230) and Repr-Digest / Content-Digest (RFC 9530).
HEADER_NAMES = {"md5": "md5", "sha": "sha1", "sha-1": "sha1", "sha-256": "sha256", "sha-512": "sha512"}


class Checksum(NamedTuple):
    algorithm: str
    hex_digest: str

    @property
    def text(self) -> str:
        return f"{self.algorithm}:{self.hex_digest}"

    def hasher(self) -> Any:
        return hashlib.new(self.algorithm, usedforsecurity=False)


def parse_checksum(text: str) -> Checksum:
    """Read `sha256:…`, `sha256=…` or bare hex, whose length names the algorithm. Raises InvalidInput."""
    name, separator, digest = text.strip().replace("=", ":").partition(":")
    if not separator:
        name, digest = "", name
    digest = digest.strip().lower()
    algorithm = name.strip().lower().replace("-", "")
    if not algorithm:
        algorithm = next((known for known, length in HEX_LENGTHS.items() if length == len(digest)), "")
    if algorithm not in HEX_LENGTHS:
        raise InvalidInput("the checksum must be md5, sha1, sha256 or sha512, as in sha256:0123…")
    if len(digest) != HEX_LENGTHS[algorithm] or not re.fullmatch(r"[0-9a-f]+", digest):
        raise InvalidInput(f"a {algorithm} checksum has {HEX_LENGTHS[algorithm]} hexadecimal digits")
    return Checksum(algorithm, digest)


def checksum_from_headers(headers: dict[str, str]) -> Checksum | None:
    """Return the strongest whole-file digest the host announces; None where it announces none we can check.

    `headers` has lower-case names. Content-Digest is left alone: it speaks of one message, not of the file.
    """
    if "repr-digest" not in headers and "digest" not in headers:
        return None
    found: dict[str, str] = {}
    for name, value in _dictionary(headers.get("repr-digest", "")):
        found[name] = value.partition(";")[0].strip().strip(":")
    for name, value in _dictionary(headers.get("digest", "")):
        found.setdefault(name, value)
    by_algorithm = {HEADER_NAMES[name]: value for name, value in found.items() if name in HEADER_NAMES}
    for algorithm in STRONGEST_FIRST:
        digest = _decoded(by_algorithm.get(algorithm, ""))
        if len(digest) * 2 == HEX_LENGTHS[algorithm]:
            return Checksum(algorithm, digest.hex())
    return None


def _dictionary(value: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in value.split(","))
    return [(name.strip().lower(), text.strip()) for name, separator, text in pairs if separator]


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
