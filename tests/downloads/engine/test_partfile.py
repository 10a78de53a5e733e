"""The part file and its sidecar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinoshelf.downloads.engine.partfile import (
    Origin,
    PartFile,
    PartFileBusy,
    can_preallocate,
    part_path,
    remove_part,
    sidecar_path,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film.mkv.12345678.part"


def opened(path: Path) -> PartFile:
    return PartFile(path, download_id="12345678-x")


class TestName:
    def test_leaves_room_for_what_goes_with_it(self) -> None:
        found = sidecar_path(part_path(Path("/x"), "n" * 200, "12345678-9abc"))
        assert len(f"{found.name}.new") <= 255
        assert found.name.endswith(".12345678.part.json")


class TestValidator:
    @pytest.mark.parametrize(
        ("etag", "modified", "validator"),
        [
            ('"a"', "Mon", '"a"'),
            ('W/"a"', "Mon", "Mon"),
            ('W/"a"', "", ""),
            ("", "Mon", "Mon"),
            ("", "", ""),
        ],
    )
    def test_is_strong_or_a_date(self, etag: str, modified: str, validator: str) -> None:
        assert Origin(5, etag, modified).validator == validator


class TestCheckpoint:
    def test_is_all_that_counts_afterwards(self, path: Path) -> None:
        part = opened(path)
        part.origin = Origin(1000, '"a"', "Mon")
        part.write([b"a" * 60, b"b" * 40], 0, 100)
        part.write([b"c" * 100], 500, 100)
        part.checkpoint()
        part.write([b"d" * 100], 100, 100)
        part.close()
        again = opened(path)
        assert again.ranges.spans == ((0, 100), (500, 600))
        assert again.origin == part.origin
        assert again.read(50, 20) == b"a" * 10 + b"b" * 10
        again.close()

    def test_of_nothing_writes_nothing(self, path: Path) -> None:
        part = opened(path)
        part.checkpoint()
        part.close()
        assert not sidecar_path(path).exists()

    def test_without_one_everything_begins_anew(self, path: Path) -> None:
        part = opened(path)
        part.write([b"x"], 0, 1)
        part.close()
        again = opened(path)
        assert (again.ranges.total, path.stat().st_size) == (0, 0)
        again.close()

    def test_comes_too_late_after_a_restart(self, path: Path, monkeypatch) -> None:
        part = opened(path)
        part.write([b"old"], 0, 3)
        genuine = os.fdatasync

        def restart_meanwhile(descriptor: int) -> None:
            genuine(descriptor)
            part.restart()

        monkeypatch.setattr(os, "fdatasync", restart_meanwhile)
        part.checkpoint()
        part.close()
        assert not sidecar_path(path).exists()
        assert path.stat().st_size == 0

    def test_gives_up_the_end_where_the_disk_is_full(self, path: Path, monkeypatch) -> None:
        part = opened(path)
        part.write([b"x" * 1_000_000], 0, 1_000_000)
        genuine = os.open

        def full(name, *arguments, **options):
            if str(name).endswith(".new") and path.stat().st_size == 1_000_000:
                raise OSError(28, "No space left on device", str(name))
            return genuine(name, *arguments, **options)

        monkeypatch.setattr(os, "open", full)
        part.last_checkpoint()
        part.close()
        again = opened(path)
        assert again.ranges.prefix == path.stat().st_size == 1_000_000 - 128 * 1024
        again.close()


class TestRestart:
    def test_forgets_everything(self, path: Path) -> None:
        part = opened(path)
        part.origin = Origin(10, '"a"', "")
        part.write([b"0123456789"], 0, 10)
        part.checkpoint()
        part.restart()
        assert (part.ranges.total, part.origin, part.has_sidecar) == (0, Origin(), False)
        assert (path.stat().st_size, sidecar_path(path).exists()) == (0, False)
        part.close()


class TestWrite:
    def test_of_more_pieces_than_a_system_takes_at_once(self, path: Path) -> None:
        part = opened(path)
        part.write([bytes([number % 256]) for number in range(5000)], 7, 5000)
        assert part.read(7, 5000) == bytes(number % 256 for number in range(5000))
        part.close()

    def test_that_the_system_cuts_short_goes_on(self, path: Path, monkeypatch) -> None:
        genuine = os.pwritev
        monkeypatch.setattr(os, "pwritev", lambda fd, chunks, at: genuine(fd, [chunks[0][:3]], at))
        part = opened(path)
        part.write([b"01234", b"56789"], 5, 10)
        assert part.read(5, 10) == b"0123456789"
        assert part.ranges.spans == ((5, 15),)
        part.close()


class TestLock:
    def test_keeps_others_out_until_it_is_closed(self, path: Path) -> None:
        part = opened(path)
        part.write([b"mine"], 0, 4)
        with pytest.raises(PartFileBusy):
            opened(path)
        assert path.read_bytes() == b"mine"
        part.close()
        opened(path).close()

    def test_ends_with_the_process(self, path: Path) -> None:
        script = (
            "import sys, os, time; from pathlib import Path; from kinoshelf.downloads.engine.partfile import PartFile\n"
            "part = PartFile(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(PartFileBusy):
                opened(path)
            other.kill()
        opened(path).close()

    def test_on_a_file_that_was_removed_meanwhile_is_worth_nothing(self, path: Path, monkeypatch) -> None:
        """The holder before finished between our opening and our locking."""
        path.write_bytes(b"old")
        genuine, opens = os.open, []

        def open_and_lose(name, *arguments, **options):
            descriptor = genuine(name, *arguments, **options)
            opens.append(name)
            if len(opens) == 1:
                path.unlink()
            return descriptor

        monkeypatch.setattr(os, "open", open_and_lose)
        part = opened(path)
        part.write([b"new"], 0, 3)
        part.close()
        assert path.read_bytes() == b"new"

    def test_follows_no_link(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "precious").write_bytes(b"mine")
        path.symlink_to(tmp_path / "precious")
        with pytest.raises(OSError, match="symbolic links"):
            opened(path)
        assert (tmp_path / "precious").read_bytes() == b"mine"


class TestPreallocate:
    def test_reserves_without_showing(self, path: Path) -> None:
        part = opened(path)
        if not can_preallocate(path.parent):
            assert part.preallocate(1 << 20) is False
            part.close()
            return
        assert part.preallocate(8 << 20)
        assert path.stat().st_size == 0
        assert part.allocated_bytes >= 8 << 20
        part.restart()
        assert part.allocated_bytes < 8 << 20
        part.close()


class TestRemove:
    def test_takes_everything_along(self, path: Path) -> None:
        part = opened(path)
        part.write([b"x"], 0, 1)
        part.checkpoint()
        part.close()
        remove_part(path)
        remove_part(path)
        assert list(path.parent.iterdir()) == []
