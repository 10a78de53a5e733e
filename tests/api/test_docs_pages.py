from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import schemathesis

from kinoshelf import __version__

PAGES = ("/api/docs", "/api/redoc")
DOCUMENT = "/api/openapi.json"


@pytest.fixture
def document(client: httpx2.Client) -> dict[str, Any]:
    return client.get(DOCUMENT).json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield f"{method.upper()} {path}", operation


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


class TestDocument:
    def test_says_what_it_is(self, document: dict[str, Any]) -> None:
        assert document["openapi"].startswith("3.1")
        assert (document["info"]["title"], document["info"]["version"]) == ("Kinoshelf", __version__)
        assert document["servers"] == [{"url": "/"}]

    def test_can_be_read_whole(self, document: dict[str, Any]) -> None:
        schema = schemathesis.openapi.from_dict(document)
        found = list(schema.get_all_operations())
        assert len(found) == len(list(operations(document))) > 30
        assert all(hasattr(one.ok(), "path") for one in found)

    def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        targets = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
        assert targets <= set(schemas)

    def test_every_operation_is_described_and_has_a_name_of_its_own(self, document: dict[str, Any]) -> None:
        nameless = [name for name, operation in operations(document) if not operation.get("description")]
        assert nameless == []
        names = [operation["operationId"] for _, operation in operations(document)]
        assert len(names) == len(set(names))
        described = {tag["name"] for tag in document["tags"]}
        assert all(set(operation["tags"]) <= described for _, operation in operations(document))

    def test_every_operation_documents_its_errors_as_they_are_sent(self, document: dict[str, Any]) -> None:
        assert "HTTPValidationError" not in str(document)
        assert all("default" in operation["responses"] for _, operation in operations(document))

    def test_names_every_way_to_sign_in(self, document: dict[str, Any]) -> None:
        assert set(document["components"]["securitySchemes"]) == {"token", "key", "session"}
        guarded = document["paths"]["/api/downloads"]["get"]
        assert guarded["security"] == [{"token": []}, {"key": []}, {"session": []}]
        assert "security" not in document["paths"]["/health"]["get"]

    def test_is_made_once_and_sent_once(self, client: httpx2.Client) -> None:
        first = client.get(DOCUMENT)
        again = client.get(DOCUMENT, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(DOCUMENT).content == first.content


class _Loaded(HTMLParser):
    """Collects what a page loads, and what stands in it that the policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.addresses += [given[name] for name in ("src", "href", "data-openapi") if name in given]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_load_only_what_is_here(self, client: httpx2.Client, path: str) -> None:
        answer = client.get(path)
        assert answer.headers["Content-Type"].startswith("text/html")
        page = _Loaded()
        page.feed(answer.text)
        assert page.inline == []
        assert len(page.addresses) >= 4
        for address in page.addresses:
            assert not urlsplit(address).netloc
            assert client.get(address).status_code == 200, address

    @pytest.mark.parametrize("path", PAGES)
    def test_the_policy_stays_strict(self, client: httpx2.Client, path: str) -> None:
        (policy,) = client.get(path).headers.get_list("Content-Security-Policy")
        assert "default-src 'self'" in policy
        assert not re.search(r"unsafe|script-src|https?:|\*", policy)

    @pytest.mark.environ(KINOSHELF_BASE_PATH="/kino")
    def test_below_a_base_path(self, server: Any) -> None:
        with httpx2.Client(base_url=server.base_url) as client:
            page = _Loaded()
            page.feed(client.get("/kino/api/docs").text)
            assert all(address.startswith("/kino/") for address in page.addresses)
            assert client.get("/kino/api/openapi.json").json()["servers"] == [{"url": "/kino"}]

    @pytest.mark.environ(KINOSHELF_TRUST_LOCAL="false")
    def test_are_open_to_everyone(self, client: httpx2.Client) -> None:
        for path in (*PAGES, DOCUMENT):
            assert client.get(path).status_code == 200

    @pytest.mark.parametrize("path", PAGES)
    def test_show_the_interface_in_a_browser(self, page: Any, path: str) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path)
        page.get_by_text("downloads", exact=True).first.wait_for()
        page.get_by_text("Kinoshelf").first.wait_for()
        own = "/".join(page.url.split("/")[:3])
        assert all(address.startswith((own, "data:")) for address in asked), asked
