"""What can be wrong with a file that is read in.

InvalidInput
├── FileUnreadable      it is no table, or broken; `line` where that is known
└── ImportTooLarge      more than the limits allow
ImportNotFound          404
ImportNotReady          409  it runs, or it is over
"""

from __future__ import annotations

from kinoshelf.core.errors import Conflict, InvalidInput, NotFound

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200


class FileUnreadable(InvalidInput):
    def __init__(self, message: str, line: int | None = None) -> None:
        if line is None:
            super().__init__(message)
        else:
            super().__init__(f"line {line}: {message}", line=line)


class ImportTooLarge(InvalidInput):
    pass


class ImportNotFound(NotFound):
    def __init__(self, import_id: str) -> None:
        super().__init__(f"there is no import {import_id}")


class ImportNotReady(Conflict):
    pass
