"""Addresses as they stand in requests: is it this machine, is it the same origin, whom does a limit count for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger()

LOOPBACK_NAME = "localhost"
DEFAULT_PORTS = {"http": 80, "https": 443}
# One home or one phone has a whole /64: limits that count single addresses of it count nothing.
IPV6_CLIENT_BITS = 64

Network = IPv4Network | IPv6Network


class Place(NamedTuple):
    """A host, lower case and without brackets, and the port where one was named."""

    host: str
    port: int | None


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in its plain form, IPv4 in IPv6 as IPv4; None for anything else."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=512)
def place_of(header: str) -> Place | None:
    """Read a Host header; None when it is not one."""
    if not header or set(header) & set("/?#@\\ ,"):
        return None
    try:
        split = urlsplit(f"//{header}")
        host, port = split.hostname, split.port
    except ValueError:
        return None
    return Place(host, port) if host else None


@lru_cache(maxsize=512)
def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or an address without brackets, can only mean this machine."""
    address = parsed_address(host)
    return address.is_loopback if address else host.lower() == LOOPBACK_NAME


def is_loopback_place(host_header: str | None) -> bool:
    place = place_of(host_header) if host_header else None
    return place is not None and is_loopback(place.host)


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int | None


@lru_cache(maxsize=512)
def origin_of(header: str) -> Origin | None:
    """Read an Origin header, its port filled in; None for `null` and for what no browser sends."""
    scheme, separator, rest = header.partition("://")
    place = place_of(rest) if separator else None
    if place is None:
        return None
    scheme = scheme.lower()
    return Origin(scheme, place.host, place.port or DEFAULT_PORTS.get(scheme))


def is_same_origin(origin: str, scheme: str, host_header: str | None) -> bool:
    """Tell whether a page of `origin` came from this server, addressed as `host_header` over `scheme`."""
    there = origin_of(origin)
    return there is not None and there.scheme == scheme and is_same_host(origin, host_header)


def is_same_host(origin: str, host_header: str | None) -> bool:
    """Tell the same but for the scheme, which a proxy that ends TLS may hide from us."""
    there, here = origin_of(origin), place_of(host_header) if host_header else None
    if there is None or here is None:
        return False
    return (there.host, there.port) == (here.host, here.port or DEFAULT_PORTS.get(there.scheme))


@lru_cache(maxsize=16)
def networks(words: tuple[str, ...]) -> tuple[Network, ...]:
    """Read addresses and networks (10.0.0.0/8). What is neither is named in the log and trusts nobody."""
    found: list[Network] = []
    for word in words:
        try:
            found.append(ip_network(word, strict=False))
        except ValueError:
            log.warning("access.proxy_address_unreadable", word=word)
    return tuple(found)


def is_among(text: str, known: Sequence[Network]) -> bool:
    address = parsed_address(text)
    return address is not None and any(address.version == network.version and address in network for network in known)


def forwarded_client(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the nearest address of the chain that is not a trusted proxy. What stands left of it anyone can write."""
    client = peer
    for hop in reversed(forwarded_for.split(",")):
        if not is_among(client, trusted):
            break
        word = hop.strip()
        place = place_of(word) if word.startswith("[") or word.count(":") == 1 else Place(word, None)
        address = parsed_address(place.host) if place else None
        if address is None:
            break
        client = str(address)
    return client


def client_bucket(client: str) -> str:
    """Return what limits count as one client."""
    address = parsed_address(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_CLIENT_BITS), strict=False))
    return str(address) if address else client[:100]
