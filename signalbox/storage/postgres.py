"""PostgreSQL behind the `Database` interface: a pool of connections, a plain transaction a call.

The server groups commits and coordinates writers itself, so any number of processes may share it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self, TypeVar

from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from signalbox.errors import ConfigurationError, Unavailable
from signalbox.storage.database import WAITING, Database, Work, capital
from signalbox.storage.faults import explain_postgres
from signalbox.storage.workers import Workers

T = TypeVar("T")

CONNECTIONS = 8
CONNECT_TIMEOUT_S = 5


class PostgresDatabase(Database):
    """One database of a PostgreSQL server; `open` makes it."""

    kind = "postgresql"

    def __init__(self, url: URL, engine: Engine, *, writable: bool, waiting: int = WAITING) -> None:
        self.name = describe(url)
        self.writable = writable
        self._secrets = secrets_of(url)
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._workers = Workers(CONNECTIONS, waiting, self.name)

    @classmethod
    def open(cls, url: SecretStr, *, write: bool, waiting: int = WAITING) -> Self:
        """Make the pool; the first call connects.

        Raises:
            ConfigurationError: the URL can't be read.
        """
        parsed = parse_url(url)
        options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "signalbox"}
        engine = create_engine(
            parsed,
            connect_args={name: value for name, value in options.items() if name not in parsed.query},
            pool_size=CONNECTIONS,
            max_overflow=0,
            # One round trip a call, and a restarted server costs nobody an error.
            pool_pre_ping=True,
            hide_parameters=True,
        )
        return cls(parsed, engine, writable=write, waiting=waiting)

    async def write(self, work: Work[T]) -> T:
        self._require_writable()
        return await self._workers.run(lambda: self._transaction(self._engine, work))

    async def read(self, work: Work[T]) -> T:
        return await self._workers.run(lambda: self._transaction(self._reader, work))

    async def _probe(self) -> None:
        def read_only(connection: Connection) -> bool:
            return bool(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on")

        if not self.writable:
            await self.read(read_only)
        elif await self.write(read_only):
            raise Unavailable(f"{capital(self.name)} accepts no writes now; it may be a standby.")

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _transaction(self, engine: Engine, work: Work[T]) -> T:
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise explain_postgres(error, self.name, self._secrets) from None

    def _close(self) -> None:
        self._workers.close()
        self._engine.dispose()


def parse_url(secret: SecretStr) -> URL:
    """The URL in SQLAlchemy's form, for psycopg 3. No part of a URL that can't be read is ever quoted.

    Raises:
        ConfigurationError: it is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE.
    """
    remedy = (
        "Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with the characters @ : / ? # % in the user and "
        "password percent-encoded (@ is %40)."
    )
    try:
        url = make_url(secret.get_secret_value())
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"database_url can't be read. {remedy}", field="database_url") from None
    # A password with a bare @ ends at it, and its rest becomes the host, which messages would show.
    if "@" in (url.host or "") or not url.database:
        raise ConfigurationError(
            f"database_url names no database, or has an @ too many. {remedy}", field="database_url"
        )
    return url.set(drivername="postgresql+psycopg")


def describe(url: URL) -> str:
    """How messages call the database: all but its secrets."""
    user = f"{url.username}@" if url.username else ""
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"the PostgreSQL database {user}{host}{port}/{url.database}"


def secrets_of(url: URL) -> tuple[str, ...]:
    values = [url.password, url.query.get("password"), url.query.get("sslpassword")]
    return tuple(value for value in values if isinstance(value, str) and value)
