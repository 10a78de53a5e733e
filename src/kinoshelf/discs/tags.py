"""Tags of one's own on discs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from kinoshelf.discs.models import DiscTag


def write_tags(session: Session, disc_id: int, tags: Collection[str]) -> None:
    """Let the disc have these tags and no others."""
    session.execute(delete(DiscTag).where(DiscTag.disc_id == disc_id))
    if tags:
        session.execute(insert(DiscTag), [{"disc_id": disc_id, "tag": tag} for tag in tags])


def list_tags(session: Session) -> Sequence[tuple[str, int]]:
    """Return every tag with the number of its discs, by name."""
    query = select(DiscTag.tag, func.count()).group_by(DiscTag.tag)
    return sorted(((tag, count) for tag, count in session.execute(query)), key=lambda found: found[0].casefold())
