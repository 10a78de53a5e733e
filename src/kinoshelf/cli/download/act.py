"""kinoshelf download pause, resume, retry, cancel and delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kinoshelf.cli import words
from kinoshelf.cli.download.choose import Batch, Chosen, Everything, choose, require_one_choice
from kinoshelf.cli.download.show import described
from kinoshelf.cli.failures import Exit
from kinoshelf.cli.frame import Answer, Here
from kinoshelf.core.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from kinoshelf.app import Hub
    from kinoshelf.downloads.control import Removed, Selection

Ids = Annotated[str, Parameter(name="ID", help="Ids, or the beginnings of them.")]
MOST_NAMED = 20


@dataclass(slots=True)
class Outcome:
    """What became of an action: `already` were so before, `refused` are in a state that does not allow it."""

    chosen: Chosen
    changed: list[str]
    gone: Removed
    already: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_partial(self) -> bool:
        return bool(self.chosen.not_found or self.refused)

    def problems(self) -> list[str]:
        """Return a sentence for each download that could not be had."""
        return [
            *(f"there is no download {word}" for word in self.chosen.not_found),
            *(f"{one['id']}: {one['message']}" for one in self.refused),
        ]

    def raise_if_nothing_worked(self) -> None:
        if self.changed or self.already or not self.is_partial:
            return
        sentence = "; ".join(self.problems()[:MOST_NAMED])
        found = {"not_found": list(self.chosen.not_found), "refused": self.refused}
        raise Conflict(sentence, **found) if self.refused else NotFound(sentence, **found)


def pause(*ids: Ids, batch: Batch = None, everything: Everything = False, at: Here) -> Answer:
    """Pause downloads. What has arrived is kept."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.states import State

    def work(session: Session, selection: Selection, now: datetime) -> Removed:
        return control.Removed(ids=control.pause(session, selection, now))

    require_one_choice(ids, batch, everything=everything)
    return _acted(at, ids, batch, work, frozenset({State.PAUSED}), "paused")


def resume(*ids: Ids, batch: Batch = None, everything: Everything = False, at: Here) -> Answer:
    """Let paused and waiting downloads go on."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.states import ACTIVE, State

    def work(session: Session, selection: Selection, now: datetime) -> Removed:
        return control.Removed(ids=control.resume(session, selection, now))

    require_one_choice(ids, batch, everything=everything)
    return _acted(at, ids, batch, work, ACTIVE | {State.QUEUED}, "resumed")


def retry(*ids: Ids, batch: Batch = None, everything: Everything = False, at: Here) -> Answer:
    """Try failed and cancelled downloads again, and completed ones from the beginning.

    With --batch or --all only what failed or waits for its next try.
    """
    from kinoshelf.downloads import control
    from kinoshelf.downloads.states import ACTIVE, RETRYABLE, State

    states = RETRYABLE if ids else frozenset({State.FAILED, State.WAITING, State.SKIPPED})

    def work(session: Session, selection: Selection, now: datetime) -> Removed:
        return control.Removed(ids=control.retry(session, selection, now, states))

    require_one_choice(ids, batch, everything=everything)
    return _acted(at, ids, batch, work, ACTIVE | {State.QUEUED}, "tried again")


def cancel(*ids: Ids, batch: Batch = None, everything: Everything = False, at: Here) -> Answer:
    """Cancel downloads that are not finished. What has arrived is thrown away, they stay in the list."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.states import State

    require_one_choice(ids, batch, everything=everything)
    return _acted(at, ids, batch, control.cancel, frozenset({State.CANCELLED}), "cancelled")


