"""API keys: made once, kept as a hash, looked up by id, and remembered for a moment so that a request costs no read.

What a key is, and what its token looks like, is in `tokens`. Nothing here knows a path or what a role may do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, insert, or_, select, text, update

from signalbox.errors import Conflict, NotFound, SignalboxError
from signalbox.storage.database import Database
from signalbox.storage.schema import api_keys
from signalbox.storage.tokens import (
    Key,
    NewKey,
    StoredKey,
    check_values,
    digest_of,
    is_id,
    new_id_of_key,
    new_token,
    same_name,
)
from signalbox.telemetry import get_logger
from signalbox.types import utc_now

log = get_logger(__name__)

MAX_KEYS = 10_000
FRESH_S = 2.0
"""Longest that a key revoked elsewhere still works, in seconds."""
USE_NOTED_EVERY = timedelta(minutes=5)

_REMEMBERED = 1_000


class KeyStore:
    """The keys in `database`, which stays the caller's to close. For one event loop.

    Args:
        clock: says what is now.
        monotonic: in seconds, for how long something has been remembered.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, tuple[StoredKey, float]] = {}
        self._reading: dict[str, asyncio.Task[StoredKey | None]] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._ids: frozenset[str] = frozenset()
        self._listed_at: float | None = None
        self._listing = asyncio.Lock()
        self._in_use = False
        self._looked_at: float | None = None

    async def create(
        self,
        name: str,
        role: str,
        *,
        expires_at: datetime | None = None,
        daily_cap_usd: float | None = None,
        rate_per_minute: int | None = None,
    ) -> NewKey:
        """A new key and its token, which can't be had again.

        Raises:
            UnknownName: there is no such role.
            InvalidInput: a value breaks its rule; `field` says which.
            Conflict: a working key has the name, or there are 10,000 keys already.
        """
        id = new_id_of_key()  # noqa: A001 - the word for it everywhere else
        token = new_token(id)
        now = self._clock()
        values = check_values(name, role, expires_at, daily_cap_usd, rate_per_minute, now)
        row = {"id": id, "digest": digest_of(token), "created_at": now, **values}

        def work(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":
                # Of two that make keys at once, the second sees the first one's.
                connection.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))
            if connection.execute(select(func.count()).select_from(api_keys)).scalar_one() >= MAX_KEYS:
                raise Conflict(f"There are {MAX_KEYS:,} keys, the most there can be. Delete old rows of api_keys.")
            taken = connection.execute(select(api_keys.c.id, api_keys.c.name).where(_works(now))).all()
            if same := next((other for other in taken if same_name(other.name) == same_name(name)), None):
                raise Conflict(
                    f"The key {same.id} has the name {same.name!r} already, and decisions are told apart by the names "
                    "of those who took them. Give another name, or revoke that key first.",
                    field="name",
                )
            connection.execute(insert(api_keys).values(row))

        await self._database.write(work)
        self._in_use = True
        self._listed_at = None
        return NewKey(key=Key(id=id, created_at=now, **values), token=token)

    async def list(self) -> list[Key]:
        """All keys, revoked and expired ones too, oldest first."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_key(row) for row in rows]

    async def revoke(self, id: str) -> Key:  # noqa: A002
        """End a key; here at once, in other processes within seconds. Doing it again changes nothing.

        Raises:
            NotFound: there is no such key.
        """
        now = self._clock()
        await self._change(id, {"revoked_at": func.coalesce(api_keys.c.revoked_at, now)})
        return await self.get(id)

    async def rotate(self, id: str) -> NewKey:  # noqa: A002
        """Give a key a new token; the old one ends.

        Raises:
            NotFound: there is no such key.
            Conflict: it is revoked or expired.
        """
        key = await self.get(id)
        if not key.works(self._clock()):
            raise Conflict(f"The key {id} is revoked or expired. Create a new one.", field="id")
        token = new_token(id)
        await self._change(id, {"digest": digest_of(token)})
        return NewKey(key=key, token=token)

    async def get(self, id: str) -> Key:  # noqa: A002
        """The key called `id`, as it is now.

        Raises:
            NotFound: there is none.
        """
        found = await self._read(id)
        if found is None:
            raise _unknown(id)
        return found.key

    async def daily_cap_usd(self, key_id: str) -> float | None:
        """What the key's queries may cost a day; None where it has no cap or is not there. At most 2 s old."""
        found = await self.find(key_id)
        return None if found is None else found.key.daily_cap_usd

    def recall(self, id: str) -> StoredKey | None:  # noqa: A002
        """The key if it was read within the last 2 s: costs no read. None means only that it has to be looked up."""
        known = self._known.get(id)
        return known[0] if known is not None and self._monotonic() - known[1] < FRESH_S else None

    async def find(self, id: str) -> StoredKey | None:  # noqa: A002
        """The key called `id`, at most 2 s old; callers that ask at once share one read."""
        found = self.recall(id)
        if found is not None:
            return found
        reading = self._reading.get(id)
        if reading is None:
            reading = asyncio.create_task(self._read(id))
            self._reading[id] = reading
            reading.add_done_callback(lambda _: self._reading.pop(id, None))
        # One caller that goes must not take the read from the others.
        return await asyncio.shield(reading)

    async def lists(self, id: str) -> bool:  # noqa: A002
        """Whether there is such a key, by a list of all ids that is read at most every 2 s: guesses cost no read."""
        async with self._listing:
            now = self._monotonic()
            if self._listed_at is None or now - self._listed_at >= FRESH_S:
                query = select(api_keys.c.id)
                rows = await self._database.read(lambda connection: connection.execute(query).scalars().all())
                self._ids, self._listed_at = frozenset(rows), now
        return id in self._ids

    @property
    def seen(self) -> bool:
        """Whether a key has been seen so far."""
        return self._in_use

    async def in_use(self) -> bool:
        """Whether there has ever been a key. Once there was one, keys stay required, so that revoking opens nothing."""
        if self._in_use:
            return True
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at >= FRESH_S:
            self._in_use = await self._database.read(
                lambda connection: bool(connection.execute(select(exists().select_from(api_keys))).scalar_one())
            )
            self._looked_at = now
        return self._in_use

    async def can_serve(self) -> bool:
        """Whether a key works that may ask or administer: without one, nobody could use a service that needs keys."""
        table, now = api_keys.c, self._clock()
        query = select(exists().where(and_(table.role.in_(["admin", "service"]), _works(now))))
        return bool(await self._database.read(lambda connection: connection.execute(query).scalar_one()))

    def note_use(self, stored: StoredKey) -> None:
        """Keep that the key was used just now: one write per key and five minutes, beside the request."""
        key, now = stored.key, self._clock()
        if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
            return
        noted = StoredKey(key.model_copy(update={"last_used_at": now}), stored.digest)
        known = self._known.get(key.id)
        if known is not None:
            self._known[key.id] = (noted, known[1])
        task = asyncio.create_task(self._note(key.id, now))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def settle(self) -> None:
        """Wait for what `note_use` has begun."""
        if self._noting:
            await asyncio.wait(self._noting)

    async def _note(self, id: str, now: datetime) -> None:  # noqa: A002
        try:
            await self._database.write(
                lambda connection: (
                    connection.execute(update(api_keys).where(api_keys.c.id == id).values(last_used_at=now)) and None
                )
            )
        except SignalboxError as error:
            log.warning("the last use of a key could not be kept", key=id, reason=error.detail)

    async def _read(self, id: str) -> StoredKey | None:  # noqa: A002
        if not is_id(id):
            return None
        asked_at = self._monotonic()
        query = select(api_keys).where(api_keys.c.id == id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            self._known.pop(id, None)
            return None
        found = StoredKey(_key(row), row.digest)
        while len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[id] = (found, asked_at)
        return found

    async def _change(self, id: str, values: Mapping[str, Any]) -> None:  # noqa: A002
        statement = update(api_keys).where(api_keys.c.id == id).values(values)

        def work(connection: Connection) -> bool:
            return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount > 0

        changed = is_id(id) and await self._database.write(work)
        self._known.pop(id, None)
        if not changed:
            raise _unknown(id)


def _works(now: datetime) -> ColumnElement[bool]:
    table = api_keys.c
    return and_(table.revoked_at.is_(None), or_(table.expires_at.is_(None), table.expires_at > now))


def _unknown(id: str) -> NotFound:  # noqa: A002
    return NotFound(f"There is no key {id[:40]!r}. `signalbox keys list` shows their ids.", field="id")


def _key(row: Row[Any]) -> Key:
    return Key.model_validate({name: getattr(row, name) for name in Key.model_fields})
