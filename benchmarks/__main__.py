"""Run one benchmark: python -m benchmarks engine | queue | idle | artwork | import [options]."""

from __future__ import annotations

import signal
import sys

from benchmarks import artwork, disc_import, engine, idle, long_queue
from benchmarks.machine import Unavailable, say

NAMES = {
    "engine": engine.main,
    "queue": long_queue.main,
    "idle": idle.main,
    "artwork": artwork.main,
    "import": disc_import.main,
}
USAGE = f"""usage: ./kinoshelf bench {"|".join(NAMES)} [options]

  engine   downloads over HTTP and HTTPS, beside curl, aria2c and pyLoad
  queue    the API and the live socket with 500, 5,000 and 50,000 downloads in the queue
  idle     what a hub costs that has nothing to do, and how long it takes to start
  import   a collection of 500 and 10,000 discs read in, beside bare SQLite
  artwork  which file a picture is, with 500 and 100,000 of them, and serving one beside nginx

Each takes --help. Results are printed and written to benchmarks/results/."""


def main(words: list[str]) -> int:
    if not words or words[0] not in NAMES:
        is_asked = words[:1] in (["--help"], ["-h"])
        print(USAGE, file=sys.stdout if is_asked else sys.stderr)
        return 0 if is_asked else 2
    # Ended from outside, it still stops its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return NAMES[words[0]](words[1:])
    except Unavailable as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
