"""/ajax: torrents of a film, as YTS knows them; nothing is asked while it is switched off."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from kinoshelf.api.discs.answers import Answer, Instant, TaskStarted, answered
from kinoshelf.api.discs.parts import NOT_FOUND, UPSTREAM, DatabaseDep, DiscNumber
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.core.clock import iso
from kinoshelf.core.web import use
from kinoshelf.discs import queries
from kinoshelf.discs.shape import torrent_state
from kinoshelf.discs.torrents import MagnetLink, Torrents, magnet_links

router = SurfaceRouter(prefix="/ajax", tags=["discs"])

TorrentsDep = Annotated[Torrents, Depends(use(Torrents))]


class TorrentRead(BaseModel):
    quality: str
    type: str
    url: str
    torrent_url: str
    hash: str
    seeds: int
    peers: int
    size: str
    size_bytes: int
    date_uploaded: str
    video_codec: str


class TorrentsRead(Answer):
    torrents: list[TorrentRead]
    state: Literal["unknown", "failed", "none", "found"]
    updated_at: Instant | None
    error: str


class MagnetRead(BaseModel):
    disc_id: int
    name: str
    release_year: int | None
    quality: str
    size: str
    magnet: str | None


class Magnets(Answer):
    links: list[MagnetRead]


def _shown(disc: Any) -> Response:
    found = {
        "torrents": disc.yts_data or [],
        "state": torrent_state(disc),
        "updated_at": iso(disc.yts_last_updated),
        "error": disc.yts_error,
    }
    return answered(found, **found)


@router.get("/torrents/{pk}/", response_model=TorrentsRead, responses=NOT_FOUND)
async def show_torrents(pk: DiscNumber, database: DatabaseDep) -> Response:
    """Return the torrents of a film as they are known here."""
    return _shown(await database.reading(lambda session: queries.get(session, pk)))


@router.post("/refresh-torrents/{pk}/", response_model=TorrentsRead, responses={**NOT_FOUND, **UPSTREAM})
async def look_for_torrents(pk: DiscNumber, torrents: TorrentsDep) -> Response:
    """Ask YTS now, by the IMDb id of the film."""
    return _shown(await torrents.look(pk))


@router.post("/refresh-all-torrents/", response_model=TaskStarted, responses=UPSTREAM)
async def look_for_all(torrents: TorrentsDep, database: DatabaseDep) -> Response:
    """Ask YTS about every disc whose answer is missing or a week old, in the background."""
    task_id = await database.writing(torrents.start)
    return answered({"task_id": task_id}, "The search has started", task_id=task_id)


@router.get("/magnet-links/", response_model=Magnets)
async def list_magnets(
    database: DatabaseDep,
    status: Literal["kept", "disposed", "unboxed", "not-kept"] = "disposed",
    quality: Annotated[str, Query(max_length=20)] = "1080p",
) -> Response:
    """Return a link for each disc of this status, for your own torrent client."""
    found = await database.reading(lambda session: magnet_links(session, status=status, quality=quality))
    rows = [_link(one) for one in found]
    return answered(rows, links=rows)


def _link(one: MagnetLink) -> dict[str, Any]:
    return {name: getattr(one, name) for name in MagnetRead.model_fields}
