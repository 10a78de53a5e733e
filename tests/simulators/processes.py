"""Child processes that do not outlive a test run that was killed."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# For `subprocess.Popen(preexec_fn=…)`; None where the system has no such thing.
die_with_parent: Callable[[], None] | None = _die_with_parent if _libc else None
