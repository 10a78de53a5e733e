"""What a row does to the shelf, and how that is taken back. Each inside the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kinoshelf.discs import adding, editing
from kinoshelf.discs.csv_import import formats
from kinoshelf.discs.csv_import.matching import Wanted
from kinoshelf.discs.fields import FACT_FIELDS, FIELDS, PERSON_FIELDS, clean, label
from kinoshelf.discs.models import Disc, DiscLoan
from kinoshelf.images.sizes import TMDB
from kinoshelf.images.wanting import want

POSTER = re.compile(re.escape(TMDB) + r"/[\w-]{1,100}\.(jpg|jpeg|png|webp)")
LOAN_ID = "loan_id"
LOCKS = "edited_fields"
FACTS = "facts"
"""What TMDB says of a film that was chosen from a pasted list."""
TORRENT_FIELDS = ("yts_data", "yts_last_updated")
# What a refresh may have written since, which is nobody's edit.
REFRESHED = FACT_FIELDS | {"sort_name", "search_text"}

Before = dict[str, list[Any]]
"""Field → what it was and what it became, both as JSON. A disc that was added was nothing before."""


def add_disc(session: Session, row: Wanted, defaults: Mapping[str, Any], now: datetime) -> tuple[int, Before]:
    """Add the disc of a row. Raises DiscInvalid, DiscConflict."""
    added_at = row.beside.get(formats.ADDED_AT)
    created_at = min(datetime.fromisoformat(added_at), now) if added_at else None
    values = {**defaults, **{name: value for name, value in row.values.items() if value != "" or name not in defaults}}
    facts = row.beside.get(FACTS)
    if facts is not None:
        # The film was chosen: its own name counts, not what was typed to find it.
        values = {name: value for name, value in values.items() if name not in {"name", "release_year"}}
    disc = adding.add(session, values, now, by_person=True, created_at=created_at, facts=facts)
    before = _write_beside(session, disc, row, now, is_new=True)
    for name, field in FIELDS.items():
        value = getattr(disc, name)
        if value != field.empty and value not in ([], ""):
            before[name] = [None, as_json(value)]
    return disc.id, before


def update_disc(session: Session, disc: Disc, row: Wanted, changed: Mapping[str, Any], now: datetime) -> Before:
    """Write what a row says otherwise. Raises DiscInvalid, DiscConflict."""
    old = {name: as_json(getattr(disc, name)) for name in FIELDS}
    locked = list(disc.edited_fields)
    locks = row.format == formats.COMPLETE
    if changed:
        editing.write(session, disc, dict(changed), now, locks=locks)
    before = {
        name: [old[name], as_json(getattr(disc, name))] for name in FIELDS if old[name] != as_json(getattr(disc, name))
    }
    before.update(_write_beside(session, disc, row, now, is_new=False))
    if disc.edited_fields != locked:
        before[LOCKS] = [locked, list(disc.edited_fields)]
    return before


def has_more(session: Session, disc: Disc, row: Wanted) -> bool:
    """Tell whether the row brings a loan or locks the disc does not have."""
    if row.beside.get("loan") and _open_loan(session, disc.id) is None:
        return True
    return not set(_locks(row)) <= set(disc.edited_fields)


def _locks(row: Wanted) -> list[str]:
    return [name for name in row.beside.get(formats.EDITED) or () if name in PERSON_FIELDS]


def _open_loan(session: Session, disc_id: int) -> DiscLoan | None:
    return session.scalars(select(DiscLoan).where(DiscLoan.disc_id == disc_id, DiscLoan.returned_on.is_(None))).first()


def _write_beside(session: Session, disc: Disc, row: Wanted, now: datetime, *, is_new: bool) -> Before:
    beside, before = row.beside, Before()
    locks = sorted({*disc.edited_fields, *_locks(row)})
    if locks != sorted(disc.edited_fields):
        disc.edited_fields = locks
    loan = beside.get("loan")
    if loan and _open_loan(session, disc.id) is None:
        lent = DiscLoan(
            disc_id=disc.id,
            borrower=str(loan[formats.BORROWER])[:200],
            lent_on=date.fromisoformat(loan[formats.LENT_ON]) if loan[formats.LENT_ON] else now.date(),
            due_on=date.fromisoformat(loan[formats.DUE_ON]) if loan[formats.DUE_ON] else None,
            notes=str(loan[formats.LOAN_NOTES])[:500],
        )
        session.add(lent)
        session.flush()
        before[LOAN_ID] = [None, lent.id]
    poster = str(beside.get(formats.POSTER, ""))
    if disc.poster_id is None and POSTER.fullmatch(poster):
        disc.poster_id = want(session, poster, None, now)
    if is_new:
        _write_facts(disc, beside)
    if beside:
        session.flush()
    return before


def _write_facts(disc: Disc, beside: Mapping[str, Any]) -> None:
    """Take over what upstreams told the hub this file comes from, so that nothing has to be asked again."""
    if formats.FACTS_AT in beside:
        disc.facts_refreshed_at = datetime.fromisoformat(beside[formats.FACTS_AT])
    if formats.TORRENTS in beside:
        disc.yts_data = beside[formats.TORRENTS]
        disc.has_cached_torrents = bool(disc.yts_data)
    if formats.TORRENTS_AT in beside:
        disc.yts_last_updated = datetime.fromisoformat(beside[formats.TORRENTS_AT])


def as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, list | tuple) else value


def take_back_added(session: Session, disc: Disc, before: Before) -> str:
    """Remove a disc again; return why not where somebody changed it since."""
    changed = [name for name in FIELDS if name not in REFRESHED and _differs(disc, name, before)]
    changed += [name for name in disc.edited_fields if name in FACT_FIELDS and _differs(disc, name, before)]
    if changed:
        return f"it stays, for this was changed since: {_labels(changed)}"
    loan = _open_loan(session, disc.id)
    if loan is not None and loan.id != before.get(LOAN_ID, [None, None])[1]:
        return f"it was lent to {loan.borrower} since, so it stays"
    editing.remove(session, [disc.id])
    return ""


def take_back_update(session: Session, disc: Disc, before: Before, now: datetime) -> str:
    """Put fields back as they were; return which could not be."""
    back: dict[str, Any] = {}
    left: list[str] = []
    for name, (old, _became) in before.items():
        if name in FIELDS and name != "location":
            if _differs(disc, name, before):
                left.append(name)
            else:
                back[name] = old
    if "location" in before and not _differs(disc, "location", before):
        back["location"] = before["location"][0] or None
    cleaned = clean({name: value for name, value in back.items() if name != "location"}, is_partial=True)
    # What follows from another field by itself was a field of its own when it was written.
    cleaned = {name: value for name, value in cleaned.items() if name in back}
    if "location" in back:
        cleaned["location"] = back["location"]
    editing.write(session, disc, cleaned, now, locks=False)
    if LOCKS in before:
        written = set(before[LOCKS][1]) - set(before[LOCKS][0]) - set(left)
        disc.edited_fields = [name for name in disc.edited_fields if name not in written]
    if LOAN_ID in before:
        session.execute(delete(DiscLoan).where(DiscLoan.id == before[LOAN_ID][1], DiscLoan.returned_on.is_(None)))
    session.flush()
    return f"this was changed since and stays as it is: {_labels(left)}" if left else ""


def _differs(disc: Disc, name: str, before: Before) -> bool:
    empty = FIELDS[name].empty
    became = before[name][1] if name in before else as_json(empty)
    return bool(as_json(getattr(disc, name)) != became)


def _labels(names: list[str]) -> str:
    return ", ".join(label(name) for name in dict.fromkeys(names))
