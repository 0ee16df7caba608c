"""API keys: made once, kept as a hash, looked up by id, and remembered for a moment so that a request costs no read.

A key is `sb_ID_SECRET`. What a role may do is decided in `api/auth`; nothing here knows a path.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from pydantic import Field
from sqlalchemy import Connection, Row, and_, exists, func, insert, or_, select, update

from signalbox.errors import Conflict, InvalidInput, NotFound, SignalboxError, UnknownName
from signalbox.storage.database import Database
from signalbox.storage.schema import api_keys
from signalbox.telemetry import get_logger
from signalbox.types import Frozen, utc_now

log = get_logger(__name__)

Role = Literal["admin", "reviewer", "service", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

MAX_KEYS = 10_000
MAX_NAME_CHARS = 100
FRESH_S = 2.0
"""Longest that a key revoked elsewhere still works, in seconds."""
USE_NOTED_EVERY = timedelta(minutes=5)

_REMEMBERED = 1_000
_SECRET_BYTES = 32
_TOKEN = re.compile(r"sb_([0-9a-f]{12})_([0-9a-f]{64})")


class Key(Frozen):
    """An API key without its secret. `last_used_at` is right to within some minutes."""

    id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    daily_cap_usd: float | None = Field(None, description="Most that its queries may cost a day (UTC), in US dollars.")
    rate_per_minute: int | None = Field(None, description="Requests it may make a minute; null: as the service's.")

    def works(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class NewKey(Frozen):
    """A key just made, with its token, which is shown this once."""

    key: Key
    token: str


class KeyList(Frozen):
    items: list[Key]
    next_cursor: None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and the SHA-256 of its token, in hex."""

    key: Key
    digest: str


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
            Conflict: there are 10,000 keys already.
        """
        id = secrets.token_hex(6)  # noqa: A001 - the word for it everywhere else
        token = _new_token(id)
        now = self._clock()
        values = _checked(name, role, expires_at, daily_cap_usd, rate_per_minute, now)
        row = {"id": id, "digest": digest_of(token), "created_at": now, **values}

        def work(connection: Connection) -> None:
            if connection.execute(select(func.count()).select_from(api_keys)).scalar_one() >= MAX_KEYS:
                raise Conflict(f"There are {MAX_KEYS:,} keys, the most there can be. Delete old rows of api_keys.")
            connection.execute(insert(api_keys).values(row))

        await self._database.write(work)
        self._in_use = True
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
        token = _new_token(id)
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
        query = select(
            exists().where(
                and_(
                    table.role.in_(["admin", "service"]),
                    table.revoked_at.is_(None),
                    or_(table.expires_at.is_(None), table.expires_at > now),
                )
            )
        )
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
        if not _is_id(id):
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

        changed = _is_id(id) and await self._database.write(work)
        self._known.pop(id, None)
        if not changed:
            raise _unknown(id)


def id_of(token: str) -> str | None:
    """The id within a token; None when it does not have the form of one."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else found[1]


def digest_of(token: str) -> str:
    """What is kept of a token. Its 256 random bits can't be guessed, so a slow hash would only slow requests down."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token_of(token: str, stored: StoredKey) -> bool:
    """Whether `token` is the key's; takes as long whether it is or not."""
    return hmac.compare_digest(digest_of(token), stored.digest)


def _new_token(id: str) -> str:  # noqa: A002
    return f"sb_{id}_{secrets.token_hex(_SECRET_BYTES)}"


def _is_id(id: str) -> bool:  # noqa: A002
    return len(id) == 12 and id.isascii() and id.isalnum()


def _unknown(id: str) -> NotFound:  # noqa: A002
    return NotFound(f"There is no key {id[:40]!r}. `signalbox keys list` shows their ids.", field="id")


def _key(row: Row[Any]) -> Key:
    return Key.model_validate({name: getattr(row, name) for name in Key.model_fields})


def _checked(
    name: str,
    role: str,
    expires_at: datetime | None,
    daily_cap_usd: float | None,
    rate_per_minute: int | None,
    now: datetime,
) -> dict[str, Any]:
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable() or not name.strip():
        raise InvalidInput(f"name must be 1 to {MAX_NAME_CHARS} printable characters.", field="name")
    if role not in ROLES:
        raise UnknownName(f"There is no role {role[:40]!r}; there are {', '.join(ROLES)}.", field="role")
    if expires_at is not None and expires_at.tzinfo is None:
        raise InvalidInput("expires_at has no time zone; append Z for UTC.", field="expires_at")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("expires_at has passed already; give a later time.", field="expires_at")
    if daily_cap_usd is not None and not 0 <= daily_cap_usd <= 1e9:
        raise InvalidInput(f"daily_cap_usd is {daily_cap_usd}; give 0 to 1e9.", field="daily_cap_usd")
    if rate_per_minute is not None and not 1 <= rate_per_minute <= 1_000_000:
        raise InvalidInput(f"rate_per_minute is {rate_per_minute}; give 1 to 1,000,000.", field="rate_per_minute")
    return {
        "name": name,
        "role": role,
        "expires_at": expires_at,
        "daily_cap_usd": daily_cap_usd,
        "rate_per_minute": rate_per_minute,
    }
