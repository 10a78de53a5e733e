"""Reading checksums."""

from __future__ import annotations

import base64
import hashlib

import pytest

from kinoshelf.core.errors import InvalidInput
from kinoshelf.downloads.checksums import checksum_from_headers, parse_checksum

EMPTY = {name: hashlib.new(name).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}


def encoded(name: str) -> str:
    return base64.b64encode(bytes.fromhex(EMPTY[name])).decode()


class TestParse:
    @pytest.mark.parametrize("name", EMPTY)
    @pytest.mark.parametrize("form", ["{name}:{digest}", "{name}={digest}", " {digest} ", "{NAME}: {DIGEST}"])
    def test_reads_what_people_write(self, name: str, form: str) -> None:
        digest = EMPTY[name]
        text = form.format(name=name, digest=digest, NAME=name.upper(), DIGEST=digest.upper())
        assert parse_checksum(text).text == f"{name}:{digest}"

    def test_reads_names_with_a_hyphen(self) -> None:
        assert parse_checksum(f"SHA-256:{EMPTY['sha256']}").algorithm == "sha256"

    @pytest.mark.parametrize(
        "text",
        ["", ":", "sha256", "sha256:", "sha256:12", f"md5:{EMPTY['sha1']}", f"crc32:{'0' * 8}", "g" * 64, "é" * 32],
    )
    def test_refuses_the_rest_in_words(self, text: str) -> None:
        with pytest.raises(InvalidInput, match=r"checksum|digits"):
            parse_checksum(text)


class TestFromHeaders:
    @pytest.mark.parametrize(
        ("headers", "algorithm"),
        [
            ({"repr-digest": f"sha-256=:{encoded('sha256')}:"}, "sha256"),
            ({"repr-digest": f"sha-256=:{encoded('sha256')}:;q=1"}, "sha256"),
            ({"repr-digest": f"md5=:x:, sha-512=:{encoded('sha512')}: , sha-256=:{encoded('sha256')}:"}, "sha512"),
            ({"digest": f"SHA-256={encoded('sha256')}"}, "sha256"),
            ({"digest": f"md5={encoded('md5')},sha={encoded('sha1')},unixsum=30637"}, "sha1"),
            ({"digest": f"SHA-256={encoded('md5')},MD5={encoded('md5')}"}, "md5"),
            ({"digest": f"SHA-256={encoded('sha256')}", "repr-digest": f"sha-256=:{encoded('sha256')}:"}, "sha256"),
        ],
    )
    def test_takes_the_strongest_that_can_be_checked(self, headers: dict[str, str], algorithm: str) -> None:
        found = checksum_from_headers(headers)
        assert found is not None
        assert (found.algorithm, found.hex_digest) == (algorithm, EMPTY[algorithm])

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"content-digest": f"sha-256=:{encoded('sha256')}:"},
            {"content-md5": encoded("md5")},
            {"digest": "sha-256=not base64"},
            {"digest": "=,=,="},
            {"repr-digest": "sha-256=:AAAA:"},
            {"repr-digest": "crc32c=:AAAA:"},
        ],
    )
    def test_finds_none_where_there_is_none(self, headers: dict[str, str]) -> None:
        assert checksum_from_headers(headers) is None
