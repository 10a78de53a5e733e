"""The files of the store: named by the SHA-256 of the original, in folders of two levels.

`ab/cd/abcd….jpg` is an original, `ab/cd/abcd….w342.webp` a size made of it. A name is made of a checked key and
closed lists, so none of them leads out of the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinoshelf.core.files import write_atomic
from kinoshelf.images.formats import SUFFIXES, MadeFormat
from kinoshelf.images.sizes import ArtworkSize

KEY = re.compile(r"[0-9a-f]{64}")
LEVEL = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class FoundFile:
    path: Path
    content_key: str | None
    """None for what no file of ours is called: something left half-way."""
    size_bytes: int
    modified_at: float


class ImageFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)

    def original(self, content_key: str, media_type: str) -> Path:
        return Path(f"{self._stem(content_key)}.{SUFFIXES[media_type]}")

    def made(self, content_key: str, size: ArtworkSize, made: MadeFormat) -> Path:
        return Path(f"{self._stem(content_key)}.{size}.{made}")

    def _stem(self, content_key: str) -> str:
        if not KEY.fullmatch(content_key):
            raise ValueError("not the key of a content")
        return f"{self._root}/{content_key[:2]}/{content_key[2:4]}/{content_key}"

    def keep(self, content: bytes, media_type: str) -> str:
        """Write an original so that it is there or not there whatever happens; return its key."""
        content_key = hashlib.sha256(content).hexdigest()
        # Also where it is there already: that heals a damaged one, and keeps the tidying away from it.
        write_atomic(self.original(content_key, media_type), content)
        return content_key

    def walk(self) -> Iterator[list[FoundFile]]:
        """Yield the files of each folder together."""
        for upper in _folders(self.root):
            for lower in _folders(upper):
                found = []
                for path in lower.iterdir():
                    try:
                        stat = path.stat()
                    except FileNotFoundError:
                        continue
                    key = path.name.partition(".")[0]
                    is_ours = bool(KEY.fullmatch(key)) and path.parent == Path(self._stem(key)).parent
                    found.append(FoundFile(path, key if is_ours else None, stat.st_size, stat.st_mtime))
                yield found


def _folders(above: Path) -> list[Path]:
    if not above.is_dir():
        return []
    return sorted(path for path in above.iterdir() if LEVEL.fullmatch(path.name) and path.is_dir())
