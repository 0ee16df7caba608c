"""Giving out the first of the queue to many at once. Who gets which item is `assign`, which is pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from signalbox.storage.review_rows import StoredReview
from signalbox.storage.reviews import ReviewTable

# Leases put back at once; more are found at the next claim.
_FREED = 200


@dataclass(frozen=True, slots=True)
class Claim:
    reviewer: str
    limit: int


def claim_all(table: ReviewTable, claims: Sequence[Claim], now: datetime, lease: timedelta) -> list[list[StoredReview]]:
    """Put back what is held too long, then give each what is first for him."""
    table.free_expired(now, _FREED)
    skipped = table.skipped_by({claim.reviewer for claim in claims}, now)
    wanted = sum(claim.limit for claim in claims)
    found = table.next_waiting(wanted + sum(map(len, skipped.values())))
    given = [
        [held(record, claim.reviewer, now, lease) for record in records]
        for claim, records in zip(claims, assign(claims, found, skipped), strict=True)
    ]
    if changed := [record for records in given for record in records]:
        table.save_claims(changed)
        until = {"until": (now + lease).isoformat()}
        table.add_events(now, [("claimed", record.claimed_by, record, until) for record in changed])
    return given


def assign(
    claims: Sequence[Claim], found: Sequence[StoredReview], skipped: Mapping[str, Collection[str]]
) -> list[list[StoredReview]]:
    """Who gets what of `found`, which is in the queue's order: first come, first served, nobody what he has skipped."""
    left = list(found)
    given: list[list[StoredReview]] = []
    for claim in claims:
        avoided = skipped.get(claim.reviewer, ())
        mine = [record for record in left if record.id not in avoided][: claim.limit]
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
