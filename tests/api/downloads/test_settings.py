from __future__ import annotations

import os
import stat
import tomllib

import pytest

from kinoshelf.api.downloads.answers import SettingsRead, SettingsSaved
from kinoshelf.app import Role
from kinoshelf.core.settings import SettingsStore, leaves
from kinoshelf.core.settings_events import SettingsChanged

URL = "/api/settings"


async def change(api, **body):
    return await api.put(URL, json=body)


def in_file(hub):
    path = hub.store.current.config_file
    return tomllib.loads(path.read_text()) if path.exists() else {}


@pytest.mark.databases("sqlite")
class TestGetSettings:
    async def test_has_the_keys_of_the_documentation(self, api, hub):
        answer = await api.get(URL)
        assert answer.status_code == 200
        SettingsRead.model_validate_json(answer.content, strict=True)
        shown = answer.json()
        assert shown["max_concurrent_downloads"] == 5
        assert shown["download_directory"] == str(hub.store.current.download_dir)
        assert (shown["fshare_configured"], shown["tmdb_configured"]) == (False, False)
        assert shown["server"]["host"] == "127.0.0.1"
        assert shown["downloads"]["max_concurrent"] == shown["engine"]["max_active_downloads"] == 5

    async def test_describes_every_setting(self, api):
        shown = (await api.get(URL)).json()["settings"]
        assert shown.keys() == {leaf.key for leaf in leaves()}
        assert shown["engine.max_active_downloads"] == {
            "value": 5,
            "default": 5,
            "source": "default",
            "variable": "KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS",
            "secret": False,
            "description": "Downloads at the same time.",
        }
        assert all(one["description"] for one in shown.values())
        assert shown["port"]["source"] == "environment"

    @pytest.mark.environ(
        KINOSHELF_FSHARE_PASSWORD="geheim-1",
        FSHARE_EMAIL="anna@example.org",
        TMDB_API_KEY="geheim-2",
        KINOSHELF_ENGINE_PROXY="http://anna:geheim-3@proxy.example:8080",
    )
    async def test_shows_no_secret(self, api):
        answer = await api.get(URL)
        assert "geheim" not in answer.text
        shown = answer.json()
        assert (shown["fshare_configured"], shown["tmdb_configured"]) == (True, True)
        assert shown["settings"]["fshare.password"]["value"] == "********"
        assert shown["settings"]["fshare.app_key"]["value"] == ""
        assert shown["settings"]["tmdb.api_key"] | {"description": ""} == {
            "value": "********",
            "default": "",
            "source": "environment",
            "variable": "TMDB_API_KEY",
            "secret": True,
            "description": "",
        }
        assert shown["engine"]["proxy"] == "http://anna:***@proxy.example:8080"


WAYS = (
    {"max_concurrent_downloads": 7},
    {"settings": {"engine.max_active_downloads": 7}},
    {"settings": {"engine.max_active_downloads": {"value": 7, "source": "default"}}},
    {"engine": {"max_active_downloads": 7}},
    {"downloads": {"max_concurrent": 7}},
    {"max_concurrent_downloads": 7, "settings": {"engine.max_active_downloads": 7}},
)
NONSENSE = (
    {"max_concurrent_downloads": 0},
    {"max_concurrent_downloads": 101},
    {"max_concurrent_downloads": "many"},
    {"max_concurrent_downloads": None},
    {"max_concurrent_downloads": 10**40},
    {"max_concurrent_downloads": 2.5},
    {"settings": {"engine.free_space_reserve_bytes": 2**63}},
    {"settings": {"engine.speed_schedule": [{"start": "25:00", "end": "07:00", "limit_bytes_per_second": 1}]}},
    {"settings": {"engine.speed_schedule": [[[[1]]]]}},
    {"settings": {"engine.speed_schedule": [{"start": "01:00", "end": "07:00", "limit_bytes_per_second": 10**30}]}},
    {"settings": {"engine.user_agent": "x" * 301}},
    {"settings": {"engine.user_agent": {"deep": []}}},
    {"settings": {"engine.proxy": "x" * 10_001}},
    {"settings": {"no.such": 1}},
    {"settings": {"engine": 1}},
    {"settings": []},
    {"engine": 5},
    {"engine": {"unknown": 1}},
    {"server": {"base_path": "/a b"}},
    {"max_concurent_downloads": 7},
    {"engine": {"max_active_downloads": 7}, "max_concurrent_downloads": 8},
)


