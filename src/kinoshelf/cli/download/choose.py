"""Which downloads a command means: named by id, of a batch, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kinoshelf.cli.failures import UsageProblem

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kinoshelf.downloads.control import Selection

Batch = Annotated[str | None, Parameter(name="--batch", help="All downloads of this batch, by its id or its name.")]
Everything = Annotated[bool, Parameter(name="--all", help="All downloads.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """`ids` is None where a batch or everything is meant."""

    selection: Selection
    ids: tuple[str, ...] | None
    not_found: tuple[str, ...] = ()


def require_one_choice(words: Sequence[str], batch: str | None, *, everything: bool) -> None:
    given = [
        name for name, is_given in (("ids", words), ("--batch", batch is not None), ("--all", everything)) if is_given
    ]
    if not given:
        raise UsageProblem("name the downloads by their ids, or with --batch or --all")
    if len(given) > 1:
        raise UsageProblem(f"{' and '.join(given)} cannot be combined")


def choose(session: Session, words: Sequence[str], batch: str | None) -> Chosen:
    """Find what is meant; neither words nor batch mean everything. Raises UsageProblem for a word that means several."""
    from kinoshelf.downloads.control import Selection

    if batch is not None:
        return Chosen(Selection(batch_id=one_batch(session, batch)), None)
    if not words:
        return Chosen(Selection(), None)
    ids, not_found = some_downloads(session, words)
    return Chosen(Selection(ids=ids), ids, not_found)


def some_downloads(session: Session, words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids meant and the words that mean nothing. Raises UsageProblem for a word that means several."""
    from kinoshelf.downloads.references import find_downloads

    found = find_downloads(session, words)
    for word, candidates in found.ambiguous.items():
        raise UsageProblem(f"{word} can mean {' or '.join(candidates)}; write more of it", candidates=candidates)
    return found.ids, found.not_found


def one_download(session: Session, word: str) -> str:
    from kinoshelf.downloads.errors import DownloadNotFound

    ids, _not_found = some_downloads(session, [word])
    if not ids:
        raise DownloadNotFound(word)
    return ids[0]


def one_batch(session: Session, word: str) -> str:
    from kinoshelf.downloads.errors import BatchNotFound
    from kinoshelf.downloads.references import find_batches

    candidates = find_batches(session, word)
    if not candidates:
        raise BatchNotFound(word)
    if len(candidates) > 1:
        raise UsageProblem(f"{word} can mean {' or '.join(candidates)}; write the id", candidates=candidates)
    return candidates[0]
