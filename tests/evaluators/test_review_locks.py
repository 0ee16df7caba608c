"""What the queue's transactions look at and whom they keep waiting, where many work at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from review_samples import Clock, add, decision
from sqlalchemy import Connection, event, func, select
from storage_samples import NOON

from evaluators.review import ReviewQueue
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.storage.outbox import Delivery, Outbox
from signalbox.storage.reviews import ReviewTable
from signalbox.storage.schema import review_skips
from signalbox.types import utc_now


@contextmanager
def explained(connection: Connection) -> Iterator[list[Any]]:
    """Statements are explained instead of run within it; the plans."""
    plans: list[Any] = []

    def explain(_: Any, cursor: Any, statement: str, values: Any, *more: Any) -> tuple[str, Any]:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
        plans.append(cursor.fetchone()[0][0]["Plan"])
        return statement, values

    event.listen(connection, "before_cursor_execute", explain, retval=True)
    yield plans
    event.remove(connection, "before_cursor_execute", explain)


async def test_a_claim_does_not_look_through_all_that_waits(postgres_settings: Settings) -> None:
    async with await open_database(postgres_settings) as database:
        await add(PredictionStore(database), 200)

        def work(connection: Connection) -> int:
            with explained(connection) as plans:
                assert ReviewTable(connection).skipped_by({f"worker {number}" for number in range(50)}, NOON) == {}
            return sum(int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"]) for plan in plans)

        assert await database.write(work) < 100


async def test_skips_that_are_over_are_removed(database: Database, store: PredictionStore) -> None:
    clock = Clock(NOON + timedelta(minutes=1))
    queue = ReviewQueue(database, skip_s=60, clock=clock)
    await add(store, 3)
    for _ in range(3):
        (item,) = await queue.claim("ann")
        await queue.decide(item.id, "ann", decision(item, "skip"))
        clock.forward(61)
    kept = await database.read(lambda connection: connection.execute(select(func.count(review_skips.c.until))).scalar())
    assert kept == 1


@pytest.mark.parametrize("count", [1, 70])
async def test_many_rows_at_once_are_each_written_as_they_are(
    database: Database, store: PredictionStore, count: int
) -> None:
    queue = ReviewQueue(database, clock=Clock(NOON + timedelta(minutes=1)))
    await add(store, count)
    items = await queue.claim("Zoë 🦊", limit=count)
    assert {(item.state, item.version, item.claimed_by) for item in items} == {("claimed", 2, "Zoë 🦊")}
    assert [await queue.get(item.id) for item in items[:2]] == items[:2]
    assert [happened.kind for happened in await queue.history(items[-1].id)] == ["queued", "claimed"]


async def test_a_webhooks_outcome_does_not_wait_for_who_decides(postgres_settings: Settings) -> None:
    """On PostgreSQL the two would wait for each other: whoever undoes a decision locks the review, then the webhook."""
    async with await open_database(postgres_settings) as database:
        (made,) = await add(PredictionStore(database), webhook_url="https://example.com/hook")
        assert made.review is not None
        name = made.review.id
        queue = ReviewQueue(database)
        await queue.decide(name, "ann", decision(await queue.get(name)))
        (delivery,) = await database.write(lambda connection: take_all(Outbox(connection)))

        def settle(connection: Connection) -> None:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            Outbox(connection).settle(delivery, utc_now(), "webhook_delivered", {}, again_at=None)

        loop = asyncio.get_running_loop()

        def hold(connection: Connection) -> None:
            assert ReviewTable(connection).get(name, lock=True) is not None
            asyncio.run_coroutine_threadsafe(database.write(settle), loop).result()

        await database.write(hold)
        assert [kind.kind for kind in await queue.history(name)][-1] == "webhook_delivered"


def take_all(outbox: Outbox) -> list[Delivery]:
    return outbox.take(utc_now(), 10, per_host=9, busy=(), per_caller=9, calling={}, keep=timedelta(minutes=1))
