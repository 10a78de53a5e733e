"""Magnet links from what YTS sends. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

TRACKERS = (
    "udp://open.demonii.com:1337/announce",
    "udp://tracker.openbittorrent.com:80",
    "udp://tracker.coppersurfer.tk:6969",
    "udp://glotorrents.pw:6969/announce",
    "udp://tracker.opentrackr.org:1337/announce",
    "udp://torrent.gresille.org:80/announce",
    "udp://p4p.arenabg.com:1337",
    "udp://tracker.leechers-paradise.org:6969",
)
"""Those the vendor names for its own links."""

_HASH = re.compile(r"[0-9A-Fa-f]{40}")


def magnet(info_hash: str, title: str) -> str | None:
    """Return the link for a torrent client; None where the hash is none."""
    info_hash = info_hash.strip()
    if not _HASH.fullmatch(info_hash):
        return None
    trackers = "".join(f"&tr={quote(tracker, safe='')}" for tracker in TRACKERS)
    return f"magnet:?xt=urn:btih:{info_hash.upper()}&dn={quote(title, safe='')}{trackers}"
