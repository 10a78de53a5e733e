"""The services of the Python API, as a script uses them: no server, settings from the environment."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from kinoshelf import scripting
from kinoshelf.core.http.client import Answer
from kinoshelf.models import DVD
from kinoshelf.services import BaseService, TMDBService, YTSService
from tests.logs import ExpectedLogs
from tests.simulators.upstream import Reply, Upstream
from tests.simulators.yts import YTSSimulator


@pytest.fixture
def yts() -> Iterator[YTSSimulator]:
    with YTSSimulator() as running:
        running.add("tt0133093", "The Matrix", 1999, ("1080p", 90), ("720p", 40), ("2160p", 5))
        yield running


@pytest.fixture
def script(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[..., None]]:
    """This process as a script; call it with further variables before the first use."""
    sources = request.getfixturevalue("yts").environ if "yts" in request.fixturenames else {}
    for name, value in {**environ, **sources}.items():
        monkeypatch.setenv(name, value)

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    yield change
    scripting.close_script()


class TestTMDB:
    def test_searches_as_the_seed_shows(self, script, tmdb):
        results = TMDBService().search_movies("The Matrix")
        assert results["total_results"] == 4
        assert results["results"][0]["id"] == 603
        assert results["results"][0]["title"] == "The Matrix"

    def test_a_film_with_all_its_details(self, script, tmdb):
        movie = TMDBService().get_movie_details(603)
        assert (movie["id"], movie["title"], movie["runtime"], movie["imdb_id"]) == (
            603,
            "The Matrix",
            136,
            "tt0133093",
        )
        assert {"credits", "release_dates", "external_ids"} <= movie.keys()

    def test_external_ids(self, script, tmdb):
        ids = TMDBService().get_movie_external_ids(603)
        assert ids["imdb_id"] == "tt0133093"
        assert "facebook_id" in ids

    def test_posters_in_the_best_order(self, script, tmdb):
        posters = TMDBService().get_movie_posters(603)
        assert posters[0]["iso_639_1"] == "en"
        assert posters[1]["iso_639_1"] is None
        assert {"file_path", "width"} <= posters[0].keys()

    def test_formats_a_film_as_a_disc(self, script, tmdb):
        service = TMDBService()
        formatted = service.format_movie_data(service.get_movie_details(603))
        assert (formatted["name"], formatted["release_year"], formatted["tmdb_id"]) == ("The Matrix", 1999, 603)
        assert formatted["genres"] == "Action, Science Fiction"
        assert formatted["director"] == "Lana Wachowski, Lilly Wachowski"
        assert formatted["uk_certification"] == "15"
        dvd = DVD(**formatted)
        dvd.save()
        assert DVD.get(dvd.id).imdb_id == "tt0133093"

    @pytest.mark.databases("sqlite")
    def test_formats_a_hit_and_refuses_what_is_no_film(self, script, expected_logs: ExpectedLogs):
        service = TMDBService()
        hit = {"id": 603, "title": "The Matrix", "release_date": "1999-03-30", "vote_average": 8.2, "genre_ids": [28]}
        formatted = service.format_movie_data(hit)
        assert (formatted["name"], formatted["release_year"], float(formatted["rating"])) == ("The Matrix", 1999, 8.2)
        expected_logs.allow("services.failed")
        for nonsense in (None, {}, {"id": "x"}):
            assert service.format_movie_data(nonsense) == {}
            assert service.last_error

    @pytest.mark.databases("sqlite")
    def test_asks_once_a_day(self, script, tmdb):
        for _ in range(2):
            service = TMDBService()
            service.search_movies("alien")
            service.search_movies("  alien ")
            service.get_movie_details(348)
        assert tmdb.count("/search/movie") == 1
        assert tmdb.count("/movie/348") == 1

    @pytest.mark.databases("sqlite")
    def test_what_is_not_there_is_nothing(self, script, tmdb):
        service = TMDBService()
        for number in (1_999_999_999, "x", None, -1, "9" * 5000):
            assert service.get_movie_details(number) is None
            assert service.last_error
            assert service.get_movie_external_ids(number) == {}
            assert service.get_movie_posters(number) == []
        assert service.search_movies("") == {"results": [], "total_results": 0}
        assert service.last_error == ""

    @pytest.mark.databases("sqlite")
    def test_goes_on_without_a_key(self, script, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        service = TMDBService()
        assert service.search_movies("The Matrix") == {"results": [], "total_results": 0}
        assert "TMDB_API_KEY" in service.last_error
        assert service.get_movie_details(603) is None
        assert service.get_movie_posters(603) == []

    @pytest.mark.databases("sqlite")
    def test_goes_on_with_a_wrong_key_and_takes_another(self, script, tmdb, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        service = TMDBService()
        service.api_key = "wrong"
        assert service.get_movie_details(603) is None
        assert "key" in service.last_error
        service.api_key = tmdb.key
        assert service.get_movie_details(603)["title"] == "The Matrix"
        assert service.last_error == ""

    @pytest.mark.databases("sqlite")
    def test_tries_again_where_that_helps(self, script, tmdb, expected_logs: ExpectedLogs):
        tmdb.next(status=503, retry_after=0)
        assert TMDBService().get_movie_details(603)["title"] == "The Matrix"
        assert tmdb.count("/movie/603") == 2
        expected_logs.allow("services.failed")
        tmdb.next(html=True)
        service = TMDBService()
        assert service.get_movie_details(348) is None
        assert "TMDB" in service.last_error

    @pytest.mark.databases("sqlite")
    def test_works_inside_an_event_loop(self, script, tmdb):
        async def main() -> str:
            return TMDBService().search_movies("alien")["results"][0]["title"]

        assert asyncio.run(main()) == "Alien"


class TestPoster:
    def test_is_fetched_and_becomes_the_disc_s(self, script, tmdb):
        service = TMDBService()
        dvd = DVD(name="The Matrix", tmdb_id=603)
        dvd.save()
        path = service.get_movie_posters(603)[0]["file_path"]
        assert service.download_poster(dvd, f"{tmdb.image_base_url}w500{path}") is True
        assert DVD.get(dvd.id).poster == dvd.poster
        assert dvd.poster.url == f"/artwork/{dvd.poster_id}/w342"

    @pytest.mark.databases("sqlite")
    def test_failures(self, script, tmdb, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        service = TMDBService()
        unsaved, saved = DVD(name="The Matrix"), DVD(name="Alien")
        saved.save()
        for dvd, address in (
            (unsaved, f"{tmdb.image_base_url}w500/poster-m603-en.jpg"),
            (saved, ""),
            (saved, "file:///etc/passwd"),
            (saved, f"{tmdb.image_base_url}w500/no-such-picture.jpg"),
            # Only TMDB's own address may lie in the private network.
            (saved, "http://127.0.0.1:9/private.jpg"),
        ):
            assert service.download_poster(dvd, address) is False
            assert service.last_error
        assert DVD.get(saved.id).poster is None


class TestYTS:
    def test_magnets_of_the_wanted_qualities(self, script, yts):
        torrents = YTSService().get_quality_torrents("tt0133093", ["720p", "1080p"])
        assert [one["quality"] for one in torrents] == ["720p", "1080p"]
        for torrent in torrents:
            assert torrent["url"].startswith("magnet:?xt=urn:btih:")
            assert torrent["size"]

    @pytest.mark.databases("sqlite")
    def test_another_film_is_none(self, script, yts):
        yts.answers_first_with_anything = True
        service = YTSService()
        assert service.get_quality_torrents("tt9999999", ["720p"]) == []
        assert service.get_quality_torrents("", ["720p"]) == []
        assert service.last_error == ""

    @pytest.mark.databases("sqlite")
    def test_is_off_until_it_is_switched_on(self, script, yts, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        script(KINOSHELF_SOURCES="")
        service = YTSService()
        assert service.get_quality_torrents("tt0133093", ["720p"]) == []
        assert "switched off" in service.last_error
        assert yts.asked == []

    @pytest.mark.databases("sqlite")
    def test_a_refusal_is_told(self, script, yts, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        yts.next(error="Too many questions")
        service = YTSService()
        assert service.get_quality_torrents("tt0133093", ["720p"]) == []
        assert "Too many questions" in service.last_error


class TestBaseService:
    """Somebody's own service on the same base."""

    @pytest.mark.databases("sqlite")
    def test_asks_and_keeps(self, script, expected_logs: ExpectedLogs):
        with Upstream() as upstream:
            upstream.answer("/films", Reply(body=[{"id": 1}]))

            class Own(BaseService):
                label = "My films"

                def get_api_key(self) -> str:
                    return "secret"

                def get_base_url(self) -> str:
                    return upstream.base_url

            own = Own()
            assert own.make_request("films", {"page": 1}) == [{"id": 1}]
            assert own.make_request("/films", {"page": 1}) == [{"id": 1}]
            assert [one.headers["Authorization"] for one in upstream.received] == ["Bearer secret"]
            assert own.make_request("/nothing") is None
            assert "My films" in own.last_error

    @pytest.mark.databases("sqlite")
    def test_judges_answers(self, script, expected_logs: ExpectedLogs):
        expected_logs.allow("services.failed")
        service = BaseService()
        assert (service.get_api_key(), service.get_base_url()) == ("", "")
        assert service.handle_errors(Answer(200, {}, b'{"a": 1}')) == {"a": 1}
        assert service.handle_errors(Answer(500, {}, b"")) is None
        assert "500" in service.last_error


