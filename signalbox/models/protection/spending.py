"""Spending caps: the most a call can cost is reserved before it is made, what it did cost is settled afterwards.

Blocks of budget are taken durably from the accounts and used up in memory, so a call seldom waits for a commit, and
a process that is killed leaves what it held counted as spent. Which calls are made is not known here.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from signalbox.errors import BudgetExceeded, SignalboxError
from signalbox.telemetry.logging import get_logger
from signalbox.types import utc_now

SERVICE = "service"
NANO = 1_000_000_000

_CALLS_A_BLOCK = 32
_BLOCKS_A_CAP = 100
_ASK_AGAIN_S = 1.0

CapOf = Callable[[str], Awaitable[float | None]]

_log = get_logger(__name__)


class Granted(Protocol):
    """What an account gave, and what is taken of it altogether; nano-dollars."""

    @property
    def granted(self) -> int: ...

    @property
    def total(self) -> int: ...


class Accounts(Protocol):
    """Where it is kept what is taken of each account's day; `signalbox.storage.spending` says what each call does."""

    async def take(self, day: date, account: str, *, least: int, most: int, cap: int | None) -> Granted: ...

    async def give_back(self, day: date, account: str, amount: int) -> None: ...

    async def taken(self, day: date, account: str) -> int: ...


class Pool:
    """One account's budget for one day, as far as this process holds it."""

    def __init__(self, accounts: Accounts, account: str, day: date, clock: Callable[[], float]) -> None:
        self.account, self.day = account, day
        self.cap: int | None = None
        self.held = 0
        self.reserved = 0
        self.taken = 0
        self.refused = False
        self._accounts, self._clock = accounts, clock
        self._taking: asyncio.Task[None] | None = None
        self._asked_s = -math.inf

    @property
    def spent(self) -> int:
        """What is spent or reserved by anyone, as far as is known here."""
        return max(0, self.taken - self.held)

    async def reserve(self, amount: int) -> bool:
        """Set `amount` aside; False when the cap leaves less. Raises as the accounts do."""
        while self.held < amount:
            if self._taking is None:
                if self._is_used_up(amount):
                    self.refused = True
                    return False
                self._taking = asyncio.create_task(self._take(amount))
            # Shielded: others wait for it too, and a commit must not be lost sight of.
            await asyncio.shield(self._taking)
        self.held -= amount
        self.reserved += amount
        self.refused = False
        return True

    def settle(self, reserved: int, cost: int) -> None:
        self.reserved -= reserved
        self.held += reserved - cost

    async def load(self) -> None:
        """Look up what is taken already."""
        self.taken = await self._accounts.taken(self.day, self.account)

    async def give_back(self) -> None:
        """Return what is not used; what calls cost beyond what was held is booked too."""
        amount, self.held = self.held, 0
        if amount:
            self.taken -= amount
            await self._accounts.give_back(self.day, self.account, amount)

    def _is_used_up(self, amount: int) -> bool:
        """Whether asking the accounts again is no use; other processes may give something back, so it is, at times."""
        if self.cap is None or self.taken - self.held + amount <= self.cap:
            return False
        return self._clock() < self._asked_s + _ASK_AGAIN_S or amount > self.cap

    async def _take(self, amount: int) -> None:
        try:
            least = amount - self.held
            most = max(least, _CALLS_A_BLOCK * amount, (self.cap or 0) // _BLOCKS_A_CAP)
            got = await self._accounts.take(self.day, self.account, least=least, most=most, cap=self.cap)
            self.held += got.granted
            self.taken = got.total
            if not got.granted:
                self._asked_s = self._clock()
        finally:
            self._taking = None


@dataclass(slots=True)
class Reservation:
    """Money set aside for one call, nano-dollars. `settle` it once, with what the call did or may have cost."""

    amount: int
    pools: tuple[Pool, ...]
    cost: int | None = None

    @property
    def most(self) -> int:
        """What the call cost; until that is known, the most it can."""
        return self.amount if self.cost is None else self.cost

    def settle(self, cost_usd: float) -> None:
        if self.cost is None:
            self.cost = nano(cost_usd)
            for pool in self.pools:
                pool.settle(self.amount, self.cost)


class Spending:
    """The caps of one process: one for the whole service and one for each API key that has its own.

    Args:
        accounts: where what is spent is kept; in memory it is forgotten with the process.
        daily_cap_usd: of the whole service, for each day in UTC; None is no cap.
        cap_of: the cap of the API key with an id, None where it has none.
        clock, now: monotonic seconds, and the time of day.
    """

    def __init__(
        self,
        accounts: Accounts | None = None,
        *,
        daily_cap_usd: float | None = None,
        cap_of: CapOf | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._accounts: Accounts = MemoryAccounts() if accounts is None else accounts
        self._cap = None if daily_cap_usd is None else nano(daily_cap_usd)
        self._cap_of, self._clock, self._now = cap_of, clock, now
        self._pools: dict[tuple[date, str], Pool] = {}

    @property
    def daily_cap_usd(self) -> float | None:
        return None if self._cap is None else self._cap / NANO

    @property
    def spent_usd(self) -> float:
        """What the service has spent and reserved today (UTC), as far as this process knows."""
        pool = self._pools.get((self._today(), SERVICE))
        return 0.0 if pool is None else pool.spent / NANO

    @property
    def remaining_usd(self) -> float | None:
        """What is left of today's cap; None without a cap."""
        return None if self._cap is None else max(0.0, self._cap / NANO - self.spent_usd)

    @property
    def is_spent(self) -> bool:
        """Whether today's cap left too little for the last call that was to be made."""
        pool = self._pools.get((self._today(), SERVICE))
        return pool is not None and pool.refused

    async def open(self) -> None:
        """Look up what was spent today, so that the figures are right before the first call."""
        await self._pool(SERVICE, self._cap).load()

    async def caps(self, caller: str | None) -> bool:
        """Whether any cap holds for calls of `caller`."""
        return self._cap is not None or await self._key_cap(caller) is not None

    async def reserve(self, most_usd: float, caller: str | None = None) -> Reservation:
        """Set aside what a call can cost at most, under every cap that holds for it.

        Raises:
            BudgetExceeded: less than that is left; says of which cap, and when it is renewed.
            Overloaded, Unavailable: the database can't give leave now.
        """
        amount = nano(most_usd)
        pools = [self._pool(SERVICE, self._cap)]
        key_cap = await self._key_cap(caller)
        if caller is not None and key_cap is not None:
            pools.append(self._pool(f"key:{caller}", nano(key_cap)))
        done: list[Pool] = []
        try:
            for pool in pools:
                if amount and not await pool.reserve(amount):
                    raise _exceeded(pool, amount)
                done.append(pool)
        except BaseException:
            for pool in done:
                pool.settle(amount, 0)
            raise
        return Reservation(amount, tuple(done))

    async def close(self) -> None:
        """Return what was taken and not spent. What is still reserved stays counted as spent."""
        for pool in self._pools.values():
            try:
                await pool.give_back()
            except SignalboxError as error:
                _log.warning("budget not returned", account=pool.account, error=error.detail)

    def _pool(self, account: str, cap: int | None) -> Pool:
        key = self._today(), account
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._accounts, account, key[0], self._clock)
            self._forget_old_days(key[0])
        pool.cap = cap
        return pool

    def _forget_old_days(self, today: date) -> None:
        """What is held of a day that is over is of no more use; calls under way keep their pool."""
        for key in [key for key in self._pools if key[0] < today - timedelta(days=1)]:
            del self._pools[key]

    async def _key_cap(self, caller: str | None) -> float | None:
        if caller is None or self._cap_of is None:
            return None
        return await self._cap_of(caller)

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()


class MemoryAccounts:
    """Accounts that are forgotten with the process: for commands that work without a database."""

    def __init__(self) -> None:
        self._taken: dict[tuple[date, str], int] = {}

    async def take(self, day: date, account: str, *, least: int, most: int, cap: int | None) -> Granted:
        before = self._taken.get((day, account), 0)
        granted = most if cap is None else min(most, cap - before)
        granted = granted if granted >= least else 0
        self._taken[day, account] = before + granted
        return _Granted(granted, before + granted)

    async def give_back(self, day: date, account: str, amount: int) -> None:
        self._taken[day, account] = self._taken.get((day, account), 0) - amount

    async def taken(self, day: date, account: str) -> int:
        return self._taken.get((day, account), 0)


@dataclass(frozen=True, slots=True)
class _Granted:
    granted: int
    total: int


def nano(usd: float) -> int:
    """Nano-dollars, rounded up: a cap must hold to the last digit."""
    return math.ceil(round(usd * NANO, 3))


def _exceeded(pool: Pool, amount: int) -> BudgetExceeded:
    assert pool.cap is not None, "without a cap everything is granted"
    resets = datetime.combine(pool.day + timedelta(days=1), datetime.min.time(), UTC)
    if pool.account == SERVICE:
        whose, remedy, field = "the service", "Raise SIGNALBOX_DAILY_CAP_USD", "daily_cap_usd"
    else:
        whose, remedy, field = "this API key", "Raise the key's daily_cap_usd", "caller"
    return BudgetExceeded(
        f"This call may cost ${amount / NANO:.6f}, but ${pool.spent / NANO:.6f} of the ${pool.cap / NANO:.6f} that "
        f"{whose} may spend a day is spent or reserved. {remedy}, or wait until {resets:%Y-%m-%dT%H:%MZ}.",
        field=field,
    )
