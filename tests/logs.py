"""Warnings and errors in the log fail a test that does not expect them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog


@dataclass
class ExpectedLogs:
    """Warnings and errors a test expects, by the event's name or by a pattern of it."""

    records: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Level, event and keywords of every warning and error so far."""
    _required: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def expect(self, *events: str) -> None:
        """These must be logged before the test ends."""
        self._required += events

    def allow(self, *events: str) -> None:
        """These may be logged."""
        self._allowed += events

    def judge(self) -> None:
        seen = [event for _, event, _ in self.records]
        unexpected = [
            record
            for record in self.records
            if not any(re.fullmatch(name, record[1]) for name in (*self._required, *self._allowed))
        ]
        missing = [name for name in self._required if not any(re.fullmatch(name, event) for event in seen)]
        assert not unexpected, f"unexpected warnings or errors in the log: {unexpected}"
        assert not missing, f"not logged: {missing}"


@contextmanager
def collected() -> Iterator[ExpectedLogs]:
    """Collect warnings and errors of structlog and of the standard library."""
    expected = ExpectedLogs()
    make_record = logging.getLogRecordFactory()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def collecting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        # The standard library makes empty records to copy others into; they have no level.
        if (record.levelno or 0) >= logging.WARNING:
            if isinstance(record.msg, dict):
                words = {key: value for key, value in record.msg.items() if key not in {"event", "level", "timestamp"}}
                expected.records.append((record.levelname, str(record.msg.get("event")), words))
            else:
                expected.records.append((record.levelname, record.getMessage(), {"logger": record.name}))
        return record

    # A record factory sees every record, whatever handlers a program under test installs.
    logging.setLogRecordFactory(collecting)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    try:
        yield expected
    finally:
        logging.setLogRecordFactory(make_record)
        root.handlers[:] = handlers
        root.setLevel(level)
