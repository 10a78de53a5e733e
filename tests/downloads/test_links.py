"""Reading links."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinoshelf.downloads.errors import LinkNotUsable
from kinoshelf.downloads.links import MAX_LINK_LENGTH, host_and_port, parse_link, without_password


class TestParseLink:
    @pytest.mark.parametrize(
        ("text", "url", "host"),
        [
            ("http://example.org/film.mkv", "http://example.org/film.mkv", "example.org"),
            ("  https://example.org  ", "https://example.org/", "example.org"),
            ("<https://example.org/a>", "https://example.org/a", "example.org"),
            ("HTTP://EXAMPLE.org.:80/A#part", "http://example.org/A", "example.org"),
            ("https://example.org:8443/", "https://example.org:8443/", "example.org:8443"),
            ("http://example.org:443/", "http://example.org:443/", "example.org:443"),
            (
                "http://example.org/a b/ü?q=ä b&x[]=1",
                "http://example.org/a%20b/%C3%BC?q=%C3%A4%20b&x[]=1",
                "example.org",
            ),
            ("http://example.org/a%20b%2Fc", "http://example.org/a%20b%2Fc", "example.org"),
            ("http://例え.jp/", "http://xn--r8jz45g.jp/", "xn--r8jz45g.jp"),
            ("http://anna:open%20sesame@example.org/", "http://anna:open%20sesame@example.org/", "example.org"),
            ("http://example.org\\@evil.example/", "http://example.org%5C@evil.example/", "evil.example"),
            ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x", "[2001:db8::1]:8080"),
            ("http://\uff11\uff12\uff17.0.0.1/", "http://127.0.0.1/", "127.0.0.1"),
            ("http://a_b.example/", "http://a_b.example/", "a_b.example"),
        ],
    )
    def test_makes_it_ready_to_be_fetched(self, text: str, url: str, host: str) -> None:
        link = parse_link(text)
        assert (link.url, link.host) == (url, host)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "empty"),
            ("<>", "empty"),
            ("example.org/film.mkv", "begins with http"),
            ("//example.org/film.mkv", "begins with http"),
            ("magnet:?xt=urn:btih:1", "begins with http"),
            ("ftp://example.org/film.mkv", "ftp: links cannot be fetched"),
            ("file:///etc/passwd", "file: links cannot be fetched"),
            ("javascript://%0aalert(1)", "javascript: links cannot be fetched"),
            ("http:///film.mkv", "no host"),
            ("http://:80/", "no host"),
            ("http://user@/", "no host"),
            ("http://example.org:0/", "no port"),
            ("http://example.org:99999/", "not a link"),
            ("http://example.org:x/", "not a link"),
            ("http://[::1/", "not a link"),
            ("http://[v1.fe80]/", "not an address"),
            ("http://[::zz]/", "not a"),
            ("http://exa mple.org/", "not a host name"),
            ("http://a..b/", "not a host name"),
            ("http://.example.org/", "not a host name"),
            (f"http://{'a' * 300}/", "not a host name"),
            ("http://example.org/a\nb", "no link has"),
            ("http://example.org/\x00", "no link has"),
            ("http://example.org/\ud800", "no link has"),
            (f"http://example.org/{'a' * MAX_LINK_LENGTH}", "longer than"),
        ],
    )
    def test_says_what_is_wrong(self, text: str, words: str) -> None:
        with pytest.raises(LinkNotUsable, match=words) as caught:
            parse_link(text)
        caught.value.message.encode()

    @pytest.mark.parametrize(
        ("one", "other", "is_same"),
        [
            ("http://example.org/a", "HTTP://Example.ORG:80/a#x", True),
            ("http://example.org", "http://example.org/", True),
            ("http://example.org/a b", "http://example.org/a%20b", True),
            ("http://anna:x@example.org/a", "http://otto:y@example.org/a", True),
            ("http://example.org/a", "https://example.org/a", False),
            ("http://example.org/a", "http://example.org/A", False),
            ("http://example.org/a?x=1", "http://example.org/a?x=2", False),
            ("http://example.org/a", "http://example.org:8080/a", False),
        ],
    )
    def test_knows_links_to_the_same_file(self, one: str, other: str, is_same: bool) -> None:
        assert (parse_link(one).key == parse_link(other).key) is is_same

    @given(st.text(max_size=60).map(lambda text: f"http://{text}") | st.text(max_size=60))
    @example("http://\ud800")
    def test_refuses_or_returns_one_that_means_itself(self, text: str) -> None:
        try:
            link = parse_link(text)
        except LinkNotUsable as error:
            error.message.encode()
            return
        assert link.url.isascii()
        again = parse_link(link.url)
        assert (again.url, again.host, again.key) == (link.url, link.host, link.key)
        assert host_and_port(link.url)[0]


class TestParts:
    def test_host_and_port(self) -> None:
        assert host_and_port("https://example.org/x") == ("example.org", 443)
        assert host_and_port("http://[::1]:81/x") == ("::1", 81)

    def test_a_password_is_hidden(self) -> None:
        assert without_password("https://me:secret@example.org/x") == "https://me:***@example.org/x"
        assert without_password("https://example.org/a@b:c") == "https://example.org/a@b:c"
