"""Logs are events: a constant name, facts in keywords, secrets never.

They go to standard error, and to `logs/kinoshelf.log` in the data directory for processes that stay.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog

from kinoshelf.core.log_file import SharedLogFile
from kinoshelf.core.request_ids import request_id_now
from kinoshelf.core.settings import LoggingSettings

LOG_FILE = "kinoshelf.log"
HIDDEN = "[hidden]"
MOST_NESTING = 6
PLAIN = (bool, int, float, type(None))

SECRET_NAMES = re.compile(
    r"(?i)(authorization|cookie|token|secret|passw|passphrase|(api|app|private|signing)[_-]?key|session|credential"
    r"|signature)"
)
_NAMES = r"[\w-]*(?:token|secret|passw(?:or)?d|passphrase|(?:api|app|private|signing)[_-]?key|signature|session_id)"
# name=value and name: value, as in queries, forms and messages; quoted values to their closing quote.
SECRET_IN_TEXT = re.compile(
    rf"(?i)\b({_NAMES})([\"']?\s*(?:=|%3D|:)\s*)(?:(b?)(?P<quote>[\"'])(?:\\.|(?!(?P=quote)).)*|[^\s&\"',;{{}}<>]+)"
)
# These names are harmless words elsewhere.
SECRET_IN_QUERY = re.compile(r"(?i)([?&](?:code|sig|key|auth|pin|hash)=)[^\s&\"'<>]+")
SECRET_HEADER = re.compile(r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*)[^\r\n\"']+")
# Words of a sentence follow «basic» too; a token has digits or ends with padding.
SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[\d=])[^\s\"',;]{4,}")
USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")


def redacted(text: str) -> str:
    """Return `text` without tokens, passwords and keys in queries, headers and addresses."""
    text = USER_INFO.sub(rf"\1{HIDDEN}@", text)
    text = SECRET_HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = SECRET_IN_QUERY.sub(rf"\1{HIDDEN}", text)
    return SECRET_IN_TEXT.sub(rf"\1\2{HIDDEN}", text)


def _clean(name: str, value: Any, depth: int = 0) -> Any:
    if isinstance(value, PLAIN):
        return value
    if SECRET_NAMES.search(name) and not isinstance(value, Mapping):
        return HIDDEN
    if isinstance(value, str):
        return redacted(value)
    if depth < MOST_NESTING:
        if isinstance(value, Mapping):
            return {str(key): _clean(str(key), inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_clean(name, inner, depth + 1) for inner in value]
    if isinstance(value, bytes):
        return redacted(value.decode(errors="replace"))
    return redacted(str(value))


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in list(entry):
        # What the formatter of the standard library puts in for itself begins with an underscore.
        if name not in {"level", "timestamp"} and not name.startswith("_"):
            entry[name] = _clean(name, entry[name])
    return entry


def add_request_id(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = request_id_now.get()
    if found:
        entry.setdefault("request_id", found)
    return entry


def configure(settings: LoggingSettings, folder: Path | None = None) -> None:
    """Send structlog and the standard library's logging through the same redaction.

    The first handler of the root logger writes to standard error. With a `folder` a second one keeps the log there,
    as JSON lines. May be called again to change the level of a running process.
    """
    as_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    # Colours are for terminals that understand them, and for people who did not ask for none.
    has_colours = as_text and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.level)),
        cache_logger_on_first_use=False,
    )

    def formatter(last: Any) -> logging.Formatter:
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )

    on_screen = logging.StreamHandler(sys.stderr)
    on_screen.setFormatter(
        formatter(structlog.dev.ConsoleRenderer(colors=has_colours) if as_text else structlog.processors.JSONRenderer())
    )
    handlers: list[logging.Handler] = [on_screen]
    if folder is not None:
        in_file = SharedLogFile(folder / LOG_FILE)
        in_file.setFormatter(formatter(structlog.processors.JSONRenderer()))
        handlers.append(in_file)
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, SharedLogFile):
            old.close()
    root.handlers[:] = handlers
    root.setLevel(settings.level)
    # They speak of every request and its whole address.
    for name in ("httpx2", "httpcore2", "hishel", "alembic", "pyrate_limiter"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Requests are told once, by `metrics.RequestWatch`.
    logging.getLogger("uvicorn.access").disabled = True
