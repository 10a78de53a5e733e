"""What every other room stands on: settings, database, claims and jobs, events, errors, access, the one HTTP base.

It knows no domain and no surface. Start with `settings.py`, `database.py` and `claims.py`.
"""

import sys


def _load_structlog_lean() -> None:
    """Import structlog without rich, which it loads only to colour tracebacks: 6 MiB and 0.1 s of every start."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own way to say «not here».
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]


_load_structlog_lean()
