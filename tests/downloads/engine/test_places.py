"""Under which name and where files end up, and what happens where they cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinoshelf.downloads import control
from kinoshelf.downloads.states import State
from tests.downloads.queue import Queue, both
from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random

CONTENT = pseudo_random(300_000, seed=1)
OTHER = pseudo_random(300_000, seed=2)

pytestmark = pytest.mark.databases("sqlite")


@both
class TestName:
    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            ('attachment; filename="film (2008).mkv"', "film (2008).mkv"),
            ("attachment; filename=plain.mkv; filename*=UTF-8''caf%C3%A9.mkv", "café.mkv"),
            ('attachment; filename="café.mkv"', "café.mkv"),
            ('attachment; filename="../../../etc/passwd"', "passwd"),
            ('attachment; filename="..\\\\..\\\\windows\\\\film.mkv"', "film.mkv"),
            ('attachment; filename="/"', "get.php"),
            ('attachment; filename=".."', "get.php"),
            ("attachment; filename*=idna''xn--%ff.mkv", "get.php"),
            ('attachment; filename="CON.mkv"', "CON_.mkv"),
            ("inline", "get.php"),
            (f'attachment; filename="{"x" * 400}.mkv"', f"{'x' * 196}.mkv"),
        ],
    )
    def test_is_the_one_the_host_gives(self, queue: Queue, faulty: FaultyServer, disposition: str, name: str) -> None:
        file = faulty.add("get.php", CONTENT, disposition=disposition)
        path = queue.finish(queue.add(f"{file.url}?id=1"))
        assert queue.files == {name: file.sha256}
        assert path.parent == queue.folder

    def test_is_the_users_where_there_is_one(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("get.php", CONTENT, disposition="attachment; filename=hosts.mkv")
        queue.finish(queue.add(file.url, filename="mine.mkv", folder="Films/Heat (1995)"))
        assert queue.files == {"Films/Heat (1995)/mine.mkv": file.sha256}

    def test_is_that_of_the_place_redirected_to(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("films/film.mkv", CONTENT)
        link = faulty.add("get.php", redirect="/films/film.mkv")
        queue.finish(queue.add(link.url))
        assert queue.files == {"film.mkv": file.sha256}


class TestConflict:
    def test_gets_a_number_and_overwrites_nothing(self, queue: Queue, faulty: FaultyServer) -> None:
        queue.folder.mkdir(parents=True)
        (queue.folder / "film.mkv").write_bytes(OTHER)
        (queue.folder / "film (2).mkv").symlink_to("nowhere")
        file = faulty.add("film.mkv", CONTENT)
        path = queue.finish(queue.add(file.url))
        assert path.name == "film (3).mkv"
        assert (queue.folder / "film.mkv").read_bytes() == OTHER
        assert path.read_bytes() == CONTENT

    def test_of_many_at_once_gives_each_its_own(self, queue: Queue, faulty: FaultyServer) -> None:
        ids = [
            queue.add(faulty.add(f"{number}/film.mkv", CONTENT + bytes([number])).url, folder="one")
            for number in range(12)
        ]
        paths = {queue.finish(one) for one in ids}
        assert len(paths) == 12
        assert {path.name for path in paths} == {"film.mkv", *(f"film ({number}).mkv" for number in range(2, 13))}
        assert {path.read_bytes()[-1] for path in paths} == set(range(12))

    def test_with_one_that_appears_while_it_arrives(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, stall_after=100_000)
        download = queue.add(file.url)
        queue.arrive(download, 100_000)
        (queue.folder / "film.mkv").write_bytes(OTHER)
        file.release()
        assert queue.finish(download).name == "film (2).mkv"
        assert (queue.folder / "film.mkv").read_bytes() == OTHER

    def test_of_a_completed_one_fetched_again(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        download = queue.add(file.url)
        queue.finish(download)
        queue.act(control.retry, download)
        queue.reach(download, State.COMPLETED)
        queue.let_go(download)
        assert queue.files == {"film.mkv": file.sha256, "film (2).mkv": file.sha256}


class TestFolder:
    def test_that_leads_out_of_the_root_is_refused(self, queue: Queue, faulty: FaultyServer, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        queue.folder.mkdir(parents=True)
        (queue.folder / "way-out").symlink_to(outside)
        file = faulty.add("film.mkv", CONTENT)
        for folder in ("way-out", "way-out/deeper"):
            download = queue.add(f"{file.url}?{folder}", folder=folder)
            row = queue.fail(download)
            assert row.error_category == "storage"
            assert "leaves its folder" in row.error_message
        assert list(outside.iterdir()) == []
        assert file.requests == []

    def test_that_is_itself_a_link_may_be_the_root(self, make_queue, faulty: FaultyServer, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "disk")
        queue = make_queue(KINOSHELF_DOWNLOAD_DIR=str(tmp_path / "link"))
        file = faulty.add("film.mkv", CONTENT)
        queue.finish(queue.add(file.url, folder="below"))
        assert (tmp_path / "disk" / "below" / "film.mkv").read_bytes() == CONTENT

    def test_that_was_cleared_away_is_made_again(self, queue: Queue, faulty: FaultyServer) -> None:
        first, second = (faulty.add(f"{name}.mkv", CONTENT) for name in ("first", "second"))
        queue.finish(queue.add(first.url, folder="Show/Season 1"))
        shutil.rmtree(queue.folder / "Show")
        queue.finish(queue.add(second.url, folder="Show/Season 1"))
        assert queue.files == {"Show/Season 1/second.mkv": second.sha256}

    def test_that_vanishes_while_a_file_arrives_is_no_end(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, stall_after=100_000)
        download = queue.add(file.url, folder="Show")
        queue.arrive(download, 100_000)
        shutil.rmtree(queue.folder / "Show")
        file.release()
        queue.finish(download)
        assert queue.files == {"Show/film.mkv": file.sha256}
        assert ["removed" in words for _category, words in queue.errors(download)] == [True]

    def test_that_is_a_file_is_told(self, queue: Queue, faulty: FaultyServer) -> None:
        queue.folder.mkdir(parents=True)
        (queue.folder / "Show").write_bytes(b"")
        row = queue.fail(queue.add(faulty.add("film.mkv", CONTENT).url, folder="Show"))
        assert row.error_category == "storage"
        assert "folder" in row.error_message

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_that_may_not_be_written_is_told(self, queue: Queue, faulty: FaultyServer) -> None:
        queue.folder.mkdir(parents=True)
        queue.folder.chmod(0o500)
        row = queue.fail(queue.add(faulty.add("film.mkv", CONTENT).url))
        assert row.error_category == "storage"
        assert "the hub may not write there" in row.error_message

    def test_that_cannot_be_made_is_told(self, make_queue, faulty: FaultyServer) -> None:
        # Nobody may write there, not even root.
        queue = make_queue(KINOSHELF_DOWNLOAD_DIR="/proc/kinoshelf")
        row = queue.fail(queue.add(faulty.add("film.mkv", CONTENT).url))
        assert row.error_category == "storage"
        assert "/proc/kinoshelf" in row.error_message
        assert "check the download folder" in row.error_message

    def test_may_be_changed_for_the_downloads_to_come(self, make_queue, faulty, tmp_path: Path) -> None:
        queue = make_queue(KINOSHELF_DOWNLOAD_DIR="")
        first, second = (faulty.add(f"{name}.mkv", CONTENT) for name in ("first", "second"))
        queue.finish(queue.add(first.url))
        queue.hub.store.update({"download_dir": tmp_path / "elsewhere"})
        path = queue.finish(queue.add(second.url))
        assert path == tmp_path / "elsewhere" / "second.mkv"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


class TestFullDisk:
    def test_is_seen_before_a_byte_is_fetched(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_FREE_SPACE_RESERVE_BYTES=str(1 << 60))
        file = faulty.add("film.mkv", pseudo_random(2_000_000))
        row = queue.fail(queue.add(file.url))
        assert (row.error_category, row.retry_count) == ("disk_full", 0)
        assert "2,000,000 bytes are missing and only 0 are free" in row.error_message
        assert "make room on the disk" in row.error_message

    def test_stops_a_download_of_unknown_length(self, make_queue, faulty: FaultyServer) -> None:
        queue = make_queue(KINOSHELF_ENGINE_FREE_SPACE_RESERVE_BYTES=str(1 << 60))
        file = faulty.add("film.mkv", pseudo_random(4_000_000), framing="chunked", bytes_per_second=1_000_000)
        row = queue.fail(queue.add(file.url))
        assert "almost full" in row.error_message

    def test_in_the_middle_of_a_file_keeps_what_is_there(
        self, make_queue, faulty, small_disk: Path, expected_logs
    ) -> None:
        # Where one is due before the download has ended.
        expected_logs.allow("engine.checkpoint_failed")
        queue = make_queue(KINOSHELF_DOWNLOAD_DIR=str(small_disk))
        ballast = small_disk / "ballast"
        file = faulty.add("film.mkv", pseudo_random(3_000_000), stall_after=1_000_000)
        download = queue.add(file.url)
        queue.arrive(download, 1_000_000)
        ballast.write_bytes(bytes(2_000_000))
        file.release()
        row = queue.fail(download)
        assert row.error_category == "disk_full"
        assert "no room left" in row.error_message
        assert row.downloaded_bytes >= 900_000
        ballast.unlink()
        queue.act(control.retry, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert file.requests[-1].range is not None

    def test_while_a_finished_one_is_placed_is_told(self, make_queue, faulty, small_disk: Path) -> None:
        queue = make_queue(KINOSHELF_DOWNLOAD_DIR=str(small_disk))
        file = faulty.add("film.mkv", CONTENT, stall_after=200_000)
        download = queue.add(file.url)
        queue.arrive(download, 200_000)
        (small_disk / "ballast").write_bytes(bytes(4096 * ((os.statvfs(small_disk).f_bavail) - 25)))
        file.release()
        row = queue.reach(download, State.FAILED, State.COMPLETED)
        assert row.state == State.COMPLETED or row.error_category == "disk_full"

    def test_counts_what_was_reserved_before_only_once(self, queue: Queue, faulty: FaultyServer, monkeypatch) -> None:
        size = 8 << 20

        def of_a_small_disk(folder: Path) -> os.statvfs_result:
            used = sum(path.stat().st_blocks * 512 for path in queue.folder.rglob("*.part"))
            return os.statvfs_result((4096, 4096, 0, 0, (size + size // 2 - used) // 4096, 0, 0, 0, 0, 255))

        monkeypatch.setattr(os, "statvfs", of_a_small_disk)
        file = faulty.add("film.mkv", pseudo_random(size), stall_after=size // 4)
        download = queue.add(file.url)
        queue.arrive(download, size // 4)
        queue.act(control.pause, download)
        queue.let_go(download)
        file.release()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.errors(download) == []
        assert queue.files == {"film.mkv": file.sha256}


class TestChecksum:
    @both
    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
    def test_that_is_right_is_noted(self, queue: Queue, faulty: FaultyServer, algorithm: str) -> None:
        import hashlib

        file = faulty.add("film.mkv", CONTENT)
        download = queue.add(file.url, checksum=f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}")
        queue.finish(download)
        assert queue.row(download).is_verified

    @pytest.mark.parametrize("framing", ["length", "chunked"])
    @pytest.mark.parametrize("digest", ["Repr-Digest", "Digest"])
    def test_that_the_host_announces_is_noted(self, queue: Queue, faulty, digest: str, framing: str) -> None:
        file = faulty.add("film.mkv", CONTENT, digest=digest, framing=framing)
        download = queue.add(file.url)
        queue.finish(download)
        row = queue.row(download)
        assert (row.is_verified, row.checksum) == (True, f"sha256:{file.sha256}")

    def test_of_one_message_only_is_left_alone(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, digest="Content-MD5", digest_is_wrong=True)
        download = queue.add(file.url)
        queue.finish(download)
        assert not queue.row(download).is_verified

    @pytest.mark.parametrize("announced", [None, "Repr-Digest"])
    def test_that_is_wrong_is_tried_once_more_from_the_beginning(self, queue: Queue, faulty, announced) -> None:
        file = faulty.add("film.mkv", CONTENT, digest=announced, digest_is_wrong=True)
        download = queue.add(file.url, checksum=None if announced else "sha256:" + "0" * 64)
        row = queue.fail(download)
        assert (row.error_category, row.retry_count, row.downloaded_bytes) == ("checksum", 1, 0)
        assert "sha256" in row.error_message
        assert [request.range for request in file.requests] == [None, None]
        assert queue.files == {}

    def test_of_a_resumed_file_covers_all_of_it(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT)
        file.next(truncate_after=100_000)
        download = queue.add(file.url, checksum=f"sha256:{file.sha256}")
        queue.finish(download)
        assert queue.row(download).is_verified

    def test_finds_a_part_that_was_spoiled_on_the_disk(self, queue: Queue, faulty: FaultyServer) -> None:
        file = faulty.add("film.mkv", CONTENT, stall_after=200_000)
        download = queue.add(file.url, checksum=f"sha256:{file.sha256}")
        queue.arrive(download, 200_000)
        queue.act(control.pause, download)
        queue.let_go(download)
        with queue.part_of(download).open("r+b") as part:
            part.write(b"spoiled")
        file.release()
        queue.act(control.resume, download)
        queue.finish(download)
        assert queue.files == {"film.mkv": file.sha256}
        assert [category for category, _words in queue.errors(download)] == ["checksum"]
