"""The durable side of spending caps: how much of an account's day is taken, in blocks, by any number of processes.

What is taken stays taken until it is given back, so that a process that is killed can only leave too much counted,
never too little. How a block is used up is `signalbox.models.protection`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from signalbox.storage.database import Database
from signalbox.storage.schema import spending

_MAKE_ROW: dict[str, Insert] = {
    "sqlite": sqlite.insert(spending).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(spending).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one call of `take` got, and what all processes have taken of the day since; both in nano-dollars."""

    granted: int
    total: int


class SpendingStore:
    """Accounts in `database`, which stays the caller's to close. Amounts are whole billionths of a US dollar."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, day: date, account: str, *, least: int, most: int, cap: int | None) -> Taken:
        """Take up to `most` of what is left below `cap`; nothing when that is less than `least`.

        When this returns, what was granted counts as spent, also after a crash. Near the cap only a part of the rest
        is granted, so that several processes can use it up.

        Args:
            cap: None grants always.

        Raises:
            Overloaded, Unavailable: the database can't do it now; nothing may be spent.
        """

        def work(connection: Connection) -> Taken:
            before = _locked(connection, day, account)
            granted = most
            if cap is not None:
                left = cap - before
                granted = 0 if least > left else min(left, max(least, min(most, left // _SHARE)))
            if granted:
                _set(connection, day, account, before + granted)
            return Taken(granted, before + granted)

        return await self._database.write(work)

    async def give_back(self, day: date, account: str, amount: int) -> None:
        """Return what was taken and not spent; a negative amount books what cost more than was taken."""

        def work(connection: Connection) -> None:
            _set(connection, day, account, max(0, _locked(connection, day, account) - amount))

        await self._database.write(work)

    async def taken(self, day: date, account: str) -> int:
        """What all processes together have taken of the day."""
        query = select(spending.c.taken_nusd).where(spending.c.day == day, spending.c.account == account)
        return int(await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none()) or 0)


# Of what is left below a cap, one process takes at most this part at once (or what one call needs).
_SHARE = 8


def _locked(connection: Connection, day: date, account: str) -> int:
    """What is taken; no other process can change it before this transaction ends."""
    row: dict[str, Any] = {"day": day, "account": account, "taken_nusd": 0}
    connection.execute(_MAKE_ROW[connection.dialect.name], row)
    query = select(spending.c.taken_nusd).where(spending.c.day == day, spending.c.account == account)
    return int(connection.execute(query.with_for_update()).scalar_one())


def _set(connection: Connection, day: date, account: str, taken: int) -> None:
    where = spending.c.day == day, spending.c.account == account
    connection.execute(update(spending).where(*where).values(taken_nusd=taken))
