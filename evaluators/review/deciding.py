"""What a decision makes of an item, its prediction, its history and whoever is to be told: one act, checked whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from evaluators.review import rules
from evaluators.review.notices import notice_of
from evaluators.review.types import ReviewDecision
from signalbox.errors import NotFound, SignalboxError
from signalbox.storage.outbox import Outbox
from signalbox.storage.overlay import OUTCOMES
from signalbox.storage.review_rows import StoredReview
from signalbox.storage.reviews import ReviewTable

MAX_HISTORY = 1_000
NOT_HELD: Mapping[str, Any] = {"claimed_by": None, "claimed_at": None, "lease_expires_at": None}


@dataclass(frozen=True, slots=True)
class Judgement:
    """`decision` of `reviewer` on the item called `id`."""

    id: str
    reviewer: str
    decision: ReviewDecision


def decide_all(
    connection: Any, judgements: Sequence[Judgement], now: datetime, skip: timedelta
) -> list[StoredReview | Exception]:
    """Each item as it is afterwards, or why the decision on it is refused."""
    table = ReviewTable(connection)
    items = table.get_all({judgement.id for judgement in judgements})
    outcomes: list[StoredReview | Exception] = []
    changed: list[tuple[Judgement, StoredReview]] = []
    for judgement in judgements:
        try:
            before = items.get(judgement.id)
            if before is None:
                raise missing(judgement.id)
            after = _decided(table, before, judgement, now)
        except SignalboxError as error:
            outcomes.append(error)
            continue
        outcomes.append(after)
        if after is not before:
            items[judgement.id] = after
            changed.append((judgement, after))
    _write(connection, table, changed, now, skip)
    return outcomes


def missing(id: str) -> NotFound:  # noqa: A002
    return NotFound(f"There is no review {id!r}.", field="id")


def _decided(table: ReviewTable, record: StoredReview, judgement: Judgement, now: datetime) -> StoredReview:
    """`record` after the decision; `record` itself where the decision was sent before."""
    decision, reviewer = judgement.decision, judgement.reviewer
    if rules.same_decision(record, reviewer, decision):
        return record
    late_skip = decision.verdict == "skip" and record.version != decision.item_version
    if late_skip and rules.skipped_already(table.events(record.id, MAX_HISTORY), reviewer, decision):
        return record
    rules.refuse_foreign(record, reviewer, now)
    rules.refuse_decided(record)
    rules.require_version(record, decision.item_version)
    if decision.verdict == "skip":
        return replace(record, state="waiting", version=record.version + 1, **NOT_HELD)
    rules.require_fitting(record, decision)
    return replace(
        record,
        state="decided",
        version=record.version + 1,
        claimed_by=None,
        # How long the work took is counted from it.
        claimed_at=record.claimed_at if record.held_by(now) == reviewer else None,
        lease_expires_at=None,
        outcome=OUTCOMES[decision.verdict],
        verdict=decision.verdict,
        correction=decision.correction,
        labels=None if decision.labels is None else json.dumps(decision.labels, ensure_ascii=False),
        numbers=None if decision.values is None else json.dumps(decision.values, ensure_ascii=False),
        comment=decision.comment,
        decided_by=reviewer,
        decided_at=now,
    )


def _write(
    connection: Any,
    table: ReviewTable,
    changed: Sequence[tuple[Judgement, StoredReview]],
    now: datetime,
    skip: timedelta,
) -> None:
    table.save(*(record for _, record in changed))
    for judgement, record in changed:
        decision = judgement.decision
        if decision.verdict == "skip":
            table.skip(record.id, judgement.reviewer, now, now + skip)
        elif (notice := notice_of("prediction.reviewed", record, now)) is not None:
            Outbox(connection).replace(record.id, notice, now)
    table.add_events(
        now,
        [
            (
                "skipped" if judgement.decision.verdict == "skip" else "decided",
                judgement.reviewer,
                record,
                judgement.decision.model_dump(exclude_none=True),
            )
            for judgement, record in changed
        ],
    )
