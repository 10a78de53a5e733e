"""The pure decisions, as tables."""

from __future__ import annotations

import pytest

from kinoshelf.core.access.addresses import client_bucket, forwarded_client, is_same_host, is_same_origin, networks
from kinoshelf.core.access.csrf import is_forged
from kinoshelf.core.access.guards import local_path
from kinoshelf.core.access.policy import Approach, Need, Standing, Verdict, decide, is_foreign_origin, is_local

HERE = {
    "client": "127.0.0.1",
    "scheme": "http",
    "method": "GET",
    "host": "localhost:8484",
    "origin": None,
    "fetch_site": None,
    "is_forwarded": False,
    "is_socket": False,
}


def approach(**changes) -> Approach:
    return Approach(**{**HERE, **changes})


class TestIsLocal:
    @pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
    def test_trusts_a_program_of_this_machine(self, client):
        assert is_local(approach(client=client))

    @pytest.mark.parametrize(
        "client", ["10.0.0.5", "192.168.1.7", "::ffff:10.0.0.5", "fe80::1", "2001:db8::1", "0.0.0.0", "", "testclient"]
    )
    def test_does_not_trust_another_machine(self, client):
        assert not is_local(approach(client=client))

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:8484", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8484", "[::ffff:127.0.0.1]"]
    )
    def test_trusts_the_names_of_this_machine(self, host):
        assert is_local(approach(host=host))

    @pytest.mark.parametrize(
        "host",
        [
            None,
            "",
            "evil.example",
            "evil.example:8484",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example#localhost",
            "0.0.0.0:8484",
            "[::]:8484",
            "2130706433",
            "127.1",
            "10.0.0.5",
            "localhost:port",
            "localhost, evil.example",
        ],
    )
    def test_does_not_trust_any_other_name(self, host):
        assert not is_local(approach(host=host))

    def test_does_not_trust_what_a_proxy_forwards(self):
        assert not is_local(approach(is_forwarded=True))

    @pytest.mark.parametrize(
        ("origin", "host", "expected"),
        [
            ("http://localhost:8484", "localhost:8484", True),
            ("http://LOCALHOST:8484", "localhost:8484", True),
            ("http://[::1]:8484", "[::1]:8484", True),
            ("http://localhost", "localhost:80", True),
            ("http://localhost:3000", "localhost:8484", False),
            ("https://localhost:8484", "localhost:8484", False),
            ("http://127.0.0.1:8484", "localhost:8484", False),
            ("http://evil.example", "localhost:8484", False),
            ("http://user@localhost:8484", "localhost:8484", False),
            ("http://localhost:8484/path", "localhost:8484", False),
            ("null", "localhost:8484", False),
            ("", "localhost:8484", False),
        ],
    )
    def test_trusts_only_its_own_pages(self, origin, host, expected):
        assert is_local(approach(origin=origin, host=host)) is expected


class TestIsForged:
    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ({}, False),
            ({"fetch_site": "same-origin"}, False),
            ({"fetch_site": "none"}, False),
            ({"fetch_site": "same-site"}, True),
            ({"fetch_site": "cross-site"}, True),
            ({"fetch_site": "cross-site", "origin": "http://localhost:8484"}, True),
            # A proxy that hides name and scheme: the browser knows better.
            ({"fetch_site": "same-origin", "origin": "https://hub.example"}, False),
            ({"origin": "http://localhost:8484"}, False),
            ({"origin": "https://localhost:8484"}, False),
            ({"origin": "http://evil.example"}, True),
            ({"origin": "null"}, True),
        ],
    )
    def test_a_change_is_judged_by_what_the_browser_says(self, facts, expected):
        assert is_forged(approach(method="POST", **facts)) is expected
        assert is_forged(approach(is_socket=True, **facts)) is expected

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_looking_is_free(self, method):
        assert not is_forged(approach(method=method, fetch_site="cross-site", origin="http://evil.example"))

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "WHATEVER"])
    def test_every_other_method_changes_something(self, method):
        assert is_forged(approach(method=method, fetch_site="cross-site"))


