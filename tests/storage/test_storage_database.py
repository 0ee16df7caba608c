"""What holds for both databases: transactions, snapshots, back-pressure, opening and closing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, insert, select
from storage_samples import plain

from signalbox.errors import ConfigurationError, Conflict, InvalidInput, Overloaded, SignalboxError, Unavailable
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.storage.postgres import PostgresDatabase
from signalbox.storage.schema import ledger, predictions, reviews
from signalbox.storage.sqlite import DATABASE_FILE, SqliteDatabase
from signalbox.types import Prediction


async def count(database: Database, table: Table = predictions) -> int:
    return await database.read(lambda c: c.execute(select(func.count()).select_from(table)).scalar_one())


def review(prediction_id: str, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"rev_{prediction_id}",
        "prediction_id": prediction_id,
        "created_at": datetime.now(UTC),
        "state": "waiting",
        "version": 1,
    }
    return values | changes


async def test_a_write_gives_back_its_value_and_a_read_sees_it(database: Database) -> None:
    store = PredictionStore(database)
    await store.add(plain())
    assert await database.write(lambda c: c.execute(select(func.count()).select_from(predictions)).scalar_one()) == 1
    assert await count(database) == 1


async def test_a_write_that_fails_leaves_nothing_and_its_error_arrives(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (x integer)")
        raise ZeroDivisionError("the caller's own")

    with pytest.raises(ZeroDivisionError, match="the caller's own"):
        await database.write(work)
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE half (x integer)") and None)


async def test_bad_writes_do_not_fail_the_good_ones_beside_them(database: Database) -> None:
    """Group commit: half of what is written at once is wrong in one way or another."""
    store = PredictionStore(database)
    kept = plain()
    await store.add(kept)

    def wrong_key(connection: Connection) -> None:
        connection.execute(insert(reviews), review("prd_nowhere"))

    def wrong_value(connection: Connection) -> None:
        connection.execute(insert(reviews), review(kept.id, state="lost"))

    def missing(connection: Connection) -> None:
        connection.execute(insert(reviews), review(kept.id, version=None))

    def own_error(connection: Connection) -> None:
        connection.execute(insert(reviews), review(kept.id))
        raise LookupError("mine")

    expected: dict[Callable[[Connection], None], type[Exception]] = {
        wrong_key: Conflict,
        wrong_value: InvalidInput,
        missing: InvalidInput,
        own_error: LookupError,
    }
    caught: list[tuple[Callable[[Connection], None], BaseException | None]] = []

    async def bad(work: Callable[[Connection], None]) -> None:
        try:
            await database.write(work)
            caught.append((work, None))
        except (SignalboxError, LookupError) as error:
            caught.append((work, error))

    good = [plain() for _ in range(60)]
    async with asyncio.TaskGroup() as group:
        for number, prediction in enumerate(good):
            group.create_task(store.add(prediction))
            group.create_task(bad(list(expected)[number % 4]))
    assert len(caught) == 60
    assert all(type(error) is expected[work] for work, error in caught)
    assert await count(database) == 61
    assert await count(database, ledger) == 61
    assert await count(database, reviews) == 0


async def test_messages_name_the_rule_but_not_the_stored_text(database: Database) -> None:
    with pytest.raises(InvalidInput) as caught:
        await database.write(lambda c: c.execute(insert(reviews), review("SECRET", state="lost", reason="SECRET")))
    assert "ck_reviews_state" in caught.value.detail
    assert "SECRET" not in f"{caught.value.detail} {caught.value.__cause__}"


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(SignalboxError):
        await database.read(lambda c: c.exec_driver_sql("CREATE TABLE x (y integer)") and None)
    await database.check()


async def test_a_read_sees_one_moment(database: Database) -> None:
    store = PredictionStore(database)
    started, go_on = threading.Event(), threading.Event()

    def work(connection: Connection) -> tuple[int, int]:
        query = select(func.count()).select_from(predictions)
        before = connection.execute(query).scalar_one()
        started.set()
        go_on.wait(30)
        return before, connection.execute(query).scalar_one()

    reading = asyncio.create_task(database.read(work))
    await asyncio.to_thread(started.wait, 30)
    await store.add(plain())
    go_on.set()
    assert await reading == (0, 0)
    assert await count(database) == 1


async def test_slow_database_work_does_not_hold_up_the_event_loop(database: Database) -> None:
    """The loop itself sets what the work waits for: if the work ran on the loop, this would never end."""
    for call in (database.write, database.read):
        event = threading.Event()

        def work(_: Connection, event: threading.Event = event) -> bool:
            return event.wait(30)

        task = asyncio.create_task(call(work))
        await asyncio.sleep(0.01)
        event.set()
        assert await task


async def test_too_many_waiting_writes_are_refused_and_the_rest_is_kept(settings: Settings) -> None:
    async with await open_database(settings):
        pass  # the schema
    url = settings.database_url
    small: Database = (
        SqliteDatabase.open(settings.data_dir / DATABASE_FILE, write=True, waiting=10)
        if url is None
        else PostgresDatabase.open(url, write=True, waiting=10)
    )
    async with small:
        event = threading.Event()
        blocked = [asyncio.create_task(small.write(lambda _: event.wait(60))) for _ in range(8)]
        await asyncio.sleep(0.2)
        store = PredictionStore(small)
        outcomes: list[str] = []

        async def add() -> None:
            try:
                await store.add(plain())
                outcomes.append("kept")
            except Overloaded:
                outcomes.append("refused")

        tasks = [asyncio.create_task(add()) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert "refused" in outcomes
        event.set()
        await asyncio.wait([*tasks, *blocked])
        assert outcomes.count("kept") == await count(small) > 0
        assert outcomes.count("kept") + outcomes.count("refused") == 40
        await store.add(plain())


async def test_a_cancelled_caller_leaves_all_or_nothing(database: Database) -> None:
    store = PredictionStore(database)
    event = threading.Event()
    blocked = [asyncio.create_task(database.write(lambda _: event.wait(60))) for _ in range(8)]
    await asyncio.sleep(0.1)
    cancelled = asyncio.create_task(store.add(plain()))
    kept = asyncio.create_task(store.add(plain()))
    await asyncio.sleep(0.1)
    cancelled.cancel()
    await asyncio.sleep(0.1)
    event.set()
    await asyncio.wait([cancelled, kept, *blocked])
    assert cancelled.cancelled()
    assert await count(database) == 1 == await count(database, ledger)


async def test_reopening_finds_what_was_written(settings: Settings) -> None:
    prediction = plain()
    for _ in range(3):
        async with await open_database(settings) as database:
            await PredictionStore(database).add(prediction)
    async with await open_database(settings, write=False) as database:
        assert await PredictionStore(database).get(prediction.id) == prediction


async def test_closing_finishes_what_was_accepted(settings: Settings) -> None:
    database = await open_database(settings)
    store = PredictionStore(database)
    tasks = [asyncio.create_task(store.add(plain())) for _ in range(50)]
    await asyncio.sleep(0)
    await database.close()
    for task in tasks:
        await task
    async with await open_database(settings, write=False) as again:
        assert await count(again) == 50


async def test_a_closed_database_says_so(settings: Settings) -> None:
    database = await open_database(settings)
    await database.close()
    await database.close()
    for call in (database.read, database.write):
        with pytest.raises(Unavailable, match="closed"):
            await call(lambda connection: None)
    with pytest.raises(Unavailable, match="closed"):
        await database.check()


async def test_opened_for_reading_it_reads_beside_the_writer_and_refuses_to_write(settings: Settings) -> None:
    async with await open_database(settings) as writer, await open_database(settings, write=False) as reader:
        store = PredictionStore(reader)
        prediction = plain()
        await PredictionStore(writer).add(prediction)
        assert await store.get(prediction.id) == prediction
        await reader.check()
        with pytest.raises(ConfigurationError, match="reading only"):
            await store.add(plain())


async def test_check_passes_on_a_good_database_and_leaves_no_trace(database: Database) -> None:
    for _ in range(3):
        await database.check()
    assert await count(database) == 0


async def test_one_database_serves_several_event_loops(settings: Settings) -> None:
    database = await open_database(settings)
    store = PredictionStore(database)
    predictions_ = [plain() for _ in range(4)]

    def other_loop(prediction: Prediction) -> None:
        asyncio.run(store.add(prediction))

    await asyncio.gather(*(asyncio.to_thread(other_loop, item) for item in predictions_))  # noqa: TID251
    assert await count(database) == 4
    await database.close()
