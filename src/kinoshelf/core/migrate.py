"""Bring the database to the shape this version needs: forward only, after a backup, in one transaction each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import inspect, text

from kinoshelf.core.database import Database, private_file
from kinoshelf.core.errors import NotConfigured

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger()

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# Asking Alembic costs 0.2 s at every start; the file names alone tell whether there is anything to do.
VERSION_FILES = "[0-9]*.py"
KEEP_BACKUPS = 5
# Two processes that start at once on PostgreSQL must not migrate together.
ADVISORY_LOCK = 0x6B696E6F


def newest_revision() -> str:
    """Return the revision of the last file; names sort by time."""
    names = sorted(path.stem for path in (MIGRATIONS / "versions").glob(VERSION_FILES))
    return names[-1].split("__")[0] if names else ""


def found_revision(database: Database) -> str | None:
    """Return the revision the database has; None when it is empty."""
    with database.write_engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def migrate(database: Database, data_dir: Path) -> bool:
    """Upgrade to the newest revision; tell whether anything was done.

    Raises NotConfigured when the database was written by a later version of the hub.
    """
    wanted = newest_revision()
    found = found_revision(database)
    if found == wanted:
        return False
    if found is not None:
        known = {path.stem.split("__")[0] for path in (MIGRATIONS / "versions").glob(VERSION_FILES)}
        if found not in known:
            raise NotConfigured(
                f"the database has revision {found}, which this version does not know; it was used by a later version of Kinoshelf"
            )
        if database.is_sqlite:
            back_up(database, data_dir / "backups" / f"before-{wanted}-{datetime.now(UTC):%Y%m%d_%H%M%S}.db")
    from alembic import command

    config = alembic_config()
    with database.write_engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
            connection.commit()
        try:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            if not database.is_sqlite:
                connection.rollback()
                connection.execute(text(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})"))
                connection.commit()
    if database.is_sqlite and database.url.database:
        private_file(Path(database.url.database))
    log.info("database.migrated", before=found, after=wanted)
    return True


def back_up(database: Database, target: Path) -> None:
    """Write a consistent copy of a SQLite database beside it, while it is in use."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with database.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("VACUUM INTO ?", (str(target),))
    private_file(target)
    for old in sorted(target.parent.glob("before-*.db"))[:-KEEP_BACKUPS]:
        old.unlink()
