"""Pictures over the one HTTP base."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import httpx2

from kinoshelf.core.clock import Clock
from kinoshelf.core.errors import InvalidInput, UpstreamError
from kinoshelf.core.http.addresses import AllowList
from kinoshelf.core.http.client import Answer, UpstreamClient
from kinoshelf.core.http.errors import UpstreamChanged, UpstreamRejected
from kinoshelf.core.http.guard import AddressGuard

MOST_BYTES = 20 * 1024 * 1024
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class PictureClient(UpstreamClient):
    """Fetches any address; those of private machines only where the settings name them."""

    name = "pictures"
    label = "the server of the picture"
    timeout_seconds = 15.0
    budget_seconds = 60.0
    most_attempts = 2
    most_body_bytes = MOST_BYTES

    def __init__(self, *, image_base_url: str, allow_private_hosts: tuple[str, ...], clock: Clock) -> None:
        guard = AddressGuard(AllowList.parse((*allow_private_hosts, *_named_in(image_base_url))))
        super().__init__(
            "",
            clock=clock,
            headers={"Accept": "image/webp,image/png,image/jpeg,image/gif;q=0.8"},
            make_transport=guard.transport,
        )

    async def picture(self, address: str) -> bytes:
        """Return what lies there. Raises an UpstreamError."""
        for _ in range(MOST_REDIRECTS + 1):
            if urlsplit(address).scheme not in {"http", "https"}:
                raise UpstreamRejected("the address of the picture is no web address")
            answer = await self.send("GET", address)
            if answer.status not in REDIRECTS:
                return answer.body
            # No key is sent along, and the guard looks at each place.
            address = urljoin(address, answer.headers.get("Location", ""))
        raise UpstreamChanged("the server of the picture sends from one place to the next")

    def error_for(self, answer: Answer) -> UpstreamError | None:
        is_redirect = answer.status in REDIRECTS and answer.headers.get("Location")
        return None if is_redirect else super().error_for(answer)


def _named_in(address: str) -> tuple[str, ...]:
    """Return host:port of an address an operator has set: they know where it leads."""
    try:
        url = httpx2.URL(address)
        port = url.port or {"http": 80, "https": 443}[url.scheme]
    except (httpx2.InvalidURL, KeyError) as error:
        raise InvalidInput("the address of TMDB's pictures (TMDB_IMAGE_BASE_URL) is no web address") from error
    host = f"[{url.host}]" if ":" in url.host else url.host
    return (f"{host}:{port}",) if url.host else ()
