"""Reads of the artwork store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Figures:
    count: int
    size_bytes: int


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


def figures_by_state(session: Session) -> dict[str, Figures]:
    """Count the pictures and the bytes of their originals."""
    rows = session.execute(
        select(Artwork.state, func.count(), func.coalesce(func.sum(Artwork.size_bytes), 0)).group_by(Artwork.state)
    )
    found = {state: Figures(count, int(size or 0)) for state, count, size in rows}
    return {state.value: found.get(state.value, Figures(0, 0)) for state in ArtworkState}
