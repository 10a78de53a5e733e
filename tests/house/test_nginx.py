"""The real server serves what the tests ask of it."""

from __future__ import annotations

import ssl
import time

import httpx2

from tests.simulators.nginx import PASSWORD, USER, Nginx, sha256


def test_serves_the_same_file_in_every_manner(nginx: Nginx) -> None:
    file = nginx.add("house.bin", 300_001, seed=7)
    assert sha256(file.path) == file.sha256 == nginx.add("again.bin", 300_001, seed=7).sha256
    trusting = ssl.create_default_context(cafile=nginx.ca_file)
    part = {"Range": "bytes=1000-"}
    with httpx2.Client(verify=trusting, timeout=10, follow_redirects=True) as client:
        assert sha256(client.get(nginx.url(file.name)).content) == file.sha256
        assert sha256(client.get(nginx.url(file.name, https=True)).content) == file.sha256
        assert sha256(client.get(nginx.url(file.name, "moved")).content) == file.sha256
        assert client.get(nginx.url(file.name), headers=part).status_code == 206
        assert client.get(nginx.url(file.name, "without-ranges"), headers=part).status_code == 200
        assert client.get(nginx.url(file.name, "private")).status_code == 401
        assert sha256(client.get(nginx.url(file.name, "private"), auth=(USER, PASSWORD)).content) == file.sha256


def test_limits_each_connection(nginx: Nginx) -> None:
    file = nginx.add("limited.bin", 400_000)
    begin = time.monotonic()
    assert len(httpx2.get(nginx.url(file.name, "slow"), timeout=10).content) == file.size_bytes
    assert time.monotonic() - begin > 0.4
