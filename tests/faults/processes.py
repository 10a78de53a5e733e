"""Processes of the hub that are killed and started again many times a minute.

Loading its modules takes a second of processor time, most of a start. A nursery has them loaded and forks: what runs in
the child is `python -m kinoshelf …` all the same. `fresh=True` starts an interpreter of its own.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.running import wait
from tests.simulators.processes import die_with_parent


@dataclass
class Victim:
    """One running process."""

    pid: int
    nursery: Nursery
    fresh: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        if self.fresh is not None:
            self.fresh.kill()
            self.fresh.wait()
        else:
            self.nursery.ask(kill=self.pid)


class Nursery:
    """`with Nursery(environ, log_file) as nursery: nursery.start("serve").kill()`."""

    def __init__(self, environ: Mapping[str, str], log_file: Path) -> None:
        self._environ = {**os.environ, **environ}
        self._log_file = log_file

    def __enter__(self) -> Self:
        self._log = self._log_file.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.processes"],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its children die with it.
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            assert pipe is not None
            pipe.close()

    def ask(self, **command: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the nursery ended:\n{self.log}"
        return int(answer)

    def start(self, *words: str, fresh: bool = False) -> Victim:
        if not fresh:
            return Victim(self.ask(start=words), self)
        process = subprocess.Popen(
            [sys.executable, "-m", "kinoshelf", *words],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call
        )
        return Victim(process.pid, self, process)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for it; in vain, tell what the processes said last."""
        try:
            wait(condition, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-3000:]}") from None

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace")


def _tend() -> None:
    import kinoshelf.app
    import kinoshelf.cli.call
    import kinoshelf.cli.listening
    import kinoshelf.cli.serve
    import kinoshelf.cli.worker  # noqa: F401 -- loaded so that the children need not

    for line in sys.stdin:
        command = json.loads(line)
        if "kill" in command:
            os.kill(command["kill"], signal.SIGKILL)
            os.waitpid(command["kill"], 0)
            answer = command["kill"]
        else:
            answer = os.fork()
            if answer == 0:
                _be(command["start"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _be(words: list[str]) -> None:
    if die_with_parent is not None:
        die_with_parent()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.argv = ["kinoshelf", *words]
    try:
        runpy.run_module("kinoshelf", run_name="__main__", alter_sys=True)
    finally:
        os._exit(1)


if __name__ == "__main__":
    _tend()
