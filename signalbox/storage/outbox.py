"""Calls that are still to be made: written with what they tell of, taken by whoever makes them, settled afterwards.

Taking one counts the attempt and keeps it from others for a while, so a sender that is killed at work leaves it to be
taken again. How a call is made is not known here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from signalbox.storage.schema import review_events, reviews, webhooks


@dataclass(frozen=True, slots=True)
class Notice:
    """`caller` asked for it; `takes_back`: it only makes sense to who may have received an earlier one."""

    id: str
    url: str
    host: str
    payload: str
    caller: str | None = None
    takes_back: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice to deliver now; `attempt` counts from 1."""

    id: str
    review_id: str
    url: str
    host: str
    payload: str
    caller: str | None
    attempt: int


class Outbox:
    """The calls as `connection`'s transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, review_id: str, notice: Notice, now: datetime) -> None:
        """Leave `notice` to be delivered, in place of older ones about the review that were not delivered yet."""
        table = webhooks.c
        found = self._connection.execute(
            select(table.id, table.state, table.attempts).where(table.review_id == review_id).with_for_update()
        ).all()
        told = any(row.attempts > 0 for row in found)
        if any(row.state == "pending" for row in found):
            self._connection.execute(
                update(webhooks).where(table.review_id == review_id, table.state == "pending").values(state="withdrawn")
            )
        if notice.takes_back and not told:
            return
        self._connection.execute(
            insert(webhooks),
            {
                "id": notice.id,
                "review_id": review_id,
                "created_at": now,
                "url": notice.url,
                "host": notice.host,
                "caller": notice.caller,
                "payload": notice.payload,
                "state": "pending",
                "attempts": 0,
                "next_at": now,
            },
        )

    def take(
        self,
        now: datetime,
        most: int,
        *,
        per_host: int,
        busy: Collection[str],
        per_caller: int,
        calling: Mapping[str, int],
        keep: timedelta,
    ) -> list[Delivery]:
        """Up to `most` that are due, the longest due first; nobody else gets them for `keep`.

        Args:
            per_host, busy: so many of one host, and none of these hosts.
            per_caller, calling: so many of one caller, less those it has under way. Who has no name is not counted.
        """
        table = webhooks.c
        due = [table.state == "pending", table.next_at <= now]
        if busy:
            due.append(table.host.not_in(busy))
        of_host = func.row_number().over(partition_by=table.host, order_by=(table.next_at, table.id)).label("of_host")
        hosts = select(table.id, table.next_at, table.caller, of_host).where(*due).subquery()
        order = (hosts.c.next_at, hosts.c.id)
        of_caller = func.row_number().over(partition_by=hosts.c.caller, order_by=order).label("of_caller")
        callers = select(hosts, of_caller).where(hosts.c.of_host <= per_host).subquery()
        chosen = (
            select(callers.c.id)
            .where(or_(callers.c.caller.is_(None), callers.c.of_caller <= per_caller))
            .order_by(callers.c.next_at)
            # As many more as those that have some under way may be too many.
            .limit(most + sum(calling.values()))
            .subquery()
        )
        due_now = self._connection.execute(
            select(table.id, table.review_id, table.url, table.host, table.payload, table.caller, table.attempts)
            .where(table.id.in_(select(chosen.c.id)), *due)
            .order_by(table.next_at, table.id)
            .with_for_update(skip_locked=True)
        ).all()
        taken = Counter(calling)
        found: list[Any] = []
        for row in due_now:
            if len(found) < most and (row.caller is None or taken[row.caller] < per_caller):
                taken[row.caller] += 1
                found.append(row)
        if found:
            self._connection.execute(
                update(webhooks)
                .where(table.id.in_([row.id for row in found]))
                .values(attempts=table.attempts + 1, next_at=now + keep)
            )
        return [
            Delivery(row.id, row.review_id, row.url, row.host, row.payload, row.caller, row.attempts + 1)
            for row in found
        ]

    def next_due(self) -> datetime | None:
        """When the next one that is not settled may be taken."""
        found: datetime | None = self._connection.execute(
            select(func.min(webhooks.c.next_at)).where(webhooks.c.state == "pending")
        ).scalar_one()
        return found

    def settle(
        self, delivery: Delivery, now: datetime, kind: str, details: Mapping[str, Any], *, again_at: datetime | None
    ) -> None:
        """Write down how it went, for the review's history too.

        Args:
            kind: of the event: webhook_delivered, webhook_failed or webhook_given_up.
            again_at: when to try again; None when it is over.
        """
        table = webhooks.c
        state = {"webhook_delivered": "delivered", "webhook_failed": "pending", "webhook_given_up": "given_up"}[kind]
        values: dict[str, Any] = {"state": state}
        if again_at is not None:
            values["next_at"] = again_at
        # One that was withdrawn while it was under way stays withdrawn.
        self._connection.execute(
            update(webhooks).where(table.id == delivery.id, table.state == "pending").values(values)
        )
        version = select(reviews.c.version).where(reviews.c.id == delivery.review_id).scalar_subquery()
        self._connection.execute(
            insert(review_events)
            .inline()
            .values(
                review_id=delivery.review_id,
                at=now,
                kind=kind,
                by=None,
                version=version,
                details=json.dumps({"webhook_id": delivery.id, "attempt": delivery.attempt, **details}),
            )
        )

    def states(self, review_id: str) -> Sequence[tuple[str, str, int]]:
        """Id, state and attempts of each, oldest first."""
        table = webhooks.c
        rows = self._connection.execute(
            select(table.id, table.state, table.attempts)
            .where(table.review_id == review_id)
            .order_by(table.created_at, table.id)
        ).all()
        return [(row.id, row.state, row.attempts) for row in rows]
