"""Brings a database to the schema this version needs, one numbered step at a time, all or nothing.

Steps are Alembic revisions in `versions`; a released one is never edited. They run inside one transaction of
`Database.write`, so a failure leaves the schema as it was.
"""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from signalbox.errors import ConfigurationError
from signalbox.storage.database import Database, capital
from signalbox.storage.schema import metadata

# Any number will do as long as all processes use the same.
_ADVISORY_LOCK = 0x5342_4F58

# Alembic's `op` and `context` are global to the process.
_one_at_a_time = threading.Lock()


async def upgrade(database: Database) -> None:
    """Run the steps that `database` lacks. Processes that start at once wait for each other.

    Raises:
        ConfigurationError: the database is of a newer Signalbox, or holds foreign tables under our names.
    """

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        config = _config()
        if _is_current(connection, config, database.name):
            return
        _refuse_foreign_tables(connection, database.name)
        config.attributes["connection"] = connection
        with _one_at_a_time:
            command.upgrade(config, "head")

    await database.write(run)


async def require_current(database: Database) -> None:
    """Check, without writing, that `database` has the schema this version needs.

    Raises:
        ConfigurationError: it is of an older or newer Signalbox, or empty.
    """
    if not await database.read(lambda connection: _is_current(connection, _config(), database.name)):
        raise ConfigurationError(
            f"{capital(database.name)} has an older schema than this version of Signalbox needs. Start the service "
            "once: it brings the schema up to date."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _is_current(connection: Connection, config: Config, name: str) -> bool:
    """False when steps are missing; a revision we don't know was made by a newer version, and is refused."""
    script = ScriptDirectory.from_config(config)
    known = {step.revision for step in script.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := sorted(found - known):
        raise ConfigurationError(
            f"{capital(name)} has schema revision {', '.join(unknown)}, which this version of Signalbox does not know "
            f"(it knows up to {script.get_current_head()}): a newer version wrote it. Run that version, or restore a "
            "backup from before the upgrade."
        )
    return found == set(script.get_heads())


def _refuse_foreign_tables(connection: Connection, name: str) -> None:
    """A database that no step ever ran on may be someone else's."""
    tables = set(inspect(connection).get_table_names())
    foreign = sorted(tables & set(metadata.tables))
    if foreign and "alembic_version" not in tables:
        raise ConfigurationError(
            f"{capital(name)} has tables that are not ours under names we need: {', '.join(foreign)}. Use a "
            "database of its own for this service."
        )
