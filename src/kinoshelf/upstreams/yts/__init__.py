"""YTS: which torrents of a film there are. It is asked only once the operator has switched it on.

It knows HTTP and the schemas of YTS only; what is believed and stored is decided in `discs/torrents.py`. Start with
`client.py`.
"""

from kinoshelf.upstreams.yts.client import YTSClient
from kinoshelf.upstreams.yts.fake import FakeYTS
from kinoshelf.upstreams.yts.magnets import TRACKERS, magnet
from kinoshelf.upstreams.yts.schemas import YTSMovie, YTSPage, YTSTorrent

__all__ = ["TRACKERS", "FakeYTS", "YTSClient", "YTSMovie", "YTSPage", "YTSTorrent", "magnet"]
