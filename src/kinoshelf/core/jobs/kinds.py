"""What is fixed about the jobs of one name, known to every process that enqueues or runs them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kinoshelf.core.jobs.errors import JobUnknown

MAX_KEY_LENGTH = 200

_KINDS: dict[str, JobKind] = {}


@dataclass(frozen=True, slots=True)
class JobKind:
    """`exclusive` and `dedupe` are switches, or templates over the arguments, as in `"library:{root_id}"`.

    Exclusive: jobs with the same key never run at the same time; True = one of this name at a time. Dedupe: a job
    with the same key that is not finished is returned instead of a second one; True = same name and arguments.
    """

    name: str
    max_attempts: int = 3
    exclusive: bool | str = False
    dedupe: bool | str = True
    timeout: timedelta = timedelta(hours=6)
    retry_on: tuple[type[Exception], ...] = ()
    """Failures worth another attempt besides those that always are (see `retry.py`)."""

    def exclusive_key(self, arguments: Mapping[str, Any]) -> str | None:
        if isinstance(self.exclusive, str):
            return _fitting(self.exclusive.format_map(arguments))
        return self.name if self.exclusive else None

    def dedupe_key(self, arguments: Mapping[str, Any]) -> str | None:
        if isinstance(self.dedupe, str):
            return _fitting(self.dedupe.format_map(arguments))
        if not self.dedupe:
            return None
        return _fitting(f"{self.name} {json.dumps(arguments, sort_keys=True, separators=(',', ':'))}")


def _fitting(key: str) -> str:
    if len(key) <= MAX_KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: MAX_KEY_LENGTH - len(digest) - 1]} {digest}"


def declare(kind: JobKind) -> JobKind:
    """Make the kind known to `enqueue`; the last declaration of a name is in force."""
    _KINDS[kind.name] = kind
    return kind


def kind_of(name: str) -> JobKind:
    """Return what was declared. Raises JobUnknown."""
    try:
        return _KINDS[name]
    except KeyError:
        raise JobUnknown(name) from None


def known_kinds() -> dict[str, JobKind]:
    return dict(_KINDS)
