"""Killed before any one of its steps, the hub comes back to the same end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.faulty import FaultyServer
from tests.simulators.nginx import pseudo_random
from tests.simulators.processes import die_with_parent


@pytest.mark.timeout(200)
def test_killed_before_every_step(faulty: FaultyServer, sqlite_template: Path, tmp_path: Path) -> None:
    broken = faulty.add("broken.mkv", pseudo_random(1_200_000, seed=1), digest="Repr-Digest")
    small = faulty.add("small.mkv", pseudo_random(3_000, seed=2), disposition="attachment; filename=called.mkv")

    def break_off() -> None:
        # What is asked for from its beginning breaks off: so there is always something to resume.
        if broken.requests[-1].range is None:
            broken.next(truncate_after=700_000)

    broken.on_request = break_off
    asked = {
        "folder": str(tmp_path),
        "template": str(sqlite_template),
        "environ": {
            "KINOSHELF_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
            "KINOSHELF_ENGINE_RETRY_DELAY_FACTOR": "0",
            "KINOSHELF_ENGINE_FREE_SPACE_RESERVE_BYTES": "0",
        },
        "wanted": [{"url": broken.url, "folder": "below"}, {"url": small.url}],
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.steps", json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(ends) > 15
    for end in ends:
        assert end["files"] == {"below/broken.mkv": broken.sha256, "called.mkv": small.sha256}, end
        assert end["rows"] == [["completed", "broken.mkv", True, None], ["completed", "called.mkv", False, None]], end
