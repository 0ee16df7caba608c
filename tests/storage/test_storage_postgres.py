"""What is special to PostgreSQL: the URL, the login, the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, create_engine
from storage_samples import plain

from signalbox.errors import ConfigurationError, SignalboxError, Unavailable
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database

SECRET = "s3cr3t/p@ss:word"


def settings(url: URL | str) -> Settings:
    return Settings(database_url=url if isinstance(url, str) else url.render_as_string(hide_password=False))


async def refusal(url: URL | str) -> SignalboxError:
    with pytest.raises(SignalboxError) as caught:
        await open_database(settings(url))
    chain: list[BaseException | None] = [caught.value, caught.value.__cause__]
    for part in ("s3cr3t", "p@ss", "ss:word", "p%40ss"):
        assert not any(part in str(error) for error in chain)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@host/database",  # the bare @ makes ss:word@host the host
        f"postgresql://user:{SECRET}@host:port/database",
        "postgresql://user:s3cr3t@host:s3cr3t/database",
        "postgresql://user:s3cr3t@[::1/database",
        "postgresql://user:s3cr3t@host",
        "postgresql://",
        "postgresql://s3cr3t",
    ],
)
async def test_a_url_that_can_not_be_read_is_refused_without_quoting_it(url: str) -> None:
    error = await refusal(url)
    assert isinstance(error, ConfigurationError)
    assert error.field == "database_url"
    assert "postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in error.detail


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    error = await refusal(URL.create("postgresql", "user", SECRET, "127.0.0.1", 1, "database"))
    assert isinstance(error, Unavailable)
    assert "user@127.0.0.1:1/database can't be reached" in error.detail


async def test_an_option_the_driver_does_not_know_is_named(postgres_url: URL) -> None:
    error = await refusal(postgres_url.update_query_dict({"colour": "red", "password": "s3cr3t"}))
    assert isinstance(error, ConfigurationError)
    assert "colour" in error.detail


async def test_a_missing_database_and_an_unknown_user_are_named(postgres_url: URL) -> None:
    error = await refusal(postgres_url.set(database="nowhere"))
    assert isinstance(error, ConfigurationError)
    assert "nowhere" in error.detail
    error = await refusal(postgres_url.set(username="nobody", password=SECRET))
    assert isinstance(error, ConfigurationError)
    assert "nobody" in error.detail


@pytest.fixture
def login(postgres_server: URL, postgres_url: URL, run_sql: Callable[..., None]) -> URL:
    """A user who needs a password, without rights to make tables."""
    engine = create_engine(postgres_server)
    with engine.connect() as connection:
        hba = Path(connection.exec_driver_sql("SHOW hba_file").scalar_one())
    engine.dispose()
    rules = hba.read_text()
    if "keyed" not in rules:
        hba.write_text(f"local all keyed scram-sha-256\n{rules}")
        run_sql(f"CREATE USER keyed PASSWORD '{SECRET}'", "SELECT pg_reload_conf()")
        time.sleep(0.5)
    return postgres_url.set(username="keyed", password=SECRET)


async def test_a_wrong_password_is_a_configuration_error(login: URL) -> None:
    error = await refusal(login.set(password=f"{SECRET}!"))
    assert isinstance(error, ConfigurationError)
    assert "user or password" in error.detail
    error = await refusal(login.set(password=None))
    assert isinstance(error, ConfigurationError)


async def test_missing_rights_are_named_and_granting_them_helps(login: URL, run_sql: Callable[..., None]) -> None:
    error = await refusal(login)
    assert isinstance(error, ConfigurationError)
    assert "rights" in error.detail
    run_sql(f"ALTER DATABASE {login.database} OWNER TO keyed")
    async with await open_database(settings(login)) as database:
        await PredictionStore(database).add(plain())
        assert "s3cr3t" not in database.name


async def test_a_lost_connection_costs_at_most_the_call_it_was_in(
    postgres_settings: Settings, run_sql: Callable[..., None], postgres_url: URL
) -> None:
    async with await open_database(postgres_settings) as database:
        store = PredictionStore(database)
        await store.add(plain())
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgres_url.database}'"
        run_sql(end)
        await store.add(plain())

        def work(connection: Connection) -> None:
            run_sql(end)
            connection.exec_driver_sql("SELECT 1")

        with pytest.raises(Unavailable):
            await database.write(work)
        await store.add(plain())
        assert len((await store.list(limit=9))[0]) == 3


async def test_a_database_set_to_read_only_is_not_ready(
    postgres_settings: Settings, run_sql: Callable[..., None], postgres_url: URL
) -> None:
    async with await open_database(postgres_settings):
        pass
    run_sql(f"ALTER DATABASE {postgres_url.database} SET default_transaction_read_only = on")
    async with await open_database(postgres_settings, write=False) as database:
        await database.check()
    async with await open_database(postgres_settings) as database:
        with pytest.raises(Unavailable, match="standby"):
            await database.check()
        with pytest.raises(Unavailable, match="no writes"):
            await PredictionStore(database).add(plain())


async def test_two_processes_may_write(postgres_settings: Settings) -> None:
    async with await open_database(postgres_settings) as one, await open_database(postgres_settings) as two:
        await PredictionStore(one).add(plain())
        await PredictionStore(two).add(plain())
        assert len((await PredictionStore(one).list(limit=9))[0]) == 2


async def test_the_server_stopping_shows_in_check(
    postgres_settings: Settings, run_sql: Callable[..., None], postgres_url: URL
) -> None:
    async with await open_database(postgres_settings) as database:
        await database.check()
        run_sql(f"DROP DATABASE {postgres_url.database} WITH (FORCE)")
        with pytest.raises(Unavailable, match="does not exist"):
            await database.check()
