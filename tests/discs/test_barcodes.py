from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoshelf.core.database import Database
from kinoshelf.discs.barcodes import check_digit, find_known, normal_barcode
from kinoshelf.discs.editing import edit, remove
from tests.factories.discs import MADE_AT, add_disc

DIGITS = st.text(alphabet="0123456789", min_size=7, max_size=12)


class TestNormalBarcode:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("4006381333931", "4006381333931"),
            ("4-006381-333931", "4006381333931"),
            (" 4006381 333931\n", "4006381333931"),
            ("036000291452", "0036000291452"),
            ("73513537", "73513537"),
            ("04006381333931", "4006381333931"),
            ("14006381333938", None),
            ("4006381333932", None),
            ("036000291453", None),
            ("400638133393", None),
            ("\u0664006381333931", None),
            ("abc", None),
            ("", None),
        ],
    )
    def test_table(self, text: str, expected: str | None) -> None:
        assert normal_barcode(text) == expected

    @given(DIGITS.filter(lambda digits: len(digits) in {7, 11, 12}))
    def test_a_right_check_digit_is_taken_and_every_other_refused(self, digits: str) -> None:
        right = check_digit(digits)
        found = normal_barcode(f"{digits}{right}")
        assert found is not None
        assert normal_barcode(found) == found
        assert all(normal_barcode(f"{digits}{other}") is None for other in range(10) if other != right)

    @given(DIGITS.filter(lambda digits: len(digits) == 12), st.integers(0, 12), st.integers(1, 9))
    def test_one_wrong_digit_is_noticed(self, digits: str, place: int, by: int) -> None:
        number = f"{digits}{check_digit(digits)}"
        wrong = f"{number[:place]}{(int(number[place]) + by) % 10}{number[place + 1 :]}"
        assert normal_barcode(wrong) is None


class TestKnown:
    def test_is_learned_from_own_discs_and_outlives_them(self, database: Database) -> None:
        with database.write() as session:
            disc = add_disc(session, name="Alien", release_year=1979, barcode="036000291452", disk_type="UHD")
            other = add_disc(session, name="Aliens", barcode="")
            edit(session, other.id, {"barcode": "4006381333931"}, MADE_AT)
            edit(session, disc.id, {"edition": "Director's cut"}, MADE_AT)
            remove(session, [disc.id])
        with database.read() as session:
            known = find_known(session, "0 36000 29145 2")
            assert known is not None
            assert (known.name, known.release_year, known.disk_type) == ("Alien", 1979, "UHD")
            assert known.edition == "Director's cut"
            assert find_known(session, "4006381333931") is not None
            assert find_known(session, "73513537") is None
            assert find_known(session, "nonsense") is None
