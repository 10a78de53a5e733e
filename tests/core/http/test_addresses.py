from __future__ import annotations

from ipaddress import ip_address

import pytest

from kinoshelf.core.errors import InvalidInput
from kinoshelf.core.http.addresses import AllowList, is_public, may_connect


class TestIsPublic:
    @pytest.mark.parametrize(
        "address",
        [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ],
    )
    def test_the_internet_is(self, address: str) -> None:
        assert is_public(address)
        assert is_public(ip_address(address))

    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:192.168.1.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fe80::1%eth0",
            "fec0::1",
            "ff02::1",
        ],
    )
    def test_what_lies_behind_the_hub_is_not(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("text", ["", "example.org", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5", "[::1]"])
    def test_what_is_no_address_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            is_public(text)


class TestAllowList:
    allowed = AllowList.parse(
        ["nas.lan", "plex.lan:32400", "192.168.1.5:80", "[fd00::5]:443", "10.1.0.0/16", "FD01::/64"]
    )

    @pytest.mark.parametrize(
        ("host", "port"),
        [
            ("nas.lan", 1),
            ("NAS.lan.", 80),
            ("plex.lan", 32400),
            ("192.168.1.5", 80),
            ("::ffff:192.168.1.5", 80),
            ("[fd00::5]", 443),
            ("fd00:0::5", 443),
            ("10.1.2.3", 9),
            ("fd01::9", 9),
        ],
    )
    def test_allows_what_is_listed(self, host: str, port: int) -> None:
        assert self.allowed.allows(host, port)

    @pytest.mark.parametrize(
        ("host", "port"),
        [
            ("other.lan", 80),
            ("evil.nas.lan", 80),
            ("plex.lan", 80),
            ("192.168.1.5", 443),
            ("fd00::5", 80),
            ("10.2.0.1", 9),
            ("10.1.2.3.example.org", 9),
            ("", 80),
        ],
    )
    def test_and_nothing_else(self, host: str, port: int) -> None:
        assert not self.allowed.allows(host, port)
        assert not AllowList().allows(host, port)

    @pytest.mark.parametrize("entry", ["", "host:", ":80", "host:0", "host:70000", "host:x", "10.0.0.0/99", "a/b"])
    def test_says_what_cannot_be_read(self, entry: str) -> None:
        with pytest.raises(InvalidInput):
            AllowList.parse([entry])


class TestMayConnect:
    def test_a_public_address_always_and_a_private_one_when_its_name_or_itself_is_listed(self) -> None:
        allowed = AllowList.parse(["nas.lan", "192.168.1.9"])
        assert may_connect("example.org", 80, "93.184.216.34", AllowList())
        assert not may_connect("example.org", 80, "192.168.1.1", allowed)
        assert may_connect("nas.lan", 80, "192.168.1.1", allowed)
        assert may_connect("example.org", 80, "192.168.1.9", allowed)
