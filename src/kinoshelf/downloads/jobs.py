"""Background work of the download queue."""

from __future__ import annotations

from datetime import timedelta

from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.jobs.context import JobContext
from kinoshelf.core.jobs.registry import JobRegistry
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads import control
from kinoshelf.downloads.leftovers import clear_away

CLEAR_HISTORY = "downloads.clear_history"
EARLY_IN_THE_MORNING = "37 4 * * *"


class ClearHistory:
    """Take old finished downloads out of the list, where the user set an age. Finished files stay."""

    def __init__(self, *, store: SettingsStore, database: Database, clock: Clock) -> None:
        self._store = store
        self._database = database
        self._clock = clock

    def register(self, registry: JobRegistry) -> None:
        registry.add(CLEAR_HISTORY, self.run, exclusive=True, max_attempts=2)
        registry.schedule(CLEAR_HISTORY, EARLY_IN_THE_MORNING)

    def run(self, _context: JobContext) -> dict[str, int]:
        settings = self._store.current
        days = settings.downloads.keep_history_days
        if not days:
            return {"removed": 0}
        now = self._clock.now()
        gone = self._database.run_write(lambda session: control.clear_history(session, now - timedelta(days=days), now))
        clear_away(settings.download_dir, gone)
        return {"removed": len(gone.ids)}
