"""A server of pictures that misbehaves as told, and pictures made for a test."""

from __future__ import annotations

import io
import threading
from types import TracebackType
from typing import Any, Self

from PIL import Image

from tests.simulators.upstream import Received, Reply, Upstream


def picture(
    width: int = 400, height: int = 600, kind: str = "JPEG", colour: Any = (180, 40, 60), **options: Any
) -> bytes:
    """Return a picture with a light corner at the top left, so that it has an upright."""
    mode = options.pop("mode", "RGB")
    image = Image.new("RGB", (width, height), colour)
    image.paste((250, 250, 240), (0, 0, width // 4, height // 4))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


class PictureServer:
    """Paths as TMDB has them: `/t/p/original/abc.jpg`. What is not told is 404."""

    def __init__(self) -> None:
        self._upstream = Upstream()
        self._gate = threading.Event()

    @property
    def base_url(self) -> str:
        """What TMDB_IMAGE_BASE_URL is set to."""
        return f"{self._upstream.base_url}/t/p/"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._upstream.port}"

    def __enter__(self) -> Self:
        self._upstream.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.set()
        self._upstream.__exit__(kind, error, trace)

    def url(self, name: str) -> str:
        return f"{self.base_url}original/{name}"

    def path(self, name: str) -> str:
        return f"/t/p/original/{name}"

    def put(self, name: str, content: bytes, media_type: str = "image/jpeg") -> None:
        self._upstream.answer(self.path(name), Reply(body=content, headers={"Content-Type": media_type}))

    def put_page(self, name: str) -> None:
        """A web page where a picture should be, as portals of hotels send."""
        self.put(name, b"<!DOCTYPE html><html><body>Sign in to the network</body></html>", "image/jpeg")

    def put_huge(self, name: str, size_bytes: int) -> None:
        self.put(name, picture() + b"\0" * size_bytes)

    def put_truncated(self, name: str) -> None:
        content = picture(1200, 1800)
        self.put(name, content[: len(content) // 2])

    def fail(self, name: str, *statuses: int, retry_after_seconds: int | None = None) -> None:
        headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
        self._upstream.answer(self.path(name), *(Reply(status, b"", headers) for status in statuses))

    def fail_then(self, name: str, content: bytes, *statuses: int) -> None:
        self._upstream.answer(self.path(name), *(Reply(status, b"") for status in statuses), Reply(body=content))

    def stall(self, name: str) -> None:
        self._upstream.answer(self.path(name), Reply(body=b"", stalls=True))

    def drop(self, name: str) -> None:
        self._upstream.answer(self.path(name), Reply(drops=True))

    def redirect(self, name: str, *to: str) -> None:
        self._upstream.answer(self.path(name), *(Reply(302, b"", {"Location": place}) for place in to))

    def hold(self, name: str, content: bytes) -> None:
        """Answer only after `let_go`."""

        def respond(_request: Received) -> Reply:
            self._gate.wait(30)
            return Reply(body=content, headers={"Content-Type": "image/jpeg"})

        self._upstream.respond(self.path(name), respond)

    def let_go(self) -> None:
        self._gate.set()

    def count(self, name: str) -> int:
        """How often it was asked for."""
        return self._upstream.count(self.path(name))
