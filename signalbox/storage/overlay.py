"""What the asker sees of a prediction once a person has decided: the stored record, with the decision laid over it.

The record itself never changes. A person's answer carries no confidence: it is a judgement, not a calibrated
probability, so `confidence` is None, and the guarantee, which is about answers given without a person, is None too.
A label that a person chose has probability 1 because the field must have one, and a number an interval of itself.
"""

from __future__ import annotations

import json
from datetime import datetime

from signalbox.storage.review_rows import StoredReview
from signalbox.types import Answer, LabelAnswer, Outcome, Prediction, ValueAnswer

# What a verdict makes of the prediction, and the reason where there is no answer.
OUTCOMES: dict[str, Outcome] = {
    "right": "answered",
    "wrong": "answered",
    "unanswerable": "refused",
    "unsafe": "refused",
}
_REFUSALS = {
    "unanswerable": "A person has decided: this can't be answered from what is known here.",
    "unsafe": "A person has decided: this must not be answered.",
}


def with_review(prediction: Prediction, review: StoredReview, now: datetime) -> Prediction:
    """`prediction` as its review leaves it at `now`."""
    assert prediction.review is not None, "a review belongs to a prediction in review"
    state = "decided" if review.state == "decided" else "claimed" if review.held_by(now) else "waiting"
    reference = prediction.review.model_copy(update={"state": state})
    if review.verdict is None:
        return prediction.model_copy(update={"review": reference})
    kept = review.verdict == "right"
    return prediction.model_copy(
        update={
            "outcome": OUTCOMES[review.verdict],
            "reason": _REFUSALS.get(review.verdict),
            "answer": _answer(prediction, review),
            "route": "review",
            "confidence": None,
            # The quotes and contributions spoke for the provisional answer.
            "evidence": prediction.evidence if kept else (),
            "guarantee": None,
            "review": reference,
        }
    )


def _answer(prediction: Prediction, review: StoredReview) -> Answer | None:
    if review.verdict == "right" and prediction.answer is not None:
        return prediction.answer.model_copy(update={"provisional": False})
    if review.verdict == "wrong":
        labels = json.loads(review.labels) if review.labels else {}
        numbers = _numbers(prediction, review)
        return Answer(
            text=review.correction,
            labels=tuple(
                LabelAnswer(task=task, label=label, probability=1.0, set=(label,)) for task, label in labels.items()
            )
            or None,
            value=numbers[0] if numbers else None,
            values=numbers if len(numbers) > 1 else None,
        )
    return None


def _numbers(prediction: Prediction, review: StoredReview) -> tuple[ValueAnswer, ...]:
    """What a person said, in the units of the provisional answer."""
    units = {number.task: number.unit for number in prediction.answer.numbers} if prediction.answer else {}
    said: dict[str, float] = json.loads(review.numbers) if review.numbers else {}
    return tuple(
        ValueAnswer(estimate=number, low=number, high=number, level=1.0, unit=units.get(task), task=task)
        for task, number in said.items()
    )
