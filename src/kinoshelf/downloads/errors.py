"""What can be wrong with a request to the download queue."""

from __future__ import annotations

from kinoshelf.core.errors import Conflict, InvalidInput, NotFound


class DownloadNotFound(NotFound):
    def __init__(self, download_id: str) -> None:
        super().__init__(f"there is no download {download_id}")


class BatchNotFound(NotFound):
    def __init__(self, batch_id: str) -> None:
        super().__init__(f"there is no batch {batch_id}")


class DownloadAlreadyQueued(Conflict):
    """The link is in the queue or finished already; `download_id` names it."""

    def __init__(self, download_id: str, state: str) -> None:
        super().__init__(f"this link is in the list already ({state})", download_id=download_id)
        self.download_id = download_id


class TransitionRefused(Conflict):
    def __init__(self, action: str, state: str) -> None:
        super().__init__(f"a download that is {state} cannot be {action}")


class LinkNotUsable(InvalidInput):
    """The text is not a link the hub can fetch."""
