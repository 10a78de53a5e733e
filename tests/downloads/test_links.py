"""Which texts are links, and which links mean the same file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.downloads.errors import LinkNotUsable
from kinoshelf.downloads.links import host_and_port, parse_link, without_password


class TestParseLink:
    @pytest.mark.parametrize(
        ("text", "url", "host"),
        [
            ("https://Example.ORG/a b", "https://example.org/a%20b", "example.org"),
            (" <http://example.org:80/x> ", "http://example.org/x", "example.org"),
            ("http://example.org:8080", "http://example.org:8080/", "example.org:8080"),
            ("https://example.org/x#part", "https://example.org/x", "example.org"),
            ("https://bücher.example/ü?q=ä", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4", "xn--bcher-kva.example"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x", "[::1]:8080"),
            ("http://user:pa%20ss@example.org/", "http://user:pa%20ss@example.org/", "example.org"),
        ],
    )
    def test_known_links(self, text, url, host):
        link = parse_link(text)
        assert (link.url, link.host) == (url, host)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "example.org/x",
            "file:///etc/passwd",
            "ftp://example.org/x",
            "javascript:alert(1)",
            "http://",
            "http:///x",
            "http://exa mple.org/",
            "http://a..b/",
            "http://example.org:99999/",
            "http://[::1/",
            "https://" + "a" * 9000,
            "http://example.org/\x00",
        ],
    )
    def test_what_cannot_be_fetched_is_refused_in_words(self, text):
        with pytest.raises(LinkNotUsable) as refusal:
            parse_link(text)
        assert refusal.value.message

    def test_the_same_file_has_the_same_key(self):
        same = ["http://Example.org/a?b=1", "http://example.org:80/a?b=1#x", " http://example.org/a?b=1 "]
        assert len({parse_link(text).key for text in same}) == 1
        assert parse_link("http://example.org/a?b=2").key != parse_link(same[0]).key
        assert parse_link("http://user:x@example.org/a?b=1").key == parse_link(same[0]).key

    @given(st.text(max_size=300))
    def test_any_text_is_read_or_refused(self, text):
        try:
            link = parse_link(text)
        except LinkNotUsable:
            return
        assert link.url.isascii()
        assert parse_link(link.url).key == link.key

    def test_host_and_port(self):
        assert host_and_port("https://example.org/x") == ("example.org", 443)
        assert host_and_port("http://[::1]:81/x") == ("::1", 81)

    def test_a_password_is_hidden(self):
        assert without_password("https://me:secret@example.org/x") == "https://me:***@example.org/x"
        assert without_password("https://example.org/a@b:c") == "https://example.org/a@b:c"
