"""Numbers under barcodes: EAN-13, EAN-8 and UPC-A with their check digit, and what stands behind them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from kinoshelf.discs.models import Disc, KnownBarcode


def check_digit(digits: str) -> int:
    """Return the digit that closes an EAN or UPC of these leading digits."""
    return -sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))) % 10


def normal_barcode(text: str) -> str | None:
    """Return the number as EAN-13 or EAN-8, or None when it is no such number. Spaces and hyphens are left out."""
    digits = "".join(text.split()).replace("-", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {8, 12, 13, 14}:
        return None
    if check_digit(digits[:-1]) != int(digits[-1]):
        return None
    if len(digits) == 14:
        # A GTIN-14 of a single piece is an EAN-13 behind a zero.
        return digits[1:] if digits[0] == "0" else None
    return digits.zfill(13) if len(digits) == 12 else digits


def find_known(session: Session, barcode: str) -> KnownBarcode | None:
    """Return what is known of a number in any of its spellings."""
    number = normal_barcode(barcode)
    return session.get(KnownBarcode, number) if number else None


def learn(session: Session, disc: Disc, now: datetime) -> None:
    """Remember what stands behind the barcode of a disc."""
    if not disc.barcode:
        return
    known = session.get(KnownBarcode, disc.barcode)
    if known is None:
        known = KnownBarcode(barcode=disc.barcode)
        session.add(known)
    known.name, known.release_year, known.tmdb_id = disc.name, disc.release_year, disc.tmdb_id
    known.disk_type, known.edition, known.updated_at = disc.disk_type, disc.edition, now
    session.flush()
