"""SQLite behind the `Database` interface: one writing connection, several that can only read.

SQLite before 3.51.3 can corrupt a write-ahead log when two connections write or checkpoint at once, so there is
exactly one that can: a lock file keeps other processes from writing, and readers are opened `mode=ro`, which
can't checkpoint either.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from signalbox.errors import ConfigurationError, Unavailable
from signalbox.files import sync
from signalbox.storage.database import WAITING, Database, Work, capital
from signalbox.storage.faults import explain_sqlite
from signalbox.storage.lock import OpenerLock
from signalbox.storage.workers import Workers
from signalbox.storage.writer import GroupWriter

T = TypeVar("T")

DATABASE_FILE = "signalbox.db"
READERS = 4
# "SBOX": lets `file` and people tell whose database it is. Writing it is also the readiness check's write.
APPLICATION_ID = 0x53424F58


class SqliteDatabase(Database):
    """One SQLite file; `open` makes it."""

    kind = "sqlite"

    def __init__(self, path: Path, readers: Engine, writer: GroupWriter | None, resources: ExitStack) -> None:
        self.name = describe(path)
        self.writable = writer is not None
        self._path = path
        self._file = _identity(path)
        self._readers = readers
        self._writer = writer
        self._resources = resources
        self._workers = Workers(READERS, WAITING, self.name)

    @classmethod
    def open(cls, path: Path, *, write: bool, waiting: int = WAITING, busy_timeout_s: float = 5.0) -> Self:
        """Open the file at `path`, creating it first if `write`. Blocks; the schema is not looked at.

        Args:
            waiting: writes that may wait for the writer.
            busy_timeout_s: how long to wait for a program that holds SQLite's own lock.

        Raises:
            ConfigurationError: the folder or file can't be made or opened, or there is no file to read.
            CorruptArtefact: it is not a SQLite database.
            Unavailable: another process writes to it, or the disk is full.
        """
        path = path.absolute()
        with ExitStack() as resources:
            writer = _open_writer(path, resources, waiting, busy_timeout_s) if write else None
            if not path.is_file():
                raise ConfigurationError(
                    f"There is no database at {path}. Correct data_dir, or start the service once to create it.",
                    field="data_dir",
                )
            readers = create_engine(
                "sqlite://",
                creator=lambda: _connect(path, "ro", busy_timeout_s, {"query_only": "ON"}),
                poolclass=QueuePool,
                pool_size=READERS,
                max_overflow=0,
                hide_parameters=True,
            )
            event.listen(readers, "begin", _begin("BEGIN"))
            resources.callback(readers.dispose)
            return cls(path, readers, writer, resources.pop_all())

    async def write(self, work: Work[T]) -> T:
        self._require_writable()
        assert self._writer is not None
        return await asyncio.wrap_future(self._writer.submit(work))

    async def read(self, work: Work[T]) -> T:
        def run() -> T:
            try:
                with self._readers.connect() as connection, connection.begin():
                    return work(connection)
            except DBAPIError as error:
                raise explain_sqlite(error, self.name) from None

        return await self._workers.run(run)

    async def _probe(self) -> None:
        if await asyncio.to_thread(_identity, self._path) != self._file:
            raise Unavailable(f"{capital(self.name)} was moved, deleted or replaced while open. Restart the service.")
        await self.read(lambda connection: connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first())
        if self.writable:
            # A real page through a real commit: only that shows that the disk takes it.
            await self.write(_write_application_id)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._workers.close()
        self._resources.close()


def describe(path: Path) -> str:
    return f"the database {path}"


def _open_writer(path: Path, resources: ExitStack, waiting: int, busy_timeout_s: float) -> GroupWriter:
    name = describe(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = OpenerLock.acquire(path.with_name(f"{path.name}.lock"), name)
        resources.callback(lock.release)
        _create(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be created: {error.strerror}. Make its folder writable, or correct data_dir.",
            field="data_dir",
        ) from None
    pragmas = {"synchronous": "FULL", "foreign_keys": "ON", "journal_size_limit": "67108864"}
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, "rw", busy_timeout_s, pragmas),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin("BEGIN IMMEDIATE"))
    resources.callback(engine.dispose)
    try:
        connection = engine.connect()
        driver: Any = connection.connection.dbapi_connection
        mode = driver.execute("PRAGMA journal_mode = WAL").fetchone()
    except DBAPIError as error:
        raise explain_sqlite(error, name) from None
    except sqlite3.Error as error:
        raise explain_sqlite(DBAPIError(None, None, error), name) from None
    if mode != ("wal",):
        raise ConfigurationError(
            f"{path} can't use write-ahead logging (it stays in mode {mode[0]!r}): its file system lacks shared "
            "memory. Put data_dir on a local disk, or use PostgreSQL.",
            field="data_dir",
        )
    writer = GroupWriter(connection, waiting=waiting, name=name, explain=lambda error: explain_sqlite(error, name))
    resources.callback(writer.close)
    return writer


def _connect(path: Path, mode: str, busy_timeout_s: float, pragmas: dict[str, str]) -> sqlite3.Connection:
    # isolation_level=None: SQLAlchemy's own BEGIN (see `_begin`), or savepoints and DDL would not be undone.
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name} = {value}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(statement: str) -> Any:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _create(path: Path) -> None:
    """Make an empty file that only its owner can read: it will hold what people asked.

    Never open an existing one: closing it would drop the locks that SQLite holds on it in this process.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    os.close(descriptor)
    sync(path.parent)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _write_application_id(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
