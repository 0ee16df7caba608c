"""Spending caps on both databases: races in one process and between several, and a process that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from signalbox.errors import BudgetExceeded
from signalbox.models.protection import Reservation, Spending
from signalbox.settings import Settings
from signalbox.storage import Database, SpendingStore, open_database
from signalbox.types import utc_now

ROOT = Path(__file__).resolve().parents[2]
CENT = 0.01

# Reserves cents until it is refused, settles some at half, then says how much and waits to be ended.
SPENDER = """
import asyncio, json, sys
from signalbox.errors import BudgetExceeded
from signalbox.models.protection import Spending
from signalbox.settings import Settings
from signalbox.storage import SpendingStore, open_database

async def main(data_dir, url, cap, most, settle):
    settings = Settings(data_dir=data_dir, database_url=url or None)
    async with await open_database(settings) as database:
        spending = Spending(SpendingStore(database), daily_cap_usd=float(cap))
        count = 0
        try:
            while count < int(most):
                reservation = await spending.reserve(0.01)
                if settle == "settle":
                    reservation.settle(0.01)
                count += 1
        except BudgetExceeded:
            pass
        print(json.dumps(count), flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


def spender(settings: Settings, cap: float, most: int, settle: str = "settle") -> subprocess.Popen[str]:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    arguments = [str(settings.data_dir), url, str(cap), str(most), settle]
    return subprocess.Popen(
        [sys.executable, "-c", SPENDER, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def said(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    return int(json.loads(line))


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


async def reserve_until_refused(spending: Spending, tries: int) -> list[Reservation]:
    """So many at once; those that were granted."""

    async def one() -> Reservation | None:
        try:
            return await spending.reserve(CENT)
        except BudgetExceeded:
            return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(tries)]
    return [reservation for task in tasks if (reservation := task.result()) is not None]


async def test_64_racing_calls_never_exceed_the_cap(database: Database) -> None:
    store = SpendingStore(database)
    spending = Spending(store, daily_cap_usd=0.25)
    granted = await reserve_until_refused(spending, 64)
    assert len(granted) == 25
    assert spending.spent_usd == pytest.approx(0.25)
    assert await store.taken(utc_now().date(), "service") == 250_000_000
    for reservation in granted:
        reservation.settle(CENT / 2)
    again = await reserve_until_refused(spending, 64)
    assert len(again) == 12, "what was not needed can be spent again"
    assert spending.remaining_usd == pytest.approx(0.005)


async def test_two_holders_of_one_account_never_exceed_its_cap(database: Database) -> None:
    first, second = (Spending(SpendingStore(database), daily_cap_usd=0.25) for _ in range(2))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(reserve_until_refused(spending, 64)) for spending in (first, second)]
    granted = sum(len(task.result()) for task in tasks)
    # Each may hold back an eighth of what was left when it last took a block.
    assert 20 <= granted <= 25


async def test_several_processes_never_exceed_the_cap(postgres_settings: Settings) -> None:
    async with await open_database(postgres_settings) as database:
        processes = [spender(postgres_settings, 0.5, 1_000) for _ in range(2)]
        try:
            counts = [await said(process) for process in processes]
        finally:
            for process in processes:
                kill(process)
        taken = await SpendingStore(database).taken(utc_now().date(), "service")
    assert 40 <= sum(counts) <= 50
    assert sum(counts) * 10_000_000 <= taken <= 500_000_000


async def test_what_a_killed_process_reserved_is_spent(settings: Settings) -> None:
    process = spender(settings, 1.0, 30, "keep")
    try:
        assert await said(process) == 30
    finally:
        kill(process)
    async with await open_database(settings) as database:
        spending = Spending(SpendingStore(database), daily_cap_usd=1.0)
        await spending.open()
        assert spending.spent_usd >= 0.30
        left = len(await reserve_until_refused(spending, 100))
    assert left <= 70
    assert left >= 50, "no more than a block is lost with the process"


async def test_a_process_that_ends_in_order_returns_what_it_did_not_spend(settings: Settings) -> None:
    async with await open_database(settings) as database:
        store = SpendingStore(database)
        spending = Spending(store, daily_cap_usd=10)
        (await spending.reserve(CENT)).settle(CENT / 4)
        held = await spending.reserve(CENT)
        await spending.close()
        assert await store.taken(utc_now().date(), "service") == 12_500_000
        assert held.cost is None


async def test_a_call_that_cost_more_than_it_could_is_booked(database: Database) -> None:
    store = SpendingStore(database)
    spending = Spending(store, daily_cap_usd=1)
    (await spending.reserve(CENT)).settle(1.5)
    assert spending.spent_usd == pytest.approx(1.5)
    with pytest.raises(BudgetExceeded):
        await spending.reserve(CENT)
    await spending.close()
    assert await store.taken(utc_now().date(), "service") == 1_500_000_000


async def test_many_calls_need_few_commits(database: Database) -> None:
    class Counting(SpendingStore):
        takes = 0

        async def take(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
            self.takes += 1
            return await super().take(*args, **kwargs)  # type: ignore[arg-type]

    store = Counting(database)
    spending = Spending(store, daily_cap_usd=100)
    for _ in range(1_000):
        (await spending.reserve(CENT)).settle(CENT)
    assert store.takes <= 40
    assert spending.spent_usd == pytest.approx(10)


async def test_a_spent_cap_costs_no_write_a_call(database: Database) -> None:
    store = SpendingStore(database)
    now = 0.0
    spending = Spending(store, daily_cap_usd=CENT, clock=lambda: now)
    await spending.reserve(CENT)
    with pytest.raises(BudgetExceeded):
        await spending.reserve(CENT)
    day = utc_now().date()
    await store.give_back(day, "service", 10_000_000)  # as another process might
    with pytest.raises(BudgetExceeded):
        await spending.reserve(CENT)
    now = 1.5
    await spending.reserve(CENT)


async def test_accounts_and_days_are_apart(database: Database) -> None:
    store = SpendingStore(database)
    day = date(2026, 11, 20)
    for account, when in (("service", day), ("key:a", day), ("service", date(2026, 11, 21))):
        assert (await store.take(when, account, least=1, most=7, cap=7)).total <= 7
    assert await store.taken(day, "key:a") <= 7
    assert (await store.take(day, "service", least=100, most=100, cap=7)).granted == 0
