"""Reads of the artwork store."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kinoshelf.images.errors import ArtworkNotFound
from kinoshelf.images.models import Artwork, ArtworkState

CHUNK = 500


class Picture(NamedTuple):
    """What a page needs beside the address: is it there, how is it shaped, what stands in for it meanwhile."""

    state: str
    width: int | None
    height: int | None
    preview: str | None


def get_artwork(session: Session, artwork_id: int) -> Artwork:
    """Raises ArtworkNotFound."""
    artwork = session.get(Artwork, artwork_id)
    if artwork is None:
        raise ArtworkNotFound(artwork_id)
    return artwork


def pictures(session: Session, artwork_ids: Collection[int]) -> dict[int, Picture]:
    """Return those of the pictures that exist, for a page of them."""
    wanted = sorted(set(artwork_ids))
    found: dict[int, Picture] = {}
    for begin in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Artwork.id, Artwork.state, Artwork.width, Artwork.height, Artwork.preview).where(
                Artwork.id.in_(wanted[begin : begin + CHUNK])
            )
        )
        found.update({row.id: Picture(row.state, row.width, row.height, row.preview) for row in rows})
    return found


def count_artwork_by_state(session: Session) -> dict[ArtworkState, int]:
    rows = session.execute(select(Artwork.state, func.count()).group_by(Artwork.state))
    found = {row.state: row[1] for row in rows}
    return {state: found.get(state, 0) for state in ArtworkState}


def originals_bytes(session: Session) -> int:
    """Return what the originals take, those that are the same counted once."""
    once = (
        select(func.max(Artwork.size_bytes).label("size_bytes"))
        .where(Artwork.content_key.is_not(None))
        .group_by(Artwork.content_key)
        .subquery()
    )
    return int(session.scalar(select(func.sum(once.c.size_bytes))) or 0)
