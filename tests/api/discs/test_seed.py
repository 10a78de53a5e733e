"""Every endpoint seed 000 documents, with its request, its answer and its failures."""

from __future__ import annotations

import pytest

JSON = {"Content-Type": "application/json"}


def told(answer):
    """Return status and fields of a failure, after a look at its form."""
    body = answer.json()
    assert body["success"] is False, body
    assert isinstance(body["message"], str), body
    assert body["message"], body
    assert body["errors"], body
    assert all(set(one) == {"field", "message"} for one in body["errors"])
    return answer.status_code, [one["field"] for one in body["errors"]]


def good(answer, status=200):
    body = answer.json()
    assert answer.status_code == status, body
    assert body["success"] is True
    assert body["errors"] == []
    assert {"message", "data"} <= body.keys()
    return body


class TestSearchTMDB:
    URL = "/ajax/search-tmdb/"

    async def test_finds_films_for_an_autocomplete(self, api, tmdb):
        results = good(await api.get(self.URL, params={"q": "matrix"}))["results"]
        first = results[0]
        assert {"id", "title", "release_date", "poster_url", "overview"} <= first.keys()
        assert (first["id"], first["title"], first["release_date"]) == (603, "The Matrix", "1999-03-31")
        assert first["poster_url"].startswith(f"{tmdb.image_base_url}w500/")
        assert first["original_language"] == "en"
        assert len(results) <= 10

    async def test_nothing_is_asked_for_nothing(self, api, tmdb):
        for q in ("", "  "):
            assert good(await api.get(self.URL, params={"q": q}))["results"] == []
        assert good(await api.get(self.URL))["results"] == []
        assert tmdb.count() == 0

    async def test_a_long_plot_is_cut(self, api, tmdb):
        results = good(await api.get(self.URL, params={"q": "the"}))["results"]
        assert len(results) == 10
        assert all(len(hit["overview"]) <= 201 for hit in results)

    async def test_names_the_director_of_a_film_that_is_known(self, api, tmdb):
        answer = await api.post("/dvd/", json={"tmdb_id": 603})
        assert answer.status_code == 201, answer.text
        results = good(await api.get(self.URL, params={"q": "matrix"}))["results"]
        assert {hit["id"]: hit["director"] for hit in results}[603] == "Lana Wachowski, Lilly Wachowski"

    @pytest.mark.environ(KINOSHELF_TMDB_API_KEY="")
    async def test_without_a_key_says_where_to_put_it(self, api, tmdb):
        answer = await api.get(self.URL, params={"q": "matrix"})
        assert told(answer) == (409, [""])
        assert "key" in answer.json()["message"]

    async def test_a_wrong_key_is_a_failure_of_the_source(self, api, tmdb, expected_logs):
        expected_logs.allow("web.failed")
        tmdb.key = "another"
        answer = await api.get(self.URL, params={"q": "matrix"})
        assert told(answer) == (502, [""])
        assert "key" in answer.json()["message"]

    async def test_trouble_at_tmdb(self, api, tmdb, expected_logs):
        expected_logs.allow("web.failed")
        tmdb.always(status=404, html=True)
        assert (await api.get(self.URL, params={"q": "matrix"})).status_code in {404, 502}
