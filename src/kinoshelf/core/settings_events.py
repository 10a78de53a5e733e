"""How the processes of one hub keep the same settings: whoever changes the file tells the others, who read it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinoshelf.core.events import Event, EventBus
from kinoshelf.core.settings import SettingsStore


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """The settings file was changed."""

    name: ClassVar[str] = "settings.changed"


def follow_settings(store: SettingsStore, events: EventBus) -> None:
    """Read the settings again whenever a process of the hub has changed them."""

    def on_settings_changed(_fact: SettingsChanged) -> None:
        store.reload()

    events.subscribe(SettingsChanged, on_settings_changed)