PROGRAM = """
import json
from kinoshelf.models import DVD, AppSettings
from kinoshelf.services import TMDBService, YTSService

tmdb_service = TMDBService()
movie = tmdb_service.get_movie_details(603)
dvd = DVD(**tmdb_service.format_movie_data(movie))
dvd.is_tartan_dvd = True
dvd.save()
done = tmdb_service.download_poster(dvd, POSTERS + "w500" + tmdb_service.get_movie_posters(603)[0]["file_path"])
torrents = YTSService().get_quality_torrents(dvd.imdb_id, ["720p"])
print(json.dumps({
    "found": tmdb_service.search_movies("The Matrix")["total_results"],
    "name": DVD.get(dvd.id).name,
    "url": dvd.get_absolute_url(),
    "badges": dvd.get_special_features_badges(),
    "poster": done,
    "torrents": [one["quality"] for one in torrents],
    "nothing": tmdb_service.get_movie_details(1999999999),
    "has_key": bool(AppSettings.get_settings().tmdb_api_key),
}))
"""


class TestScript:
    def run(self, environ, program):
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def test_everything_from_a_program_of_its_own(self, environ, tmdb, yts):
        program = PROGRAM.replace("POSTERS", repr(tmdb.image_base_url))
        done = self.run({**environ, **yts.environ}, program)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert json.loads(done.stdout) == {
            "found": 4,
            "name": "The Matrix",
            "url": "/dvd/1/",
            "badges": [{"text": "Tartan", "class": "bg-purple text-white"}],
            "poster": True,
            "torrents": ["720p"],
            "nothing": None,
            "has_key": True,
        }

    @pytest.mark.databases("sqlite")
    def test_says_on_standard_error_why_there_is_nothing(self, environ):
        program = "from kinoshelf.services import TMDBService\nprint(TMDBService().search_movies('x'))"
        done = self.run(environ, program)
        assert done.stdout.strip() == "{'results': [], 'total_results': 0}"
        assert "TMDB_API_KEY" in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_beside_a_running_server(self, client, server, environ):
        done = self.run(environ, "from kinoshelf.models import DVD\nd = DVD(name='Alien')\nd.save()\nprint(d.id)")
        assert done.returncode == 0, done.stderr
        disc = int(done.stdout)
        assert client.get(f"/dvd/{disc}/?format=json").json()["name"] == "Alien"
        client.patch(f"/dvd/{disc}/", json={"status": "disposed"})
        done = self.run(environ, f"from kinoshelf.models import DVD\nprint(DVD.get({disc}).get_status_display())")
        assert done.stdout.strip() == "Disposed"
