"""Values nobody foresaw in every field of a disc that is there: an answer in words, and the disc stays readable."""

from __future__ import annotations

import json

import pytest

from kinoshelf.discs.fields import FIELDS

JSON = {"Content-Type": "application/json"}
VALUES = (
    "null",
    "true",
    "-1",
    "1.5",
    "1e400",
    "1e-400",
    "NaN",
    "9" * 400,
    str(2**31),
    str(2**53),
    str(2**63),
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\u202e\\u200b"',
    '"9999-99-99"',
    '"0000-00-00"',
    '"NaN"',
    '"Infinity"',
    '"1e10"',
    '"\u0661\u0662"',
    json.dumps("x" * 100_000),
    json.dumps("a," * 10_000),
    "[]",
    "{}",
    "[null]",
    '[1, {"a": []}]',
    '["' + "x" * 51 + '"]',
    "[" * 300 + "]" * 300,
)


def judge(answer, what):
    assert answer.status_code in {200, 201, 400, 409, 413, 422}, (what, answer.status_code, answer.text[:300])
    if answer.status_code >= 400:
        body = answer.json()
        assert body["success"] is False
        assert body["message"], what


@pytest.mark.timeout(180)
class TestHostileValues:
    async def test_in_every_field_of_a_disc(self, api, own):
        disc = own(name="Alien", status="unboxed", location="5")
        for name in (*FIELDS, "id", "created_at", "x" * 5_000):
            for value in VALUES:
                what = (name[:50], value[:40])
                body = f'{{"{name}": {value}}}'
                judge(await api.patch(f"/dvd/{disc}/", content=body, headers=JSON), what)
                body = f'{{"dvd_id": {disc}, "field": "{name}", "value": {value}}}'
                judge(await api.post("/ajax/bulk-update-dvd/", content=body, headers=JSON), what)
        found = await api.get(f"/dvd/{disc}/?format=json")
        assert found.status_code == 200
        assert found.json()["name"]
        assert (await api.get("/dvd/?order=-purchased")).status_code == 200
        assert (await api.get("/dvd/export/?kind=complete")).status_code == 200
        assert (await api.get("/ajax/statistics/")).status_code == 200

    @pytest.mark.databases("sqlite")
    async def test_in_what_hangs_on_a_disc(self, api, own):
        disc = own()
        wish = (await api.post("/ajax/wishes/", json={"name": "Solaris"})).json()["wish"]["id"]
        loan = (await api.post("/ajax/lend-dvd/", json={"dvd_id": disc, "borrower": "Ash"})).json()["loan"]["id"]
        view = (await api.post("/ajax/views/", json={"name": "All", "query": ""})).json()["view"]["id"]
        for path, names in (
            (f"/ajax/wishes/{wish}/", ("name", "tmdb_id", "release_year", "disk_type", "most_price", "notes")),
            (f"/ajax/loans/{loan}/", ("borrower", "lent_on", "due_on", "notes")),
            (f"/ajax/views/{view}/", ("name",)),
        ):
            for name in names:
                for value in VALUES:
                    answer = await api.patch(path, content=f'{{"{name}": {value}}}', headers=JSON)
                    judge(answer, (path, name, value[:40]))
        for path in ("/ajax/wishes/", "/ajax/loans/", "/ajax/views/"):
            assert (await api.get(path)).status_code == 200
        for value in VALUES:
            for body in (
                f'{{"ids": {value}, "add": ["x"]}}',
                f'{{"ids": [{disc}], "add": {value}}}',
                f'{{"ids": [{disc}], "remove": [{value}]}}',
            ):
                answer = await api.post("/ajax/tag-dvds/", content=body, headers=JSON)
                assert answer.status_code in {200, 400, 404, 422}, body[:60]
