"""The log file: readable by the hub's own user only, bounded in size, shared by all processes of a data directory."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from kinoshelf.core.processes import try_lock

MOST_BYTES = 8 * 1024 * 1024
KEEP_FILES = 4


class SharedLogFile(logging.Handler):
    """Appends whole lines. Whoever finds the file full renames it; the others notice and open the new one.

    The file is made with the first line, and again when somebody takes it away.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES, keep_files: int = KEEP_FILES) -> None:
        super().__init__()
        self._path = path
        self._most_bytes = most_bytes
        self._keep_files = keep_files
        self._descriptor = -1

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            self._open_current()
            if os.fstat(self._descriptor).st_size + len(line) > self._most_bytes:
                self._turn_over()
            os.write(self._descriptor, line)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self.acquire()
        try:
            self._close_file()
        finally:
            self.release()
        super().close()

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _open_current(self) -> None:
        if self._descriptor >= 0:
            if self._is_current():
                return
            self._close_file()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _turn_over(self) -> None:
        # Where another process renames it at this moment, this line still goes into the old file.
        if try_lock(self._descriptor) and self._is_current():
            for number in range(self._keep_files - 1, 0, -1):
                with suppress(FileNotFoundError):
                    self._older(number).replace(self._older(number + 1))
            if os.name == "nt":
                self._close_file()
            self._path.replace(self._older(1))
            self._close_file()
            self._open_current()

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
