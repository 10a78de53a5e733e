"""Checksums as users write them and hosts announce them."""

from __future__ import annotations

import base64
import hashlib

import pytest

from kinoshelf.core.errors import InvalidInput
from kinoshelf.downloads.checksums import checksum_from_headers, parse_checksum

BODY = b"the whole file"
SHA256 = hashlib.sha256(BODY)
MD5 = hashlib.md5(BODY)
B64 = {
    name: base64.b64encode(hashlib.new(name, BODY).digest()).decode() for name in ("md5", "sha1", "sha256", "sha512")
}


class TestParseChecksum:
    @pytest.mark.parametrize("text", ["sha256:{}", "SHA-256={}", "{}", " sha256 : {} "])
    def test_ways_to_write_one(self, text):
        assert parse_checksum(text.format(SHA256.hexdigest().upper())).text == f"sha256:{SHA256.hexdigest()}"

    @pytest.mark.parametrize("text", ["", "sha256:", "sha256:12", "crc32:12345678", "zz" * 16, "md5:" + "g" * 32])
    def test_what_is_none(self, text):
        with pytest.raises(InvalidInput):
            parse_checksum(text)


class TestChecksumFromHeaders:
    def test_repr_digest(self):
        found = checksum_from_headers({"repr-digest": f"sha-256=:{B64['sha256']}:"})
        assert found is not None
        assert found.hex_digest == SHA256.hexdigest()

    def test_the_strongest_wins(self):
        found = checksum_from_headers({"digest": f"MD5={B64['md5']},SHA-256={B64['sha256']},unixsum=30637"})
        assert found is not None
        assert found.algorithm == "sha256"

    def test_older_digest_alone(self):
        found = checksum_from_headers({"digest": f"md5={B64['md5']}"})
        assert found is not None
        assert found.hex_digest == MD5.hexdigest()

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"digest": ""},
            {"digest": "sha-256=!!!"},
            {"repr-digest": "sha-256=:AAAA:"},
            {"content-digest": f"sha-256=:{B64['sha256']}:"},
        ],
    )
    def test_what_tells_nothing_of_the_file(self, headers):
        assert checksum_from_headers(headers) is None
