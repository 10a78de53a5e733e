"""Reading links: what the hub can fetch, and when two links mean the same file. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from kinoshelf.downloads.errors import LinkNotUsable

MAX_LINK_LENGTH = 8000
DEFAULT_PORTS = {"http": 80, "https": 443}
USER_INFO = re.compile(r"(://[^/?#@:]*):[^/?#]*@")
HIDDEN = "***"
SCHEMES = frozenset(DEFAULT_PORTS)
# Halves of surrogate pairs stand for no letter: they come from broken encodings and cannot be written anywhere.
UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Link(NamedTuple):
    """A link ready to be fetched: `url` is ASCII, `host` lower case (with the port where it is not the default)."""

    url: str
    host: str
    key: str


def parse_link(text: str) -> Link:
    """Read one link. Raises LinkNotUsable with a sentence that says what is wrong."""
    text = text.strip().strip("<>")
    if not text:
        raise LinkNotUsable("the link is empty")
    if len(text) > MAX_LINK_LENGTH:
        raise LinkNotUsable(f"the link is longer than {MAX_LINK_LENGTH} characters")
    if UNUSABLE.search(text):
        raise LinkNotUsable("the link has characters in it that no link has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise LinkNotUsable(f"this is not a link: {error}") from error
    scheme = parts.scheme.lower()
    if not scheme or "://" not in text:
        raise LinkNotUsable("a link begins with http:// or https://")
    if scheme not in SCHEMES:
        raise LinkNotUsable(f"{scheme}: links cannot be fetched, only http and https")
    if not parts.hostname or port == 0:
        raise LinkNotUsable("the link names no port" if parts.hostname else "the link names no host")
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise LinkNotUsable(f"{parts.hostname} is not an address")
    host = _ascii_host(parts.hostname)
    netloc = host if port in (None, DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    user_info = ""
    if "@" in parts.netloc:
        user_info = quote(parts.netloc.rpartition("@")[0], safe=":%!$&'()*+,;=-._~") + "@"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=-._~") or "/"
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=-._~[]")
    url = urlunsplit(SplitResult(scheme, user_info + netloc, path, query, ""))
    return Link(url, netloc, link_key(scheme, netloc, path, query))


def link_key(scheme: str, netloc: str, path: str, query: str) -> str:
    """Return the same short text for links that mean the same file: case of the host, default port and fragment fall away."""
    return hashlib.sha256(f"{scheme}\n{netloc}\n{path}\n{query}".encode()).hexdigest()


def without_password(url: str) -> str:
    """Return the link with the password of `user:password@host` hidden."""
    return USER_INFO.sub(rf"\1:{HIDDEN}@", url, count=1) if "@" in url else url


def host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)


@lru_cache(maxsize=1024)
def _ascii_host(host: str) -> str:
    host = host.lower()
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host.partition('%')[0]).compressed}]"
        except ValueError as error:
            raise LinkNotUsable(f"{host} is not an address") from error
    try:
        name = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError as error:
        raise LinkNotUsable(f"{host} is not a host name") from error
    if (
        len(name) > 253
        or not all(letter.isalnum() or letter in "-._" for letter in name)
        or name.startswith(".")
        or ".." in name
    ):
        raise LinkNotUsable(f"{host} is not a host name")
    return name.rstrip(".")
