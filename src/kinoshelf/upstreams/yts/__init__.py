"""YTS: which torrents of a film there are. It is asked only once the operator has switched it on.

It knows HTTP and the schemas of YTS only; what is believed and stored is decided in `discs/torrents.py`. Start with
`client.py`.
"""

from typing import TYPE_CHECKING, Any

from kinoshelf.upstreams.yts.magnets import TRACKERS, magnet
from kinoshelf.upstreams.yts.schemas import YTSMovie, YTSPage, YTSTorrent

if TYPE_CHECKING:
    from kinoshelf.upstreams.yts.client import YTSClient
    from kinoshelf.upstreams.yts.fake import FakeYTS

__all__ = ["TRACKERS", "FakeYTS", "YTSClient", "YTSMovie", "YTSPage", "YTSTorrent", "magnet"]


def __getattr__(name: str) -> Any:
    # As in upstreams/tmdb: the HTTP library is loaded by whoever asks.
    if name == "YTSClient":
        from kinoshelf.upstreams.yts.client import YTSClient

        return YTSClient
    if name == "FakeYTS":
        from kinoshelf.upstreams.yts.fake import FakeYTS

        return FakeYTS
    raise AttributeError(name)