@pytest.mark.databases("sqlite")
class TestChangeSettings:
    async def test_every_way_to_say_it(self, api, hub):
        for body in WAYS:
            answer = await change(api, **body)
            assert answer.status_code == 200, (body, answer.text)
            SettingsSaved.model_validate_json(answer.content, strict=True)
            assert (answer.json()["success"], answer.json()["max_concurrent_downloads"]) == (True, 7)
            assert answer.json()["settings"]["engine.max_active_downloads"]["source"] == "file"
            # Live, and kept.
            assert hub.store.current.engine.max_active_downloads == 7
            assert in_file(hub) == {"engine": {"max_active_downloads": 7}}
            assert (await change(api, max_concurrent_downloads=5)).status_code == 200

    async def test_a_whole_answer_sent_back_changes_nothing(self, api, hub):
        await change(api, settings={"fshare.password": "geheim", "engine.proxy": "http://a:geheim@p.example"})
        before = in_file(hub)
        answer = await api.put(URL, content=(await api.get(URL)).content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200
        assert (
            in_file(hub)
            == before
            == {"fshare": {"password": "geheim"}, "engine": {"proxy": "http://a:geheim@p.example"}}
        )

    async def test_a_whole_answer_with_one_change(self, api, hub):
        shown = (await api.get(URL)).json()
        answer = await change(api, **{**shown, "max_concurrent_downloads": 2})
        assert answer.status_code == 200
        assert in_file(hub) == {"engine": {"max_active_downloads": 2}}

    async def test_keeps_lists_and_windows(self, api, hub, environ):
        window = {"start": "22:00", "end": "06:00", "limit_bytes_per_second": 0, "days": ["sat", "sun"]}
        answer = await change(
            api, settings={"engine.speed_schedule": [window], "sources": ["yts"], "engine.max_retries": 3}
        )
        assert answer.json()["engine"]["speed_schedule"] == [window]
        again = SettingsStore.load(environ).current
        assert again.engine.speed_schedule[0].days == ("sat", "sun")
        assert (again.sources, again.engine.max_retries) == (("yts",), 3)
        answer = await change(api, settings={"engine.max_retries": None, "engine.speed_schedule": []})
        assert (answer.json()["engine"]["max_retries"], answer.json()["engine"]["speed_schedule"]) == (None, [])

    async def test_refuses_nonsense_in_words_and_changes_nothing(self, api, hub):
        for body in NONSENSE:
            answer = await change(api, **body)
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), body
            assert answer.json()["error"]
        assert in_file(hub) == {}

    async def test_one_wrong_value_changes_nothing_at_all(self, api, hub):
        answer = await change(api, max_concurrent_downloads=3, engine={"stall_timeout_seconds": 0})
        assert answer.status_code == 400
        assert "stall_timeout_seconds" in answer.json()["error"]
        assert hub.store.current.engine.max_active_downloads == 5

    @pytest.mark.environ(KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS="4")
    async def test_what_the_environment_decides_is_a_conflict(self, api):
        answer = await change(api, max_concurrent_downloads=3)
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
        assert "KINOSHELF_ENGINE_MAX_ACTIVE_DOWNLOADS" in answer.json()["error"]
        assert (await change(api, max_concurrent_downloads=4)).status_code == 200

    async def test_where_the_settings_lie_is_decided_at_the_start(self, api, hub, tmp_path):
        for key in ("data_dir", "config_dir", "database_url"):
            answer = await change(api, **{key: str(tmp_path / "else")})
            assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT"), key

    async def test_other_processes_follow(self, api, hub, make_hub):
        told = []
        hub.events.subscribe(SettingsChanged, told.append)
        other = make_hub(Role.COMMAND)
        assert other.store.current.engine.max_active_downloads == 5
        await change(api, max_concurrent_downloads=3)
        assert told == [SettingsChanged()]
        other.events.tell(told)
        assert other.store.current.engine.max_active_downloads == 3

    async def test_what_another_process_wrote_is_not_lost(self, api, hub, make_hub):
        make_hub(Role.COMMAND).store.update({"engine.user_agent": "theirs"})
        await change(api, max_concurrent_downloads=3)
        assert in_file(hub) == {"engine": {"user_agent": "theirs", "max_active_downloads": 3}}

    async def test_nothing_is_no_change(self, api, hub):
        told = []
        hub.events.subscribe(SettingsChanged, told.append)
        for body in ({}, {"fshare_configured": True}, {"max_concurrent_downloads": 5}):
            assert (await change(api, **body)).json()["success"] is True
        assert (told, in_file(hub)) == ([], {})


@pytest.mark.databases("sqlite")
class TestDownloadDirectory:
    @pytest.fixture
    def environ(self, environ):
        del environ["KINOSHELF_DOWNLOAD_DIR"]
        return environ

    async def test_is_made_and_tried(self, api, hub, tmp_path):
        folder = tmp_path / "big disk" / "downloads"
        answer = await change(api, download_directory=str(folder))
        assert (answer.status_code, answer.json()["download_directory"]) == (200, str(folder))
        assert hub.store.current.download_dir == folder
        assert list(folder.iterdir()) == []

    async def test_empty_means_the_default(self, api, hub, tmp_path):
        await change(api, download_directory=str(tmp_path / "x"))
        answer = await change(api, download_directory="")
        assert answer.json()["download_directory"] == str(hub.store.current.data_dir / "downloads")

    async def test_refuses_what_cannot_be_written(self, api, hub, tmp_path):
        file = tmp_path / "file"
        file.write_text("no folder")
        before = hub.store.current.download_dir
        for text in (str(file), str(file / "below"), "relative/path", "~nobody-here/x", "/" + "x" * 5000, "/proc/none"):
            answer = await change(api, download_directory=text)
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), text[:20]
            assert "download_dir" in answer.json()["error"]
        assert hub.store.current.download_dir == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    async def test_refuses_a_folder_of_others(self, api, tmp_path):
        folder = tmp_path / "theirs"
        folder.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
        answer = await change(api, download_directory=str(folder))
        assert answer.status_code == 400
        assert "Permission denied" in answer.json()["error"]
