"""Clearing away the files of downloads that are gone: never anything outside the download directory."""

from __future__ import annotations

import pytest

from kinoshelf.core.processes import try_lock
from kinoshelf.downloads.control import Removed
from kinoshelf.downloads.engine.partfile import sidecar_path
from kinoshelf.downloads.leftovers import clear_away


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "precious.mkv").write_text("mine")
    return folder


class TestParts:
    def test_go_with_their_sidecars_and_the_folders_that_become_empty(self, root):
        part = root / "Show (2008)" / "Season 1" / "episode.mkv.ab12.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"some")
        sidecar_path(part).write_text("{}")
        cleared = clear_away(root, Removed(part_paths=[str(part)]))
        assert cleared.removed == [str(part)]
        assert list(root.iterdir()) == []

    def test_leave_the_folder_where_something_else_is_in_it(self, root):
        (root / "folder").mkdir()
        for name in ("gone.part", "stays.mkv"):
            (root / "folder" / name).write_bytes(b"x")
        clear_away(root, Removed(part_paths=[str(root / "folder" / "gone.part")]))
        assert [path.name for path in (root / "folder").iterdir()] == ["stays.mkv"]

    def test_that_are_gone_already_are_no_news(self, root):
        cleared = clear_away(root, Removed(part_paths=[str(root / "a" / "gone.part")]))
        assert (cleared.removed, cleared.kept) == ([], [])

    def test_in_the_hands_of_a_worker_stay(self, root, expected_logs):
        expected_logs.expect("downloads.file_kept")
        part = root / "film.part"
        with part.open("wb") as held:
            assert try_lock(held.fileno())
            cleared = clear_away(root, Removed(part_paths=[str(part)]))
        assert part.exists()
        assert [path for path, _reason in cleared.kept] == [str(part)]


class TestFinishedFiles:
    def test_stay_unless_asked_for(self, root):
        film = root / "film.mkv"
        film.write_bytes(b"film")
        gone = Removed(finished_paths=[str(film)])
        clear_away(root, gone)
        assert film.exists()
        assert clear_away(root, gone, with_finished=True).removed == [str(film)]
        assert not film.exists()

    def test_that_are_folders_stay(self, root, expected_logs):
        expected_logs.expect("downloads.file_kept")
        (root / "folder").mkdir()
        cleared = clear_away(root, Removed(finished_paths=[str(root / "folder")]), with_finished=True)
        assert (root / "folder").is_dir()
        assert cleared.kept == [(str(root / "folder"), "it is a folder")]


class TestOutside:
    @pytest.mark.parametrize(
        "where",
        ["{outside}/precious.mkv", "{root}/../elsewhere/precious.mkv", "{root}/way-out/precious.mkv", "relative"],
    )
    def test_stays_whatever_the_row_says(self, root, outside, where, expected_logs):
        expected_logs.expect("downloads.file_kept")
        (root / "way-out").symlink_to(outside)
        path = where.format(root=root, outside=outside)
        cleared = clear_away(root, Removed(part_paths=[path], finished_paths=[path]), with_finished=True)
        assert (outside / "precious.mkv").read_text() == "mine"
        assert cleared.removed == []
        assert {kept for kept, _reason in cleared.kept} == {path}

    def test_a_link_is_removed_and_not_what_it_points_to(self, root, outside):
        (root / "link.mkv").symlink_to(outside / "precious.mkv")
        clear_away(root, Removed(finished_paths=[str(root / "link.mkv")]), with_finished=True)
        assert not (root / "link.mkv").is_symlink()
        assert (outside / "precious.mkv").exists()

    def test_the_download_directory_may_itself_be_a_link(self, root, tmp_path):
        (tmp_path / "link").symlink_to(root)
        film = tmp_path / "link" / "a" / "film.mkv"
        film.parent.mkdir()
        film.write_bytes(b"film")
        clear_away(tmp_path / "link", Removed(finished_paths=[str(film)]), with_finished=True)
        assert list(root.iterdir()) == []
        assert root.is_dir()
