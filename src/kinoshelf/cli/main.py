"""The `kinoshelf` command."""

from __future__ import annotations

import gc
import logging
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    # Nothing that is loaded becomes garbage; looking for some takes a tenth of the start. `frame.collect_garbage` begins again.
    gc.disable()
    # What the log cannot write is no news for whoever gave the command.
    logging.raiseExceptions = False
    try:
        # Loaded in here, so that Ctrl-C while modules load shows no traceback either.
        from kinoshelf.cli.call import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)