class TestForeignOrigin:
    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ({}, False),
            ({"origin": "http://localhost:8484"}, False),
            ({"origin": "http://evil.example"}, True),
            ({"origin": "null"}, True),
            ({"origin": "https://hub.example", "host": "hub.example"}, False),
            ({"origin": "https://hub.example", "host": "127.0.0.1:8484", "fetch_site": "same-origin"}, False),
        ],
    )
    def test_the_hubs_own_pages_are_never_foreign(self, facts, expected):
        assert is_foreign_origin(approach(**facts)) is expected


class TestDecide:
    NOBODY = Standing()
    LOCAL = Standing(is_trusted_local=True)
    COOKIE = Standing(has_cookie=True)
    TOKEN = Standing(has_token_or_key=True)
    LOCAL_COOKIE = Standing(is_trusted_local=True, has_cookie=True)

    @pytest.mark.parametrize(
        ("need", "standing", "honest", "forged"),
        [
            (Need.NOTHING, NOBODY, Verdict.ENTER, Verdict.ENTER),
            (Need.NOTHING, COOKIE, Verdict.ENTER, Verdict.ENTER),
            (Need.LOCAL_OR_SIGN_IN, NOBODY, Verdict.SIGN_IN_FIRST, Verdict.SIGN_IN_FIRST),
            (Need.LOCAL_OR_SIGN_IN, LOCAL, Verdict.ENTER, Verdict.FOREIGN_SITE),
            (Need.LOCAL_OR_SIGN_IN, COOKIE, Verdict.ENTER, Verdict.FOREIGN_SITE),
            (Need.LOCAL_OR_SIGN_IN, TOKEN, Verdict.ENTER, Verdict.ENTER),
            (Need.SIGN_IN, NOBODY, Verdict.SIGN_IN_FIRST, Verdict.SIGN_IN_FIRST),
            (Need.SIGN_IN, LOCAL, Verdict.SIGN_IN_FIRST, Verdict.SIGN_IN_FIRST),
            (Need.SIGN_IN, COOKIE, Verdict.ENTER, Verdict.FOREIGN_SITE),
            (Need.SIGN_IN, LOCAL_COOKIE, Verdict.ENTER, Verdict.FOREIGN_SITE),
            (Need.SIGN_IN, TOKEN, Verdict.ENTER, Verdict.ENTER),
        ],
    )
    def test_the_table(self, need, standing, honest, forged):
        assert decide(need, standing, is_forged=False) is honest
        assert decide(need, standing, is_forged=True) is forged


class TestAddresses:
    @pytest.mark.parametrize(
        ("forwarded_for", "expected"),
        [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("unknown", "10.0.0.1"),
            ("203.0.113.9, nonsense", "10.0.0.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ],
    )
    def test_the_client_is_the_nearest_that_is_no_trusted_proxy(self, forwarded_for, expected):
        assert forwarded_client("10.0.0.1", forwarded_for, networks(("10.0.0.0/24",))) == expected

    def test_an_ipv6_home_is_one_client(self):
        assert client_bucket("2001:db8:1:2:3:4:5:6") == client_bucket("2001:db8:1:2::1") == "2001:db8:1:2::/64"
        assert client_bucket("::ffff:10.0.0.5") == "10.0.0.5"

    def test_an_unreadable_proxy_address_is_named_and_trusts_nobody(self, expected_logs):
        expected_logs.expect("access.proxy_address_unreadable")
        assert networks(("traefik-in-the-cellar",)) == ()

    def test_the_scheme_matters_for_the_origin_but_not_for_the_host(self):
        assert is_same_host("https://hub.example", "hub.example")
        assert not is_same_origin("https://hub.example", "http", "hub.example")
        assert not is_same_host("https://hub.example", "hub.example:8484")


class TestLocalPath:
    @pytest.mark.parametrize("wanted", ["/", "/queue", "/queue?tab=failed&page=2", "/a/b%20c#d"])
    def test_keeps_a_page_of_this_server(self, wanted):
        assert local_path(wanted, "/fallback") == wanted

    @pytest.mark.parametrize(
        "wanted",
        [
            None,
            "",
            "queue",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /queue",
            "http://evil.example",
            "javascript:alert(1)",
        ],
    )
    def test_leads_nowhere_else(self, wanted):
        assert local_path(wanted, "/fallback") == "/fallback"