def delete(
    *ids: Ids,
    batch: Batch = None,
    everything: Everything = False,
    delete_files: Annotated[bool, Parameter(help="Remove the finished files too.")] = False,
    at: Here,
) -> Answer:
    """Take downloads out of the list. Finished files stay unless --delete-files is given."""
    from kinoshelf.downloads import control
    from kinoshelf.downloads.leftovers import clear_away

    require_one_choice(ids, batch, everything=everything)
    with at.hub() as hub:
        outcome = _carried_out(hub, ids, batch, control.remove, frozenset())
        cleared = clear_away(hub.store.current.download_dir, outcome.gone, with_finished=delete_files)
    finished = set(outcome.gone.finished_paths)
    deleted_files = [path for path in cleared.removed if path in finished]
    document = {
        "deleted": outcome.changed,
        "total": len(outcome.changed),
        "deleted_files": deleted_files,
        "kept_files": [{"path": path, "reason": reason} for path, reason in cleared.kept],
        "not_found": list(outcome.chosen.not_found),
    }
    text = f"Deleted {words.counted(len(outcome.changed), 'download')}"
    text += f" and {words.counted(len(deleted_files), 'file')}." if delete_files else "."
    notes = [*outcome.problems()[:MOST_NAMED], *(f"{path} stays: {reason}" for path, reason in cleared.kept)]
    return Answer(
        document,
        text=text if outcome.changed else "Nothing to delete.",
        notes=notes,
        exit_status=Exit.PARTLY if outcome.is_partial or (delete_files and cleared.kept) else Exit.DONE,
    )


Work = Callable[["Session", "Selection", "datetime"], "Removed"]


def _acted(at: Here, ids: Sequence[str], batch: str | None, work: Work, already: frozenset[Any], done: str) -> Answer:
    """Carry out an action and answer the downloads that are now as the user wished."""
    from kinoshelf.downloads.leftovers import clear_away
    from kinoshelf.downloads.queries import get_downloads

    with at.hub() as hub:
        outcome = _carried_out(hub, ids, batch, work, already, done)
        clear_away(hub.store.current.download_dir, outcome.gone)
        wished = [*outcome.changed, *outcome.already]
        with hub.database.read() as session:
            rows = get_downloads(session, wished if at.is_json else wished[:MOST_NAMED])
    items = [described(row) for row in rows]
    document: dict[str, Any] = {
        "items": items,
        "total": len(wished),
        "changed": len(outcome.changed),
        "not_found": list(outcome.chosen.not_found),
        "refused": outcome.refused,
    }
    if len(ids) == 1 and len(items) == 1:
        document = {**items[0], **document}
    names = {row.id: row.filename for row in rows}
    lines = [f"{done.capitalize()}: {names[one]}" for one in outcome.changed if one in names]
    lines += [f"Nothing to do: {names[one]}" for one in outcome.already if one in names]
    if len(wished) > len(names):
        lines = [f"{words.counted(len(outcome.changed), 'download')} {done}."]
    return Answer(
        document,
        text="\n".join(lines) if lines else "Nothing to do.",
        notes=outcome.problems()[:MOST_NAMED],
        exit_status=Exit.PARTLY if outcome.is_partial else Exit.DONE,
    )


def _carried_out(
    hub: Hub, ids: Sequence[str], batch: str | None, work: Work, already: frozenset[Any], done: str = ""
) -> Outcome:
    """Find and change in one transaction. Raises NotFound or Conflict where nothing at all worked."""
    from kinoshelf.downloads.errors import TransitionRefused
    from kinoshelf.downloads.references import states_of

    def change(session: Session) -> Outcome:
        chosen = choose(session, ids, batch)
        before = states_of(session, chosen.ids or ())
        gone = work(session, chosen.selection, hub.clock.now())
        outcome = Outcome(chosen, gone.ids, gone)
        changed = set(gone.ids)
        for one, state in before.items():
            if one in changed:
                continue
            if state in already:
                outcome.already.append(one)
            else:
                refusal = TransitionRefused(done, state).message
                outcome.refused.append({"id": one, "state": state.value, "message": refusal})
        return outcome

    _free_what_the_dead_held(hub)
    outcome = hub.database.run_write(change)
    outcome.raise_if_nothing_worked()
    return outcome


def _free_what_the_dead_held(hub: Hub) -> None:
    """Take downloads from workers that were killed: nobody else would clear away what they left on the disk."""
    from kinoshelf.cli.server_record import somebody_works
    from kinoshelf.core.processes import bury_dead
    from kinoshelf.downloads.engine.recovery import Recovery

    settings = hub.store.current
    if bury_dead(settings.data_dir) and not somebody_works(settings.data_dir):
        Recovery(hub.database, hub.clock, settings.data_dir, hub.seat.name).recover(settings)
