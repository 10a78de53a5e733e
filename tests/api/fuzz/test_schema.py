"""Every documented operation of the whole application, with input made from its own description."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from kinoshelf.app import Hub
from tests.factories.discs import add_disc
from tests.factories.downloads import add_batch, add_download
from tests.running import Server, served

EXAMPLES = 20
# Each worker takes some of them.
PARTS = ("/api/downloads/{", "/api/downloads", "/api/batches", "/ajax/imports", "/ajax", "/dvd", "/")


@pytest.fixture
def quiet(hub) -> Iterator[Server]:
    """The application without an engine: invented links are not fetched."""
    with served(hub) as running:
        yield running


def part_of(path: str) -> str:
    return next(part for part in PARTS if path.startswith(part))


def known_names(hub: Hub, path: str) -> dict[str, str]:
    """Return values for the parameters of a path that mean something there is."""
    with hub.database.write() as session:
        batch = add_batch(session, 1)
        known = {"batch_id": batch.id, "download_id": add_download(session, state="paused").id}
        if "{pk}" in path:
            known["pk"] = str(add_disc(session).id)
    return {name: value for name, value in known.items() if f"{{{name}}}" in path}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
def test_no_input_breaks_what_is_promised(quiet, hub, part, expected_logs):
    # A folder outside, a file that cannot be deleted: the hub says so in the log, as it should.
    expected_logs.allow("downloads.file_kept")
    # Broken multipart bodies; the library that reads them says so besides.
    expected_logs.allow("Found invalid character .*")
    load_all_checks()
    checks = CHECKS.get_by_names(
        ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    )
    schema = schemathesis.openapi.from_url(f"{quiet.base_url}/api/openapi.json", config=SchemathesisConfig())
    schema.config.update(base_url=quiet.base_url)
    operations = [found.ok() for found in schema.get_all_operations()]
    chosen = [operation for operation in operations if part_of(operation.path) == part]
    assert chosen

    for operation in chosen:
        known = known_names(hub, operation.path)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(
                *(operation.as_strategy(mode) for mode in GenerationMode),
                *([operation.as_strategy(path_parameters=known)] if known else []),
            )
        )
        def holds(case: Case) -> None:
            case.call_and_validate(checks=checks)

        holds()
