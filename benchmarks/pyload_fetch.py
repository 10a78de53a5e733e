"""Run by the Python of pyLoad's own environment: fetch links with pyLoad's engine, some at once, and print the seconds.

    python pyload_fetch.py ORDER.json

pyLoad is driven at its HTTPDownload class, one thread a download, as its own threads do. Its guard against private
addresses is off, and certificates are not checked, since its list of them is fixed.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyload.core.network.http import http_request
from pyload.core.network.http.http_download import HTTPDownload

http_request.is_global_address = lambda _address: True


def fetch(url: str, target: str, chunks: int) -> None:
    HTTPDownload(url, target, options={"ssl_verify": False}).download(chunks=chunks, resume=False)


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    begin = time.perf_counter()
    with ThreadPoolExecutor(order["parallel"]) as pool:
        for future in [pool.submit(fetch, url, target, order["chunks"]) for url, target in order["files"]]:
            future.result()
    print(json.dumps({"seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
