"""What no description foresees: names, sizes, depths and encodings that people send to break things."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

JSON = {"Content-Type": "application/json"}
DEEP = 100_000
HUGE = "9" * 5_000
TEXTS = (
    "",
    " ",
    "null",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "'; DROP TABLE downloads; --",
    '" OR 1=1',
    "%s%n%x{0}{{7*7}}${7*7}",
    "\u202egpj.exe",
    "e\u0301" * 500,
    "\U0001f600" * 100,
    "\ufffe\uffff\ufeff",
    "日本語",
    "x" * 5_000,
    "-1",
    "0",
    "1e400",
    "NaN",
    HUGE,
)
BODIES = (
    b"",
    b"\x00",
    b"\xff\xfe\x00\x00",
    b"\xef\xbb\xbf{}",
    b"{",
    b"[]",
    b"{}",
    b"null",
    b"true",
    b"0",
    b'""',
    b"NaN",
    b"-Infinity",
    HUGE.encode(),
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"a": 1}{"b": 2}',
    b'{"' + b"x" * 1_000_000 + b'": 1}',
    b'{"url": "\\ud800"}',
    b'{"\\ud800": "x"}',
    b'{"url": "\xed\xa0\x80"}',
    '{"url": "https://x.example/"}'.encode("utf-16"),
)
# What may stand in every field that is known, one after the other.
VALUES = (
    "null",
    "true",
    "-1",
    "1.5",
    "1e400",
    "NaN",
    HUGE,
    str(2**63),
    str(-(2**63) - 1),
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    json.dumps("x" * 100_000),
    json.dumps("\u202e../" * 50),
    "[]",
    "{}",
    "[[[[]]]]",
    '[null, 1, "x"]',
    '{"value": {"value": {}}}',
    "[" * 500 + "]" * 500,
)


def operations(schema):
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def fields(schema, operation):
    """Return the names of the body's fields, those of its inner objects with a dot."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    known = schema["components"]["schemas"]

    def properties(one):
        while "$ref" in one or "anyOf" in one or one.get("type") == "array":
            if "$ref" in one:
                one = known[one["$ref"].rpartition("/")[2]]
            elif "anyOf" in one:
                one = one["anyOf"][0]
            else:
                one = one["items"]
        return one.get("properties", {})

    for name, field in properties(body).items():
        yield (name,)
        yield from ((name, inner) for inner in properties(field))


def body_with(names, value):
    for name in reversed(names):
        value = f'{{"{name}": {value}}}'
    # Everything else is as it should be, so that the field itself is reached.
    base = {"url": '"https://x.example/a"', "action": '"pause"', "ids": '["x"]'}
    given = {**base, names[0]: value.partition(": ")[2][:-1]}
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in given.items()) + "}").encode()


def judge(answer, what):
    assert answer.status_code < 500, (what, answer.status_code, answer.text[:300])
    assert answer.status_code != 422 or "/api/downloads" not in str(answer.url), what
    if answer.status_code >= 400:
        assert answer.headers["content-type"].startswith("application/json"), what
        assert answer.json(), what


@pytest.fixture
async def schema(api):
    return (await api.get("/api/openapi.json")).json()


@pytest.mark.timeout(120)
class TestHostileInput:
    @pytest.mark.databases("sqlite")
    async def test_bodies(self, api, schema):
        for method, path, operation in operations(schema):
            if "requestBody" in operation:
                for body in BODIES:
                    answer = await api.request(
                        method, path.replace("{", "").replace("}", ""), content=body, headers=JSON
                    )
                    judge(answer, (method, path, body[:40]))

    async def test_fields(self, api, schema, put):
        known = put()
        reached = 0
        for method, path, operation in operations(schema):
            for names in fields(schema, operation):
                reached += 1
                for value in VALUES:
                    answer = await api.request(
                        method, path.replace("{download_id}", known), content=body_with(names, value), headers=JSON
                    )
                    judge(answer, (method, path, names, value[:40]))
        assert reached > 50
        assert (await api.get(f"/api/downloads/{known}")).status_code == 200

    async def test_names_in_paths(self, api, schema):
        for method, path, _ in operations(schema):
            if "{" in path:
                for text in TEXTS:
                    before, _, rest = path.partition("{")
                    answer = await api.request(method, before + quote(text, safe="") + rest.partition("}")[2], json={})
                    judge(answer, (method, path, text[:40]))

    async def test_queries(self, api, schema):
        for method, path, operation in operations(schema):
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and "{" not in path:
                    for text in TEXTS:
                        answer = await api.request(
                            method, f"{path}?{parameter['name']}={quote(text, safe='')}", json={}
                        )
                        judge(answer, (method, path, parameter["name"], text[:40]))

    @pytest.mark.databases("sqlite")
    async def test_raw_queries_and_headers(self, api):
        for query in ("%", "%zz=%zz", "=&&=", "page=1&page=2", "&" * 2_000, "status[]=x", "a" * 8_000, "%ff%fe=%00"):
            judge(await api.get(f"/api/downloads?{query}"), query)
        for name, value in (
            ("Content-Type", "application/json; charset=no-such"),
            ("Content-Type", ";;;"),
            ("Content-Length", "9" * 30),
            ("Accept", "application/xml"),
            ("X-Request-ID", "x" * 5_000),
            ("X-Api-Key", "\xff\xfe"),
            ("Authorization", "Bearer " + "." * 5_000),
            ("Cookie", "=;=;" * 500),
        ):
            judge(await api.post("/api/downloads", content=b"{}", headers={name: value.encode("latin-1")}), name)
