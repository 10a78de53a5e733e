"""kinoshelf settings."""

from __future__ import annotations

import tomllib

import pytest

from kinoshelf.core.settings import leaves

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def file(data_dir):
    return data_dir / "config" / "kinoshelf.toml"


class TestList:
    def test_names_every_setting_and_where_it_comes_from(self, cli, data_dir):
        found = cli("settings", "list", "--json").document
        assert [item["key"] for item in found["items"]] == [leaf.key for leaf in leaves()]
        by_key = {item["key"]: item for item in found["items"]}
        assert by_key["data_dir"] | {"description": ""} == {
            "key": "data_dir",
            "value": str(data_dir),
            "source": "KINOSHELF_DATA_DIR",
            "description": "",
            "variable": "KINOSHELF_DATA_DIR",
            "is_secret": False,
        }
        assert by_key["engine.max_active_downloads"]["source"] == "default"

    def test_finds(self, cli):
        found = cli("settings", "list", "--search", "same time from one host", "--json").document
        assert [item["key"] for item in found["items"]] == ["engine.max_active_per_host"]
        assert cli("settings", "list", "--search", "no such thing").out == "Nothing here.\n"

    @pytest.mark.environ(TMDB_API_KEY="very-secret")
    def test_shows_no_secret(self, cli):
        assert "very-secret" not in cli("settings", "list", "--json").out + cli("settings", "list").out
        assert cli("settings", "get", "tmdb.api_key", "--json").document["value"] == "********"


class TestSet:
    @pytest.mark.parametrize(
        ("key", "text", "value"),
        [
            ("engine.max_active_downloads", "3", 3),
            ("engine.verify_tls", "false", False),
            ("engine.proxy", "socks5://127.0.0.1:9", "socks5://127.0.0.1:9"),
            (
                "downloads.cors_origins",
                "https://a.example, https://b.example",
                ["https://a.example", "https://b.example"],
            ),
            ("engine.max_retries", "-0", 0),
            ("library_dir", "/srv/series", "/srv/series"),
        ],
    )
    def test_writes_the_file_in_its_own_types(self, cli, file, key, text, value):
        ended = cli("settings", "set", key, text, "--json")
        assert (ended.status, ended.document["value"], ended.document["source"]) == (0, value, "file")
        found = tomllib.loads(file.read_text())
        for part in key.split("."):
            found = found[part]
        assert found == value
        assert cli("settings", "get", key, "--json").document["value"] == value

    def test_a_schedule_is_given_as_json(self, cli):
        window = '[{"start": "22:00", "end": "06:00", "limit_bytes_per_second": 0}]'
        assert cli("settings", "set", "engine.speed_schedule", window).status == 0
        assert cli("settings", "get", "engine.speed_schedule", "--json").document["value"][0]["end"] == "06:00"

    def test_an_optional_one_is_emptied(self, cli, file):
        cli("settings", "set", "engine.max_retries", "5")
        assert cli("settings", "set", "engine.max_retries", "", "--json").document["value"] is None
        assert "max_retries" not in file.read_text()

    def test_a_secret_is_read_from_standard_input(self, cli, file):
        ended = cli("settings", "set", "fshare.password", stdin="se cret\n")
        assert (ended.status, "se cret" in ended.out + ended.err) == (0, False)
        assert tomllib.loads(file.read_text())["fshare"]["password"] == "se cret"

    @pytest.mark.parametrize(
        ("words", "status", "code"),
        [
            (("nonsense", "1"), 4, "NOT_FOUND"),
            (("engine.max_active_downloads", "many"), 1, "INVALID"),
            (("engine.max_active_downloads", "1000"), 1, "INVALID"),
            (("engine.speed_schedule", "[oops"), 1, "INVALID"),
            (("engine.max_active_downloads",), 2, "USAGE"),
            (("port", "9"), 1, "CONFLICT"),
            (("data_dir", "/elsewhere"), 1, "CONFLICT"),
        ],
    )
    def test_what_cannot_be_set_leaves_the_file_alone(self, cli, file, words, status, code):
        ended = cli("settings", "set", *words, "--json")
        assert (ended.status, ended.document["error"]) == (status, code)
        assert not file.exists()
