"""Which requests were worked on already, by their callers' own keys, and to which prediction that led.

A key is claimed before the work and settled in the transaction that adds the prediction, so no crash can separate
the two. What a request is and what is answered to a repeated one is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Insert, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from signalbox.errors import Conflict, InvalidInput
from signalbox.storage import rows
from signalbox.storage.database import Database
from signalbox.storage.predictions import written_with
from signalbox.storage.schema import idempotency_keys as table
from signalbox.storage.schema import predictions
from signalbox.types import Prediction, new_id, utc_now

KEPT = timedelta(hours=24)
_PURGE_EVERY = timedelta(minutes=10)
FIELD = "Idempotency-Key"

_INSERT_NEW: dict[str, Insert] = {
    "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
}


class InFlight(Conflict):
    """The first request with this key is still being worked on; `retry_after_s` is when asking again makes sense."""

    retry_after_s = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """One request with a key. `caller` is its API key's id, empty without one; `fingerprint` tells payloads apart."""

    caller: str
    key: str
    fingerprint: str
    id: str = field(default_factory=lambda: new_id("clm"))


class IdempotencyStore:
    """The keys in `database`, which stays the caller's to close. One a process.

    Args:
        clock: says what time it is, in UTC.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._owner = new_id("own")
        self._purged: datetime | None = None

    async def claim(self, claim: Claim, lease: timedelta) -> Prediction | None:
        """The prediction that the first request with this key led to; None: this is the first, and has the key now.

        A first request that failed, or whose process died, does not count. A process that died is noticed at once
        on SQLite, which one process writes to, and on PostgreSQL when the lease is over.

        Args:
            lease: the longest that the work may take.

        Raises:
            InFlight: the first one is still being worked on.
            InvalidInput: the first one was another request.
            Overloaded, Unavailable: as of `Database.write`; nothing was claimed.
        """
        now = self._clock()
        row = {
            "caller": claim.caller,
            "idempotency_key": claim.key,
            "fingerprint": claim.fingerprint,
            "owner": self._owner,
            "claim": claim.id,
            "claimed_until": now + lease,
            "expires_at": now + KEPT,
            "prediction_id": None,
        }
        purge = self._purged is None or now - self._purged > _PURGE_EVERY

        def work(connection: Connection) -> Prediction | None:
            if purge:
                connection.execute(delete(table).where(table.c.expires_at < now))
            if _insert_new(connection, row):
                return None
            return self._repeated(connection, claim, row, now)

        found = await self._database.write(work)
        if purge:
            self._purged = now
        return found

    def _repeated(self, connection: Connection, claim: Claim, row: dict[str, Any], now: datetime) -> Prediction | None:
        # Locked: of two that find a dead claim, one may have it.
        first = connection.execute(select(table).where(_is(claim)).with_for_update()).one_or_none()
        if first is None:
            raise _in_flight(claim)  # it failed between the two statements; its caller may ask again
        body = None
        if first.prediction_id is not None:
            body = connection.execute(
                select(predictions.c.body).where(predictions.c.id == first.prediction_id)
            ).scalar_one_or_none()
        dead = body is None and (
            first.prediction_id is not None or first.claimed_until < now or self._is_of_a_dead_process(first.owner)
        )
        if dead or first.expires_at < now:
            connection.execute(update(table).where(_is(claim)).values(row))
            return None
        if first.fingerprint != claim.fingerprint:
            raise InvalidInput(
                "This Idempotency-Key came with another request in the last 24 hours. Send a new key with a new "
                "request.",
                field=FIELD,
            )
        if body is None:
            raise _in_flight(claim)
        return rows.from_body(first.prediction_id, body)

    def _is_of_a_dead_process(self, owner: str) -> bool:
        return self._database.kind == "sqlite" and owner != self._owner

    def settling(self, claim: Claim) -> AbstractContextManager[None]:
        """Within it, a prediction that is added settles the claim, in the same transaction.

        Adding it raises Conflict, and keeps nothing, where another request has the key by now: the lease was over.
        """

        def settle(connection: Connection, prediction_id: str) -> None:
            # Locked first, and looked at once it is: whoever else takes the key waits for this, or this for him.
            found = connection.execute(
                select(table.c.claim).where(_is(claim), _ours(claim)).with_for_update()
            ).scalar_one_or_none()
            settled = update(table).where(_is(claim), _ours(claim)).values(prediction_id=prediction_id)
            options = {"preserve_rowcount": True}
            if found is None or connection.execute(settled, execution_options=options).rowcount == 0:
                raise Conflict(
                    f"The request with Idempotency-Key {claim.key[:80]!r} took longer than its key was held, and "
                    "another one has the key now. Nothing was kept of this one; ask again for the other's answer.",
                    field=FIELD,
                )

        return written_with(settle)

    async def release(self, claim: Claim) -> None:
        """Let the key go: the work failed. One that was settled stays so."""
        await self._database.write(
            lambda connection: connection.execute(
                delete(table).where(_is(claim), _ours(claim), table.c.prediction_id.is_(None))
            )
        )


def _insert_new(connection: Connection, row: dict[str, Any]) -> bool:
    statement = _INSERT_NEW[connection.dialect.name]
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1


def _is(claim: Claim) -> Any:
    return and_(table.c.caller == claim.caller, table.c.idempotency_key == claim.key)


def _ours(claim: Claim) -> Any:
    return table.c.claim == claim.id


def _in_flight(claim: Claim) -> InFlight:
    return InFlight(
        f"The first request with Idempotency-Key {claim.key[:80]!r} is still being worked on. Ask again shortly.",
        field=FIELD,
    )
