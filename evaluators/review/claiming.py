"""Giving out the first of the queue to many at once: those who ask while a write is under way share the next one.

A claim alone takes four statements; fifty one after the other would take longer than a person should wait for the
fiftieth. Who gets which item is `assign`, which is pure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from signalbox.errors import Overloaded
from signalbox.storage import Database
from signalbox.storage.reviews import ReviewTable, StoredReview

MAX_WAITING = 1_000
_TOGETHER = 64
# Leases put back at once; more are found at the next claim.
_FREED = 200


@dataclass(eq=False, slots=True)
class _Request:
    reviewer: str
    limit: int
    done: asyncio.Future[tuple[list[StoredReview], datetime]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Claims:
    """For one event loop."""

    def __init__(self, database: Database, *, lease: timedelta, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._lease = lease
        self._clock = clock
        self._waiting: list[_Request] = []
        self._task: asyncio.Task[None] | None = None

    async def claim(self, reviewer: str, limit: int) -> tuple[list[StoredReview], datetime]:
        """What is `reviewer`'s now, up to `limit` items, and the time it was claimed at.

        Raises:
            Overloaded: too many claims, or other writes, are waiting.
            Unavailable: nothing is known to be claimed.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING:,} claims are waiting already; try again in a moment.")
        request = _Request(reviewer, limit)
        self._waiting.append(request)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="review-claims")
        return await request.done

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                # Whoever has gone meanwhile would hold what nobody looks at until the lease ends.
                requests = [request for request in taken if not request.done.done()]
                if requests:
                    await self._serve(requests)
        finally:
            self._task = None

    async def _serve(self, requests: Sequence[_Request]) -> None:
        now = self._clock()
        try:
            given = await self._database.write(lambda connection: self._give(ReviewTable(connection), requests, now))
        except BaseException as error:
            for request in requests:
                if not request.done.done():
                    request.done.set_exception(error) if isinstance(error, Exception) else request.done.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for request, records in zip(requests, given, strict=True):
            if not request.done.done():
                request.done.set_result((records, now))

    def _give(self, table: ReviewTable, requests: Sequence[_Request], now: datetime) -> list[list[StoredReview]]:
        table.free_expired(now, _FREED)
        skipped = table.skipped_by({request.reviewer for request in requests}, now)
        wanted = sum(request.limit for request in requests)
        found = table.next_waiting(wanted + sum(map(len, skipped.values())))
        given = [
            [held(record, request.reviewer, now, self._lease) for record in records]
            for request, records in zip(requests, assign(requests, found, skipped), strict=True)
        ]
        if changed := [record for records in given for record in records]:
            table.save_claims(changed)
            table.add_events("claimed", now, changed, {"until": (now + self._lease).isoformat()})
        return given


def assign(
    requests: Sequence[_Request], found: Sequence[StoredReview], skipped: Mapping[str, Collection[str]]
) -> list[list[StoredReview]]:
    """Who gets what of `found`, which is in the queue's order: first come, first served, nobody what he has skipped."""
    left = list(found)
    given: list[list[StoredReview]] = []
    for request in requests:
        avoided = skipped.get(request.reviewer, ())
        mine = [record for record in left if record.id not in avoided][: request.limit] if avoided else []
        mine = mine if avoided else left[: request.limit]
        taken = {record.id for record in mine}
        left = [record for record in left if record.id not in taken]
        given.append(mine)
    return given


def held(record: StoredReview, reviewer: str, now: datetime, lease: timedelta) -> StoredReview:
    """`record` as it is once `reviewer` has claimed it."""
    return replace(
        record,
        state="claimed",
        version=record.version + 1,
        claimed_by=reviewer,
        claimed_at=now,
        lease_expires_at=now + lease,
    )
