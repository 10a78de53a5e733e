"""Logs are events: a constant name, facts in keywords, secrets never."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from kinoshelf.core.settings import LoggingSettings
from kinoshelf.core.web import request_id_now

SECRET_NAMES = re.compile(
    r"(?i)(authorization|cookie|token|secret|password|passwd|api_?key|session|credential|signature)"
)
SECRET_IN_TEXT = re.compile(
    r"(?i)\b((?:access_|refresh_)?token|api_?key|apikey|password|passwd|secret|code|sig(?:nature)?|session_id)(=|%3D|\"?\s*:\s*\"?)([^\s&\"',;}]+)"
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+")
USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]+:[^/\s@]+@")
HIDDEN = "[hidden]"


def redacted(text: str) -> str:
    """Return `text` without tokens, passwords and keys in queries, headers and addresses."""
    text = USER_INFO.sub(rf"\1{HIDDEN}@", text)
    text = BEARER.sub(rf"\1 {HIDDEN}", text)
    return SECRET_IN_TEXT.sub(rf"\1\2{HIDDEN}", text)


def _clean(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name) and isinstance(value, str | bytes):
        return HIDDEN
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(name, inner) for inner in value]
    return value


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in list(entry):
        if name not in {"event", "level", "timestamp"}:
            entry[name] = _clean(name, entry[name])
    return entry


def add_request_id(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = request_id_now.get()
    if found:
        entry.setdefault("request_id", found)
    return entry


def configure(settings: LoggingSettings) -> None:
    """Send structlog and the standard library's logging through the same redaction, to standard error."""
    as_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=as_text and sys.stderr.isatty())
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    for name in ("httpx2", "httpcore2", "hishel", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
