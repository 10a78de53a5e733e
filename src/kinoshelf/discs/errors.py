"""What can be wrong with the collection.

InvalidInput
└── DiscInvalid           400    `errors` names each field with a sentence
    └── DiscConflict      409    a place or a number that another disc has
NotFound
└── DiscNotFound
"""

from __future__ import annotations

from collections.abc import Sequence

from kinoshelf.core.errors import InvalidInput, NotFound

FieldErrors = Sequence[tuple[str, str]]


class DiscInvalid(InvalidInput):
    """`errors` are pairs of a field (empty where it is none) and a sentence about it."""

    def __init__(self, errors: FieldErrors) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(sentence for _field, sentence in self.errors), errors=self.errors)


class DiscConflict(DiscInvalid):
    """The values are fine by themselves, but another disc is in the way."""

    status = 409
    code = "CONFLICT"


class DiscNotFound(NotFound):
    def __init__(self, disc_id: int) -> None:
        super().__init__(f"there is no disc {disc_id}")
