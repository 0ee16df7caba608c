"""What reviewers see and say: items, decisions, history, figures. Their JSON form is the wire form."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from signalbox.storage.review_rows import StoredEvent, StoredReview
from signalbox.storage.rows import from_body
from signalbox.types import Answer, Frozen, Prediction, Probability

State = Literal["waiting", "claimed", "decided"]
Verdict = Literal["right", "wrong", "unanswerable", "unsafe"]
DecisionVerdict = Literal[Verdict, "skip"]
STATES: tuple[State, ...] = get_args(State)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
EventKind = Literal[
    "queued",
    "claimed",
    "released",
    "expired",
    "skipped",
    "decided",
    "undone",
    "webhook_delivered",
    "webhook_failed",
    "webhook_given_up",
]

MAX_CORRECTION = 20_000
MAX_COMMENT = 5_000
MAX_LABELS = 50
MAX_LABEL = 200


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode, without half a surrogate pair") from None
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank; leave it out instead")
    return _storable(text)


Text = AfterValidator(_said)
_Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL), Text]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class ReviewDecision(Frozen):
    """What a person says of an item, seen in the state `item_version`.

    `wrong` comes with the right answer: a text, labels (task to label), values (task to number), or several of them.
    `skip` leaves it to others.
    """

    item_version: int = Field(ge=1, le=2_147_483_647, description="`version` of the item as it was looked at.")
    verdict: DecisionVerdict
    correction: Annotated[str, Field(min_length=1, max_length=MAX_CORRECTION), Text] | None = Field(
        None, description="The right answer; only with `wrong`."
    )
    labels: Annotated[dict[_Name, _Name], Field(min_length=1, max_length=MAX_LABELS)] | None = Field(
        None, description="The right label of each task; only with `wrong`."
    )
    values: Annotated[dict[_Name, _Number], Field(min_length=1, max_length=MAX_LABELS)] | None = Field(
        None, description="The right number of each task, in its own unit; only with `wrong`."
    )
    comment: Annotated[str, Field(min_length=1, max_length=MAX_COMMENT), Text] | None = Field(
        None, description="For other reviewers; the asker doesn't see it."
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        corrected = any(given is not None for given in (self.correction, self.labels, self.values))
        if self.verdict == "wrong" and not corrected:
            raise ValueError("wrong needs the right answer: give correction or labels, or values for numbers")
        if self.verdict != "wrong" and corrected:
            raise ValueError(f"correction, labels and values belong to wrong, not to {self.verdict}")
        return self


class DecisionRecord(Frozen):
    """A decision as it was taken."""

    verdict: Verdict
    correction: str | None = None
    labels: dict[str, str] | None = None
    values: dict[str, float] | None = None
    comment: str | None = None
    by: str
    at: datetime


class ReviewItem(Frozen):
    """One prediction that waits, or waited, for a person. `prediction` is as it was made, with the provisional answer.

    `priority` is 0 to 1, see `signalbox.storage.priority`. `claimed_by` is None once a lease is over.
    """

    id: str
    prediction_id: str
    state: State
    reason: str | None
    version: int
    priority: Probability
    created_at: datetime
    claimed_by: str | None = None
    lease_expires_at: datetime | None = None
    decision: DecisionRecord | None = None
    prediction: Prediction

    @classmethod
    def of(cls, record: StoredReview, now: datetime) -> Self:
        holder = record.held_by(now)
        state: State = "decided" if record.state == "decided" else "claimed" if holder else "waiting"
        prediction = from_body(record.prediction_id, record.body)
        assert prediction.review is not None, "a review belongs to a prediction in review"
        reference = prediction.review.model_copy(update={"state": state})
        return cls(
            id=record.id,
            prediction_id=record.prediction_id,
            state=state,
            reason=record.reason,
            version=record.version,
            priority=min(1.0, max(0.0, record.priority)),
            created_at=record.created_at,
            claimed_by=holder,
            lease_expires_at=record.lease_expires_at if holder else None,
            decision=_decision(record),
            prediction=prediction.model_copy(update={"review": reference}),
        )


class ReviewPage(Frozen):
    """Some of the items, and the cursor of the next ones; None where there are no more."""

    items: list[ReviewItem]
    next_cursor: str | None = None


class ReviewEvent(Frozen):
    """One thing that happened to an item; `version` is the item's after it. `by` is None where it was nobody."""

    at: datetime
    kind: EventKind
    by: str | None = None
    version: int
    details: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, event: StoredEvent) -> Self:
        return cls.model_validate(
            {"at": event.at, "kind": event.kind, "by": event.by, "version": event.version, "details": event.details}
        )


class Agreement(Frozen):
    """How far people agree with the confidence of the provisional answers they called right or wrong.

    `mean_confidence` near `right / measured` means that confidence was honest; `brier` is the mean squared difference
    of the two, 0 is best. All None while nothing is measured.
    """

    measured: int = Field(ge=0)
    right: int = Field(ge=0)
    mean_confidence: Probability | None = None
    brier: Probability | None = None
    agreed: Probability | None = Field(None, description="Share in which confidence was at or above 0.5 just if right.")


class ReviewStats(Frozen):
    """The queue at a glance. Medians and agreement are of the latest decisions, `considered` of them."""

    waiting: int
    claimed: int
    decided: int
    oldest_at: datetime | None = Field(None, description="When the oldest undecided item came in.")
    oldest_age_ms: float | None = None
    considered: int
    median_wait_ms: float | None = Field(None, description="From coming in to the decision.")
    median_work_ms: float | None = Field(None, description="From being claimed to the decision.")
    verdicts: dict[Verdict, int]
    reviewers: dict[str, int] = Field(description="Decisions by person, of those considered.")
    agreement: Agreement


class ReviewCase(Frozen):
    """One decided item as a label to learn from: `answer` and `confidence` are the provisional ones."""

    id: str
    prediction_id: str
    created_at: datetime
    query: str | None
    answer: Answer | None
    confidence: Probability | None
    policy: str
    reason: str | None
    verdict: Verdict
    correction: str | None
    labels: dict[str, str] | None
    # Not given by services older than this.
    values: dict[str, float] | None = None
    comment: str | None
    by: str
    at: datetime

    @classmethod
    def of(cls, item: ReviewItem) -> Self:
        assert item.decision is not None, "only decided items are cases"
        made = item.prediction
        return cls(
            id=item.id,
            prediction_id=item.prediction_id,
            created_at=item.created_at,
            query=made.query,
            answer=made.answer,
            confidence=made.confidence,
            policy=made.policy,
            reason=item.reason,
            **item.decision.model_dump(),
        )


def _decision(record: StoredReview) -> DecisionRecord | None:
    if record.verdict is None:
        return None
    return DecisionRecord.model_validate(
        {
            "verdict": record.verdict,
            "correction": record.correction,
            "labels": json.loads(record.labels) if record.labels else None,
            "values": json.loads(record.numbers) if record.numbers else None,
            "comment": record.comment,
            "by": record.decided_by,
            "at": record.decided_at,
        }
    )
