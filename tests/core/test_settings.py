"""Settings from the environment, the file and the defaults, and their change while the hub runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from kinoshelf.core.errors import Conflict, InvalidInput
from kinoshelf.core.settings import SettingsStore


def load(data_dir: Path, toml: str = "", **environ: str) -> SettingsStore:
    if toml:
        config_file(data_dir).parent.mkdir(parents=True, exist_ok=True)
        config_file(data_dir).write_text(toml, encoding="utf-8")
    return SettingsStore.load({"KINOSHELF_DATA_DIR": str(data_dir), **environ})


def config_file(data_dir: Path) -> Path:
    return data_dir / "config" / "kinoshelf.toml"


class TestWhereAValueComesFrom:
    def test_command_line_over_environment_over_file_over_default(self, data_dir: Path) -> None:
        toml = "port = 1111\nhost = '::1'\n[engine]\nmax_active_downloads = 7\nconnect_timeout_seconds = 9\n"
        config_file(data_dir).parent.mkdir()
        config_file(data_dir).write_text(toml)
        environ = {
            "KINOSHELF_DATA_DIR": str(data_dir),
            "KINOSHELF_PORT": "2222",
            "KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS": "8",
        }
        found = SettingsStore.load(environ, port=3333, host=None).current
        assert (found.port, found.host) == (3333, "::1")
        assert found.engine.max_active_downloads == 8
        assert found.engine.connect_timeout_seconds == 9
        assert found.engine.stall_timeout_seconds == 60

    def test_an_empty_variable_counts_as_not_set(self, data_dir: Path) -> None:
        found = load(data_dir, "port = 1111", KINOSHELF_PORT="", KINOSHELF_TIMEZONE="").current
        assert found.port == 1111

    def test_a_name_the_world_already_uses(self, data_dir: Path) -> None:
        assert load(data_dir, TMDB_API_KEY="abc").current.tmdb.api_key.get_secret_value() == "abc"
        both = load(data_dir, TMDB_API_KEY="abc", KINOSHELF_TMDB_API_KEY="own").current
        assert both.tmdb.api_key.get_secret_value() == "own"

    def test_a_secret_in_a_file(self, data_dir: Path) -> None:
        secret = data_dir / "secret"
        secret.write_text("s3cret\n")
        store = load(data_dir, FSHARE_PASSWORD_FILE=str(secret))
        assert store.current.fshare.password.get_secret_value() == "s3cret"
        assert "s3cret" not in repr(store.current)

    def test_a_secret_file_that_is_not_there(self, data_dir: Path) -> None:
        with pytest.raises(InvalidInput, match=r"secret file cannot be read: /nowhere/secret"):
            load(data_dir, KINOSHELF_DATABASE_URL_FILE="/nowhere/secret")

    @pytest.mark.parametrize("text", ["yts, fshare", '["yts", "fshare"]', "yts,fshare,"])
    def test_lists(self, data_dir: Path, text: str) -> None:
        assert load(data_dir, KINOSHELF_SOURCES=text).current.sources == ("yts", "fshare")

    def test_speed_windows_from_the_environment(self, data_dir: Path) -> None:
        text = '[{"start": "22:00", "end": "06:00", "limit_bytes_per_second": 0}]'
        (window,) = load(data_dir, KINOSHELF_ENGINE_SPEED_SCHEDULE=text).current.engine.speed_schedule
        assert (window.start, window.end, len(window.days)) == ("22:00", "06:00", 7)

    def test_downloads_go_below_the_data_directory_unless_told(self, data_dir: Path, tmp_path: Path) -> None:
        assert load(data_dir).current.download_dir == data_dir / "downloads"
        told = load(data_dir, KINOSHELF_DOWNLOAD_DIR=str(tmp_path / "x")).current
        assert told.download_dir == tmp_path / "x"

    @pytest.mark.parametrize(
        ("text", "expected"), [("kinoshelf", "/kinoshelf"), ("/a/b/", "/a/b"), ("/", ""), ("", "")]
    )
    def test_base_path_forms(self, data_dir: Path, text: str, expected: str) -> None:
        assert load(data_dir, KINOSHELF_BASE_PATH=text).current.base_path == expected


class TestWrongValues:
    @pytest.mark.parametrize(
        ("variable", "value", "words"),
        [
            ("KINOSHELF_PORT", "http", "integer"),
            ("KINOSHELF_PORT", "70000", "65535"),
            ("KINOSHELF_DOWNLOADS_KEEP_HISTORY_DAYS", "36501", "36500"),
            (
                "KINOSHELF_LIBRARY_DIR",
                "~nobody-x/films",
                "~nobody-x/films begins with a user this machine does not know",
            ),
            ("KINOSHELF_DATA_DIR", "~nobody-x/hub", "a user this machine does not know"),
            ("KINOSHELF_TIMEZONE", "Mars/Olympus", "not a known time zone, as in Europe/Berlin"),
            ("KINOSHELF_BASE_PATH", "/a/../b", "must look like /kinoshelf"),
            ("KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS", "0", "greater than or equal to 1"),
            ("KINOSHELF_LOGGING_LEVEL", "LOUD", "'DEBUG'"),
        ],
    )
    def test_one_sentence_names_the_variable(self, data_dir: Path, variable: str, value: str, words: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            load(data_dir, **{variable: value})
        assert refused.value.message.startswith(f"settings: {variable}: ")
        assert words in refused.value.message
        assert "\n" not in refused.value.message

    def test_all_of_them_at_once(self, data_dir: Path) -> None:
        with pytest.raises(InvalidInput, match=r"engine\.max_active_downloads.*; .*KINOSHELF_PORT|KINOSHELF_PORT.*; "):
            load(data_dir, "[engine]\nmax_active_downloads = 0", KINOSHELF_PORT="x")

    @pytest.mark.parametrize("toml", ["port = ", "\x00", "[engine]\nmax_active = 3"])
    def test_a_broken_file(self, data_dir: Path, toml: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            load(data_dir, toml)
        assert "kinoshelf.toml" in refused.value.message or "engine.max_active" in refused.value.message

    @pytest.mark.parametrize("text", ["[1, 2", "[", '{"a": 1}'])
    def test_a_list_that_is_none(self, data_dir: Path, text: str) -> None:
        with pytest.raises(InvalidInput):
            load(data_dir, KINOSHELF_ENGINE_SPEED_SCHEDULE=text)


class TestUpdate:
    def test_is_in_force_at_once_and_written_with_comments_kept(self, data_dir: Path) -> None:
        toml = "# mine\nport = 1111\n\n[engine]\n# a slow line\nmax_active_downloads = 2 # two\n"
        store = load(data_dir, toml)
        told = []
        store.on_change(told.append)
        store.update({"engine.max_active_downloads": 4, "downloads.cors_origins": ("https://a.example",)})
        assert store.current.engine.max_active_downloads == 4
        assert told == [store.current]
        text = config_file(data_dir).read_text()
        assert all(part in text for part in ("# mine", "# a slow line", "# two", "port = 1111"))
        assert tomllib.loads(text) == {
            "port": 1111,
            "engine": {"max_active_downloads": 4},
            "downloads": {"cors_origins": ["https://a.example"]},
        }
        assert load(data_dir).current == store.current

    def test_only_the_owner_reads_the_file(self, data_dir: Path) -> None:
        load(data_dir).update({"fshare.email": "a@example.org"})
        assert config_file(data_dir).stat().st_mode & 0o777 == 0o600

    def test_none_clears_what_may_be_empty(self, data_dir: Path) -> None:
        store = load(data_dir)
        store.update({"engine.max_retries": 3})
        assert store.update({"engine.max_retries": None}).engine.max_retries is None
        with pytest.raises(InvalidInput, match=r"port cannot be empty"):
            store.update({"port": None})

    @pytest.mark.parametrize(
        "changes",
        [{"engine.max_active_downloads": 0}, {"engine.fast": True}, {"engine": {}}, {"timezone": "Nowhere", "port": 1}],
        ids=repr,
    )
    def test_a_wrong_change_changes_nothing(self, data_dir: Path, changes: dict[str, object]) -> None:
        store = load(data_dir)
        before = store.current
        with pytest.raises(InvalidInput):
            store.update(changes)
        assert store.current is before
        assert not config_file(data_dir).exists()

    def test_the_data_directory_stays(self, data_dir: Path) -> None:
        """The file that would say so lies in it."""
        store = SettingsStore.load({}, data_dir=data_dir)
        with pytest.raises(Conflict, match="KINOSHELF_DATA_DIR"):
            store.update({"data_dir": str(data_dir / "elsewhere")})
        assert not config_file(data_dir).exists()
        store.update({"data_dir": str(data_dir)})
        assert store.current.data_dir == data_dir

    def test_what_the_environment_decides_is_refused(self, data_dir: Path) -> None:
        store = load(data_dir, KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="3")
        with pytest.raises(Conflict, match="KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS"):
            store.update({"engine.max_active_downloads": 4})
        # A form that sends the whole page back unchanged is no conflict.
        store.update({"engine.max_active_downloads": 3, "engine.stall_timeout_seconds": 30})
        assert "max_active_downloads" not in config_file(data_dir).read_text()

    def test_a_list_of_the_environment_sent_back_is_no_conflict(self, data_dir: Path) -> None:
        store = load(data_dir, KINOSHELF_SOURCES="yts,fshare")
        for same in (["yts", "fshare"], ("yts", "fshare"), "yts, fshare"):
            store.update({"sources": same})
        with pytest.raises(Conflict):
            store.update({"sources": ["yts"]})

    def test_two_changes_at_once_are_both_kept(self, data_dir: Path) -> None:
        here, there = load(data_dir), load(data_dir)
        here.update({"engine.max_active_downloads": 2})
        there.update({"engine.stall_timeout_seconds": 30})
        engine = load(data_dir).current.engine
        assert (engine.max_active_downloads, engine.stall_timeout_seconds) == (2, 30)


class TestReload:
    def test_takes_over_what_another_process_wrote_and_tells(self, data_dir: Path) -> None:
        here, there = load(data_dir, KINOSHELF_PORT="1"), load(data_dir)
        told = []
        here.on_change(told.append)
        there.update({"engine.max_active_downloads": 2, "port": 9})
        assert here.reload().engine.max_active_downloads == 2
        assert here.current.port == 1
        here.reload()
        assert told == [here.current]

    def test_a_broken_file_leaves_the_settings_in_force(self, data_dir: Path) -> None:
        store = load(data_dir, "port = 5")
        config_file(data_dir).write_text("port = 'x'")
        with pytest.raises(InvalidInput):
            store.reload()
        assert store.current.port == 5
