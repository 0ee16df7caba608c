"""The queue's figures from its rows: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import fmean, median
from typing import Any

from evaluators.review.types import VERDICTS, Agreement, ReviewStats

# Decisions that medians and agreement are of: enough for both, and bounded.
CONSIDERED = 1_000
_SURE = 0.5


def review_stats(
    counts: Mapping[str, int], oldest_at: datetime | None, latest: Sequence[Any], now: datetime
) -> ReviewStats:
    """`latest` are rows of `ReviewTable.latest_decisions`."""
    waits = [_ms(row.created_at, row.decided_at) for row in latest]
    works = [_ms(row.claimed_at, row.decided_at) for row in latest if row.claimed_at is not None]
    said = Counter(row.verdict for row in latest)
    return ReviewStats(
        **counts,
        oldest_at=oldest_at,
        oldest_age_ms=None if oldest_at is None else _ms(oldest_at, now),
        considered=len(latest),
        median_wait_ms=median(waits) if waits else None,
        median_work_ms=median(works) if works else None,
        verdicts={verdict: said[verdict] for verdict in VERDICTS},
        reviewers=dict(Counter(row.decided_by for row in latest).most_common(100)),
        agreement=_agreement(latest),
    )


def _agreement(latest: Sequence[Any]) -> Agreement:
    pairs = [
        (float(row.confidence), row.verdict == "right")
        for row in latest
        if row.verdict in ("right", "wrong") and row.confidence is not None
    ]
    if not pairs:
        return Agreement(measured=0, right=0)
    return Agreement(
        measured=len(pairs),
        right=sum(right for _, right in pairs),
        mean_confidence=fmean(confidence for confidence, _ in pairs),
        brier=fmean((confidence - right) ** 2 for confidence, right in pairs),
        agreed=fmean((confidence >= _SURE) == right for confidence, right in pairs),
    )


def _ms(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() * 1000)
