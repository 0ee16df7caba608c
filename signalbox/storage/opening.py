"""Which database the settings mean, opened, with its schema made or checked."""

from __future__ import annotations

import asyncio

from signalbox.settings import Settings
from signalbox.storage.database import Database
from signalbox.storage.migrations import require_current, upgrade
from signalbox.storage.sqlite import DATABASE_FILE, SqliteDatabase


async def open_database(settings: Settings, *, write: bool = True) -> Database:
    """Open the database of `settings`: `database_url` if set, else SQLite in `data_dir`.

    With `write` the database is created if need be and its schema brought up to date. Without, it must exist and be
    up to date; any number of processes may read a SQLite file this way while one writes.

    Raises:
        ConfigurationError: a path, URL, user or password is wrong, or the schema is of another version of Signalbox.
        CorruptArtefact: the file is not a SQLite database.
        Unavailable: another process writes to the SQLite file, the server can't be reached, or the disk is full.
    """
    database: Database
    if settings.database_url is None:
        path = settings.data_dir / DATABASE_FILE
        database = await asyncio.to_thread(SqliteDatabase.open, path, write=write)
    else:
        from signalbox.storage.postgres import PostgresDatabase

        database = PostgresDatabase.open(settings.database_url, write=write)
    try:
        await (upgrade(database) if write else require_current(database))
    except BaseException:
        await database.close()
        raise
    return database
