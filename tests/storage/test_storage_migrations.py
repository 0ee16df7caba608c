"""The schema: from nothing, twice, at once, and what is refused."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect
from storage_samples import plain

from signalbox.errors import ConfigurationError
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database, schema, upgrade
from signalbox.storage.postgres import PostgresDatabase
from signalbox.storage.sqlite import DATABASE_FILE, SqliteDatabase


def checks(connection: Connection, within: str | None = None) -> dict[str, Any]:
    inspector = inspect(connection)
    return {
        table: sorted(
            (str(check["name"]), check["sqltext"]) for check in inspector.get_check_constraints(table, within)
        )
        for table in schema.metadata.tables
    }


def bare(settings: Settings) -> Database:
    if settings.database_url is None:
        return SqliteDatabase.open(settings.data_dir / DATABASE_FILE, write=True)
    return PostgresDatabase.open(settings.database_url, write=True)


async def test_migrating_from_empty_gives_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), schema.metadata))

    assert await database.read(difference) == []


async def test_the_rules_of_the_columns_are_those_of_the_code(database: Database) -> None:
    def declared(connection: Connection) -> dict[str, Any]:
        connection.exec_driver_sql("CREATE SCHEMA other")
        schema.metadata.create_all(connection.execution_options(schema_translate_map={None: "other"}))
        return checks(connection, "other")

    if database.kind == "sqlite":
        with create_engine("sqlite://").begin() as connection:
            schema.metadata.create_all(connection)
            expected = checks(connection)
    else:
        expected = await database.write(declared)
    assert await database.read(checks) == expected
    assert sum(map(len, expected.values())) >= 13


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    prediction = plain()
    await PredictionStore(database).add(prediction)
    await upgrade(database)
    assert await PredictionStore(database).get(prediction.id) == prediction


async def test_processes_that_start_at_once_on_postgres_all_succeed(postgres_settings: Settings) -> None:
    async with asyncio.TaskGroup() as group:
        opening = [group.create_task(open_database(postgres_settings)) for _ in range(6)]
    databases = [task.result() for task in opening]
    async with asyncio.TaskGroup() as group:
        for database in databases:
            group.create_task(PredictionStore(database).add(plain()))
    items, _ = await PredictionStore(databases[0]).list(limit=10)
    assert len(items) == 6
    for database in databases:
        await database.close()


@pytest.mark.parametrize("write", [True, False])
async def test_a_newer_schema_is_refused_and_left_alone(settings: Settings, write: bool) -> None:
    async with await open_database(settings) as database:
        await PredictionStore(database).add(plain())
        await database.write(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'") and None)
    with pytest.raises(ConfigurationError, match=r"9999.*knows up to \d{4}.*newer version"):
        await open_database(settings, write=write)
    async with bare(settings) as database:
        assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM predictions").scalar_one()) == 1


async def test_a_database_without_the_schema_is_not_opened_for_reading(settings: Settings) -> None:
    async with bare(settings):
        pass
    with pytest.raises(ConfigurationError, match="Start the service once"):
        await open_database(settings, write=False)
    async with await open_database(settings):
        pass
    async with await open_database(settings, write=False):
        pass


async def test_foreign_tables_under_our_names_are_refused_and_left_alone(settings: Settings) -> None:
    """The last table is the foreign one: what was made before it must be undone."""
    async with bare(settings) as database:
        await database.write(lambda c: c.exec_driver_sql("CREATE TABLE reviews (mine integer)") and None)
        with pytest.raises(ConfigurationError, match="not ours"):
            await upgrade(database)
        tables = await database.read(lambda connection: inspect(connection).get_table_names())
        assert tables == ["reviews"]


async def test_a_failed_step_leaves_the_file_as_it_was(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bare(sqlite_settings) as database:
        # 9 pages hold some of the tables, not all.
        await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 9") and None)
        with pytest.raises(Exception, match="disk is full"):
            await upgrade(database)
    with sqlite3.connect(sqlite_settings.data_dir / DATABASE_FILE) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    async with await open_database(sqlite_settings) as database:
        await PredictionStore(database).add(plain())
