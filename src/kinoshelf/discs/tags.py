"""Tags of one's own on discs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from kinoshelf.core.errors import NotFound
from kinoshelf.discs.errors import DiscInvalid
from kinoshelf.discs.events import DiscChanged, tell
from kinoshelf.discs.fields import clean_tags
from kinoshelf.discs.models import Disc, DiscTag
from kinoshelf.discs.words import SEARCHED, search_text

CHUNK = 500


class TagNotFound(NotFound):
    def __init__(self, tag: str) -> None:
        super().__init__(f"no disc has the tag \u00ab{tag}\u00bb")


def write_tags(session: Session, disc_id: int, tags: Collection[str]) -> None:
    """Let the disc have these tags and no others."""
    session.execute(delete(DiscTag).where(DiscTag.disc_id == disc_id))
    if tags:
        session.execute(insert(DiscTag), [{"disc_id": disc_id, "tag": tag} for tag in tags])


def list_tags(session: Session) -> Sequence[tuple[str, int]]:
    """Return every tag with the number of its discs, by name."""
    query = select(DiscTag.tag, func.count()).group_by(DiscTag.tag)
    return sorted(((tag, count) for tag, count in session.execute(query)), key=lambda found: found[0].casefold())


def rename_tag(session: Session, tag: str, new_tag: str, now: datetime) -> int:
    """Give a tag another name on all its discs, or take it off them where that is empty; return how many.

    Raises TagNotFound, DiscInvalid.
    """
    try:
        cleaned = clean_tags([new_tag])
    except ValueError as problem:
        raise DiscInvalid([("tags", f"the tag {problem}")]) from None
    ids = list(session.scalars(select(DiscTag.disc_id).where(DiscTag.tag == tag)))
    if not ids:
        raise TagNotFound(tag)
    for begin in range(0, len(ids), CHUNK):
        discs = session.scalars(select(Disc).where(Disc.id.in_(ids[begin : begin + CHUNK])).with_for_update())
        for disc in list(discs):
            disc.tags = clean_tags([one for old in disc.tags for one in (cleaned if old == tag else [old])])
            disc.search_text = search_text({name: getattr(disc, name) for name in SEARCHED}, disc.tags)
            disc.updated_at = now
            session.flush()
            write_tags(session, disc.id, disc.tags)
    tell(session, DiscChanged, ids)
    return len(ids)
