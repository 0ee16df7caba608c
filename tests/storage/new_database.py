"""Databases for tests, migrated once a process: for SQLite that takes ten times as long as opening one."""

from __future__ import annotations

import sqlite3

from signalbox.settings import Settings
from signalbox.storage import Database, open_database
from signalbox.storage.sqlite import DATABASE_FILE

_migrated: list[bytes] = []


async def new_database(settings: Settings) -> Database:
    """As `open_database`; a SQLite file that is not there yet begins as a copy of the first one that was made here."""
    path = settings.data_dir / DATABASE_FILE
    if settings.database_url is not None or path.exists():
        return await open_database(settings)
    if _migrated:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated[0])
        return await open_database(settings)
    database = await open_database(settings)
    source = sqlite3.connect(path)
    _migrated.append(source.serialize())
    source.close()
    return database
