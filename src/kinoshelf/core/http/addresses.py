"""Which addresses links may lead to. Pure and cheap: it is asked at every connection that is opened.

A link that comes from outside must not reach the machines behind the hub. A name is judged by the addresses it
resolves to, and the address that was judged is the one connected to; so what counts here are addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from kinoshelf.core.errors import InvalidInput

Address = IPv4Address | IPv6Address

# The IANA registries of special addresses, 2026: what is not reachable from everywhere, or leads somewhere else.
SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
GLOBAL_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# Translators reach an IPv4 address through these; which one stands in the last or the middle bits.
MAPPED = IPv6Network("::ffff:0:0/96")
NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")


def is_public(address: Address | str) -> bool:
    """Tell whether the address belongs to the public Internet. Raises ValueError for what is not an address."""
    if isinstance(address, str):
        address = ip_address(address.partition("%")[0])
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    inner = _translated(address)
    if inner is not None:
        return is_public(inner)
    return address in GLOBAL_V6 and not any(address in network for network in SPECIAL_V6)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address a translator would deliver to."""
    if address in MAPPED or address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return None


def _plain(host: str) -> str:
    """Return a host name or address in the one form we compare: lower case, no brackets, no last dot."""
    host = host.strip().removeprefix("[").removesuffix("]").rstrip(".").lower()
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(_translated(address) or address) if isinstance(address, IPv6Address) else str(address)


@dataclass(frozen=True)
class AllowList:
    """Private hosts that may be reached all the same: names, addresses and networks, each with or without a port."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """Read `host`, `host:port`, `[address]:port` and `network/bits`. Raises InvalidInput."""
        hosts: set[tuple[str, int | None]] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            if "/" in entry:
                try:
                    networks.append(ip_network(entry.strip(), strict=False))
                except ValueError as error:
                    raise InvalidInput(f"{entry} is no host, host:port or network") from error
            else:
                hosts.add(_host_and_port(entry.strip()))
        return cls(frozenset(hosts), tuple(networks))

    def allows(self, host: str, port: int) -> bool:
        """Tell whether `host`, a name or an address, is listed for this port."""
        if not self.hosts and not self.networks:
            return False
        host = _plain(host)
        if (host, None) in self.hosts or (host, port) in self.hosts:
            return True
        if not self.networks:
            return False
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def may_connect(host: str, port: int, address: str, allowed: AllowList) -> bool:
    """Tell whether a link to `host` may be followed to the `address` it resolved to."""
    return is_public(address) or allowed.allows(host, port) or allowed.allows(address, port)


def _host_and_port(entry: str) -> tuple[str, int | None]:
    # An address of IPv6 has more than one colon, and brackets where a port follows.
    bare, bracket, rest = entry.partition("]") if entry.startswith("[") else (entry, "", "")
    if not bracket and entry.count(":") == 1:
        bare, _, port = entry.partition(":")
        rest = f":{port}"
    host, port = _plain(bare), rest.removeprefix(":")
    if not host or (rest and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise InvalidInput(f"{entry} is no host, host:port or network")
    return host, int(port) if rest else None
