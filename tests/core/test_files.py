"""Files that a crash leaves whole, and paths that never leave their root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinoshelf.core.errors import Forbidden
from kinoshelf.core.files import inside, write_atomic


class TestWriteAtomic:
    def test_makes_the_folder_and_sets_the_mode(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "secret"
        write_atomic(path, b"one", mode=0o600)
        write_atomic(path, b"two", mode=0o640)
        assert path.read_bytes() == b"two"
        assert path.stat().st_mode & 0o777 == 0o640
        assert list(path.parent.iterdir()) == [path]

    def test_a_failure_leaves_the_old_file_and_nothing_beside_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "file"
        write_atomic(path, b"old")

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomic(path, b"new")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


class TestInside:
    def test_joins_below_the_root(self, tmp_path: Path) -> None:
        assert inside(tmp_path, "a", "b.txt") == tmp_path.resolve() / "a" / "b.txt"
        assert inside(tmp_path, "a/../b") == tmp_path.resolve() / "b"
        assert inside(tmp_path) == tmp_path.resolve()

    @pytest.mark.parametrize("parts", [("..",), ("../x",), ("/etc/passwd",), ("a", "../../x"), ("a", "/etc")], ids=repr)
    def test_refuses_what_leaves_it(self, tmp_path: Path, parts: tuple[str, ...]) -> None:
        with pytest.raises(Forbidden):
            inside(tmp_path, *parts)

    def test_refuses_a_link_that_leaves_it(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "out").symlink_to(tmp_path)
        with pytest.raises(Forbidden):
            inside(tmp_path / "root", "out", "x")

    def test_a_neighbour_with_the_same_beginning_is_outside(self, tmp_path: Path) -> None:
        with pytest.raises(Forbidden):
            inside(tmp_path / "root", "../root2/x")

    @given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=4))
    @example(["....//", "x"])
    def test_never_outside_whatever_the_names(self, parts: list[str]) -> None:
        root = Path("/srv/films")
        try:
            found = inside(root, *parts)
        except Forbidden:
            return
        assert found == root or root in found.parents
