"""What a review's row and its events hold, and what a list of reviews may ask for. No SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredReview:
    """One review as its row has it, with the body of its prediction; `labels` and `numbers` are JSON text."""

    id: str
    prediction_id: str
    created_at: datetime
    state: str
    reason: str | None
    version: int
    priority: float
    rank: float
    webhook_url: str | None
    claimed_by: str | None
    claimed_at: datetime | None
    lease_expires_at: datetime | None
    outcome: str | None
    verdict: str | None
    correction: str | None
    labels: str | None
    numbers: str | None
    comment: str | None
    decided_by: str | None
    decided_at: datetime | None
    body: str

    def held_by(self, now: datetime) -> str | None:
        """Who holds it at `now`; None once the lease is over, whether or not its end was written down yet."""
        over = self.lease_expires_at is None or self.lease_expires_at <= now
        return None if self.state != "claimed" or over else self.claimed_by


@dataclass(frozen=True, slots=True)
class StoredEvent:
    at: datetime
    kind: str
    by: str | None
    version: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """What a list shows; None shows all. `text` is looked for in queries, `reason` in reasons."""

    state: str | None = None
    reason: str | None = None
    text: str | None = None
    claimed_by: str | None = None
    decided_by: str | None = None
    verdict: str | None = None
