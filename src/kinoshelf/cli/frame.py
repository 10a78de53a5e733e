"""What every command is given and what it gives back: the frame around them all.

A command is a plain function. It takes its words as arguments and the `Invocation` as `at`, calls domains, and returns
an `Answer`: one document for programs and a text or a table for people. It never prints the answer and never exits.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from cyclopts import Parameter

from kinoshelf.cli.failures import Exit, Interrupted, UsageProblem
from kinoshelf.cli.words import one_line, plain

if TYPE_CHECKING:
    from rich.console import Console

    from kinoshelf.app import Hub
    from kinoshelf.core.settings import Settings, SettingsStore

DEBUG_VARIABLE = "KINOSHELF_DEBUG"
# Wide enough that a table in a pipe is never cut.
PIPE_WIDTH = 10_000


class HubRole(StrEnum):
    """The roles of `app.Role` that commands play, named here so that parsing a command line stays light."""

    WORKER = "worker"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words for people. `right` names the columns that hold numbers, `wide` the one that gives way."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()
    wide: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found or did."""

    document: Mapping[str, Any] | None
    """None: everything was shown already."""
    text: str = ""
    table: Table | None = None
    exit_status: Exit = Exit.DONE
    notes: Sequence[str] = field(default=())
    """Sentences for standard error, with `--json` and without."""


class Invocation:
    """One call of the command: where its output goes, and how it reaches the hub."""

    def __init__(self, *, is_json: bool, data_dir: Path | None, out: TextIO, err: TextIO) -> None:
        self.is_json = is_json
        self.out = out
        self.err = err
        self._data_dir = data_dir

    @property
    def is_debug(self) -> bool:
        return is_debug()

    @property
    def can_ask(self) -> bool:
        """Tell whether somebody sits there to answer a question."""
        return sys.stdin is not None and sys.stdin.isatty() and self.err.isatty()

    @property
    def progress(self) -> TextIO:
        """Where the way to the answer is shown; with `--json` that is never standard output."""
        return self.err if self.is_json else self.out

    def note(self, sentence: str) -> None:
        print(f"kinoshelf: {plain(sentence)}", file=self.err, flush=True)

    def read_input(self) -> str:
        """Return all of standard input."""
        return sys.stdin.read() if sys.stdin is not None else ""

    def ask_secret(self, question: str, confirm: str = "") -> str | None:
        """Ask without showing what is typed; read one line of standard input where nobody can be asked.

        None when there is nothing to read. Raises UsageProblem when the second answer differs from the first.
        """
        if not self.can_ask:
            text = self.read_input()
            return text.splitlines()[0] if text else None
        from getpass import getpass

        secret = getpass(question, stream=self.err)
        if confirm and getpass(confirm, stream=self.err) != secret:
            raise UsageProblem("the two answers differ; nothing was changed")
        return secret

    def console(self, stream: TextIO) -> Console:
        """Return a Rich console: colours and movement on a terminal only, never where NO_COLOR is set."""
        from rich.console import Console

        width = None if stream.isatty() else PIPE_WIDTH
        return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)

    def load(self, **overrides: Any) -> SettingsStore:
        """Read the settings as this call sees them."""
        from kinoshelf.core.settings import SettingsStore

        return SettingsStore.load(data_dir=self._data_dir, **overrides)

    @contextmanager
    def hub(self, role: HubRole = HubRole.COMMAND) -> Iterator[Hub]:
        """Open the hub for the length of one command, beside a running server or alone. It is not started."""
        from kinoshelf.app import Role, open_hub

        store = self.load()
        self.log_quietly(store.current)
        hub = open_hub(store, Role(role.value))
        collect_garbage()
        try:
            yield hub
        finally:
            hub.close()

    def log_quietly(self, settings: Settings) -> None:
        """Send the log to its file only: standard error belongs to the person who gave the command."""
        import logging

        from kinoshelf.core.logging import configure

        configure(settings.logging, log_folder(settings))
        if not self.is_debug:
            del logging.getLogger().handlers[0]

    def show(self, answer: Answer) -> None:
        """Print an answer, and nothing else, to standard output."""
        for sentence in answer.notes:
            self.note(sentence)
        if answer.document is None:
            return
        if self.is_json:
            print(rendered(answer.document), file=self.out)
        else:
            if answer.table is not None and answer.table.rows:
                self._show_table(answer.table)
            if answer.text:
                print(plain(answer.text), file=self.out)
        self.out.flush()

    def _show_table(self, table: Table) -> None:
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for header in table.headers:
            grid.add_column(
                header,
                justify="right" if header in table.right else "left",
                no_wrap=True,
                overflow="ellipsis",
                min_width=None if header == table.wide else len(header),
                ratio=1 if header == table.wide and self.out.isatty() else None,
            )
        for row in table.rows:
            grid.add_row(*(Text(one_line(word)) for word in row))
        console = self.console(self.out)
        with console.capture() as captured:
            console.print(grid)
        for line in captured.get().splitlines():
            print(line.rstrip(), file=self.out)


Here = Annotated[Invocation, Parameter(parse=False)]


def collect_garbage() -> None:
    """Begin to, after `main` has forbidden it for the time of loading; what is loaded by now stays for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def log_folder(settings: Settings) -> Path:
    return settings.data_dir / "logs"


def is_debug() -> bool:
    return os.environ.get(DEBUG_VARIABLE, "").lower() not in {"", "0", "false", "no"}


def rendered(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=_simple)


def _simple(value: object) -> object:
    if isinstance(value, datetime):
        from kinoshelf.core.clock import iso

        return iso(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    return str(value)


@contextmanager
def interruptible() -> Iterator[None]:
    """Make SIGTERM end this command as tidily as Ctrl-C does."""
    import signal

    def stop(_number: int, _frame: object) -> None:
        raise Interrupted(Exit.TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(Exit.INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
