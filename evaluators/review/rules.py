"""Who may do what to a review in which state: pure checks over a stored row, each refusal saying how to go on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from evaluators.review.types import STATES, VERDICTS, ReviewDecision
from signalbox.errors import Conflict, InvalidInput, UnknownName
from signalbox.storage.review_rows import ReviewFilter, StoredEvent, StoredReview
from signalbox.storage.rows import from_body

MAX_REVIEWER = 200


def check_reviewer(reviewer: str) -> str:
    """Raises InvalidInput unless it is a name: 1 to 200 printable characters."""
    if not 1 <= len(reviewer) <= MAX_REVIEWER or not reviewer.strip() or not reviewer.isprintable():
        raise InvalidInput(f"reviewer must be a name of 1 to {MAX_REVIEWER} printable characters.", field="reviewer")
    return reviewer


def check_filter(wanted: ReviewFilter) -> ReviewFilter:
    """Raises UnknownName for a state or verdict that there is none of."""
    for field, value, known in (("state", wanted.state, STATES), ("verdict", wanted.verdict, VERDICTS)):
        if value is not None and value not in known:
            raise UnknownName(f"There is no {field} {value!r}; there are {', '.join(known)}.", field=field)
    return wanted


def refuse_foreign(record: StoredReview, reviewer: str, now: datetime) -> None:
    """Raises Conflict when someone else holds it."""
    holder = record.held_by(now)
    if holder is not None and holder != reviewer:
        raise Conflict(
            f"{record.id} is claimed by {holder} until {_clock(record.lease_expires_at)}. Take another one, or come "
            "back after that.",
            field="id",
        )


def refuse_decided(record: StoredReview) -> None:
    if record.state == "decided":
        raise Conflict(
            f"{record.id} was decided by {record.decided_by} at {_clock(record.decided_at)} ({record.verdict}).",
            field="id",
        )


def require_held(record: StoredReview, reviewer: str, now: datetime) -> None:
    """Raises Conflict unless `reviewer` holds it at `now`."""
    refuse_decided(record)
    refuse_foreign(record, reviewer, now)
    if record.held_by(now) is None:
        raise Conflict(f"{record.id} is not claimed by {reviewer}, or no longer. Claim it again.", field="id")


def require_version(record: StoredReview, version: int) -> None:
    if record.version != version:
        raise Conflict(
            f"{record.id} has changed: it has version {record.version} now, and the decision is about version "
            f"{version}. Look at it again, then decide.",
            field="item_version",
        )


def require_fitting(record: StoredReview, decision: ReviewDecision) -> None:
    """Raises InvalidInput for `right` where there is no provisional answer to be right."""
    if decision.verdict == "right" and from_body(record.prediction_id, record.body).answer is None:
        raise InvalidInput(
            f"{record.id} has no provisional answer that could be right. Say wrong and give the answer as correction, "
            "or unanswerable.",
            field="verdict",
        )


def same_decision(record: StoredReview, reviewer: str, decision: ReviewDecision) -> bool:
    """Whether `record` is as this very decision has left it: it was sent twice."""
    return (
        record.state == "decided"
        and record.version == decision.item_version + 1
        and record.decided_by == reviewer
        and (record.verdict, record.correction, record.comment)
        == (decision.verdict, decision.correction, decision.comment)
        and (json.loads(record.labels) if record.labels else None) == decision.labels
        and (json.loads(record.numbers) if record.numbers else None) == decision.values
    )


def skipped_already(events: list[StoredEvent], reviewer: str, decision: ReviewDecision) -> bool:
    """Whether the skip was sent before."""
    return decision.verdict == "skip" and any(
        event.kind == "skipped" and event.by == reviewer and event.version == decision.item_version + 1
        for event in events
    )


def require_undoable(
    record: StoredReview, last: StoredEvent | None, reviewer: str, now: datetime, window: timedelta, *, admin: bool
) -> None:
    """Raises Conflict unless the last thing that happened was a decision or skip of `reviewer`, within `window`."""
    acted = last is not None and last.kind in ("decided", "skipped") and last.version == record.version
    if not acted or last is None or record.held_by(now) is not None:
        refuse_foreign(record, reviewer, now)
        raise Conflict(f"There is no decision on {record.id} to undo.", field="id")
    if last.by != reviewer and not admin:
        raise Conflict(
            f"{last.by} has {last.kind} {record.id}; only {last.by} or an administrator may undo that.", field="id"
        )
    if now - last.at > window:
        raise Conflict(
            f"{record.id} was {last.kind} at {_clock(last.at)}; that can be undone for "
            f"{window.total_seconds() / 60:g} minutes only.",
            field="id",
        )


def _clock(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")
