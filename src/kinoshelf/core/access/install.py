"""Wiring of the sign-in: what a process holds of it, and the front door of its application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoshelf.core.access.gate import Gate
from kinoshelf.core.access.keys import APIKeys
from kinoshelf.core.access.limits import AccessLimits
from kinoshelf.core.access.passwords import PasswordHashing
from kinoshelf.core.access.signing_in import SetUp, SignIn, SignOut
from kinoshelf.core.clock import Clock
from kinoshelf.core.container import Container
from kinoshelf.core.database import Database
from kinoshelf.core.events import EventBus
from kinoshelf.core.settings import SettingsStore

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kinoshelf.core.web import Surfaces


def add_access(container: Container) -> None:
    """Build the use cases of the sign-in from what the container holds."""
    database, store = container.get(Database), container.get(SettingsStore)
    clock: Clock = container.get(Clock)  # type: ignore[type-abstract]  # the container is asked by interface
    hashing = PasswordHashing()
    limits = container.add(AccessLimits(database, clock, store))
    container.add(Gate(database, clock, store, container.get(EventBus)))
    container.add(SetUp(database, clock, store, hashing))
    container.add(SignIn(database, clock, store, hashing, limits))
    container.add(SignOut(database, clock))
    container.add(APIKeys(database, clock))


def install_access(
    app: FastAPI,
    container: Container,
    surfaces: Surfaces,
    *,
    limited: tuple[str, ...] = (),
    shared: tuple[str, ...] = (),
) -> None:
    """Put the front door before `app`. Call it after every other middleware: the last one stands outermost.

    Below the paths `limited` requests of foreign origins are counted; those of `shared` may be read by the origins
    the settings name.
    """
    # Only a server answers requests; workers and commands do without the framework.
    from kinoshelf.core.access.middleware import Areas, FrontDoor
    from kinoshelf.core.web import install_error_handlers

    clock: Clock = container.get(Clock)  # type: ignore[type-abstract]  # the container is asked by interface
    install_error_handlers(app, surfaces)
    app.add_middleware(
        FrontDoor, store=container.get(SettingsStore), clock=clock, surfaces=surfaces, areas=Areas(limited, shared)
    )
