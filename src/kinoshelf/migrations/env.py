"""Alembic's entry. The connection is handed over by `kinoshelf.core.migrate`; there is no ini file."""

from typing import Any, Literal

from alembic import context

import kinoshelf.migrations.tables  # noqa: F401 -- every table must be known
from kinoshelf.core.database import Base, UTCDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    return "UTCDateTime()" if kind == "type" and isinstance(item, UTCDateTime) else False


def compare_type(
    _context: Any, _inspected: Any, _metadata: Any, _inspected_type: Any, metadata_type: Any
) -> bool | None:
    # Stored as BIGINT on SQLite and timestamptz on PostgreSQL, which no comparison can know.
    return False if isinstance(metadata_type, UTCDateTime) else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=compare_type,
    render_item=render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
