"""One call of the command line: parse, run, show, and end with the promised exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from cyclopts import App, CycloptsError, UnusedCliTokensError

from kinoshelf.cli.commands import build_app, load_commands
from kinoshelf.cli.failures import Exit, Interrupted, UsageProblem, code_and_exit, document_of, in_words
from kinoshelf.cli.frame import Answer, Invocation, interruptible, log_folder, rendered
from kinoshelf.cli.words import plain
from kinoshelf.core.errors import KinoshelfError

END_OF_OPTIONS = "--"
HELP_WIDTH = 100
HELP_FLAGS = frozenset({"--help", "-h"})


def run(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit status. Standard output and error are those of this moment."""
    out, err = _writable(sys.stdout), _writable(sys.stderr)
    wants_json = "--json" in _options(tokens)
    # With --json a stray print of a library must not spoil the document.
    with redirect_stdout(err if wants_json else out):
        try:
            return _run(tokens, out, err, wants_json=wants_json)
        except BrokenPipeError:
            # Whoever read our output has read enough.
            _silence(out)
            return Exit.DONE


def _run(tokens: Sequence[str], out: TextIO, err: TextIO, *, wants_json: bool) -> int:
    called = Call(out, err)
    try:
        with interruptible():
            answer = called.answer(tokens)
            if answer is None:
                return Exit.DONE
            called.invocation.show(answer)
            return answer.exit_status
    except BrokenPipeError:
        raise
    except Interrupted as stopped:
        if wants_json:
            print(rendered({"error": "FAILED", "message": "the command was interrupted"}), file=out, flush=True)
        return stopped.exit_status
    except Exception as error:
        failure = in_words(error) or _defect(error, called.invocation)
    return _fail(failure, out, err, wants_json=wants_json)


class Call:
    """One command line on its way: what every command takes is taken here, the rest goes to the command."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._app = build_app()
        self.invocation = Invocation(is_json=False, data_dir=None, out=out, err=err)

    def answer(self, tokens: Sequence[str]) -> Answer | None:
        """Run the command that `tokens` name; None when it has nothing to show any more.

        Raises what the command raises, and UsageProblem.
        """
        if any("\ud800" <= letter <= "\udfff" for token in tokens for letter in token):
            raise UsageProblem("an argument is not valid text in the encoding of this terminal")
        words, is_json, data_dir = shared_options(tokens)
        self.invocation = Invocation(is_json=is_json, data_dir=data_dir, out=self._out, err=self._err)
        try:
            return self._called(["version"] if words == ["--version"] else words)
        except CycloptsError as error:
            raise UsageProblem(_usage_in_words(error)) from error

    def _called(self, words: list[str]) -> Answer | None:
        command, bound, ignored = self._app.parse_args(words, exit_on_error=False, print_error=False)
        if getattr(command, "__func__", None) is App.help_print:
            return self._help(words)
        for name in ignored:
            bound.arguments[name] = self.invocation
        answer: Any = command(*bound.args, **bound.kwargs)
        if isinstance(answer, Answer):
            return answer
        # A command of Cyclopts' own, which has shown what it had to show.
        return Answer({} if self.invocation.is_json else None)

    def _help(self, words: list[str]) -> Answer | None:
        was_asked_for = not words or bool(HELP_FLAGS & set(_options(words)))
        words = [word for word in _options(words) if word not in HELP_FLAGS]
        if not was_asked_for and self.invocation.is_json:
            raise UsageProblem(f"{' '.join(words)} needs a command; --help names them")
        stream = self._out if was_asked_for else self._err
        console = self.invocation.console(stream)
        console.width = min(console.width, HELP_WIDTH)
        load_commands(self._app, words[:1])
        with console.capture() as captured:
            self._app.help_print(words, console=console)
        if self.invocation.is_json:
            return Answer({"help": captured.get()})
        stream.write(captured.get())
        stream.flush()
        if not was_asked_for:
            raise UsageProblem(f"{' '.join(words)} needs one of the commands above")
        return None


def shared_options(tokens: Sequence[str]) -> tuple[list[str], bool, Path | None]:
    """Take out what may stand anywhere before `--`: --json and --data-dir. Raises UsageProblem."""
    words: list[str] = []
    is_json, data_dir = False, None
    left = iter(tokens)
    for word in left:
        name, equals, value = word.partition("=")
        if word == END_OF_OPTIONS:
            words += [word, *left]
        elif word == "--json":
            is_json = True
        elif name == "--data-dir":
            value = value if equals else next(left, "")
            if not value or value.startswith("--"):
                raise UsageProblem("--data-dir needs a directory")
            data_dir = Path(value)
        else:
            words.append(word)
    return words, is_json, data_dir


def _options(tokens: Sequence[str]) -> Sequence[str]:
    return tokens[: tokens.index(END_OF_OPTIONS)] if END_OF_OPTIONS in tokens else tokens


def _usage_in_words(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"too many words: {' '.join(error.unused_tokens)}"
    return str(error).strip()


def _defect(error: Exception, at: Invocation) -> KinoshelfError:
    """Write a defect of ours where it can be looked up, and say so in one sentence."""
    what = f"something went wrong here ({type(error).__name__})"
    if at.is_debug:
        at.err.write("".join(traceback.format_exception(error)))
        return KinoshelfError(what)
    try:
        import structlog

        from kinoshelf.core.logging import LOG_FILE

        settings = at.load().current
        at.log_quietly(settings)
        structlog.get_logger().error("cli.defect", exc_info=error)
    except Exception as second:
        # A defect must be told also where it cannot be written down.
        return KinoshelfError(f"{what}; KINOSHELF_DEBUG=1 shows it (no log: {type(second).__name__})")
    return KinoshelfError(f"{what}; the details are in {log_folder(settings) / LOG_FILE}")


def _fail(failure: KinoshelfError, out: TextIO, err: TextIO, *, wants_json: bool) -> int:
    _code, status = code_and_exit(failure)
    try:
        if wants_json:
            print(rendered(document_of(failure)), file=out, flush=True)
        else:
            print(f"kinoshelf: {plain(failure.message)}", file=err, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        # The very place to complain to is full.
        _silence(out)
    return status


def _writable(stream: TextIO | None) -> TextIO:
    """Return a stream that takes every letter, also where the caller closed it."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 -- lives as long as the process
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _silence(stream: TextIO) -> None:
    """Keep the interpreter from complaining about the same stream again when it ends."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
